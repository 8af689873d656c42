"""The application runs against all providers, with nothing changed but the environment."""

from pathlib import Path

import pytest

from emulator.environment import emulator
from portrait.errors import AssetFailed, MediaRejected
from tests.examples import video_app

MODELS = {
    "alltoken": "seedance-2.0",
    "volcengine": "doubao-seedance-2-0-260128",
    "byteplus": "dreamina-seedance-2-0-260128",
    "xcompute": "doubao-seedance-2.0-face",
    "apimart": "seedance-2.0",
    "gccai": "doubao-seedance-2.0",
}
PICTURE = "https://magic.test/ann.png?subject=ann"


@pytest.fixture(params=MODELS)
def service(request, monkeypatch):
    """An emulator of each provider, and the application's configuration."""
    with emulator(provider=request.param) as running:
        monkeypatch.setenv("VIDEO_MODEL", MODELS[request.param])
        monkeypatch.setenv("CALLBACK_URL", "https://app.example/back")
        yield running


def test_a_picture_becomes_a_video(service, tmp_path):
    """An MP4."""
    assert video_app.main(PICTURE, tmp_path / "v.mp4").read_bytes()[4:8] == b"ftyp"
    assert service.calls.count("CreateVideo") == 1


def test_a_person_becomes_a_video(service, tmp_path):
    """Once the person has passed the check, and the picture shows that person."""
    path = video_app.main(
        PICTURE, tmp_path / "v.mp4", lambda session: service.validations.finish(session, subject="ann")
    )
    assert path.read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize(("query", "error"), [("code=FaceMismatch", AssetFailed), ("reject=FpsTooLow", MediaRejected)])
def test_a_picture_that_is_refused(service, tmp_path, query, error):
    """At once or by its review, it is the same error at all providers, and no video is paid for."""
    with pytest.raises(error):
        video_app.main(f"https://magic.test/ann.png?{query}", tmp_path / "v.mp4")
    assert service.calls.count("CreateVideo") == 0
    assert not (tmp_path / "v.mp4").exists()


def test_the_application_is_small():
    """25 lines."""
    assert len(Path(video_app.__file__).read_text(encoding="utf-8").splitlines()) <= 25
