"""Answers that are none, through whole calls of both clients: one error of the tree, and the same in either colour."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait import PortraitError
from portrait.http import FailureKind
from tests.portrait.helpers import COLOURS, Colour, answer, broken
from tests.portrait.test_envelope import ANSWERS, DEEP

# One call of each kind of method; the ids and texts are nobody's.
CALLS = {
    "create": lambda client: client.create_asset(group_id="group-1", url="https://a.example/a.jpg", asset_type="Image"),
    "get": lambda client: client.get_asset(id="asset-1"),
    "list": lambda client: client.list_assets(),
    "delete": lambda client: client.delete_asset(id="asset-1"),
    "session": lambda client: client.create_visual_validate_session(callback_url="https://a.example/"),
    "result": lambda client: client.get_visual_validate_result(byted_token="2026"),
    "raw": lambda client: client.call("GetAsset", {"Id": "asset-1"}),
    "iterate": lambda client: list(client.iter_assets()),
    "iterate groups": lambda client: list(client.iter_asset_groups()),
    "upload": lambda client: client.upload_asset(b"\xff\xd8\xff\xe0" + b"0" * 64, group_id="group-1"),
    "wait": lambda client: client.wait_until_active("asset-1", timeout=3),
    "watch": lambda client: [
        (outcome.state, str(outcome.error)) for outcome in client.watch_assets(["asset-1"], timeout=3)
    ],
    "validated": lambda client: client.wait_until_validated("2026", timeout=3),
    "ensure group": lambda client: client.ensure_group("n"),
    "erase": lambda client: client.erase_group("group-1"),
}
PAGE = b'{"ResponseMetadata": {}, "Result": {"TotalCount": _, "PageNumber": _, "Items": [_]}}'
ITEM = b'{"ResponseMetadata": {}, "Result": {"Id": _, "Status": _, "Error": _, "GroupId": _, "Items": _}}'
VALUES = [b"null", b"0", b"-1", b"1e308", b"9" * 99, b'"9"', b"[]", b"{}", b'{"Code": _}'.replace(b"_", DEEP), DEEP]
HOSTILE = {
    **{name: response for name, (response, _) in ANSWERS.items()},
    **{f"page {n}": answer(PAGE.replace(b"_", value)) for n, value in enumerate(VALUES)},
    **{f"item {n}": answer(ITEM.replace(b"_", value)) for n, value in enumerate(VALUES)},
    **{kind.name: broken(kind) for kind in FailureKind},
    "status 0": answer(b"{}", 0),
    "no such header": answer(b"{}", 429, retry_after="nan", x_ratelimit_reset="-1"),
}


def verdict(name, call, reply):
    """What a client of that colour makes of a call that is always answered so."""
    with asyncio.Runner() as runner:
        colour = Colour(name, COLOURS[name], runner)
        client, script = colour.scripted(reply)
        try:
            value = CALLS[call](client)
        except PortraitError as error:
            value = (type(error), error.message, error.advice, error.may_have_executed, error.retry)
        finally:
            colour.close()
    return value, len(script.requests)


@pytest.mark.parametrize("call", CALLS)
def test_a_hostile_answer_is_one_verdict_in_both_colours(call):
    """No exception but the tree's, with advice; the same class, words and number of requests in either colour."""
    for name, reply in HOSTILE.items():
        value, requests = verdict("sync", call, reply)
        assert (value, requests) == verdict("async", call, reply), name
        assert not isinstance(value, tuple) or value[2], name


@given(st.sampled_from(sorted(CALLS)), st.binary(max_size=99), st.sampled_from([0, 200, 302, 400, 404, 429, 500]))
def test_bytes_are_one_verdict_in_both_colours(call, content, status):
    """The same for whatever bytes a proxy may answer."""
    reply = answer(content, status)
    assert verdict("sync", call, reply) == verdict("async", call, reply)
