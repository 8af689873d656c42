"""Arguments of another kind: each is a `UsageError` that says what is taken and what came, before anything is sent."""

import math

import pytest

from portrait import RetryPolicy, Timeouts, UsageError
from portrait.ensure.batch import EnsureQuery
from portrait.options import Options
from portrait.pool.operations import PoolOptions
from portrait.s3 import ObjectStore
from portrait.tasks import TaskClient
from portrait.tasks.client import AsyncTaskClient
from tests.portrait.helpers import KEY, Driven

NAN, OBJECT = math.nan, object()
NO_TEXT, NO_FLAG, NO_FUNCTION = [5, b"x", ["x"]], [1, "yes", None], [5, "print"]
NO_COUNT, NO_SECONDS, NO_SPAN = [0, -1, 1.5, "5", True], ["5", -1, NAN, True, [5]], ["5", 0, -1, NAN, True]
NO_SERIES = [5, OBJECT]
URL = "https://cdn.example/a.jpg"

# What is called, with what besides, and values that each argument does not take.
CLIENT = {
    **dict.fromkeys(("api_key", "access_key", "secret_key", "session_token", "base_url", "data_base_url"), NO_TEXT),
    **dict.fromkeys(("project", "proxy", "user_agent"), NO_TEXT),
    "provider": [5, []],
    "timeout": NO_SPAN,
    "retry": [5, "never"],
    "pace": [0, -1, b"x", NAN, []],
    "ssl": [5, b"x"],
    "transport": [5, "x"],
    "clock": [5, "x"],
    "on_event": NO_FUNCTION,
    "state": [5, b"x", OBJECT],
    "insecure_hosts": [*NO_SERIES, "portrait.lan"],
}
ENSURE = {
    **dict.fromkeys(("group_id", "group", "group_type", "asset_type", "name"), NO_TEXT),
    **dict.fromkeys(("deadline", "timeout"), NO_SECONDS),
    **dict.fromkeys(("check_public", "wait", "resend_lost"), NO_FLAG),
    "store": [5, "s3://bucket"],
    "quota": [-1, 1.5, "5"],
    "poll": [*NO_SPAN, None],
    "concurrency": [*NO_COUNT, None],
}
POOL = {"group": NO_TEXT, "group_id": NO_TEXT, "slots": [*NO_COUNT, None], "state": CLIENT["state"], "store": [5, "x"]}
WAIT = {"timeout": NO_SECONDS, "poll": [*NO_SPAN, None]}
CALLS = {
    "ensure_assets": ({"sources": [URL], "group_id": "g"}, ENSURE),
    "plan_assets": ({"sources": [URL], "group_id": "g"}, {"name": [5], "poll": [0]}),
    "ensure_group": ({"name": "g"}, {"name": [*NO_TEXT, None], "description": NO_TEXT, "project_name": NO_TEXT}),
    "wait_until_active": ({"id": "asset-1"}, WAIT),
    "wait_until_validated": ({"token": "t"}, {"token": [*NO_TEXT, None], **WAIT}),
    "watch_assets": ({"ids": ["asset-1"]}, WAIT),
    "validate_person": (
        {"callback_url": URL, "show": print},
        {"callback_url": [*NO_TEXT, None], "show": NO_FUNCTION, "attempts": NO_COUNT, "language": NO_TEXT, **WAIT}
        | {"quota": [-1, 1.5, "5"]},
    ),
    "get_asset": ({"id": "asset-1"}, {"timeout": NO_SPAN}),
    "create_asset": ({"group_id": "g", "url": URL, "asset_type": "Image"}, {"url": [*NO_TEXT, None]}),
    "upload_asset": ({"source": b"x", "group_id": "g"}, {"source": [5, OBJECT]}),
    "erase_group": ({"group": "g"}, {"stores": NO_SERIES, "known_objects": [*NO_SERIES, "s3://b/k"]}),
    "find_unused_pools": ({"prefix": "ci-"}, {"prefix": [*NO_TEXT, None], "unused_for": NO_SECONDS}),
    "pool": ({}, POOL),
    "call": ({"action": "GetAsset", "request": {}}, {"action": [5, None], "request": [5, "x"], "timeout": NO_SPAN}),
}
VIDEOS = {
    "create": (
        {"model": "m", "prompt": "p"},
        {"model": NO_TEXT, "prompt": [5, None], "references": NO_SERIES, "duration": ["5", 1.5], "extra": [5]}
        | dict.fromkeys(("resolution", "ratio", "callback_url"), NO_TEXT),
    ),
    "get": ({}, {"id": [5, None]}),
    "list": ({}, {"page": NO_COUNT, "page_size": NO_COUNT}),
    "wait": ({"video": "v-1"}, {"video": [5, None], **WAIT}),
    "save": ({"video": "v-1", "path": "v.mp4"}, {"video": [5, None], "path": [5, None]}),
}
TASKS = {
    "create_private_avatar": (
        {"group": "g", "url": URL, "name": "n"},
        {"url": [5], "name": [5]} | dict.fromkeys(("group", "description", "webhook", "model"), NO_TEXT),
    ),
    "get_task": ({}, {"task": [5, None]}),
    "wait": ({"task": "t-1"}, {"task": [5, None], **WAIT}),
    "upload_image": ({}, {"source": [5, OBJECT]}),
    "create_visual_validate_session": ({}, {"callback_url": [*NO_TEXT, None]}),
    "wait_until_validated": ({"token": "t"}, WAIT),
}
VALUES = {
    RetryPolicy: {
        "attempts": NO_COUNT,
        "factor": ["2", 0.5],
        **dict.fromkeys(("first", "longest", "patience"), NO_SECONDS),
    },
    Timeouts: dict.fromkeys(("connect", "read", "total"), NO_SPAN),
}


