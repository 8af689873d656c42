"""Detection of a file's format by its first bytes.

Knows the magic numbers of the formats that the service accepts and of those that people send by mistake. Names,
suffixes and Content-Type headers are not considered.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from portrait.enums import AssetType

HEAD_BYTES: Final = 4096
"""The number of bytes that `sniff` needs at most; fewer are allowed."""


@frozen
class MediaType:
    """A format and its names.

    Attributes:
        format: The name in the limits: "jpeg", "mp4" …
        mime: The MIME type.
        asset_type: The service's type for it.
        extension: The canonical file ending, with its dot.
    """

    format: str
    mime: str
    asset_type: AssetType
    extension: str


_IMAGE, _VIDEO, _AUDIO = AssetType.IMAGE, AssetType.VIDEO, AssetType.AUDIO

# The raw files of cameras: those of Canon, Nikon, Adobe, Sony, Olympus, Panasonic, Fujifilm, Pentax, Samsung, Sigma,
# Minolta, and of makers without a format of their own name.
_CAMERA_RAW: Final = ("cr2", "cr3", "crw", "nef", "dng", "arw", "orf", "rw2", "raf", "pef", "srw", "x3f", "mrw", "raw")

MEDIA_TYPES: Final[Mapping[str, MediaType]] = MappingProxyType(
    {
        media.format: media
        for media in (
            # Accepted by CreateAsset (contract §5).
            MediaType("jpeg", "image/jpeg", _IMAGE, ".jpg"),
            MediaType("png", "image/png", _IMAGE, ".png"),
            MediaType("webp", "image/webp", _IMAGE, ".webp"),
            MediaType("bmp", "image/bmp", _IMAGE, ".bmp"),
            MediaType("tiff", "image/tiff", _IMAGE, ".tiff"),
            MediaType("gif", "image/gif", _IMAGE, ".gif"),
            MediaType("heic", "image/heic", _IMAGE, ".heic"),
            MediaType("heif", "image/heif", _IMAGE, ".heif"),
            MediaType("mp4", "video/mp4", _VIDEO, ".mp4"),
            MediaType("mov", "video/quicktime", _VIDEO, ".mov"),
            MediaType("wav", "audio/wav", _AUDIO, ".wav"),
            MediaType("mp3", "audio/mpeg", _AUDIO, ".mp3"),
            # Known, so that the violation is FormatUnsupported with a name instead of FormatUndetectable.
            MediaType("avif", "image/avif", _IMAGE, ".avif"),
            MediaType("jxl", "image/jxl", _IMAGE, ".jxl"),
            MediaType("jp2", "image/jp2", _IMAGE, ".jp2"),
            MediaType("ico", "image/x-icon", _IMAGE, ".ico"),
            MediaType("psd", "image/vnd.adobe.photoshop", _IMAGE, ".psd"),
            *(MediaType(name, f"image/x-{name}", _IMAGE, f".{name}") for name in _CAMERA_RAW),
            MediaType("3gp", "video/3gpp", _VIDEO, ".3gp"),
            MediaType("matroska", "video/x-matroska", _VIDEO, ".mkv"),
            MediaType("webm", "video/webm", _VIDEO, ".webm"),
            MediaType("avi", "video/x-msvideo", _VIDEO, ".avi"),
            MediaType("flv", "video/x-flv", _VIDEO, ".flv"),
            MediaType("asf", "video/x-ms-asf", _VIDEO, ".wmv"),
            MediaType("aiff", "audio/aiff", _AUDIO, ".aiff"),
            MediaType("amr", "audio/amr", _AUDIO, ".amr"),
            MediaType("caf", "audio/x-caf", _AUDIO, ".caf"),
            MediaType("m4a", "audio/mp4", _AUDIO, ".m4a"),
            MediaType("aac", "audio/aac", _AUDIO, ".aac"),
            MediaType("flac", "audio/flac", _AUDIO, ".flac"),
            MediaType("ogg", "audio/ogg", _AUDIO, ".ogg"),
        )
    }
)
"""Every format that `sniff` detects."""

# Prefixes that identify a format.
_PREFIXES: Final = (
    (b"FUJIFILMCCD-RAW", "raf"),
    (b"IIRO", "orf"),
    (b"IIRS", "orf"),
    (b"MMOR", "orf"),
    (b"IIU\x00", "rw2"),
    (b"FOVb", "x3f"),
    (b"\x00MRM", "mrw"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00\x08\x00\x00\x00", "tiff"),
    (b"MM\x00+\x00\x08\x00\x00", "tiff"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jxl"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jp2"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"8BPS", "psd"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"#!AMR", "amr"),
    (b"caff\x00\x01", "caf"),
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
)
_RIFF: Final = {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"}

# ISO base media brands (ISO/IEC 14496-12 and 23008-12; registry at mp4ra.org).
_BRANDS: Final = {
    b"qt  ": "mov",
    b"crx ": "cr3",
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), "heic"),
    **dict.fromkeys((b"avif", b"avis"), "avif"),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "), "m4a"),
    **dict.fromkeys(
        (b"mp41", b"mp42", b"mp71", b"avc1", b"hvc1", b"av01", b"dash", b"M4V ", b"M4VP", b"f4v ", b"F4V ", b"MSNV"),
        "mp4",
    ),
    **dict.fromkeys((b"cmfc", b"cmf2", b"isml", b"piff", b"msdh", b"dby1", b"CAEP", b"mmp4"), "mp4"),
    **dict.fromkeys((b"isom", *(b"iso%x" % n for n in range(2, 13))), "mp4"),
}
_IMAGE_CONTAINER_BRANDS: Final = frozenset({b"mif1", b"msf1", b"mif2"})
_OLD_QUICKTIME_ATOMS: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})


def sniff(head: bytes) -> MediaType | None:
    """Detect a media format by its magic bytes.

    Args:
        head: The first `HEAD_BYTES` bytes of a file.

    Returns:
        The format, which the service need not accept; None if it is no media (text, HTML, empty).
    """
    behind = head[tag_length(head) :]
    if behind is not head and len(behind) < 4:
        return MEDIA_TYPES["mp3"]  # the tag fills the head: what is behind it is unknown, and mp3 is usual
    name = _by_prefix(behind) or _by_container(behind) or _by_sync(behind) or ("mp3" if behind is not head else None)
    return MEDIA_TYPES[name] if name else None


def tag_length(head: bytes) -> int:
    """The length in bytes of the ID3 tags that a file starts with; 0 without any. It may exceed that of the head."""
    length = 0
    while head[length : length + 3] == b"ID3" and len(head) >= length + 10:
        # ID3v2.4, 3.1: the length has 7 bits in each of four bytes; a flag says that a footer of 10 bytes follows.
        seven_bits = head[length + 6 : length + 10]
        footer = 10 if head[length + 5] & 0x10 else 0
        length += (
            10 + footer + sum((byte & 0x7F) << shift for byte, shift in zip(seven_bits, (21, 14, 7, 0), strict=True))
        )
    return length


def describe(head: bytes) -> str:
    """Describe in words a file that `sniff` does not detect.

    Args:
        head: The first bytes of a file.

    Returns:
        The end of a sentence that starts with "the file is", such as "empty" or "an HTML page".
    """
    if not head:
        return "empty"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    for prefix, words in _DOCUMENTS:
        if start.startswith(prefix):
            return words
    return "text" if _is_text(head) else "in no known format"


_DOCUMENTS: Final = (
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"%pdf-", "a PDF document"),
    (b"pk\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
)


def _by_prefix(head: bytes) -> str | None:
    if head.startswith((b"II", b"MM")) and head[8:10] == b"CR" and head[2:4] in {b"*\x00", b"\x00*"}:
        return "cr2"
    if head.startswith(b"II") and head[6:14] == b"HEAPCCDR":
        return "crw"
    for prefix, name in _PREFIXES:
        if head.startswith(prefix):
            return name
    # Many texts start with "BM": the header size must be plausible, too. The reserved bytes may hold anything.
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "bmp"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "webm" if b"webm" in head[:64] else "matroska"
    return None


_BMP_HEADER_SIZES: Final = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def _by_container(head: bytes) -> str | None:
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head.startswith(b"FORM") and head[8:12] in {b"AIFF", b"AIFC"}:
        return "aiff"
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    # QuickTime files from before 2001 begin without ftyp.
    if head[4:8] in _OLD_QUICKTIME_ATOMS and int.from_bytes(head[:4], "big") >= 8:
        return "mov"
    return None


def _by_brand(head: bytes) -> str | None:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    major, compatible = head[8:12], [head[at : at + 4] for at in range(16, end - 3, 4)]
    if major in _IMAGE_CONTAINER_BRANDS:
        # The major brand only says "an image"; the codec is among the compatible brands.
        coded = {_BRANDS.get(brand) for brand in compatible}
        return next((name for name in ("avif", "heic") if name in coded), "heif")
    if major[:2] in {b"3g", b"3G"}:
        return "3gp"
    named = (_BRANDS.get(brand) for brand in (major, *compatible))
    return next((name for name in named if name), None)


def _by_sync(head: bytes) -> str | None:
    """MPEG audio without tags: a frame header, followed by a second one if the head is long enough."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "aac"
    length = _mp3_frame_length(head)
    if length is None:
        return None
    following = head[length : length + 4]
    return "mp3" if len(following) < 4 or _mp3_frame_length(following) is not None else None


def _mp3_frame_length(header: bytes) -> int | None:
    """The length of a layer III frame in bytes; None for anything else (ISO/IEC 11172-3, 2.4.1.3)."""
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bitrate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if header[0] != 0xFF or header[1] < 0xE0 or version == 1 or layer != 1 or bitrate in {0, 15} or rate == 3:
        return None
    kbps = (_MPEG1_KBPS if version == 3 else _MPEG2_KBPS)[bitrate]
    hertz = (44100, 48000, 32000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    return (144 if version == 3 else 72) * kbps * 1000 // hertz + padding


_MPEG1_KBPS: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2_KBPS: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def _is_text(head: bytes) -> bool:
    try:
        # The last character may be incomplete.
        text = head[:-3].decode() if len(head) > 3 else head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 6 > 0
    return all(character.isprintable() or character.isspace() for character in text)
