"""Videos in the three shapes, by both clients: what goes out, what is read, and how each way ends."""

import orjson
import pytest
from attrs import evolve

from portrait.errors import (
    AccountError,
    AuthError,
    BadResponse,
    ConnectFailed,
    InvalidParameter,
    MediaRejected,
    NotFound,
    OutcomeError,
    ServerError,
    Throttled,
    UnknownOutcome,
    UsageError,
    WaitTimeout,
)
from portrait.http import FailureKind
from portrait.providers import PROVIDERS
from portrait.videos import Reference, VideoStatus
from tests.portrait.helpers import KEY, Driven, answer, asset, broken, good, refused

PROMPT = "A confident keynote speaker on stage"
ARK_KEYS = {"access_key": "AKLTEXAMPLE", "secret_key": "example-secret", "api_key": KEY}
OPTIONS = {"alltoken": {}, "volcengine": {"provider": "volcengine", **ARK_KEYS}}
MODELS = {"alltoken": "seedance-2.0", "volcengine": "doubao-seedance-2-0-260128"}
DEAD = "The parameter `content[0].image_url.url` specified in the request is not valid: asset asset-1 is not found."
# An answer to a create, and a video in each state, as the provider words it.
CREATED = {"alltoken": answer({"id": "v-1", "status": "queued"}, 202), "volcengine": answer({"id": "v-1"})}


def video(provider, status, **more):
    """A video as a read gives it."""
    words = {"running": "processing", "succeeded": "completed"} if provider == "alltoken" else {}
    return answer({"id": "v-1", "status": words.get(status, status), **more})


def finished(provider, url="https://files.example/v.mp4?sign=1"):
    """A finished video."""
    if provider == "alltoken":
        return video(provider, "succeeded", video_url=url)
    return video(provider, "succeeded", content={"video_url": url}, usage={"total_tokens": 108900})


@pytest.fixture(params=sorted(OPTIONS))
def provider(request):
    """Who speaks of videos."""
    return request.param


@pytest.fixture
def scripted(colour, provider):
    """A client's videos that hear answers."""

    def make(*answers, **options):
        client, script = colour.scripted(*answers, **OPTIONS[provider], **options)
        return Driven(client.client.videos, colour.runner), script

    return make


def test_a_video_is_created_from_an_active_asset(scripted, provider):
    """The asset is read first; then one request in the provider's shape, with the Bearer key."""
    videos, script = scripted(good(asset()), CREATED[provider])
    result = videos.create(
        model=MODELS[provider],
        prompt=PROMPT,
        references=[Reference("asset-1", role="first_frame")],
        duration=5,
        resolution="720p",
        ratio="16:9",
    )
    assert (result.id, result.status, result.model) == ("v-1", VideoStatus.QUEUED, MODELS[provider])
    assert "Action=GetAsset" in script.requests[0].url
    sent = script.requests[1]
    picture = {"type": "image_url", "image_url": {"url": "asset://asset-1"}, "role": "first_frame"}
    settings = {"model": MODELS[provider], "duration": 5, "resolution": "720p", "ratio": "16:9"}
    if provider == "alltoken":
        assert orjson.loads(sent.body) == {**settings, "prompt": PROMPT, "content": [picture]}
        assert sent.url == "https://api.alltoken.ai/v1/videos/generations"
    else:
        assert orjson.loads(sent.body) == {**settings, "content": [{"type": "text", "text": PROMPT}, picture]}
        assert sent.url == "https://ark.cn-beijing.volces.com/api/v3/contents/generations/tasks"
    assert sent.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("read", "role", "sentence"),
    [
        (good(asset(status="Processing")), "reference_image", "asset asset-1 is not found"),
        (good(asset(status="Failed")), "reference_image", "asset asset-1 is not found"),
        (good(asset(AssetType="Video")), "reference_image", "asset is not an image"),
        (good(asset()), "reference_audio", "asset is not an audio"),
    ],
)
def test_an_asset_that_cannot_be_used_is_refused_before_anything_is_sent(scripted, provider, read, role, sentence):
    """In the service's own words and class; the create is not sent."""
    videos, script = scripted(read)
    other = [Reference("https://cdn.example/a.jpg")] if role == "reference_audio" else []
    with pytest.raises(InvalidParameter, match=sentence):
        videos.create(model=MODELS[provider], references=[Reference("asset-1", role=role), *other])
    assert len(script.requests) == 1


