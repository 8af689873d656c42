"""Handles webhooks in a web application: parses what a provider posts of a video or a task, and confirms it by a read.

Posts are not signed, and anybody can send one (contract §7, `callback_url`; §8, `webhook`): only its id is used.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutinefunction
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakValueDictionary

import orjson
from aiohttp import web
from attrs import frozen

from portrait.errors import NotAccessible, PortraitError, UsageError

__all__ = ["WebhookEvent", "WebhookHandler", "parse_webhook", "webhook_handler"]

MAX_REMEMBERED = 10_000  # changes of a handler: a post may come twice, contract §8 (D)

_LOG = logging.getLogger("portrait")
_ID_LIMIT = 200  # characters; the longest known id has 31
_DOTS = frozenset({".", ".."})  # would lead elsewhere in a path


@frozen(kw_only=True)
class WebhookEvent:
    """The job that a post names. Not proven: read it by its id.

    Attributes:
        id: Of the video or the task.
        status: The provider's word for how far it is said to be; "" where there is none.
    """

    id: str
    status: str = ""


def parse_webhook(body: bytes | str) -> WebhookEvent | None:
    """Parse a posted body; None for one that names no job. Never raises.

    Args:
        body: That of a read: bare (Ark), or within `data` (the gateways).
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    fields = value.get("data", value) if isinstance(value, dict) else None
    if not isinstance(fields, dict):
        return None
    found = fields.get("id") or fields.get("task_id")
    if not isinstance(found, str) or not 0 < len(found) <= _ID_LIMIT or not found.isprintable() or found in _DOTS:
        return None
    status = fields.get("status")
    return WebhookEvent(id=found, status=status if isinstance(status, str) else "")


class Job(Protocol):
    """The interface of what is read: a `Video`, or a `Task`."""

    @property
    def id(self) -> str:
        """The provider's id."""

    @property
    def status(self) -> str:
        """Its state."""


J = TypeVar("J", bound=Job)
Read = Callable[[str], J | Awaitable[J]]


def webhook_handler(
    read: Read[J], *, on_change: Callable[[J], Awaitable[object]]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """An aiohttp handler for the address of a webhook. Anybody who knows the address can have something read.

    Args:
        read: Reads by id what a post names, such as `client.videos.get` of either client; a blocking one runs in a
            thread.
        on_change: Is awaited with what was read, once for each status that it is found in.
    """
    return WebhookHandler(read, on_change).handle


class WebhookHandler(Generic[J]):
    """`webhook_handler` as a class; `handle` is the handler."""

    def __init__(self, read: Read[J], on_change: Callable[[J], Awaitable[object]]) -> None:
        self._read = read
        self._on_change = on_change
        self._reported: dict[tuple[str, str], None] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[int]] = set()

    async def handle(self, request: web.Request) -> web.Response:
        """Confirm what was posted; a status other than 2xx and 4xx asks the provider to post it again."""
        event = parse_webhook(await request.read())
        if event is None:
            return web.Response(status=400, text="This names no video and no task.")
        task = asyncio.create_task(self._confirm(event.id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return web.Response(status=await asyncio.shield(task))  # a provider that gives up waiting ends nothing

    async def _confirm(self, job_id: str) -> int:
        """The HTTP status of the answer; what the application raises is logged, even if nobody waits for the answer."""
        try:
            return await self._read_and_report(job_id)
        except Exception:  # noqa: BLE001  (whatever `on_change` raises: it is the application's)
            _LOG.exception("a webhook was not dealt with; it is when the provider posts again")
            return 500

    async def _read_and_report(self, job_id: str) -> int:
        """Read what is meant and report it, one post after the other."""
        async with self._locks.setdefault(job_id, asyncio.Lock()):
            try:
                job = await self._find(job_id)
            except NotAccessible:
                return 404
            except UsageError:  # no read can work: the application asks for it in a wrong way
                raise
            except PortraitError as error:
                _LOG.warning("a webhook could not be confirmed: %s", type(error).__name__)
                return 503
            change = (job.id, str(job.status))
            if change not in self._reported:
                await self._on_change(job)
                self._remember(change)
            return 204

    async def _find(self, job_id: str) -> J:
        read: Any = self._read
        value = read(job_id) if iscoroutinefunction(read) else await asyncio.to_thread(read, job_id)
        job: J = await value if isawaitable(value) else value
        return job

    def _remember(self, change: tuple[str, str]) -> None:
        self._reported[change] = None
        if len(self._reported) > MAX_REMEMBERED:
            del self._reported[next(iter(self._reported))]
