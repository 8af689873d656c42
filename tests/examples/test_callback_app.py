"""The whole way of a person is tested in eight lines: the link, the scan, the callback, the group."""

import asyncio
import inspect

import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from tests.examples.callback_app import GROUPS, make_app


def test_a_person_comes_back_with_a_group(portrait_env):
    """The emulator says where the page sends the browser."""

    async def main():
        async with TestClient(TestServer(make_app())) as http:
            person = (await (await http.post("/people")).json())["person"]
            portrait_env.validations.finish("val-1", "pass", subject="alice")
            await http.get(URL(portrait_env.validations.callback_url("val-1")).path_qs)
            assert http.app[GROUPS][person].startswith("group-")

    asyncio.run(main())


@pytest.mark.parametrize(("result", "words"), [("fail", "41007"), ("cancel", "41000")])
def test_a_person_who_did_not_pass_has_none(portrait_env, result, words):
    """The application hears the code of the page, once the service has confirmed that there is no group."""

    async def main():
        async with TestClient(TestServer(make_app())) as http:
            person = (await (await http.post("/people")).json())["person"]
            portrait_env.validations.finish("val-1", result)
            await http.get(URL(portrait_env.validations.callback_url("val-1")).path_qs)
            assert words in http.app[GROUPS][person]

    asyncio.run(main())


def test_that_test_has_eight_lines():
    """All of it, the callback included, but for the sentence that says what it shows."""
    lines = [line.strip() for line in inspect.getsource(test_a_person_comes_back_with_a_group).splitlines()]
    assert len([line for line in lines if line and not line.startswith('"')]) <= 8
