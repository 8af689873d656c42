"""`video`: from assets to a file, and what is said on the way."""

import json

import pytest

from portrait.video_models import URL_LIFE
from portrait.videos import Video, VideoStatus
from portrait.videos.client import Videos
from portrait.videos.models import VideoPage

ARGV = ("video", "create", "She waves.")


@pytest.fixture
def active(client, asset):
    """The asset `front`, whose review has ended."""
    client.wait_until_active(asset)
    return asset


@pytest.fixture
def video(portrait):
    """The id of a video in the queue."""
    return portrait(*ARGV, "--quiet").out.strip()


def test_a_video_is_made_from_assets(portrait, emulator, client, active):
    """By role, in their order, with the provider's first model for assets."""
    other = client.create_asset(
        group_id=client.get_asset(id=active).group_id, url="https://magic.test/b.jpg", asset_type="Image"
    ).id
    client.wait_until_active(other)
    ran = portrait(*ARGV, "--image", f"asset://{active}", "--image", other, "--duration", "-1", "--ratio", "1:1")
    assert ran.code == 0, ran.err
    assert (ran.json["status"], ran.json["model"], ran.json["failure"]) == ("queued", "seedance-2.0", None)
    sent = emulator.calls.all("CreateVideo")[0]["request"]
    assert [each["image_url"]["url"] for each in sent["content"]] == [f"asset://{active}", f"asset://{other}"]
    assert {each["role"] for each in sent["content"]} == {"reference_image"}
    assert (sent["prompt"], sent["duration"], sent["ratio"]) == ("She waves.", -1, "1:1")
    assert portrait(*ARGV, "--first-frame", active, "--quiet").out == f"{client.videos.list().items[0].id}\n"


def test_an_asset_that_cannot_be_used_is_refused(portrait, emulator, asset):
    """Exit code 3, and nothing was sent."""
    ran = portrait(*ARGV, "--first-frame", asset)
    assert ran.code == 3
    assert "is not found" in ran.err
    assert "wait until it is Active" in ran.err
    assert emulator.calls.count("CreateVideo") == 0


def test_a_video_is_waited_for_and_saved(portrait, video, tmp_path):
    """With what it used; the file's address is not printed."""
    path = tmp_path / "wave.mp4"
    ran = portrait("video", "wait", video, "--save", str(path))
    assert ran.code == 0, ran.err
    assert (ran.json["status"], ran.json["file"], ran.json["tokens"] > 0) == ("succeeded", str(path), True)
    assert path.read_bytes()[4:8] == b"ftyp"
    assert "X-Tos" not in ran.out


@pytest.mark.parametrize(("name", "why"), [("", "is not a regular file"), ("none/wave.mp4", "There is no folder")])
def test_a_place_that_cannot_be_written_is_told_before_the_wait(portrait, emulator, tmp_path, name, why):
    """Exit code 2, and the service is not asked."""
    ran = portrait("video", "wait", "vgen_1", "--save", str(tmp_path / name))
    assert (ran.code, why in ran.err, emulator.calls.count()) == (2, True, 0)


def test_people_see_how_far_it_is(portrait, video):
    """On a terminal, each status once, on stderr."""
    ran = portrait("video", "wait", video, terminal=True)
    assert [line for line in ran.err.splitlines() if line] == [f"{video} is queued", f"{video} is running"]
    assert "succeeded" in ran.out


def test_a_wait_has_an_end(portrait, video):
    """Exit code 5, and how it goes on."""
    ran = portrait("video", "wait", video, "--timeout", "1")
    assert (ran.code, f"`portrait video wait {video}` goes on" in ran.err) == (5, True)
    ran = portrait("video", "wait", video, "--timeout", "1", "--save", "my wave.mp4")
    assert f"`portrait video wait {video} --save 'my wave.mp4'` goes on" in ran.err


def test_a_video_that_failed_says_why(portrait, emulator):
    """Exit code 3; `show` has it as a record."""
    emulator.rules.add(match={"action": "CreateVideo"}, do={"review": {"code": "InputImageSensitiveContentDetected"}})
    video = portrait(*ARGV, "--quiet").out.strip()
    ran = portrait("video", "wait", video)
    assert (ran.code, "InputImageSensitiveContentDetected" in ran.err) == (3, True)
    assert portrait("video", "show", video).json["failure"]["code"] == "InputImageSensitiveContentDetected"


def test_a_dead_address_is_told(portrait, emulator, video, tmp_path):
    """After 24 hours; nothing is written."""
    emulator.clock.advance(URL_LIFE + 100)
    ran = portrait("video", "wait", video, "--save", str(tmp_path / "v.mp4"))
    assert (ran.code, "24 hours" in ran.err, list(tmp_path.glob("v*"))) == (3, True, [])


