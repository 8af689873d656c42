"""urllib3's connections with a deadline: every wait of a request ends when the request's time is up.

urllib3 bounds each single read, so that a server which sends a byte now and then holds a call for ever. Here each
operation on the socket gets what is left of the limits.
"""

from __future__ import annotations

import io
import socket
import threading
from http.client import HTTPException, HTTPResponse, parse_headers
from math import inf
from queue import Empty, SimpleQueue
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from portrait.clock import Clock
from portrait.http import Timeouts
from portrait.transports.failures import Phase, transport_failure

_SHORT = 65_536  # bytes; a longer request is not copied into one piece


class RequestLimits(threading.local):
    """The time limits of the request that the current thread is sending.

    Args:
        clock: Measures the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._now = clock.monotonic
        self._connect_by = self._finish_by = self._read = inf
        self.connecting = False

    def start(self, timeouts: Timeouts) -> None:
        """Begin a request: its time runs from now."""
        now = self._now()
        self._read = inf if timeouts.read is None else timeouts.read
        self._finish_by = inf if timeouts.total is None else now + timeouts.total
        self._connect_by = self._finish_by
        if timeouts.connect is not None:
            self._connect_by = min(self._finish_by, now + timeouts.connect)
        self.connecting = False

    def remaining(self) -> float | None:
        """Seconds for the next operation, None for no limit.

        Raises:
            TimeoutError: None are left.
        """
        now = self._now()
        seconds = self._connect_by - now if self.connecting else min(self._read, self._finish_by - now)
        if seconds <= 0:
            raise TimeoutError("the time for the request is up")
        return None if seconds == inf else seconds

    def apply(self, sock: Any) -> None:
        """Set the socket's timeout for its next operation."""
        sock.settimeout(self.remaining())


class _BoundedReader(io.RawIOBase):
    """Reads from a socket, each time with what is left of the limits."""

    def __init__(self, sock: Any, limits: RequestLimits) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._limits = limits

    def makefile(self, *_: Any) -> io.BufferedReader:
        """What `HTTPResponse` asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._limits.apply(self._sock)
        return self._raw.readinto(buffer)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """Skips every interim response (RFC 9110 §15.2), of which `http.client` knows 100 alone."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        while 102 <= status < 200:
            parse_headers(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, status, reason


class _BoundedConnection(HTTPConnection):
    """A connection that keeps the limits, and says of each failure to connect that nothing was sent."""

    limits: RequestLimits
    _pieces: list[bytes] | None = None

    def connect(self) -> None:
        self.limits.connecting = True
        try:
            super().connect()
        except Exception as error:
            self.close()
            proxy = self.proxy.url if self.proxy else None
            raise transport_failure(error, Phase.CONNECT, malformed=(HTTPException,), proxy=proxy) from error
        finally:
            self.limits.connecting = False

    def _new_conn(self) -> socket.socket:
        error = OSError("the name has no address")
        for family, kind, protocol, _, address in _resolve(self.host, self.port, self.limits.remaining()):
            sock = socket.socket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                self.limits.apply(sock)
                sock.connect(address)
                self.limits.apply(sock)  # for the TLS handshake
            except OSError as failure:
                sock.close()
                error = failure
            else:
                return sock
        raise error

    def _tunnel(self) -> None:
        super()._tunnel()
        self.limits.apply(self.sock)  # for the TLS handshake

    def request(self, *args: Any, **options: Any) -> None:
        """Send headers and body at once: `http.client` makes a system call and a packet of each."""
        pieces: list[bytes] = []
        self._pieces = pieces
        try:
            super().request(*args, **options)
        finally:
            self._pieces = None
        is_short = sum(len(piece) for piece in pieces) <= _SHORT
        for piece in [b"".join(pieces)] if is_short else pieces:
            self.send(piece)

    def send(self, data: Any) -> None:
        if self._pieces is not None:
            self._pieces.append(data)
            return
        if self.sock is None:
            self.connect()
        self.limits.apply(self.sock)
        super().send(data)

    def response_class(self, sock: Any, **options: Any) -> HTTPResponse:  # type: ignore[override]
        """Make the response of `http.client`, over a bounded socket."""
        return _Response(_BoundedReader(sock, self.limits), **options)  # type: ignore[arg-type]


def bounded_pools(limits: RequestLimits) -> dict[str, type]:
    """Pool classes by scheme, for a `PoolManager` whose requests keep the limits."""
    plain = type("Connection", (_BoundedConnection,), {"limits": limits})
    secure = type("SecureConnection", (_BoundedConnection, HTTPSConnection), {"limits": limits})
    return {
        "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


def _resolve(host: str, port: int, seconds: float | None) -> list[Any]:
    """The addresses of a host. The look-up cannot be stopped, so that it is left to a thread.

    Raises:
        TimeoutError: There was no answer in time.
        OSError: There is no such host.
    """
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
