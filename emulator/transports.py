"""Transports into an emulator in this process: no socket, no port; the same replies as over HTTP.

A request takes the same routes as one from a socket. An error of the emulator itself is raised, not answered with 500.
"""

from __future__ import annotations

from emulator.messages import Reply
from emulator.service import Service
from emulator.web.body_reader import BodyReader
from emulator.web.request_head import Head
from emulator.web.router import Router
from emulator.web.runner import run, run_async
from portrait.http import FailureKind, HttpRequest, HttpResponse, TransportFailure
from portrait.urls import parse_http_url


class InProcessTransport:
    """A `portrait.http.Transport` into a service. Safe to use from several threads.

    Args:
        service: Who answers.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._router = Router(service)

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send once; a pause of the emulator's passes on its clock.

        Raises:
            TransportFailure: A rule breaks the connection, or took longer than the client waits.
        """
        waited = _Waited()

        def sleep(seconds: float) -> None:
            waited.seconds += seconds
            self._service.clock.sleep(seconds)

        reply = _route(self._router, request)
        if not isinstance(reply, Reply):
            reply = run(reply.finish(), sleep)
        return _response(reply, request, waited)

    def close(self) -> None:
        """Nothing is kept open."""


class AsyncInProcessTransport:
    """The same for asyncio; belongs to no loop.

    Args:
        service: Who answers.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._router = Router(service)

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send once; a pause of the emulator's passes on its clock.

        Raises:
            TransportFailure: A rule breaks the connection, or took longer than the client waits.
        """
        waited = _Waited()

        async def sleep(seconds: float) -> None:
            waited.seconds += seconds
            await self._service.clock.async_sleep(seconds)

        reply = _route(self._router, request)
        if not isinstance(reply, Reply):
            reply = await run_async(reply.finish(), sleep, self._router.workers)
        return _response(reply, request, waited)

    async def close(self) -> None:
        """Nothing is kept open."""


class _Waited:
    """How long the emulator paused during one call, in seconds on its clock."""

    seconds = 0.0


def _route(router: Router, request: HttpRequest) -> Reply | BodyReader:
    """A reply, or an intake that has the whole body."""
    url = parse_http_url(request.url)
    headers = {"host": url.netloc, "content-length": str(len(request.body))}
    headers |= {name.lower(): value for name, value in request.headers.items()}
    routed = router.route(Head(request.method, url.path or "/", url.query or "", headers))
    if isinstance(routed, Reply):
        return routed
    return routed.feed(request.body) or routed


def _response(reply: Reply, request: HttpRequest, waited: _Waited) -> HttpResponse:
    limit = min((s for s in (request.timeouts.read, request.timeouts.total) if s is not None), default=None)
    if limit is not None and waited.seconds > limit:
        raise TransportFailure(FailureKind.TIMEOUT, f"the emulator paused for {waited.seconds:g} s")
    if reply.drop:
        raise TransportFailure(FailureKind.DISCONNECTED, "the emulator dropped the connection")
    if reply.truncate is not None and reply.truncate < len(reply.body):
        raise TransportFailure(FailureKind.INCOMPLETE, f"the emulator sent {reply.truncate} of {len(reply.body)} bytes")
    headers = {"content-type": reply.content_type, "content-length": str(len(reply.body))}
    headers |= {name.lower(): value for name, value in reply.headers.items()}
    return HttpResponse(status=reply.status, headers=headers, body=b"" if request.method == "HEAD" else reply.body)
