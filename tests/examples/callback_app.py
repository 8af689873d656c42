"""An aiohttp application whose people scan by themselves and come back by the callback; it knows no emulator."""

from aiohttp import web

from portrait import AsyncPortraitClient
from portrait.web import callback_handler, callback_url, parse_callback

GROUPS = web.AppKey("groups", dict[str, str])


def make_app():
    """The application: people by their nonce, each with a group once the check is passed."""
    client = AsyncPortraitClient.from_env()

    async def begin(request):
        url = callback_url("https://www.example.com/done")
        session = await client.create_visual_validate_session(callback_url=url)
        return web.json_response({"link": session.link("en"), "person": parse_callback(url).nonce})

    async def on_result(outcome):
        app[GROUPS][outcome.nonce] = outcome.group_id or str(outcome.error)

    async def close(_):
        await client.close()

    app = web.Application()
    app[GROUPS] = {}
    app.on_cleanup.append(close)
    app.add_routes([web.post("/people", begin), web.get("/done", callback_handler(client, on_result=on_result))])
    return app
