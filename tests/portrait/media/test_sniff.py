"""What the first bytes tell."""

from __future__ import annotations

import subprocess
import sys

import pytest

from portrait.media import MEDIA_TYPES, describe, limits_for, sniff
from tests import media_samples as samples


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    """The first box of an ISO base media file, and the beginning of the next."""
    body = major + bytes(4) + b"".join(compatible)
    return (8 + len(body)).to_bytes(4, "big") + b"ftyp" + body + b"\x00\x00\x00\x08free"


@pytest.mark.parametrize("format_name", [*samples.IMAGE_FORMATS, *samples.CLIP_FORMATS])
def test_real_files_are_named(format_name):
    """A real file of every format that the limits name is told by its bytes, with type, MIME and ending."""
    media = sniff(samples.sample(format_name)[:4096])
    assert media is MEDIA_TYPES[format_name]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (ftyp(b"isom", b"isom", b"iso2", b"avc1", b"mp41"), "mp4"),
        (ftyp(b"mp42"), "mp4"),
        (ftyp(b"XAVC", b"XAVC", b"mp42", b"iso2"), "mp4"),
        (ftyp(b"M4V ", b"mp42"), "mp4"),
        (ftyp(b"iso5", b"dash"), "mp4"),
        (ftyp(b"isoc"), "mp4"),
        (ftyp(b"qt  ", b"qt  "), "mov"),
        (ftyp(b"isml", b"piff"), "mp4"),
        (ftyp(b"cmfc"), "mp4"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", "asf"),
        (b"FORM\x00\x00\x10\x00AIFFCOMM", "aiff"),
        (b"FORM\x00\x00\x10\x00ILBMBMHD", None),
        (b"#!AMR\n", "amr"),
        (b"caff\x00\x01\x00\x00", "caf"),
        (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", "mov"),
        (b"\x00\x00\x02\x00moov\x00\x00\x00\x6cmvhd", "mov"),
        (ftyp(b"M4A ", b"M4A ", b"mp42", b"isom"), "m4a"),
        (ftyp(b"3gp5", b"3gp5", b"isom"), "3gp"),
        (ftyp(b"heic", b"mif1", b"heic"), "heic"),
        (ftyp(b"mif1", b"mif1", b"heic"), "heic"),
        (ftyp(b"msf1", b"hevc"), "heic"),
        (ftyp(b"mif1", b"mif1", b"miaf"), "heif"),
        (ftyp(b"avif", b"mif1", b"miaf"), "avif"),
        (ftyp(b"mif1", b"avif", b"miaf"), "avif"),
        (ftyp(b"mif1", b"heic", b"avif"), "avif"),
        (ftyp(b"zzzz"), None),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "wav"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "webp"),
        (b"RIFF\x24\x00\x00\x00AVI LIST", "avi"),
        (b"RIFF\x24\x00\x00\x00sfbk", None),
        (b"ID3\x04\x00\x00\x00\x00\x00\x23TSSE", "mp3"),
        (b"\xff\xfb\x90\x00" + bytes(413) + b"\xff\xfb\x90\x00", "mp3"),
        (b"\xff\xfb\x90\x00" + bytes(413) + b"\x12\x34\x56\x78", None),
        (b"\xff\xfb\x90\x00", "mp3"),
        (b"\xff\xf3\x40\x00", "mp3"),
        (b"\xff\xf3\x40\x00" + bytes(100) + b"\xff\xf3\x40\x00" + bytes(120), "mp3"),
        (b"\xff\xfb\xf0\x00", None),
        (b"\xff\xf1\x50\x80", "aac"),
        (b"\xff\xf9\x50\x80", "aac"),
        (b"II*\x00\x08\x00\x00\x00", "tiff"),
        (b"MM\x00*\x00\x00\x00\x08", "tiff"),
        (b"GIF87a", "gif"),
        (b"GIF90a", None),
        (b"BM" + bytes(8) + b"\x36\x00\x00\x00\x28\x00\x00\x00", "bmp"),
        (b"BM" + b"bits" + b"word" + b"\x36\x00\x00\x00\x28\x00\x00\x00", "bmp"),
        (b"BM means something else: a text that begins like a bitmap", None),
        (b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f\x42\x82\x84webm", "webm"),
        (b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f\x42\x82\x88matroska", "matroska"),
        (b"OggS\x00\x02", "ogg"),
        (b"\xff\xfet\x00e\x00x\x00t\x00", None),
        (b"\xef\xbb\xbf<html>", None),
        (b"\xff\xd8", None),
        (b"", None),
        (b"\x00", None),
    ],
)
def test_magic_bytes(head, expected):
    """Containers are told apart by their brands, sync words by a whole header, and text is never media."""
    media = sniff(head)
    assert (media.format if media else None) == expected


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "empty"),
        (samples.HTML, "an HTML page"),
        (b"\xef\xbb\xbf\r\n <HTML lang=en>", "an HTML page"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">', "an SVG drawing"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML document"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive"),
        (samples.TEXT, "text"),
        ("身份验证失败".encode(), "text"),
        ("身份验证失败".encode()[:-1], "text"),
        (b"\x01\x02\x03\xfe\xfd", "in no known format"),
        (b"\xfe\xfd", "in no known format"),
    ],
)
def test_what_is_no_media_is_described(head, words):
    """A page, a document or a text that came instead of a picture is called by its name."""
    assert sniff(head) is None
    assert describe(head) == words


def test_every_format_of_the_limits_has_a_media_type():
    """No limit names a format that the sniffer does not know, and the types agree."""
    for asset_type, held in limits_for().items():
        assert {MEDIA_TYPES[name].asset_type for name in held.formats} == {asset_type}


def test_import_loads_no_media_library():
    """Importing the package, and measuring a JPEG with it, loads neither Pillow nor PyAV nor pillow-heif."""
    code = (
        "import sys; from pathlib import Path; import portrait.media as m; "
        f"assert m.measure(Path({str(samples.PORTRAIT)!r})).width == 720; "
        "assert not {'PIL', 'av', 'pillow_heif'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