def test_an_asset_that_cannot_be_read_is_refused_where_nobody_can_share_one(scripted, provider, caplog):
    """AllToken refuses it; on Ark another account may have allowed it, so that it is a warning."""
    missing = refused("Forbidden") if provider == "alltoken" else refused("NotFound", status=404)
    videos, script = scripted(missing, CREATED[provider])
    if provider == "alltoken":
        with pytest.raises(InvalidParameter, match="asset-1 is not found"):
            videos.create(model=MODELS[provider], references=["asset-1"])
        assert len(script.requests) == 1
    else:
        assert videos.create(model=MODELS[provider], references=["asset-1"]).id == "v-1"
        assert "asset-1 cannot be read" in caplog.text


def by_id(request):
    """An Active asset for any id but `asset-none`, which cannot be read."""
    name = orjson.loads(request.body).get("Id", "")
    return refused("InvalidAccessKey", status=401) if name == "asset-none" else good(asset(name))


def test_each_asset_is_read_once(scripted, provider):
    """However often it is named; several beside each other."""
    videos, script = scripted(by_id)
    references = ["asset-1", "asset-2", "asset-1", "asset-3"]
    with pytest.raises(UnknownOutcome):  # the script answers the create with an asset
        videos.create(model=MODELS[provider], references=references)
    read = sorted(orjson.loads(request.body)["Id"] for request in script.requests[:3])
    assert (read, len(script.requests)) == (["asset-1", "asset-2", "asset-3"], 4)


def test_a_read_that_fails_among_others_is_raised(scripted, provider):
    """And nothing is created."""
    videos, script = scripted(by_id)
    with pytest.raises(AuthError):
        videos.create(model=MODELS[provider], references=["asset-1", "asset-none"])
    assert len(script.requests) == 2


def test_the_check_can_be_left_out(scripted, provider):
    """One request."""
    videos, script = scripted(CREATED[provider])
    videos.create(model=MODELS[provider], references=["asset-1"], check=False)
    assert len(script.requests) == 1


def test_a_lost_answer_is_an_unknown_outcome(scripted, provider):
    """It is sent once: a second one would be paid for."""
    videos, script = scripted(broken(FailureKind.DISCONNECTED))
    with pytest.raises(UnknownOutcome) as error:
        videos.create(model=MODELS[provider], prompt=PROMPT)
    assert error.value.may_have_executed
    assert len(script.requests) == 1


def test_the_first_model_that_takes_assets_is_the_default(scripted, provider):
    """As for the command; `""` is no default, but a wrong name."""
    videos, script = scripted(CREATED[provider])
    assert videos.create(prompt=PROMPT).model == MODELS[provider]
    assert orjson.loads(script.requests[0].body)["model"] == MODELS[provider]


def test_without_a_known_model_the_name_is_needed(colour):
    """A provider that a user registers has none."""
    client, script = colour.scripted(provider=evolve(PROVIDERS["alltoken"], video_models=()))
    with pytest.raises(UsageError, match=r"no model that is known to take assets\. Pass model=\."):
        Driven(client.client.videos, colour.runner).create(prompt=PROMPT)
    assert script.requests == []


def test_a_create_that_was_never_sent_is_sent_again(scripted, provider):
    """As every call."""
    videos, script = scripted(broken(FailureKind.CONNECT), CREATED[provider])
    assert videos.create(model=MODELS[provider], prompt=PROMPT).id == "v-1"
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"code": "upstream_invalid_parameter", "message": "The specified asset is not found."}, InvalidParameter),
        (400, {"code": "InvalidParameter", "message": "m", "param": "content[0]"}, InvalidParameter),
        (400, {"code": "upstream_content_violation", "message": "m"}, MediaRejected),
        (400, {"code": "InputImageSensitiveContentDetected.PrivacyInformation", "message": "m"}, MediaRejected),
        (404, {"code": "upstream_model_not_found", "message": "m"}, InvalidParameter),
        (404, {"code": "InvalidEndpointOrModel.NotFound", "message": "m"}, InvalidParameter),
        (503, {"code": "upstream_error", "message": "m"}, ServerError),
        (503, {"code": "model_not_found", "message": "m"}, InvalidParameter),
        (403, {"code": "insufficient_user_quota", "message": "m"}, AccountError),
        (400, {"code": "QuotaExceeded", "message": "m"}, AccountError),
        (429, {"code": "QuotaExceeded", "message": "m"}, AccountError),
        (429, {"code": "QuotaExceeded.QPM", "message": "m"}, Throttled),
    ],
)
def test_a_refusal_is_the_class_of_its_code(scripted, provider, status, error, kind):
    """Contract §7: the error form of the data planes. None of them advises to delete assets."""
    videos, _ = scripted(answer({"error": error}, status), retry=None)
    with pytest.raises((kind, UnknownOutcome)) as raised:
        videos.create(model=MODELS[provider], prompt=PROMPT)
    cause = raised.value if isinstance(raised.value, kind) else raised.value.__cause__
    assert (type(cause), cause.code) == (kind, error["code"])
    assert "delete groups" not in cause.advice.lower()


