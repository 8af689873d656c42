"""The emulator over HTTP: parsing requests, routing them, and writing responses.

`Head` holds a request's line and headers. `Router` maps it to a `Reply`, or to a `BodyReader` that takes the body piece
by piece and then starts the reply. `HttpHandler` runs aiohttp's requests through the router; `emulator.transports` runs
those of an in-process client through the same router.
"""
