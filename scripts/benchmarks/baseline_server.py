"""What an aiohttp application costs that does nothing: it parses the JSON it is sent and answers JSON it was given.

Run as a process: the argument is the answer; it prints its port.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from aiohttp import web


async def serve(value: Any) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.json()
        return web.json_response(value)

    application = web.Application()
    application.router.add_post("/v1/portrait/", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