def test_a_wait_ends_with_the_result(scripted, provider):
    """It looks again until the video is made; a passing fault does not end it."""
    videos, script = scripted(
        video(provider, "queued"), video(provider, "running"), answer(b"", 502), finished(provider)
    )
    result = videos.wait("v-1")
    assert (result.status, result.url) == (VideoStatus.SUCCEEDED, "https://files.example/v.mp4?sign=1")
    assert result.tokens == (None if provider == "alltoken" else 108900)
    assert len(script.requests) == 4
    assert "sign=1" not in repr(result)


@pytest.mark.parametrize("code", ["InvalidParameter", "task_failed"])
def test_an_asset_found_dead_afterwards_is_the_same_error(scripted, provider, code):
    """Contract §7 (M): the video was accepted, and ends failed; the sentence says why where the code does not."""
    dead = {"code": code, "message": DEAD if code == "task_failed" else "The specified asset asset-1 is not found."}
    videos, _ = scripted(video(provider, "failed", error=dead))
    with pytest.raises(InvalidParameter, match="asset-1 is not found"):
        videos.wait("v-1")


@pytest.mark.parametrize("status", ["cancelled", "expired"])
def test_a_video_that_nobody_makes_ends_the_wait(scripted, provider, status):
    """Cancelled, or given up by the provider."""
    videos, _ = scripted(video(provider, status))
    with pytest.raises(OutcomeError, match=status):
        videos.wait("v-1")


def test_a_wait_gives_up_in_time(scripted, provider):
    """With what was read last, and the command that waits on."""
    videos, _ = scripted(video(provider, "running"))
    with pytest.raises(WaitTimeout, match="portrait video wait") as error:
        videos.wait("v-1", timeout=12)
    assert error.value.last.status is VideoStatus.RUNNING


def test_a_video_that_is_not_there(scripted, provider):
    """404 in the error form is about the id."""
    videos, _ = scripted(answer({"error": {"code": "not_found", "message": "no such video"}}, 404))
    with pytest.raises(NotFound, match="no such video"):
        videos.get("v-9")


@pytest.mark.parametrize("call", ["get", "wait", "cancel"])
def test_a_video_without_an_id_is_a_mistake_of_its_user(scripted, provider, call):
    """Nothing is sent: the path would be that of the list."""
    videos, transport = scripted()
    with pytest.raises(UsageError, match="The id of the video is empty"):
        getattr(videos, call)("")
    assert transport.requests == []


def test_an_answer_about_another_video_is_refused(scripted, provider):
    """A proxy may have mixed two up."""
    videos, _ = scripted(video(provider, "queued"))
    with pytest.raises(Exception, match="is about 'v-1', not about 'v-2'"):
        videos.get("v-2")


def test_a_page_of_videos(scripted, provider):
    """Page, size and status go out in the provider's words."""
    videos, script = scripted(answer({"items": [{"id": "v-1", "status": "running"}], "total": 7}))
    page = videos.list(page=2, page_size=5, status="succeeded")
    assert (page.total, [each.id for each in page.items]) == (7, ["v-1"])
    query = script.requests[0].url.partition("?")[2]
    assert (
        query
        == {
            "alltoken": "limit=5&page=2&status=completed",
            "volcengine": "page_num=2&page_size=5&filter.status=succeeded",
        }[provider]
    )


def test_a_queued_video_is_cancelled(scripted, provider):
    """And read afterwards."""
    before = [video(provider, "queued")] if provider == "volcengine" else []
    videos, script = scripted(*before, answer({}), video(provider, "cancelled"))
    assert videos.cancel("v-1").status is VideoStatus.CANCELLED
    method, end = ("DELETE", "/v-1") if provider == "volcengine" else ("POST", "/v-1/cancel")
    sent = script.requests[len(before)]
    assert (sent.method, sent.url.endswith(end)) == (method, True)


