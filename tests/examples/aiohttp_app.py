"""An aiohttp application that lets a person pass the liveness check; it knows nothing of an emulator."""

from aiohttp import web

from portrait import AsyncPortraitClient, TokenExpired, WaitTimeout

CLIENT = web.AppKey("client", AsyncPortraitClient)


async def open_client(app):
    """One client for the life of the application."""
    async with AsyncPortraitClient.from_env() as client:
        app[CLIENT] = client
        yield


async def begin(request):
    """The link for the person's phone, and the token that asks for the result; keep the token on this side."""
    url = "https://www.example.com/done"
    session = await request.app[CLIENT].create_visual_validate_session(callback_url=url)
    return web.json_response({"link": session.link("en"), "token": session.byted_token})


async def finish(request):
    """The person's group, once the check is passed."""
    try:
        person = await request.app[CLIENT].wait_until_validated(request.match_info["token"])
    except (TokenExpired, WaitTimeout):
        raise web.HTTPGone(text="The link is over: begin again.") from None
    return web.json_response({"group": person.group_id})


def make_app():
    """The application."""
    app = web.Application()
    app.cleanup_ctx.append(open_client)
    app.add_routes([web.post("/people", begin), web.get("/people/{token}", finish)])
    return app
