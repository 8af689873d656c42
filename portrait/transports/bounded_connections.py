"""urllib3's connections with a deadline: every wait of a request ends when the request's time is up.

urllib3 bounds each single read, so that a server which sends a byte now and then holds a call for ever. Here each
operation on the socket gets what is left of the limits. Pools, proxies and TLS are urllib3's, the reading of a response
is `http.client`'s; between them a request is one piece of bytes, which takes a third of the work of `urlopen`.
"""

from __future__ import annotations

import errno
import io
import re
import socket
import threading
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse, IncompleteRead, parse_headers
from math import inf
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, Protocol

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from portrait.http import FailureKind, HttpRequest, HttpResponse, Timeouts, TransportFailure
from portrait.transports.common import MAX_RESPONSE_BYTES
from portrait.transports.failures import Phase

# What a connection raises for a request that gets no whole response.
CONNECTION_ERRORS = (urllib3.exceptions.HTTPError, HTTPException, OSError)
_SHORT = 65_536  # bytes; a longer request is not copied into one piece
_PIECE = 65_536  # bytes that are read at once of a body whose length is not known
# A server may close the connection once it has answered, before it has read the whole request. EPROTOTYPE is macOS's.
_CLOSED_EARLY = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EPROTOTYPE})
_LINE_BREAK = re.compile("[\r\n]")


class Progress:
    """How far a request has come, which begins now, and how much time is left for it.

    Args:
        timeouts: Its limits.
        now: Monotonic seconds.

    Attributes:
        phase: How far it has come.
    """

    def __init__(self, timeouts: Timeouts, now: Callable[[], float]) -> None:
        started = now()
        self.phase = Phase.CONNECT
        self._now = now
        self._read = inf if timeouts.read is None else timeouts.read
        self._finish_by = inf if timeouts.total is None else started + timeouts.total
        self._connect_by = self._finish_by
        if timeouts.connect is not None:
            self._connect_by = min(self._finish_by, started + timeouts.connect)

    def remaining(self) -> float | None:
        """Seconds for the next operation, None for no limit.

        Raises:
            TimeoutError: None are left.
        """
        now = self._now()
        seconds = self._connect_by - now if self.phase is Phase.CONNECT else min(self._read, self._finish_by - now)
        if seconds <= 0:
            raise TimeoutError("the time for the request is up")
        return None if seconds == inf else seconds


class Route(NamedTuple):
    """How requests to an address go.

    Attributes:
        pool: Has the connections.
        target: What the request line says.
        proxy: The URL of the proxy in between.
        tunnels: Whether that makes a tunnel.
        headers: Those that a request gets if it lacks them: names in lower case, and their lines.
    """

    pool: BoundedPool
    target: str
    proxy: str | None
    tunnels: bool
    headers: tuple[tuple[str, str], ...]


class _BoundedConnection(HTTPConnection):
    """A connection that keeps the limits of the request that it is used for."""

    progress: Progress

    def _new_conn(self) -> socket.socket:
        error = OSError("the name has no address")
        for family, kind, protocol, _, address in _resolve(self.host, self.port, self.progress.remaining()):
            sock = socket.socket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                sock.settimeout(self.progress.remaining())
                sock.connect(address)
                sock.settimeout(self.progress.remaining())  # for the TLS handshake
            except OSError as failure:
                sock.close()
                error = failure
            else:
                return sock
        raise error

    def _tunnel(self) -> None:
        super()._tunnel()
        self.sock.settimeout(self.progress.remaining())  # for the TLS handshake

    def send(self, data: Any) -> None:
        self.sock.settimeout(self.progress.remaining())
        super().send(data)

    def exchange(self, request: HttpRequest, route: Route) -> _Response:
        """Send a request, and read the head of its response."""
        head = _head(request, route)
        try:
            if len(request.body) <= _SHORT:
                self.send(head + request.body)  # one system call and one packet
            else:
                self.send(head)
                self.send(request.body)
        except OSError as error:
            if error.errno not in _CLOSED_EARLY:
                raise
        response = self.response_class(self.sock)
        response.begin()
        return response

    def response_class(self, sock: Any, **options: Any) -> _Response:  # type: ignore[override]
        """Make the response of `http.client`, over a bounded socket; urllib3 calls it for a tunnel."""
        return _Response(_BoundedReader(sock, self.progress), **options)  # type: ignore[arg-type]


class _BoundedTlsConnection(_BoundedConnection, HTTPSConnection):
    """The same for https."""