def test_a_finished_video_is_never_deleted_by_a_cancel(colour):
    """On Ark the same call deletes the record of a finished one, and with it the address of its result."""
    client, script = colour.scripted(finished("volcengine"), **OPTIONS["volcengine"])
    with pytest.raises(UsageError, match="nothing to cancel"):
        Driven(client.client.videos, colour.runner).cancel("v-1")
    assert [request.method for request in script.requests] == ["GET"]


def test_a_cancel_whose_answer_is_lost_is_looked_for(scripted, provider):
    """It is sent once; a second one could delete the record."""
    before = [video(provider, "queued")] if provider == "volcengine" else []
    videos, script = scripted(*before, broken(FailureKind.DISCONNECTED), video(provider, "cancelled"))
    assert videos.cancel("v-1").status is VideoStatus.CANCELLED
    assert len(script.requests) == len(before) + 2


def test_a_result_is_saved_whole(scripted, provider, tmp_path):
    """Without the key: the address is signed by itself. What was there is replaced."""
    target = tmp_path / "v.mp4"
    target.write_bytes(b"old")
    videos, script = scripted(finished(provider), answer(b"\x00\x00\x00\x20ftypmp42"))
    assert videos.save("v-1", target) == target
    assert target.read_bytes() == b"\x00\x00\x00\x20ftypmp42"
    assert list(tmp_path.iterdir()) == [target]
    assert "Authorization" not in script.requests[1].headers


def part(start, content, total, **headers):
    """An answer with a part of a file."""
    content_range = f"bytes {start}-{start + len(content) - 1}/{total}"
    return answer(content, 206, content_range=content_range, **headers)


def test_a_result_is_fetched_in_pieces(scripted, provider, tmp_path, monkeypatch):
    """Of a bounded size, one after the other; a piece that fails is asked for again."""
    monkeypatch.setattr("portrait.videos.download.PIECE", 4)
    pieces = [part(0, b"abcd", 10), answer(b"", 503), part(4, b"efgh", 10), part(8, b"ij", 10)]
    videos, script = scripted(finished(provider), *pieces)
    assert videos.save("v-1", tmp_path / "v.mp4").read_bytes() == b"abcdefghij"
    ranges = [request.headers["Range"] for request in script.requests[1:]]
    assert ranges == ["bytes=0-3", "bytes=4-7", "bytes=4-7", "bytes=8-11"]


@pytest.mark.parametrize(
    "second",
    [part(0, b"abcd", 10), part(4, b"efgh", 11), part(4, b"efgh", 10, etag="b"), answer(b"abcdefghij")],
)
def test_parts_of_two_files_are_not_put_together(scripted, provider, tmp_path, monkeypatch, second):
    """Another place, another length, another version, or all of it: nothing is written."""
    monkeypatch.setattr("portrait.videos.download.PIECE", 4)
    videos, _ = scripted(finished(provider), part(0, b"abcd", 10, etag="a" if "etag" in second.headers else ""), second)
    with pytest.raises(BadResponse, match="another part"):
        videos.save("v-1", tmp_path / "v.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "response",
    [
        answer(b"<html><title>Log in</title>"),
        answer(b'\r\n{"error": "gone"}'),
        answer(b"gone", content_type="text/plain"),
        answer(b""),
        answer(b"", 204),
        answer(b"abcd", 206),
        answer(b"", 302, location="https://files.example/other?sign=1"),
    ],
    ids=["a page", "JSON", "a text", "nothing", "204", "a part without its range", "a redirect"],
)
def test_what_is_no_video_is_not_saved(scripted, provider, tmp_path, response):
    """answer-put-html: a login page with a good status would take the video's place."""
    videos, _ = scripted(finished(provider), response)
    with pytest.raises(BadResponse, match="the address of the result answered") as error:
        videos.save("v-1", tmp_path / "v.mp4")
    assert "sign=1" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["", ".", "/", "a\0b"])
def test_a_path_that_is_no_files_is_a_usage_error(scripted, path):
    """And no exception of the machine's."""
    videos, _ = scripted(finished("alltoken"), answer(b"\x00\x00\x00\x20ftypmp42"))
    with pytest.raises(UsageError):
        videos.save("v-1", path)


