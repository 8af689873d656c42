"""Handles CallbackURL in a web application: parses what a browser brings, and confirms it.

Anybody can forge the query (contract §3): it names the validation and repeats the page's codes. Its outcome is what
GetVisualValidateResult answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from html import escape
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from attrs import field, frozen

from portrait.client import AsyncPortraitClient, PortraitClient
from portrait.codes import PASSED, scan_meaning
from portrait.errors import (
    PortraitError,
    TokenExpired,
    UnknownOutcome,
    ValidatePending,
    ValidationFailed,
    WaitTimeout,
)
from portrait.models import VisualValidateResult, VisualValidateSession
from portrait.tasks import AsyncTaskClient, TaskClient
from portrait.validate import NONCE, Validation, add_nonce, new_nonce

__all__ = ["Callback", "CallbackHandler", "ValidationOutcome", "callback_handler", "callback_url", "parse_callback"]

AnyClient = AsyncPortraitClient | PortraitClient | AsyncTaskClient | TaskClient
CONFIRM_SECONDS = 10.0  # in which the service says what the page has said already: reads may lag, contract §3 (M)
MAX_REMEMBERED = 10_000  # validations of a handler: a browser may come again, contract §3 (M)

_LOG = logging.getLogger("portrait")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Content-Type-Options": "nosniff",
}


@frozen(kw_only=True)
class Callback:
    """The query that a browser brought to CallbackURL. Not proven: confirm it by GetVisualValidateResult.

    Attributes:
        nonce: Of `callback_url` or `validate_person`; "" without one.
        token: The BytedToken, a secret; "" where the page left it out, as it may on a failure (contract §3, M).
        code: `resultCode`; None where it is missing or no number.
        sub_code: `algorithmBaseRespCode`, likewise.
    """

    nonce: str = ""
    token: str = field(default="", repr=False)
    code: int | None = None
    sub_code: int | None = None

    @property
    def passed(self) -> bool:
        """Whether the page says that the person passed: 10000 and 0. Contract §3 (D)."""
        return self.code == PASSED and self.sub_code == 0

    @property
    def meaning(self) -> str:
        """The meaning of the codes, in a few words; "" for unknown ones."""
        return scan_meaning(self.code, self.sub_code)

    def failure(self) -> ValidationFailed:
        """The error of a scan that did not pass."""
        codes = "/".join(str(code) for code in (self.code, self.sub_code) if code) or "no code"
        return ValidationFailed(
            f"The liveness check did not pass ({codes}: {self.meaning or 'not documented'}).",
            code=self.code,
            sub_code=self.sub_code,
            meaning=self.meaning,
        )


@frozen(kw_only=True)
class ValidationOutcome:
    """The outcome of a validation, as the service confirmed it.

    Attributes:
        nonce: Which validation.
        group_id: The person's group, "" if there is none.
        error: Why it did not pass, None if it did: `ValidationFailed`, `TokenExpired` or `UnknownOutcome`.
    """

    nonce: str
    group_id: str = ""
    error: PortraitError | None = None


def callback_url(url: str, nonce: str | None = None) -> str:
    """A CallbackURL that identifies its validation.

    Args:
        url: Absolute, http or https; its query stays first.
        nonce: What nobody can guess; default: a new one.
    """
    return add_nonce(url, nonce or new_nonce())


def parse_callback(url: str) -> Callback:
    """Parse the query of a requested address; never raises.

    Args:
        url: The address, absolute or from its path on.
    """
    pairs = parse_qsl(url.partition("#")[0].partition("?")[2], keep_blank_values=True)
    page = dict(pairs)  # the page appends: its parameters are the last of their names
    own = dict(reversed(pairs))
    return Callback(
        nonce=own.get(NONCE, ""),
        token=page.get("bytedToken", ""),
        code=_number(page.get("resultCode", "")),
        sub_code=_number(page.get("algorithmBaseRespCode", "")),
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def callback_handler(
    client: AnyClient, *, on_result: Callable[[ValidationOutcome], Awaitable[object]]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """An aiohttp handler for CallbackURL.

    Args:
        client: Confirms what a browser brought; best the one whose `validate_person` waits, in whatever thread.
        on_result: Is awaited once for each validation, with the confirmed outcome; once more at the next callback if
            it raised.
    """
    return CallbackHandler(client, on_result).handle


class CallbackHandler:
    """`callback_handler` with the sessions that are expected; `handle` is the handler."""

    def __init__(
        self,
        client: AnyClient,
        on_result: Callable[[ValidationOutcome], Awaitable[object]],
    ) -> None:
        self._client = client
        self._on_result = on_result
        self._tokens: dict[str, str] = {}
        self._tasks: dict[str, asyncio.Task[ValidationOutcome | None]] = {}
        self._unreported: dict[str, ValidationOutcome] = {}  # confirmed, but `on_result` raised

    def expect(self, session: VisualValidateSession) -> None:
        """Bind a session's nonce to its token, so that a callback without the token, or with another, is confirmed.

        Args:
            session: Made with a `callback_url` of this module.
        """
        self._tokens[parse_callback(session.callback_url).nonce] = session.byted_token
        _drop_oldest(self._tokens)

    async def handle(self, request: web.Request) -> web.Response:
        """Confirm what the browser brought, and answer a page."""
        callback = parse_callback(request.path_qs)
        if not callback.nonce:
            return _page(400, "This link is not complete.")
        task = self._tasks.get(callback.nonce)
        if task is None:
            task = self._tasks[callback.nonce] = asyncio.create_task(self._conclude(callback))
            self._forget_old()
        try:
            outcome = await asyncio.shield(task)  # a browser that leaves ends nothing
        except Exception:  # noqa: BLE001  (whatever `on_result` raises: it is the application's)
            self._forget(callback.nonce, task)
            _LOG.exception("on_result raised; it is called again when the browser comes again")
            return _page(500, "Something went wrong here. Load this page again in a moment.")
        if outcome is None:
            self._forget(callback.nonce, task)
            return _page(409, "This check is not confirmed. Load this page again in a moment.")
        if outcome.error is not None:
            return _page(200, "The check did not pass. Please begin again.")
        return _page(200, "The check is passed. You can close this page.")

    async def _conclude(self, callback: Callback) -> ValidationOutcome | None:
        try:
            outcome = self._unreported.pop(callback.nonce, None) or await self._confirm(callback)
        except PortraitError as error:
            _LOG.warning("a callback could not be confirmed: %s", type(error).__name__)
            return None
        if outcome is not None:
            await self._report(outcome)
        return outcome

    async def _report(self, outcome: ValidationOutcome) -> None:
        """Give an outcome to `on_result`; it stays for the next callback if that raises, as the token is used up."""
        try:
            await self._on_result(outcome)
        except BaseException:
            self._unreported[outcome.nonce] = outcome
            _drop_oldest(self._unreported)
            raise

    async def _confirm(self, callback: Callback) -> ValidationOutcome | None:
        """The outcome of the validation, from the service; None where it is not over.

        Raises:
            PortraitError: The service could not be asked, or knows no such token.
        """
        try:
            result = await self._ask(callback)
        except (TokenExpired, UnknownOutcome, ValidationFailed) as error:
            return ValidationOutcome(nonce=callback.nonce, error=error)
        except WaitTimeout as timeout:
            # A failed scan stays pending for good; one that is said to have passed may still be read.
            if callback.passed or not isinstance(timeout.__cause__, ValidatePending):
                raise
            return ValidationOutcome(nonce=callback.nonce, error=callback.failure())
        if result is None:
            return None
        failure = None if callback.passed else callback.failure()
        return ValidationOutcome(nonce=callback.nonce, group_id=result.group_id, error=failure)

    async def _ask(self, callback: Callback) -> VisualValidateResult | None:
        """The result of the validation: of the flow that waits for it, else of the service."""
        waited = self._client.validations.get(callback.nonce)
        if waited is not None:
            return await _result_of(waited, callback)
        token = self._tokens.get(callback.nonce, callback.token)
        if not token:
            return None
        client, timeout = self._client, CONFIRM_SECONDS if callback.passed else 0.0
        if isinstance(client, PortraitClient | TaskClient):
            return await asyncio.to_thread(client.wait_until_validated, token, timeout=timeout)
        return await client.wait_until_validated(token, timeout=timeout)

    def _forget(self, nonce: str, task: asyncio.Task[ValidationOutcome | None]) -> None:
        """Begin anew when the browser comes again."""
        if self._tasks.get(nonce) is task:
            del self._tasks[nonce]

    def _forget_old(self) -> None:
        if len(self._tasks) > MAX_REMEMBERED:
            nonce = next((nonce for nonce, task in self._tasks.items() if task.done()), None)
            self._tasks.pop(nonce or "", None)


def _drop_oldest(remembered: dict[str, Any]) -> None:
    if len(remembered) > MAX_REMEMBERED:
        del remembered[next(iter(remembered))]


async def _result_of(validation: Validation, callback: Callback) -> VisualValidateResult | None:
    """The result that a flow waits for; the flow alone asks the service, since the first answer uses the token up."""
    if not callback.passed:
        validation.failure = callback.failure()
    future = asyncio.wrap_future(validation.result)
    await asyncio.wait([future])
    return None if future.cancelled() else future.result()


def _page(status: int, text: str) -> web.Response:
    html = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Liveness check</title><p>{escape(text)}</p></html>"
    )
    return web.Response(status=status, text=html, content_type="text/html", headers=_HEADERS)
