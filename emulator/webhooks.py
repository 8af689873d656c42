"""Posts to the addresses that a create named, at changes of a task's or a video's status: to this machine only.

Contract §7 (`callback_url`) and §8 (`webhook`). Nobody waits for them: one thread polls what is pending, by the
emulator's clock, and each post has a thread of its own.
"""

from __future__ import annotations

import http.client
import logging
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import orjson
from attrs import define, field, frozen

from emulator.domain.reasons import Refusal
from emulator.fetch import addresses_of
from portrait.clock import Clock, SystemClock
from portrait.urls import parse_http_url

_LOG = logging.getLogger("emulator")
_POLL_SECONDS = 0.02  # between two polls of what is pending, of the machine's time
_FINAL = frozenset({"completed", "succeeded", "failed", "cancelled", "expired"})
_MAX_PENDING = 1_000  # what is beyond it is not followed


@frozen(kw_only=True)
class Hook:
    """How an operation names its webhook, and how posts are sent to it.

    Attributes:
        field: The field of the request that holds the address.
        reads: The action whose reply is posted.
        path: Appended to the address.
        every_change: Whether changes before the end are posted, too.
        timeout: Seconds without an answer after which a post has failed.
        delays: Seconds until a post about the end is sent again, one after the other.
        client_error_ends: Whether an HTTP status 4xx ends the attempts.
    """

    field: str
    reads: str
    path: str = ""
    every_change: bool = False
    timeout: float
    delays: tuple[float, ...]
    client_error_ends: bool = False


@define(eq=False)
class _Pending:
    hook: Hook
    address: str = field(repr=False)
    render: Callable[[], bytes]
    status: str
    failures: int = 0
    retry_at: float | None = None  # when the last post is sent again
    sending: bool = False


class Webhooks:
    """Follows what has a webhook. Safe to use from several threads.

    Args:
        clock: The emulator's: attempts are spaced by it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pending: list[_Pending] = []
        self._running = False

    def follow(self, hook: Hook, address: str, render: Callable[[], bytes]) -> None:
        """Post from now on, if the address is on this machine.

        Args:
            hook: How.
            address: As the request has it.
            render: The body of a read as it is now.
        """
        if not parse_http_url(address).is_loopback:
            _LOG.info("Nothing is posted to a webhook that is not on this machine.")
            return
        status = _status(render())
        pending = _Pending(
            hook,
            address.rstrip("/") + hook.path if hook.path else address,
            render,
            "" if status in _FINAL else status,  # what has ended already is posted at once
        )
        with self._lock:
            if len(self._pending) >= _MAX_PENDING:
                return
            self._pending.append(pending)
            if not self._running:
                self._running = True
                _start(_poll, weakref.ref(self))

    def step(self) -> bool:
        """Begin the posts that are due; False once nothing is pending. One thread calls it."""
        now = self._clock.now()
        with self._lock:
            idle = [each for each in self._pending if not each.sending]
        for pending in idle:  # a read may wait for a disk: nobody waits for it here
            body = _render(pending)
            with self._lock:
                self._begin(pending, body, now)
        with self._lock:
            self._running = bool(self._pending)
            return self._running

    def _begin(self, pending: _Pending, body: bytes | None, now: float) -> None:
        if body is None:
            self._pending.remove(pending)
            return
        status = _status(body)
        if status == pending.status and (pending.retry_at is None or now < pending.retry_at):
            return
        if status != pending.status:
            pending.status, pending.failures = status, 0
        if pending.hook.every_change or status in _FINAL:
            pending.sending = True
            _start(self._post, pending, body)

    def _post(self, pending: _Pending, body: bytes) -> None:
        status = _send(pending.address, body, pending.hook.timeout)
        hook = pending.hook
        with self._lock:
            pending.sending, pending.retry_at = False, None
            if pending not in self._pending or pending.status not in _FINAL:
                return  # a change before the end is posted once
            ended = 200 <= status < 300 or (hook.client_error_ends and 400 <= status < 500)
            if ended or pending.failures >= len(hook.delays):
                self._pending.remove(pending)
                return
            pending.retry_at = self._clock.now() + hook.delays[pending.failures]
            pending.failures += 1


def _render(pending: _Pending) -> bytes | None:
    """The body of a read as it is now; None for what is not followed any more."""
    try:
        return pending.render()
    except Refusal:  # it was deleted, forgotten, or reset
        return None
    except Exception:  # noqa: BLE001 - one that fails does not end the others
        _LOG.exception("A webhook is not followed any more.")
        return None


def _start(work: Callable[..., None], *args: object) -> None:
    threading.Thread(target=work, args=args, name="portrait-emulator-webhook", daemon=True).start()


def _poll(webhooks: weakref.ref[Webhooks]) -> None:
    """Look at what is pending until there is nothing, or nobody needs it any more."""
    pause, clock = threading.Event(), SystemClock()
    while True:
        started, found = clock.monotonic(), webhooks()
        if found is None or not found.step():
            return
        del found
        pause.wait(max(_POLL_SECONDS, 9 * (clock.monotonic() - started)))  # a tenth of the time at most


def _status(body: bytes) -> str:
    """The status in a read's body, which may be wrapped in `data`."""
    value: Any = orjson.loads(body)
    inner = value.get("data", value) if isinstance(value, Mapping) else {}
    return str(inner.get("status", ""))


def _send(address: str, body: bytes, timeout: float) -> int:
    """Post once to this machine: the HTTP status, 0 for none."""
    url = parse_http_url(address)
    connections = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    try:
        for ip in addresses_of(url):
            with closing(connections[url.scheme](ip, url.port, timeout=timeout)) as connection:
                connection.request("POST", url.target, body, {"Host": url.netloc, "Content-Type": "application/json"})
                status: int = connection.getresponse().status
                return status
    except (OSError, http.client.HTTPException, Refusal):
        _LOG.info("A post to a webhook on this machine failed.")
    return 0
