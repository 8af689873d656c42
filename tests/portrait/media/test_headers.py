"""Headers of pictures that no decoder takes, and rare ones that decoders take: Pillow is the judge."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageOps

from portrait.media import measure
from tests import media_samples as samples
from tests.portrait.media.test_hostile import directory, png_chunk, png_of

JPEG = samples.image("jpeg", 640, 480)
FRAME, SCAN = JPEG.index(b"\xff\xc0"), JPEG.index(b"\xff\xda")
TABLES, CODES = JPEG.index(b"\xff\xdb"), JPEG.index(b"\xff\xc4")
OTHER_FRAME = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 900, 900) + b"\x01\x01\x11\x00"
SMALL = samples.image("jpeg", 100, 100)
EXIF = b"II*\x00" + struct.pack("<IHHHIHHI", 8, 1, 274, 3, 1, 6, 0, 0)
GREY = zlib.compress(bytes(301 * 300))
WEBP = samples.image("webp", 640, 480)


def jpeg_with(at: int, new: bytes) -> bytes:
    """A JPEG whose frame header has other bytes from there on, counted from its marker."""
    return JPEG[: FRAME + at] + new + JPEG[FRAME + at + len(new) :]


def webp_of(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP of these chunks, each of an even length."""
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(content)) + content for kind, content in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_canvas(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    """The chunk of a canvas."""
    return b"VP8X", struct.pack("<I", flags) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def tiff_of(*tags: tuple[int, int, int, int], drop: tuple[int, ...] = ()) -> bytes:
    """A TIFF of 400 × 400 grey pixels, with other tags or without some."""
    plain = [(256, 4, 1, 400), (257, 4, 1, 400), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 200)]
    plain += [(277, 3, 1, 1), (278, 4, 1, 400), (279, 4, 1, 160_000)]
    changed = {tag[0]: tag for tag in (*plain, *tags) if tag[0] not in drop}
    return (b"II*\x00\x08\x00\x00\x00" + directory(*sorted(changed.values()))).ljust(200, b"\0") + bytes(160_000)


UNDECODABLE = {
    "jpeg of 12 bits in a baseline frame": jpeg_with(4, b"\x0c"),
    "jpeg without components": jpeg_with(9, b"\x00"),
    "jpeg of more components than its frame header has": jpeg_with(9, b"\x04"),
    "jpeg with a hierarchical frame": jpeg_with(1, b"\xc5"),
    "jpeg with a differential arithmetic frame": jpeg_with(1, b"\xcf"),
    "jpeg with a second frame header": JPEG[:FRAME] + OTHER_FRAME + JPEG[FRAME:],
    "jpeg with a larger frame header behind its scan": SMALL[:-2] + OTHER_FRAME + SMALL[-2:],
    "jpeg that starts twice": JPEG[:2] + JPEG,
    "jpeg without a quantization table": JPEG[:TABLES] + JPEG[FRAME:],
    "jpeg whose scan comes before its frame": JPEG[:FRAME] + JPEG[CODES:-2] + JPEG[FRAME:CODES] + JPEG[-2:],
    "png of an impossible depth": png_of(GREY, header=(3, 0, 0, 0, 0)),
    "png of a palette of 16 bits": png_of(GREY, header=(16, 3, 0, 0, 0)),
    "png of an unknown colour type": png_of(GREY, header=(8, 5, 0, 0, 0)),
    "png of an unknown filter method": png_of(GREY, header=(8, 0, 0, 1, 0)),
    "png of an unknown interlacing": png_of(GREY, header=(8, 0, 0, 0, 2)),
    "png with a chunk without a name": png_of() + png_chunk(b"\0\1\2\3", b"") + png_of(GREY)[33:],
    "png of empty pixels": png_of(b"", b"") + png_chunk(b"IEND", b""),
    "bmp of an unknown compression": samples.image("bmp")[:30] + b"\x63" + samples.image("bmp")[31:],
    "webp whose canvas is larger than its picture": webp_of(webp_canvas(900, 900), (b"VP8 ", WEBP[20:])),
    "webp whose canvas is smaller than its picture": webp_of(webp_canvas(64, 48), (b"VP8 ", WEBP[20:])),
    "webp that begins with something else": webp_of((b"JUNK", bytes(8)), (b"VP8 ", WEBP[20:])),
}


@pytest.mark.parametrize("name", UNDECODABLE)
def test_a_header_that_no_decoder_takes_is_refused(name):
    """It says so, and gives no size; Pillow does not open the file either."""
    data = UNDECODABLE[name]
    measured = measure(data)
    assert measured.problem
    assert measured.width is None
    with pytest.raises((OSError, ValueError, SyntaxError)), Image.open(BytesIO(data)) as image:
        image.load()


@pytest.mark.parametrize("missing", [1, 40, 200, 290])
def test_a_tiff_without_the_tables_of_its_pixels(missing):
    """Some programs write them behind the pixels: a file that was cut off may have these and not those."""
    data = samples.image("tiff", 64, 48, compression="jpeg")
    assert measure(data).problem is None
    assert "cut off" in measure(data[:-missing]).problem


DECODABLE = {
    "jpeg with exif behind its scan": JPEG[:-2] + b"\xff\xe1\x00\x22Exif\0\0" + EXIF + JPEG[-2:],
    "jpeg with exif behind its frame": JPEG[:SCAN] + b"\xff\xe1\x00\x22Exif\0\0" + EXIF + JPEG[SCAN:],
    "webp whose canvas has no exif": webp_of(webp_canvas(640, 480), (b"VP8 ", WEBP[20:]), (b"EXIF", EXIF)),
    "webp whose canvas has exif": webp_of(webp_canvas(640, 480, 8), (b"VP8 ", WEBP[20:]), (b"EXIF", EXIF)),
    "tiff of one strip without a count": tiff_of(drop=(279,)),
    "tiff of a signed width": tiff_of((256, 9, 1, 400)),
}


@pytest.mark.parametrize("name", DECODABLE)
def test_a_rare_file_is_as_large_as_pillow_finds_it(name):
    """Orientation included: EXIF counts where it stands before the pixels, and where the canvas announces it."""
    data = DECODABLE[name]
    measured = measure(data)
    with Image.open(BytesIO(data)) as image:
        assert (measured.width, measured.height) == ImageOps.exif_transpose(image).size
