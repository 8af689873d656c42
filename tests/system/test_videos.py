"""Videos from assets: both colours and all six providers against the emulator, from the asset to the file."""

import json
import shutil
import subprocess
from contextlib import ExitStack

import pytest

from emulator.environment import emulator
from portrait import PortraitClient
from portrait.errors import InvalidParameter, MediaRejected, NotFound, UsageError
from portrait.media import measure
from portrait.providers import PROVIDERS, Capability
from portrait.tasks import AsyncTaskClient, TaskClient
from portrait.video_models import URL_LIFE, VIDEO_MODELS
from portrait.videos import Reference, VideoStatus
from tests.portrait.helpers import COLOURS, Colour, Driven

MODELS = {
    "alltoken": "seedance-2.0",
    "volcengine": "doubao-seedance-2-0-260128",
    "byteplus": "dreamina-seedance-2-0-260128",
    "xcompute": "doubao-seedance-2.0",
    "apimart": "seedance-2.0",
    "gccai": "doubao-seedance-2.0",
}
GATEWAYS = [name for name in MODELS if PROVIDERS[name].dialect == "tasks"]
ACTIONS = [name for name in MODELS if name not in GATEWAYS]
KEY = "sk-videos"


class Studio:
    """One provider's videos in one colour, and assets of the same customer.

    Attributes:
        service: The emulator.
        videos: With blocking manners, whatever their colour.
        assets: A client of the Actions, which makes assets.
    """

    def __init__(self, provider, colour, stack):
        self.provider, self.model = provider, MODELS[provider]
        self.service = stack.enter_context(emulator(provider=provider, key_providers={KEY: provider}))
        self.assets = stack.enter_context(self.service.client(**({"api_key": KEY} if provider in GATEWAYS else {})))
        client = task_client(colour.name) if provider in GATEWAYS else colour.kind.from_env()
        stack.callback(Driven(client, colour.runner).close)
        self.videos = Driven(client.videos, colour.runner)
        self.group = self.assets.create_asset_group(name="hosts", group_type="AIGC").id

    def asset(self, kind="Image", query="", *, wait=True):
        """The id of an asset, whose review has ended."""
        url = f"https://magic.test/{kind}{query}"
        asset = self.assets.create_asset(group_id=self.group, url=url, asset_type=kind).id
        if wait:
            self.service.clock.advance(60)
        return asset

    def create(self, *references, **fields):
        """A video from these."""
        return self.videos.create(**{"model": self.model, "prompt": "wave", "references": references, **fields})

    @property
    def created(self):
        """How many creates the service has heard."""
        return self.service.calls.count("CreateVideo")


def task_client(colour):
    """A client of the gateway that the environment names, with the key that stands for it."""
    return {"sync": TaskClient, "async": AsyncTaskClient}[colour].from_env(api_key=KEY)


@pytest.fixture(params=COLOURS)
def studio(request, colour_of):
    """Makes the studio of a provider, in each colour."""
    with ExitStack() as stack:
        yield lambda provider: Studio(provider, colour_of(request.param), stack)


@pytest.fixture
def colour_of():
    """Makes a colour."""
    import asyncio  # noqa: PLC0415

    with asyncio.Runner() as runner:
        yield lambda name: Colour(name, COLOURS[name], runner)


@pytest.mark.parametrize("provider", MODELS)
def test_a_video_from_an_asset(studio, provider, tmp_path):
    """It ends in a file that plays, says what it cost, and its address dies after a day."""
    studio = studio(provider)
    queued = studio.create(Reference(studio.asset(), "first_frame"), duration=5)
    assert (queued.status, queued.model) == (VideoStatus.QUEUED, studio.model)
    video = studio.videos.wait(queued)
    assert video.status is VideoStatus.SUCCEEDED
    used = video.cost if provider in GATEWAYS else video.tokens
    assert used > 0
    saved = studio.videos.save(video, tmp_path / "v.mp4")
    assert (measure(saved.read_bytes()).format, measure(saved.read_bytes()).problem) == ("mp4", None)
    studio.service.clock.advance(URL_LIFE + 1)
    with pytest.raises(NotFound, match="24 hours"):
        studio.videos.save(video.id, tmp_path / "late.mp4")
    assert not (tmp_path / "late.mp4").exists()


@pytest.mark.parametrize("provider", ["volcengine", "apimart"])
def test_a_video_of_ones_own_that_is_not_visible_yet(studio, provider):
    """visible-asset: a read may lag behind the create for longer than a moment; nobody has paid for nothing."""
    studio = studio(provider)
    video = studio.create()
    for action in ("GetVideo", "GetTask"):
        studio.service.rules.add(match={"action": action}, when={"first": 4}, do={"error": "NotFound"})
    assert studio.videos.wait(video.id).status is VideoStatus.SUCCEEDED


def test_an_asset_of_ones_own_that_is_not_visible_yet_is_used(studio):
    """visible-asset: the check before the create waits for it; it is no asset of somebody else."""
    studio = studio("alltoken")
    client = PortraitClient.from_env()
    asset = client.create_asset(group_id=studio.group, url="https://magic.test/a.jpg", asset_type="Image").id
    studio.service.clock.advance(60)
    studio.service.rules.add(match={"action": "GetAsset"}, when={"first": 3}, do={"error": "Forbidden"})
    assert client.videos.create(model=studio.model, prompt="wave", references=[Reference(asset, "reference_image")]).id
    client.close()


