"""The aiohttp application is tested without a phone, and its 120 seconds pass at once."""

import asyncio

from aiohttp.test_utils import TestClient, TestServer

from tests.examples.aiohttp_app import make_app


def test_a_person_who_passes_has_a_group(portrait_env):
    """The control plane ends the scan in the place of the person."""

    async def main():
        async with TestClient(TestServer(make_app())) as http:
            token = (await (await http.post("/people")).json())["token"]
            portrait_env.validations.finish(token, "pass", subject="alice")
            person = await (await http.get(f"/people/{token}")).json()
            assert person["group"].startswith("group-")

    asyncio.run(main())


def test_a_person_who_does_not_come_is_told_to_begin_again(portrait_env):
    """The life of the token is over within a fraction of a second."""

    async def main():
        async with TestClient(TestServer(make_app())) as http:
            token = (await (await http.post("/people")).json())["token"]
            assert (await http.get(f"/people/{token}")).status == 410

    asyncio.run(main())
