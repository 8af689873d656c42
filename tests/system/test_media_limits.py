"""The limits of CreateAsset for each type of file, by raw HTTP: files on loopback, made one step over a limit."""

import pytest

from tests import media_samples as media
from tests.wire.client import Server
from tests.wire.test_flows import serving


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server process that measures what it can reach on this machine."""
    process = Server(tmp_path_factory.mktemp("media") / "stderr.log")
    yield process
    process.close()


def registered(server, kind, content, name):
    """The code that CreateAsset answers for a file, "" for a success."""
    me = server.customer()
    body = {"GroupId": me.group(), "AssetType": kind}
    with serving() as files:
        files.CONTENT = {f"/{name}": content}
        answer = me.call("CreateAsset", body | {"URL": files.url(f"/{name}")})
    return answer.body["ResponseMetadata"].get("Error", {"Code": ""})["Code"].removeprefix("InvalidParameter.")


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"width": 1280, "height": 720, "fps": 24}, ""),
        ({"seconds": 1.5}, "DurationTooShort"),
        ({"seconds": 31}, "DurationTooLong"),
        ({"fps": 20}, "FpsTooLow"),
        ({"fps": 70}, "FpsTooHigh"),
        ({"width": 640, "height": 480}, "PixelCountTooSmall"),
        ({"width": 1500, "height": 560}, "AspectRatioTooLarge"),
        ({"width": 560, "height": 1500}, "AspectRatioTooSmall"),
    ],
    ids=str,
)
def test_a_video_outside_of_its_limits_is_refused_at_once(server, parameters, code):
    """2 to 30 s, 24 to 60 frames a second, 0.4 to 2.5, at least 407,696 pixels: CreateAsset itself says which."""
    content = media.video(**({"width": 640, "height": 640, "seconds": 2} | parameters))
    assert registered(server, "Video", content, "a.mp4") == code


@pytest.mark.parametrize(
    ("format_name", "seconds", "code"),
    [("wav", 2, ""), ("mp3", 3, ""), ("wav", 1.5, "DurationTooShort"), ("wav", 31, "DurationTooLong")],
)
def test_a_sound_outside_of_its_limits_is_refused_at_once(server, format_name, seconds, code):
    """WAV and MP3 of 2 to 30 seconds."""
    content = media.audio(format_name, seconds=seconds)
    assert registered(server, "Audio", content, f"a.{format_name}") == code


@pytest.mark.parametrize("format_name", ["jpeg", "png", "webp", "bmp", "tiff", "gif", "heif"])
def test_an_image_of_each_format_is_taken(server, format_name):
    """JPEG, PNG, WebP, BMP, TIFF, GIF and HEIF are images."""
    assert registered(server, "Image", media.image(format_name), f"a.{format_name}") == ""


@pytest.mark.parametrize(("kind", "name"), [("Image", "a.wav"), ("Video", "a.jpeg"), ("Audio", "a.mp4")])
def test_a_file_of_another_type_is_refused_at_once(server, kind, name):
    """What is not of the AssetType that the call names is refused, whatever its address says."""
    content = {"a.wav": media.audio(), "a.jpeg": media.image(), "a.mp4": media.video(seconds=3)}[name]
    assert registered(server, kind, content, name) in {"TypeMismatch", "FormatUnsupported"}