def test_a_result_comes_in_pieces(studio, tmp_path, monkeypatch):
    """The same bytes, however many requests it takes."""
    studio = studio("alltoken")
    video = studio.videos.wait(studio.create())
    whole = studio.videos.save(video, tmp_path / "a.mp4").read_bytes()
    monkeypatch.setattr("portrait.videos.download.PIECE", len(whole) // 3)
    assert studio.videos.save(video, tmp_path / "b.mp4").read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
def test_ffprobe_accepts_the_file(studio, tmp_path):
    """Five seconds of H.264 in an MP4."""
    studio = studio("alltoken")
    path = studio.videos.save(studio.videos.wait(studio.create(studio.asset())), tmp_path / "v.mp4")
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    assert (found["streams"][0]["codec_name"], round(float(found["format"]["duration"]))) == ("h264", 5)
    assert "mp4" in found["format"]["format_name"]


@pytest.mark.parametrize("provider", ACTIONS)
def test_videos_are_listed_and_cancelled(studio, provider):
    """Where the provider can: newest first; one in the queue stops."""
    studio = studio(provider)
    first, second = studio.create(), studio.create()
    assert [each.id for each in studio.videos.list().items] == [second.id, first.id]
    assert studio.videos.cancel(second.id).status is VideoStatus.CANCELLED
    assert [each.id for each in studio.videos.list(status="cancelled").items] == [second.id]


@pytest.mark.parametrize("provider", GATEWAYS)
def test_a_gateway_has_no_list_and_no_cancel(studio, provider):
    """It is told before anything is sent."""
    studio = studio(provider)
    video = studio.create()
    calls = studio.service.calls.count()
    for call, arguments in (("list", ()), ("cancel", (video.id,))):
        with pytest.raises(UsageError, match=f"{provider} cannot"):
            getattr(studio.videos, call)(*arguments)
    assert studio.service.calls.count() == calls


def stranger(studio):
    """The asset of another customer."""
    with studio.service.client(api_key=studio.service.customer()) as other:
        group = other.create_asset_group(name="theirs", group_type="AIGC").id
        asset = other.create_asset(group_id=group, url="https://magic.test/a.jpg", asset_type="Image").id
    studio.service.clock.advance(60)
    return asset


UNUSABLE = {
    "processing": lambda studio: studio.asset(wait=False),
    "failed": lambda studio: studio.asset(query="?status=Failed&code=FaceMismatch"),
    "of another kind": lambda studio: studio.asset("Video"),
    "foreign": stranger,
    "unknown": lambda _: "asset-20260318035710-xxxxx",
}


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("case", UNUSABLE)
def test_an_asset_that_cannot_be_used_is_refused(studio, provider, case):
    """By the client before anything is sent, where it can read the asset; else by the service, in the same class."""
    studio = studio(provider)
    asset = UNUSABLE[case](studio)
    with pytest.raises(InvalidParameter, match="is not an image" if case == "of another kind" else "is not found"):
        studio.create(asset)
    unread = not PROVIDERS[provider].can(Capability.LIBRARY) or (
        PROVIDERS[provider].shares_assets and case in ("foreign", "unknown")
    )
    assert studio.created == (1 if unread else 0)
    if unread:
        assert studio.service.calls.all("CreateVideo")[0]["outcome"] == "ReferenceRejected"


@pytest.mark.parametrize("provider", ["alltoken", "apimart"])
def test_a_model_that_takes_no_assets_is_refused(studio, provider):
    """Before anything is sent; the service refuses it, too."""
    studio = studio(provider)
    asset = studio.asset()
    model = next(model.name for model in VIDEO_MODELS[provider].values() if not model.takes_assets)
    with pytest.raises(InvalidParameter, match=r"takes no asset:// addresses; .* do"):
        studio.create(asset, model=model)
    assert studio.created == 0


@pytest.mark.parametrize("provider", MODELS)
def test_an_asset_found_dead_afterwards_is_the_same_error(studio, provider):
    """As the create that is refused for it (contract §7, M)."""
    studio = studio(provider)
    asset = studio.asset()
    video = studio.create(asset)
    studio.assets.delete_asset(id=asset)
    with pytest.raises(InvalidParameter, match=f"asset {asset} is not found") as late:
        studio.videos.wait(video)
    with pytest.raises(InvalidParameter, match=f"asset {asset} is not found") as early:
        studio.create(asset)
    assert type(late.value) is type(early.value)


@pytest.mark.parametrize("provider", MODELS)
def test_a_video_that_fails_costs_nothing(studio, provider):
    """The class says why it failed."""
    studio = studio(provider)
    review = {"review": {"code": "InputImageSensitiveContentDetected"}}
    studio.service.rules.add(match={"action": "CreateVideo"}, do=review)
    video = studio.create()
    with pytest.raises(MediaRejected):
        studio.videos.wait(video)
    failed = studio.videos.get(video.id)
    assert (failed.cost or 0, failed.tokens or 0) == (0, 0)


@pytest.mark.parametrize("provider", MODELS)
def test_a_video_that_is_not_there(studio, provider):
    """`NotFound` at each, though apimart answers 400 (contract §8, D)."""
    with pytest.raises(NotFound):
        studio(provider).videos.get("nosuch")
