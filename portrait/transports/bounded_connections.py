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
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from math import inf
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, Protocol

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from portrait.http import FailureKind, HttpRequest, HttpResponse, Timeouts, TransportFailure
from portrait.transports.common import MAX_RESPONSE_BYTES
from portrait.transports.failures import Phase
from portrait.urls import is_loopback, is_loopback_address, local_name

# What a connection raises for a request that gets no whole response.
CONNECTION_ERRORS = (urllib3.exceptions.HTTPError, HTTPException, OSError)
_LONGEST = 86_400.0 * 365  # seconds for one operation; sockets take no number beyond that of some centuries
_SHORT = 65_536  # bytes; a longer request is not copied into one piece
_PIECE = 65_536  # bytes that are read at once of a body whose length is not known
# A server may close the connection once it has answered, before it has read the whole request. EPROTOTYPE is macOS's.
_CLOSED_EARLY = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EPROTOTYPE})
_STATUS = re.compile(rb"(HTTP/1\.[0-9])[ \t]+([1-9][0-9]{2})(?:[ \t][^\r\n]*)?\r?\n")
_FIELD = re.compile(rb"([!-9;-~]+):([^\r\n]*)\r?\n|([ \t][^\r\n]*)\r?\n")  # a header, or more of the one before
_LENGTH = re.compile("[0-9]{1,19}")
_END_OF_HEAD = frozenset({b"\r\n", b"\n"})
_MAX_FIELDS = 100
_MAX_LINE = 65_536  # bytes
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})  # RFC 9112 §6.3


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
        return None if seconds == inf else min(seconds, _LONGEST)


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

    def exchange(self, request: HttpRequest, head: bytes) -> _Response:
        """Send a request, and read the head of its response."""
        try:
            if len(request.body) <= _SHORT:
                self.send(head + request.body)  # one system call and one packet
            else:
                self.send(head)
                self.send(request.body)
        except OSError as error:
            if error.errno not in _CLOSED_EARLY:
                raise
        response = self.response_class(self.sock, method=request.method)
        try:
            response.begin()
        except BaseException:
            response.close()
            raise
        return response

    def response_class(self, sock: Any, **options: Any) -> _Response:  # type: ignore[override]
        """Make the response of `http.client`, over a bounded socket; urllib3 calls it for a tunnel."""
        return _Response(_BoundedReader(sock, self.progress), **options)  # type: ignore[arg-type]


class _BoundedTlsConnection(_BoundedConnection, HTTPSConnection):
    """The same for https."""


class BoundedPool(HTTPConnectionPool):
    """A pool for http, whose connections keep the limits of a request."""

    ConnectionCls = _BoundedConnection

    def exchange(self, request: HttpRequest, head: bytes, route: Route, progress: Progress) -> HttpResponse:
        """Send a request over a connection of the pool, and read the whole response.

        Args:
            request: The request.
            head: Its head, as it is sent.
            route: How it goes.
            progress: Its time.

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
            response = connection.exchange(request, head)
            progress.phase = Phase.RESPONSE
            with response:
                body = _read_body(response, progress)
        except BaseException:
            connection.close()
            raise
        else:
            if response.will_close:
                connection.close()
        finally:
            self._put_conn(connection)  # a closed one connects when it is used again
        return HttpResponse(status=response.status, headers=response.fields, body=body)


class _BoundedTlsPool(BoundedPool, HTTPSConnectionPool):
    """A pool for https, whose connections keep the limits of a request."""

    ConnectionCls = _BoundedTlsConnection


BOUNDED_POOLS: dict[str, type] = {"http": BoundedPool, "https": _BoundedTlsPool}


class _Response(HTTPResponse):
    """Reads the head of a response; the body is read by `http.client`, which parses heads as it would parse mails.

    Attributes:
        fields: The headers, names in lower case; of several with a name the last one.
    """

    fields: dict[str, str]
    _method: str | None

    def begin(self) -> None:
        version, status = _read_status(self.fp)
        self.fields = _read_fields(self.fp)
        while 100 <= status < 200 and status != HTTPStatus.SWITCHING_PROTOCOLS:  # interim (RFC 9110 §15.2)
            version, status = _read_status(self.fp)
            self.fields = _read_fields(self.fp)
        self.status = status
        # RFC 9112 §6.3: what ends the body, and §9.3: whether the connection lives on.
        self.chunked = self.fields.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        length = self.fields.get("content-length")
        self.length = None if length is None or self.chunked else int(length)
        if status in _WITHOUT_BODY or self._method == "HEAD":
            self.length = 0
        options = self.fields.get("connection", "").lower()
        lives = "keep-alive" in options if version == b"HTTP/1.0" else "close" not in options
        self.will_close = not lives or (self.length is None and not self.chunked)


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


def _read_status(lines: Any) -> tuple[bytes, int]:
    """The version and the status of a head (RFC 9112 §4).

    Raises:
        RemoteDisconnected: The connection was closed without a response.
        HTTPException: It is not HTTP/1.
    """
    line = lines.readline(_MAX_LINE)
    match = _STATUS.fullmatch(line)
    if not line:
        raise RemoteDisconnected("the connection was closed without a response")
    if match is None:
        raise HTTPException("the response is not HTTP/1")
    return match[1], int(match[2])


def _read_fields(lines: Any) -> dict[str, str]:
    """The headers of a head, names in lower case.

    Raises:
        HTTPException: They are malformed (RFC 9112 §5), too many, too long, or have several lengths (RFC 9110 §8.6).
    """
    fields: dict[str, str] = {}
    name = ""
    for _ in range(_MAX_FIELDS):
        line = lines.readline(_MAX_LINE)
        if line in _END_OF_HEAD:
            return fields
        match = _FIELD.fullmatch(line)
        if match is None or (match[1] is None and not name):
            raise HTTPException("the head of the response is malformed or cut off")
        if match[1] is None:
            fields[name] = f"{fields[name]} {match[3].decode('latin-1').strip()}"
            continue
        name, value = match[1].decode("ascii").lower(), match[2].decode("latin-1").strip(" \t")
        if name == "content-length" and (not _LENGTH.fullmatch(value) or fields.get(name, value) != value):
            raise HTTPException("the head of the response has no length, or several")
        fields[name] = value
    raise HTTPException("the head of the response is too long")


class _Body(Protocol):
    """A body that is read in pieces."""

    def read1(self, amount: int, /) -> bytes:
        """At most that many bytes; none at the end."""


def _read_body(response: _Response, progress: Progress) -> bytes:
    """The whole body of a response, decompressed."""
    length = response.length
    if "content-encoding" in response.fields:
        decoded = urllib3.HTTPResponse(
            response, response.fields, response.status, preload_content=False, original_response=response
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
    """The addresses of a host; those of a name that stands for this machine are on it (RFC 6761 §6.3).

    Raises:
        TimeoutError: There was no answer in time.
        OSError: There is no such host.
    """
    if not is_loopback(host):
        return _look_up(host, port, seconds)
    return [found for found in _look_up(local_name(host), port, seconds) if is_loopback_address(found[4][0])]


def _look_up(host: str, port: int, seconds: float | None) -> list[Any]:
    """What the resolver says. A look-up cannot be stopped, so that it is left to a thread."""
    if seconds is None or ":" in host or host[-1:].isdigit():
        return socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
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