@pytest.mark.parametrize("total", [0, 1, 3, 10**9])
def test_a_list_of_videos_ends(monkeypatch, portrait, total):
    """once-endless, once-short-page: pages that repeat themselves, and a total that is wrong."""
    pages = [["v-1", "v-2"], ["v-2", "v-3"], ["v-3", "v-2"]]

    def page(self, *, page, page_size, status):
        ids = pages[min(page, len(pages)) - 1]
        return VideoPage(items=tuple(Video(id=each, status=VideoStatus.QUEUED) for each in ids), total=total)

    monkeypatch.setattr(Videos, "list", page)
    ran = portrait("video", "list", "--limit", "1000", "--quiet")
    assert ran.out.split() == ["v-1", "v-2", "v-3"]


def test_videos_are_listed(portrait, emulator):
    """Newest first, over pages, by status."""
    videos = [portrait(*ARGV, "--quiet").out.strip() for _ in range(3)][::-1]
    assert [row["id"] for row in portrait("video", "list").json] == videos
    assert portrait("video", "list", "--limit", "2", "--quiet").out.split() == videos[:2]
    assert portrait("video", "cancel", videos[1]).json["status"] == "cancelled"
    assert portrait("video", "list", "--status", "CANCELLED", "--quiet").out.split() == [videos[1]]
    assert portrait("video", "list", "--status", "failed", terminal=True).err == "There are no such videos.\n"
    table = portrait("video", "list", terminal=True).out
    assert all(word in table for word in ("VIDEO", "STATUS", "seedance-2.0", videos[0]))


def test_many_videos_are_read_in_pages(portrait, client, emulator):
    """Of a hundred."""
    for _ in range(130):
        client.videos.create(model="seedance-2.0", prompt="x")
    assert len(portrait("video", "list", "--limit", "120").json) == 120
    assert emulator.calls.count("ListVideos") == 2


def test_a_video_that_is_not_there(portrait):
    """Exit code 3 for each command."""
    for command in ("show", "wait", "cancel"):
        assert portrait("video", command, "vgen_nosuch").code == 3
    assert "vgen_nosuch is not visible yet\n" in portrait("video", "wait", "vgen_nosuch", terminal=True).err


def test_a_lost_answer_is_an_unknown_outcome(portrait, emulator):
    """Exit code 4, and where to look before another one is paid for."""
    emulator.rules.add(match={"action": "CreateVideo"}, do={"close": "after-commit"})
    ran = portrait(*ARGV)
    assert (ran.code, "Look at the list of videos" in ran.err) == (4, True)
    assert len(portrait("video", "list").json) == 1


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("video",), "Missing command"),
        (("video", "mak"), "No such command 'mak'"),
        (("video", "creat"), "Did you mean 'create'?"),
        (("video", "create"), "takes a prompt, references, or both"),
        ((*ARGV, "--duration", "99"), "not of 99 s"),
        (("video", "list", "--status", "ready"), "is not one of"),
        (("video", "list", "--limit", "0"), "--limit"),
        ((*ARGV, "--first-frame", ""), "It looks like asset-"),
        (("video", "show", ""), "The id of the video is empty"),
        ((*ARGV, "--callback-url", "https://app.example/"), "cannot report"),
    ],
)
def test_what_does_not_fit_is_refused(portrait, emulator, argv, words):
    """Before anything is sent."""
    ran = portrait(*argv)
    assert (ran.code in {2, 3}, words in ran.err, ran.out) == (True, True, ""), ran.err
    assert emulator.calls.count() == 0


def test_a_file_is_no_asset(portrait, emulator, tmp_path):
    """It has to be put first."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"")
    ran = portrait(*ARGV, "--first-frame", str(path))
    assert (ran.code, "a.jpg is a file" in ran.err, "portrait put" in ran.err) == (2, True, True)
    assert emulator.calls.count() == 0


def test_ark_takes_its_own_key(emulator, portrait):
    """The pair signs Actions; the Bearer key and the data plane's address are for videos."""
    environment = {f"PORTRAIT_{name.upper()}": value for name, value in emulator.signed_options(emulator.url).items()}
    ran = portrait(*ARGV, PORTRAIT_PROVIDER="volcengine", **environment)
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["id"].startswith("cgt-")


@pytest.mark.parametrize("provider", ["xcompute", "apimart", "gccai"])
def test_a_gateway_makes_videos_too(portrait, provider, tmp_path):
    """With what it cost; what it cannot do is told before anything is sent."""
    environment = {"PORTRAIT_PROVIDER": provider}
    created = portrait(*ARGV, **environment)
    assert (created.code, created.json["model"]) == (0, "doubao-seedance-2.0"), created.err
    video, path = created.json["id"], tmp_path / "wave.mp4"
    ran = portrait("video", "wait", video, "--save", str(path), **environment)
    assert (ran.code, ran.json["cost"] > 0, path.read_bytes()[4:8]) == (0, True, b"ftyp"), ran.err
    for argv in (("list",), ("cancel", video)):
        ran = portrait("video", *argv, **environment)
        assert (ran.code, f"{provider} cannot" in ran.err) == (2, True)
