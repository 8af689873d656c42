"""The whole way of a person is tested in eight lines: the link, the scan, the callback, the group."""

import asyncio
from urllib.parse import urlsplit

from aiohttp.test_utils import TestClient, TestServer

from tests.examples.callback_app import GROUPS, make_app


def test_a_person_comes_back_with_a_group(portrait_env):
    """The emulator says where the page sends the browser."""

    async def main():
        async with TestClient(TestServer(make_app())) as http:
            person = (await (await http.post("/people")).json())["person"]
            portrait_env.validations.finish("val-1", "pass", subject="alice")
            back = urlsplit(portrait_env.validations.callback_url("val-1"))
            await http.get(f"{back.path}?{back.query}")
            assert http.app[GROUPS][person].startswith("group-")

    asyncio.run(main())
