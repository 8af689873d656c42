"""The blocking transport, on urllib3. It sends once: no retries, no redirects, no reading of statuses.

Safe across threads. After a fork the child makes a pool of its own, since two processes must not share a connection.
"""

from __future__ import annotations

import os
import ssl as ssl_module
import threading
from functools import lru_cache
from http.client import HTTPException
from typing import Any

import urllib3
from urllib3 import exceptions

from portrait.clock import Clock, SystemClock
from portrait.http import FailureKind, HttpRequest, HttpResponse, Timeouts, TransportFailure
from portrait.transports.common import (
    MAX_RESPONSE_BYTES,
    TIMED_OUT,
    ProxyResolver,
    describe_failure,
    failed_before_send,
    ssl_context,
)

# From the special to the general: urllib3's tree says less than its leaves.
_KINDS: tuple[tuple[type[Exception], FailureKind], ...] = (
    (exceptions.NameResolutionError, FailureKind.CONNECT),
    (exceptions.NewConnectionError, FailureKind.CONNECT),
    (exceptions.ConnectTimeoutError, FailureKind.CONNECT_TIMEOUT),
    (exceptions.ReadTimeoutError, FailureKind.TIMEOUT),
    (exceptions.ProxyError, FailureKind.CONNECT),
    (exceptions.IncompleteRead, FailureKind.INCOMPLETE),
    (exceptions.DecodeError, FailureKind.INCOMPLETE),
    (exceptions.ProtocolError, FailureKind.DISCONNECTED),
    (exceptions.SSLError, FailureKind.CONNECT),
    (exceptions.LocationValueError, FailureKind.CONNECT),
)


class Urllib3Transport:
    """Sends over a urllib3 pool.

    Args:
        proxy: A proxy's URL; None takes `HTTP_PROXY` and the like from the environment, "" takes none.
        ssl: A context, or the path of a file with CA certificates; None trusts what the machine trusts.
        pool: The caller's own pool, which is used as it is and not closed.
        clock: Measures the total time of an response.
        connections: How many connections to a host are kept.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        ssl: ssl_module.SSLContext | str | None = None,
        pool: urllib3.PoolManager | None = None,
        clock: Clock | None = None,
        connections: int = 32,
    ) -> None:
        self._external_pool = pool
        self._proxy_for = ProxyResolver(proxy)
        self._options: dict[str, Any] = {"maxsize": connections, "ssl_context": ssl_context(ssl)}
        self._clock = clock or SystemClock()
        self._pools: dict[str | None, urllib3.PoolManager] = {}
        self._hosts: dict[str, urllib3.HTTPConnectionPool] = {}
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send once.

        Raises:
            TransportFailure: No whole response came.
        """
        timeouts = request.timeouts
        response = None
        deadline = None if timeouts.total is None else self._clock.monotonic() + timeouts.total
        try:
            pool, target = self._route(request.url)
            response = pool.urlopen(
                request.method,
                target,
                body=request.body,
                headers=request.headers,
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=_timeout(timeouts),
            )
            return HttpResponse(
                status=response.status,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=self._read(response, deadline),
            )
        except exceptions.HTTPError as error:
            raise _failure(error, begun=response is not None) from error
        except OSError as error:
            raise TransportFailure(FailureKind.DISCONNECTED, describe_failure(error)) from error

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float | None) -> bytes:
        """Read to the end, but no longer than allowed: a server may send a byte a second for ever."""
        parts, size = [], 0
        while part := response.read1(65536):
            parts.append(part)
            size += len(part)
            if size > MAX_RESPONSE_BYTES:
                response.close()
                raise TransportFailure(FailureKind.INCOMPLETE, f"the answer is larger than {MAX_RESPONSE_BYTES} bytes")
            if deadline is not None and self._clock.monotonic() > deadline:
                response.close()
                raise TransportFailure(FailureKind.TIMEOUT, "the answer kept coming")
        response.release_conn()
        return b"".join(parts)

    def _route(self, url: str) -> tuple[urllib3.PoolManager | urllib3.HTTPConnectionPool, str]:
        """Who takes the request, and what to ask them for. A host's own pool is found once, not for every call."""
        if self._external_pool is not None:
            return self._external_pool, url
        if self._pid != os.getpid():
            self._pid, self._pools, self._hosts, self._lock = os.getpid(), {}, {}, threading.Lock()
        proxy = self._proxy_for(url)
        if proxy is not None:
            return self._pool(proxy), url
        origin, target = _parts(url)
        if origin not in self._hosts:
            self._hosts[origin] = self._pool(None).connection_from_url(origin)
        return self._hosts[origin], target

    def _pool(self, proxy: str | None) -> urllib3.PoolManager:
        if proxy not in self._pools:
            with self._lock:
                self._pools.setdefault(proxy, self._make(proxy))
        return self._pools[proxy]

    def _make(self, proxy: str | None) -> urllib3.PoolManager:
        if proxy is None:
            return urllib3.PoolManager(**self._options)
        parsed = urllib3.util.parse_url(proxy)
        headers = urllib3.make_headers(proxy_basic_auth=parsed.auth) if parsed.auth else None
        return urllib3.ProxyManager(proxy, proxy_headers=headers, **self._options)

    def close(self) -> None:
        """Close the transport's own connections; a caller's pool stays open."""
        for pool in self._pools.values():
            pool.clear()
        self._pools, self._hosts = {}, {}


@lru_cache(maxsize=64)
def _timeout(timeouts: Timeouts) -> urllib3.Timeout:
    return urllib3.Timeout(connect=timeouts.connect, read=timeouts.read, total=timeouts.total)


@lru_cache(maxsize=64)
def _parts(url: str) -> tuple[str, str]:
    """Where a URL leads, and what the request line says there."""
    parts = urllib3.util.parse_url(url)
    return f"{parts.scheme}://{parts.netloc}", parts.request_uri


def _failure(error: exceptions.HTTPError, *, begun: bool) -> TransportFailure:
    kind = next((kind for exception, kind in _KINDS if isinstance(error, exception)), FailureKind.DISCONNECTED)
    # "Nothing was sent" must be sure: a call that is wrongly sent again makes a second asset.
    if kind is FailureKind.CONNECT and isinstance(error, exceptions.SSLError) and not failed_before_send(error):
        kind = FailureKind.DISCONNECTED
    if kind is FailureKind.CONNECT and begun:
        kind = FailureKind.INCOMPLETE
    # Something answered, if only with what is not HTTP. RemoteDisconnected is both: there nothing did.
    cause = _cause(error)
    answered = begun or (isinstance(cause, HTTPException) and not isinstance(cause, ConnectionError))
    if kind is FailureKind.DISCONNECTED and answered:
        kind = FailureKind.INCOMPLETE
    return TransportFailure(kind, "" if kind in TIMED_OUT else describe_failure(error))


def _cause(error: BaseException) -> Any:
    return error.__cause__ or (error.args[-1] if error.args else None)