def check(call, usual, wrong):
    """Each wrong value in turn is refused by its argument's name, and is not repeated if it is a text."""
    for name, values in wrong.items():
        for value in values:
            with pytest.raises(UsageError, match=rf"{name}= takes .*, not ") as caught:
                call(**{**usual, name: value})
            actual = type(value).__name__ if isinstance(value, str | bytes | list) or value is OBJECT else repr(value)
            assert caught.value.message.endswith(f", not {actual}."), (name, value)


def test_an_option_of_a_client(colour):
    """Of the client, and of one that is derived from it."""
    check(colour.client, {}, CLIENT)
    shared = {name: CLIENT[name] for name in ("project", "timeout", "retry", "on_event")}
    check(colour.client().with_options, {}, shared)


@pytest.mark.parametrize("method", CALLS)
def test_an_argument_of_a_call(colour, method):
    """Nothing is sent for it."""
    client, script = colour.scripted(b"")
    check(getattr(client, method), *CALLS[method])
    assert script.requests == []


@pytest.mark.parametrize(
    ("method", "usual", "name"),
    [
        ("ensure_group", {}, "name"),
        ("pool", {}, "group"),
        ("upload_asset", {"source": b"\xff\xd8\xff\xe0", "group_id": "g"}, "name"),
        ("create_asset", {"group_id": "g", "asset_type": "Image"}, "url"),
        ("ensure_asset", {"group_id": "g"}, "source"),
    ],
)
def test_a_text_that_nobody_can_send(colour, method, usual, name):
    """Half of a surrogate pair, as a name in another encoding has it: no codec's exception, and nothing is sent."""
    client, script = colour.scripted(b"")
    with pytest.raises(UsageError, match="surrogate"):
        getattr(client, method)(**usual, **{name: "https://cdn.example/\udcff.jpg"})
    assert script.requests == []


@pytest.mark.parametrize("method", VIDEOS)
def test_an_argument_about_videos(colour, method):
    """Nothing is sent for it."""
    client, script = colour.scripted(b"")
    check(getattr(Driven(client.client.videos, colour.runner), method), *VIDEOS[method])
    assert script.requests == []


@pytest.mark.parametrize("method", TASKS)
def test_an_argument_about_tasks(colour, method):
    """Nothing is sent for it."""
    kind = TaskClient if colour.name == "sync" else AsyncTaskClient
    client = Driven(kind(api_key=KEY, provider="apimart", base_url="http://127.0.0.1:9/v1"), colour.runner)
    check(getattr(client, method), *TASKS[method])


def test_a_time_of_a_lease(colour, tmp_path):
    """A lease has an end."""
    client, _ = colour.scripted(b"", state=tmp_path / "state.db")
    pool = client.client.pool(group_id="g")._pool
    run = client.client._run
    never = [*NO_SPAN, math.inf, None]

    def lease(**times):
        value = run(pool.lease([URL], **{"ttl": 60.0, "timeout": 60.0, **times}))
        return colour.runner.run(value) if colour.name == "async" else value

    check(lease, {}, {"ttl": never, "timeout": [*NO_SECONDS, math.inf, None]})


def test_an_option_of_a_store():
    """Nothing is opened for it."""
    texts = ("endpoint_url", "region", "access_key", "secret_key", "session_token", "public_base")
    numbers = {"expires": [1.5, "5"], "part_size": [1.5, "5"], "concurrency": NO_COUNT}
    further = {name: CLIENT[name] for name in ("state", "on_event", "clock")}
    check(ObjectStore, {"place": "s3://bucket/prefix"}, {"place": [5, None], **dict.fromkeys(texts, NO_TEXT)})
    check(ObjectStore, {"place": "s3://bucket/prefix"}, numbers | further)


@pytest.mark.parametrize(
    ("method", "usual"),
    [("with_options", {}), ("ensure_assets", {"sources": [URL]}), ("erase_group", {"group": "g"}), ("pool", {})],
)
def test_an_option_that_there_is_not(colour, method, usual):
    """It is named, with those that there are."""
    client, _ = colour.scripted(b"")
    with pytest.raises(UsageError, match="There is no option retries=") as caught:
        getattr(client, method)(**usual, retries=-1)
    assert "," in caught.value.advice


@pytest.mark.parametrize("kind", VALUES)
def test_a_field_of_a_policy(kind):
    """Where it is made."""
    check(kind, {}, VALUES[kind])


@pytest.mark.parametrize("argument", ["ids", "group_ids", "statuses"])
def test_what_is_no_series(colour, argument):
    """Nor is one string."""
    client, _ = colour.scripted(b"")
    method = client.watch_assets if argument == "ids" else client.iter_assets
    for value in (5, "asset-1"):
        with pytest.raises(UsageError, match="Several values are wanted"):
            method(**{argument: value})


@pytest.mark.parametrize(("options", "tested"), [(Options, CLIENT), (EnsureQuery, ENSURE), (PoolOptions, POOL)])
def test_every_option_has_a_kind(options, tested):
    """A new one as well."""
    assert set(options.__annotations__) == set(tested)
