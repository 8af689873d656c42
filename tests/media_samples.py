"""Makes small real media files for the tests, with Pillow and PyAV, so that no binary has to be kept.

`python -m tests.media_samples` draws the one picture that is kept, `fixtures/media/portrait.jpg`, anew.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import pillow_heif
from PIL import Image, ImageDraw, ImageFilter, ImageOps

PORTRAIT = Path(__file__).parent.parent / "fixtures" / "media" / "portrait.jpg"
HOSTILE = PORTRAIT.parent / "hostile"

IMAGE_FORMATS = ("jpeg", "png", "webp", "bmp", "tiff", "gif", "heic")
CLIP_FORMATS = ("mp4", "mov", "wav", "mp3")
ORIENTATION = 274


@cache
def image(format_name: str = "jpeg", width: int = 640, height: int = 480, *, orientation: int = 1, **options) -> bytes:
    """A picture with a gradient; `options` go to the encoder."""
    ramp = Image.linear_gradient("L").resize((width, height))
    picture = Image.merge("RGB", (ramp, ImageOps.mirror(ramp), ImageOps.flip(ramp)))
    out = BytesIO()
    if format_name in {"heic", "heif"}:
        pillow_heif.from_pillow(picture).save(out, quality=30)
        return out.getvalue()
    if orientation != 1:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    picture.save(out, format_name.upper(), **options)
    return out.getvalue()


@cache
def animation(format_name: str = "gif", width: int = 400, height: int = 320, frames: int = 3) -> bytes:
    """An animated GIF or WebP."""
    pictures = [Image.new("RGB", (width, height), (60 * index, 90, 120)) for index in range(frames)]
    out = BytesIO()
    pictures[0].save(out, format_name.upper(), save_all=True, append_images=pictures[1:], duration=100)
    return out.getvalue()


@cache
def video(
    format_name: str = "mp4",
    width: int = 640,
    height: int = 640,
    *,
    fps: int | Fraction = 24,
    seconds: float = 2,
    audio: bool = True,
    picture: bool = True,
    rotation: int = 0,
    movflags: str = "",
    aspect: Fraction | None = None,
) -> bytes:
    """An MP4 or MOV of one colour, with a silent track; `aspect` is the width of a pixel divided by its height."""
    # With faststart the muxer opens its output a second time, so that it must have a name.
    options = {"movflags": movflags} if movflags else {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "video"
        with av.open(str(path), "w", format=format_name, options=options) as container:
            _encode(container, width, height, fps=fps, seconds=seconds, audio=audio, picture=picture, aspect=aspect)
        return _rotated(path.read_bytes(), rotation)


def _rotated(data: bytes, degrees: int) -> bytes:
    """The file with this display rotation in the matrix of its first track header (ISO/IEC 14496-12, 8.3.2)."""
    if not degrees:
        return data
    a, b = {90: (0, -1), 180: (-1, 0), 270: (0, 1)}[degrees]
    matrix = struct.pack(">5i", a << 16, b << 16, 0, -b << 16, a << 16)
    at = data.index(b"tkhd") + 4 + 40
    return data[:at] + matrix + data[at + len(matrix) :]


def _encode(container, width, height, *, fps, seconds, audio, picture, aspect):
    frames = (
        container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "threads": "1"}) if picture else None
    )
    if frames is not None:
        frames.width, frames.height, frames.pix_fmt = width, height, "yuv420p"
        if aspect is not None:
            frames.codec_context.sample_aspect_ratio = aspect
    sound = container.add_stream("aac", rate=16000, layout="mono") if audio else None
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, value in zip(frame.planes, (90, 110, 150), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    for index in range(round(fps * seconds) if frames is not None else 0):
        frame.pts = index
        container.mux(frames.encode(frame))
    if frames is not None:
        container.mux(frames.encode())
    if sound is not None:
        _silence(container, sound, rate=16000, seconds=seconds, sample="fltp")


@cache
def audio(format_name: str = "wav", *, seconds: float = 3, rate: int = 16000) -> bytes:
    """A silent WAV or MP3."""
    codec, sample = {"wav": ("pcm_s16le", "s16"), "mp3": ("libmp3lame", "s16p")}[format_name]
    out = BytesIO()
    with av.open(out, "w", format=format_name) as container:
        _silence(
            container, container.add_stream(codec, rate=rate, layout="mono"), rate=rate, seconds=seconds, sample=sample
        )
    return out.getvalue()


def _silence(container, stream, *, rate, seconds, sample):
    total = round(rate * seconds)
    step = stream.codec_context.frame_size or 1024
    for start in range(0, total, step):
        frame = av.AudioFrame(sample, "mono", min(step, total - start))
        frame.sample_rate, frame.pts = rate, start
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def sample(format_name: str) -> bytes:
    """A sound file of the format that the limits of CreateAsset take."""
    if format_name in {"mp4", "mov"}:
        return video(format_name)
    return audio(format_name) if format_name in {"wav", "mp3"} else image(format_name)


def cut_off(data: bytes, keep: float = 0.6) -> bytes:
    """The first part of a file, as a broken download leaves it."""
    return data[: int(len(data) * keep)]


def box(kind: bytes, *content: bytes) -> bytes:
    """An ISO base media box."""
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


HTML = b"<!DOCTYPE html>\n<html><body>404</body></html>"
TEXT = "Ceci n'est pas une image, même si le fichier s'appelle photo.jpg.\n".encode()


def draw_portrait(width: int = 720, height: int = 960) -> Image.Image:
    """A drawn face, so that the demo shows somebody without showing anybody."""
    scale = 2
    top, bottom = (196, 214, 226), (120, 150, 172)
    ramp = Image.linear_gradient("L").resize((width * scale, height * scale))
    picture = ImageOps.colorize(ramp, top, bottom)
    draw = ImageDraw.Draw(picture)

    def blob(x, y, rx, ry, fill):
        draw.ellipse([v * scale for v in (x - rx, y - ry, x + rx, y + ry)], fill=fill)

    skin, shade, hair, coat = (232, 190, 160), (214, 166, 136), (62, 42, 36), (54, 74, 110)
    blob(360, 400, 214, 262, hair)
    blob(360, 560, 206, 220, hair)
    blob(360, 1010, 330, 250, coat)
    draw.polygon([(v * scale) for v in (270, 790, 450, 790, 360, 930)], fill=(240, 240, 236))
    draw.rounded_rectangle([v * scale for v in (296, 600, 424, 812)], 60 * scale, fill=shade)
    blob(200, 470, 26, 44, shade)
    blob(520, 470, 26, 44, shade)
    blob(360, 460, 160, 212, skin)
    blob(262, 536, 38, 24, (236, 172, 148))
    blob(458, 536, 38, 24, (236, 172, 148))
    draw.chord([v * scale for v in (186, 210, 534, 560)], 184, 356, fill=hair)
    blob(384, 404, 124, 58, skin)
    for x in (296, 424):
        blob(x, 450, 32, 19, (250, 250, 248))
        blob(x, 450, 17, 18, (84, 110, 92))
        blob(x, 450, 8, 9, (24, 22, 24))
        blob(x + 5, 444, 4, 4, (255, 255, 255))
        draw.arc([v * scale for v in (x - 36, 426, x + 36, 478)], 190, 350, fill=(70, 46, 40), width=4 * scale)
        draw.arc([v * scale for v in (x - 46, 394, x + 46, 450)], 205, 335, fill=hair, width=9 * scale)
    draw.arc([v * scale for v in (330, 500, 390, 558)], 20, 160, fill=(190, 136, 110), width=5 * scale)
    draw.chord([v * scale for v in (302, 560, 418, 632)], 10, 170, fill=(178, 74, 76))
    draw.arc([v * scale for v in (296, 548, 424, 632)], 15, 165, fill=(140, 54, 58), width=5 * scale)
    softened = picture.filter(ImageFilter.GaussianBlur(scale))
    return softened.resize((width, height), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    PORTRAIT.parent.mkdir(parents=True, exist_ok=True)
    draw_portrait().save(PORTRAIT, "JPEG", quality=84, optimize=True)