@pytest.mark.parametrize("status", [403, 404])
def test_a_dead_address_is_told(scripted, provider, tmp_path, status):
    """Nothing is written, and the signed address is not repeated."""
    videos, _ = scripted(finished(provider), answer(b"<Error>https://files.example/v.mp4?sign=1</Error>", status))
    with pytest.raises(NotFound, match="lives 24 hours") as error:
        videos.save("v-1", tmp_path / "v.mp4")
    assert "sign=1" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told(scripted, provider, tmp_path):
    """With the path, and what to do."""
    videos, _ = scripted(finished(provider), answer(b"x"))
    with pytest.raises(UsageError, match=r"There is no folder .*none. Make it"):
        videos.save("v-1", tmp_path / "none" / "v.mp4")


def test_a_full_disk_is_told_and_leaves_nothing(scripted, provider, tmp_path, monkeypatch):
    """Also where the last bytes are written when the file is closed."""
    resource = pytest.importorskip("resource", reason="a limit of a file's size is POSIX's")
    monkeypatch.setattr("portrait.videos.download.PIECE", 1_000)
    videos, _ = scripted(finished(provider), *(part(start, b"x" * 1_000, 3_000) for start in (0, 1_000, 2_000)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500, limits[1]))
    try:
        with pytest.raises(UsageError, match="cannot be written"):
            videos.save("v-1", tmp_path / "v.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_a_video_takes_the_place_of_files_alone(scripted, tmp_path):
    """Not of a folder, and not of a device: that is seen before anything is fetched."""
    videos, script = scripted()
    for path in (tmp_path, "/dev/null"):
        with pytest.raises(UsageError, match="is not a regular file"):
            videos.save("v-1", path)
    assert script.requests == []


def test_a_result_that_the_provider_has_dropped_cannot_be_saved(scripted, provider, tmp_path):
    """It is told why, and waiting is not advised."""
    videos, _ = scripted(video(provider, "succeeded", is_expired=True))
    with pytest.raises(UsageError, match="no result any more"):
        videos.save("v-1", tmp_path / "v.mp4")


def test_a_video_without_a_result_cannot_be_saved(scripted, provider, tmp_path):
    """It is still being made."""
    videos, _ = scripted(video(provider, "running"))
    with pytest.raises(UsageError, match="no result yet"):
        videos.save("v-1", tmp_path / "v.mp4")


def test_an_answer_without_an_id_is_as_good_as_lost(scripted, provider):
    """The video may have been made all the same."""
    videos, _ = scripted(answer({"status": "queued"}))
    with pytest.raises(UnknownOutcome, match="no id") as error:
        videos.create(model=MODELS[provider], prompt=PROMPT)
    assert error.value.may_have_executed


def test_where_it_never_arrives(scripted, provider):
    """No connection is no unknown outcome."""
    videos, _ = scripted(broken(FailureKind.CONNECT), retry=None)
    with pytest.raises(ConnectFailed):
        videos.create(model=MODELS[provider], prompt=PROMPT)


# --- options ----------------------------------------------------------------------------------------------------------


def test_ark_takes_a_key_of_its_own_for_videos(colour):
    """A pair of keys signs Actions only."""
    keys = {**ARK_KEYS, "api_key": None}
    client, _ = colour.scripted(answer({}), provider="volcengine", **keys)
    with pytest.raises(UsageError, match="API key"):
        client.client.videos  # noqa: B018


def test_another_base_needs_another_data_base(colour):
    """Else a test would generate videos at the vendor's."""
    options = {**OPTIONS["volcengine"], "base_url": "http://127.0.0.1:1"}
    client, _ = colour.scripted(answer({}), **options)
    with pytest.raises(UsageError, match="data_base_url="):
        client.client.videos  # noqa: B018


def test_derived_clients_have_videos_of_their_own(colour):
    """With their own options."""
    client, _ = colour.scripted(answer({}))
    first = client.client.videos
    assert client.client.videos is first
    assert client.client.with_options(timeout=1).videos is not first


def test_callbacks_where_nobody_sends_any(colour):
    """AllToken has no field for it: told before anything is sent."""
    client, script = colour.scripted(answer({}))
    with pytest.raises(UsageError, match="AllToken cannot report"):
        Driven(client.client.videos, colour.runner).create(
            model="seedance-2.0", prompt=PROMPT, callback_url="https://example.com/hook"
        )
    assert script.requests == []


def test_every_provider_has_a_shape():
    """A provider's dialect leads to one."""
    from portrait.videos.shapes import SHAPES  # noqa: PLC0415

    assert {provider.dialect for provider in PROVIDERS.values()} <= set(SHAPES)
