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
from urllib3.util import Retry

from portrait.clock import Clock, SystemClock
from portrait.http import FailureKind, HttpRequest, HttpResponse, Timeouts, TransportFailure
from portrait.transports.bounded_connections import RequestLimits, bounded_pools
from portrait.transports.common import MAX_RESPONSE_BYTES, parse_request_url, ssl_context
from portrait.transports.failures import Phase, failed_before_send, transport_failure
from portrait.transports.proxies import ProxyResolver
from portrait.urls import HttpUrl

# What is raised for a response that is not HTTP; urllib3 itself finds two lengths in one head.
_MALFORMED = (HTTPException, exceptions.InvalidHeader)
_NO_RETRIES = Retry(total=False, redirect=False)  # made once: urllib3 logs each `False` that it converts
# Of these urllib3 says with certainty that there was no connection yet.
_CONNECT_ERRORS = (exceptions.NewConnectionError, exceptions.ConnectTimeoutError)


class Urllib3Transport:
    """Sends over a urllib3 pool.

    Args:
        proxy: A proxy's URL; None takes `HTTP_PROXY` and the like from the environment, "" takes none.
        ssl: A context, or the path of a file with CA certificates; None trusts what the machine trusts.
        pool: The caller's own pool, which is used as it is and not closed.
        clock: Measures the time of a request.
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
        self._limits = RequestLimits(clock or SystemClock())
        self._pools: dict[str | None, urllib3.PoolManager] = {}
        self._hosts: dict[str, urllib3.HTTPConnectionPool] = {}
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send once.

        Raises:
            TransportFailure: No whole response came.
        """
        response = None
        url = parse_request_url(request.url)
        proxy = None if self._external_pool is not None else self._proxy_for(url)
        try:
            pool, target = self._route(url, proxy)
            self._limits.start(request.timeouts)
            response = pool.urlopen(
                request.method,
                target,
                body=request.body,
                headers=request.headers,
                retries=_NO_RETRIES,
                redirect=False,
                preload_content=False,
                timeout=_timeout(request.timeouts),
            )
            return HttpResponse(
                status=response.status,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=self._read(response),
            )
        except BaseException as error:
            if response is not None:
                response.close()
            if not isinstance(error, (exceptions.HTTPError, OSError)):
                raise
            phase = self._phase(error) if response is None else Phase.RESPONSE
            raise transport_failure(error, phase, malformed=_MALFORMED, proxy=proxy) from error

    def _phase(self, error: BaseException) -> Phase:
        """How far a request without a response came. Connections of ours mark failures to connect themselves."""
        if isinstance(error, exceptions.LocationValueError):
            return Phase.CONNECT
        return Phase.CONNECT if self._external_pool is not None and _certainly_unsent(error) else Phase.REQUEST

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """The whole body, unless it is longer than any response of the protocol or takes longer than allowed."""
        parts, size = [], 0
        while part := response.read1(65536):
            parts.append(part)
            size += len(part)
            if size > MAX_RESPONSE_BYTES:
                raise TransportFailure(FailureKind.INCOMPLETE, f"the answer is larger than {MAX_RESPONSE_BYTES} bytes")
            self._limits.remaining()  # a caller's pool does not keep the limits by itself
        response.release_conn()
        return b"".join(parts)

    def _route(self, url: HttpUrl, proxy: str | None) -> tuple[urllib3.PoolManager | urllib3.HTTPConnectionPool, str]:
        """Who takes the request, and what to ask them for. A host's own pool is found once, not for every call."""
        if self._external_pool is not None:
            return self._external_pool, url.origin + url.target
        if self._pid != os.getpid():
            self._pid, self._pools, self._hosts, self._lock = os.getpid(), {}, {}, threading.Lock()
        if proxy is not None:
            return self._pool(proxy), url.origin + url.target
        origin = url.origin
        if origin not in self._hosts:
            self._hosts[origin] = self._pool(None).connection_from_url(origin)
        return self._hosts[origin], url.target

    def _pool(self, proxy: str | None) -> urllib3.PoolManager:
        if proxy not in self._pools:
            with self._lock:
                self._pools.setdefault(proxy, self._make(proxy))
        return self._pools[proxy]

    def _make(self, proxy: str | None) -> urllib3.PoolManager:
        if proxy is None:
            manager = urllib3.PoolManager(**self._options)
        else:
            parsed = urllib3.util.parse_url(proxy)
            headers = urllib3.make_headers(proxy_basic_auth=parsed.auth) if parsed.auth else None
            manager = urllib3.ProxyManager(proxy, proxy_headers=headers, **self._options)
        manager.pool_classes_by_scheme = bounded_pools(self._limits)
        return manager

    def close(self) -> None:
        """Close the transport's own connections; a caller's pool stays open."""
        for pool in self._pools.values():
            pool.clear()
        self._pools, self._hosts = {}, {}


@lru_cache(maxsize=64)
def _timeout(timeouts: Timeouts) -> urllib3.Timeout:
    return urllib3.Timeout(connect=timeouts.connect, read=timeouts.read, total=timeouts.total)


def _certainly_unsent(error: BaseException) -> bool:
    """Was there no connection yet, by the exception of a pool whose connections are not ours?

    urllib3 calls a lost response behind a proxy a `ProxyError` as well, so that only its cause counts.
    """
    cause = error.original_error if isinstance(error, exceptions.ProxyError) else error
    refused = isinstance(error, exceptions.ProxyError) and str(cause).startswith("Tunnel connection failed")
    return isinstance(cause, _CONNECT_ERRORS) or refused or failed_before_send(error)