class BoundedPool(HTTPConnectionPool):
    """A pool for http, whose connections keep the limits of a request."""

    ConnectionCls = _BoundedConnection

    def exchange(self, request: HttpRequest, route: Route, progress: Progress) -> HttpResponse:
        """Send a request over a connection of the pool, and read the whole response.

        Raises:
            CONNECTION_ERRORS: There is no whole response.
            TransportFailure: The response is too large.
        """
        connection: Any = self._get_conn()
        connection.progress = progress
        try:
            if connection.is_closed and route.tunnels:
                self._prepare_proxy(connection)
            elif connection.is_closed:
                connection.connect()
            self._validate_conn(connection)  # warns of TLS without certificates
            progress.phase = Phase.REQUEST
            response = connection.exchange(request, route)
            progress.phase = Phase.RESPONSE
            body = _read_body(response, progress)
        except BaseException:
            connection.close()
            raise
        else:
            if response.will_close:
                connection.close()
        finally:
            self._put_conn(connection)  # a closed one connects when it is used again
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(status=response.status, headers=headers, body=body)


class _BoundedTlsPool(BoundedPool, HTTPSConnectionPool):
    """A pool for https, whose connections keep the limits of a request."""

    ConnectionCls = _BoundedTlsConnection


BOUNDED_POOLS: dict[str, type] = {"http": BoundedPool, "https": _BoundedTlsPool}


class _Response(HTTPResponse):
    """Skips every interim response (RFC 9110 §15.2), where `http.client` knows 100 alone, and refuses two lengths."""

    def begin(self) -> None:
        super().begin()
        lengths = self.headers.get_all("content-length", [])
        if len(set(lengths)) > 1 or any("," in length for length in lengths):  # RFC 9110 §8.6
            raise HTTPException("the head of the response has several lengths")

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        while 102 <= status < 200:
            parse_headers(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, status, reason


class _BoundedReader(io.RawIOBase):
    """Reads from a socket, each time with what is left of the limits."""

    def __init__(self, sock: Any, progress: Progress) -> None:
        self._sock = sock
        self._progress = progress

    def makefile(self, *_: Any) -> io.BufferedReader:
        """What `HTTPResponse` asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._progress.remaining())
        return self._sock.recv_into(buffer)  # type: ignore[no-any-return]


def _head(request: HttpRequest, route: Route) -> bytes:
    """The request line and the headers.

    Raises:
        ValueError: A header holds a line break, which would end it.
    """
    names = {name.lower() for name in request.headers}
    lines = [f"{request.method} {route.target} HTTP/1.1"]
    lines += [line for name, line in route.headers if name not in names]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines.append(f"Content-Length: {len(request.body)}")
    if _LINE_BREAK.search("".join(lines)):
        raise ValueError("a header of the request holds a line break")
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1")


class _Body(Protocol):
    """A body that is read in pieces."""

    def read1(self, amount: int, /) -> bytes:
        """At most that many bytes; none at the end."""


def _read_body(response: _Response, progress: Progress) -> bytes:
    """The whole body of a response, decompressed."""
    length = response.length
    if "content-encoding" in response.headers:
        decoded = urllib3.HTTPResponse(
            response,
            urllib3.HTTPHeaderDict(response.headers.items()),
            preload_content=False,
            original_response=response,
        )
        return read_pieces(decoded, progress)
    if length is not None and length <= MAX_RESPONSE_BYTES:
        return response.read()
    content = read_pieces(response, progress)
    if response.length:
        raise IncompleteRead(content, response.length)
    return content


def read_pieces(body: _Body, progress: Progress) -> bytes:
    """The whole body.

    Raises:
        TransportFailure: It is longer than any response of the protocol.
        TimeoutError: It takes longer than allowed.
    """
    pieces, size = [], 0
    while piece := body.read1(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_RESPONSE_BYTES:
            raise TransportFailure(FailureKind.INCOMPLETE, f"the answer is larger than {MAX_RESPONSE_BYTES} bytes")
        progress.remaining()  # the connections of a caller's pool do not keep the limits by themselves
    return b"".join(pieces)


def _resolve(host: str, port: int, seconds: float | None) -> list[Any]:
    """The addresses of a host. The look-up cannot be stopped, so that it is left to a thread.

    Raises:
        TimeoutError: There was no answer in time.
        OSError: There is no such host.
    """
    results: SimpleQueue[list[Any] | OSError] = SimpleQueue()

    def look_up() -> None:
        try:
            results.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            results.put(error)

    threading.Thread(target=look_up, name="portrait-resolver", daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except Empty:
        raise TimeoutError("the name look-up takes too long") from None
    if isinstance(result, OSError):
        raise result
    return result
