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
from portrait.http import HttpRequest, HttpResponse, Timeouts
from portrait.transports.bounded_connections import BOUNDED_POOLS, CONNECTION_ERRORS, Progress, Route, read_pieces
from portrait.transports.common import encode_head, parse_request_url, ssl_context
from portrait.transports.failures import Phase, failed_before_send, transport_failure
from portrait.transports.proxies import ProxyResolver
from portrait.urls import HttpUrl

# What is raised for a response that is not HTTP; urllib3 itself finds two lengths in one head.
_MALFORMED = (HTTPException, exceptions.InvalidHeader)
_NO_RETRIES = Retry(total=False, redirect=False)  # made once: urllib3 logs each `False` that it converts
_HOSTS = 10_000  # urllib3 closes the pools of further ones, to which routes may still lead
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
        self._options: dict[str, Any] = {
            "num_pools": _HOSTS,
            "maxsize": connections,
            "ssl_context": ssl_context(ssl),
        }
        self._now = (clock or SystemClock()).monotonic
        self._managers: dict[str | None, urllib3.PoolManager] = {}
        self._pools: dict[str, tuple[Any, str | None]] = {}  # by origin: a pool, and the proxy that it goes through
        self._route = lru_cache(maxsize=256)(self._find_route)  # once for each address, not for every call
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send once.

        Raises:
            TransportFailure: No whole response came.
        """
        if self._external_pool is not None:
            return _send_through(self._external_pool, request, Progress(request.timeouts, self._now))
        if self._pid != os.getpid():
            self._pid, self._managers, self._pools, self._lock = os.getpid(), {}, {}, threading.Lock()
            self._route.cache_clear()
        route = self._route(request.url)
        head = encode_head(request, route.target, route.headers)
        progress = Progress(request.timeouts, self._now)
        try:
            return route.pool.exchange(request, head, route, progress)
        except CONNECTION_ERRORS as error:
            raise transport_failure(error, progress.phase, malformed=_MALFORMED, proxy=route.proxy) from error

    def _find_route(self, address: str) -> Route:
        url = parse_request_url(address)
        pool, proxy = self._pools.get(url.origin) or self._find_pool(url)
        headers = {"Host": url.netloc, "Accept-Encoding": "identity"}
        forwards = proxy is not None and url.scheme == "http"
        if proxy is not None and forwards:
            headers |= {"Accept": "*/*", **_proxy_headers(proxy)}
        return Route(
            pool=pool,
            target=url.origin + url.target if forwards else url.target,
            proxy=proxy,
            tunnels=proxy is not None and not forwards,
            headers=tuple((name.lower(), f"{name}: {value}") for name, value in headers.items()),
        )

    def _find_pool(self, url: HttpUrl) -> tuple[Any, str | None]:
        proxy = self._proxy_for(url)
        self._pools[url.origin] = found = self._manager(proxy).connection_from_url(url.origin), proxy
        return found

    def _manager(self, proxy: str | None) -> urllib3.PoolManager:
        if proxy not in self._managers:
            with self._lock:
                self._managers.setdefault(proxy, self._make_manager(proxy))
        return self._managers[proxy]

    def _make_manager(self, proxy: str | None) -> urllib3.PoolManager:
        if proxy is None:
            manager = urllib3.PoolManager(**self._options)
        else:
            manager = urllib3.ProxyManager(proxy, proxy_headers=_proxy_headers(proxy), **self._options)
        manager.pool_classes_by_scheme = BOUNDED_POOLS
        return manager

    def close(self) -> None:
        """Close the transport's own connections; a caller's pool stays open."""
        for manager in self._managers.values():
            manager.clear()
        self._managers, self._pools = {}, {}
        self._route.cache_clear()


def _proxy_headers(proxy: str) -> dict[str, str]:
    """What a proxy is told of who asks: the user and the password in its URL."""
    user = urllib3.util.parse_url(proxy).auth
    return dict(urllib3.make_headers(proxy_basic_auth=user)) if user else {}


def _send_through(pool: urllib3.PoolManager, request: HttpRequest, progress: Progress) -> HttpResponse:
    """Send over a caller's own pool, as it is."""
    response = None
    url = parse_request_url(request.url)
    try:
        response = pool.urlopen(
            request.method,
            url.origin + url.target,
            body=request.body,
            headers=request.headers,
            retries=_NO_RETRIES,
            preload_content=False,
            timeout=_timeout(request.timeouts),
        )
        progress.phase = Phase.RESPONSE
        body = read_pieces(response, progress)
        response.release_conn()
    except BaseException as error:
        if response is not None:
            response.close()
        if not isinstance(error, CONNECTION_ERRORS):
            raise
        unsent = isinstance(error, exceptions.LocationValueError) or _certainly_unsent(error)
        phase = Phase.RESPONSE if response is not None else Phase.CONNECT if unsent else Phase.REQUEST
        raise transport_failure(error, phase, malformed=_MALFORMED, proxy=None) from error
    headers = {name.lower(): value for name, value in response.headers.items()}
    return HttpResponse(status=response.status, headers=headers, body=body)


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
