"""The dashboard at `/_emulator/`: the newest records of the emulator as a page, and a few controls.

It asks for the control token where the control plane does, and then lets a browser in by a cookie of its own. Forms
are taken from its own origin only. Tokens and links are not in the page: a validation is opened by its handle.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from http.cookies import CookieError, SimpleCookie
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from emulator.control import Control, ControlError
from emulator.domain.validations import PAGES
from emulator.messages import Reply, ReplyFlow
from emulator.service import Service
from emulator.web import html
from emulator.web.access import CONTROL, equal, is_local, is_same_origin
from emulator.web.body_reader import BodyReader, BufferedBody, deferred, immediate, read_store
from emulator.web.request_head import Head

LIMIT = 50
"""How many records of each kind are shown, and calls."""

_FORM_LIMIT = 4096  # bytes
_COOKIE = "portrait-emulator"
# A POST names its origin only where the referrer may be told.
_HEADERS = html.page_headers(form_action="'self'", referrer="same-origin")
_ADVANCES: Mapping[str, str] = MappingProxyType(
    {"5": "5 s", "60": "1 min", "121": "121 s", "3600": "1 h", "86400": "1 day"}
)
_LOCAL_ONLY = (
    "The dashboard answers only this machine, on a loopback address such as 127.0.0.1; from elsewhere start the"
    " emulator with --control-token."
)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ControlError(400, "seconds are a number") from None


# By the name of a form's field: what its button does with the value.
_COMMANDS: Mapping[str, Callable[[Control, str], dict[str, Any]]] = MappingProxyType(
    {
        "advance": lambda control, value: control.set_clock(advance=_seconds(value)),
        "activate": lambda control, value: control.set_asset(value, status="Active"),
        "fail": lambda control, value: control.set_asset(value, status="Failed", code="FaceMismatch"),
        "delete-rule": lambda control, value: control.delete_rules(value),
    }
)


class Dashboard:
    """Serves the dashboard.

    Args:
        service: The emulator that is shown.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._session = secrets.token_urlsafe(32)  # what the cookie of a browser holds that has shown the token

    def show(self, head: Head) -> Reply | BodyReader:
        """Render the page, or the form that asks for the control token."""
        return self._refuse(head) or read_store(partial(self._render, head), blocks=True)

    def submit(self, head: Head) -> Reply | BodyReader:
        """Carry out a form of the page."""
        # Every browser names the origin of a form; what names none is no browser, and has the control plane.
        if "origin" not in head.headers or not is_same_origin(head):
            return _message(head, 403, "The dashboard takes forms of its own page only.")
        return BufferedBody(_FORM_LIMIT, lambda: _too_large(head), lambda body: self._answer(head, body))

    def _answer(self, head: Head, body: bytes) -> ReplyFlow:
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        refused = self._log_in(head, form["token"]) if "token" in form else self._refuse(head)
        return immediate(refused) if refused else deferred(partial(self._command, head, form), blocks=True)

    def _command(self, head: Head, form: Mapping[str, str]) -> Reply:
        if "open" in form:
            return self._open(head, form["open"])
        for name in form.keys() & _COMMANDS.keys():
            try:
                _COMMANDS[name](self._service.control, form[name])
            except ControlError as error:
                return self._render(head, error.status, error.message)
        return _see_other("./")

    def _open(self, head: Head, handle: str) -> Reply:
        """Lead to a validation's page; its link is in no page, only in this answer."""
        query = self._service.page_query(handle)
        if query is None:
            return _message(head, 404, "There is no such check.")
        return _see_other(f"..{PAGES}?{query}&lng={_language(head)}")

    def _render(self, head: Head, status: int = 200, problem: str = "") -> Reply:
        overview = self._service.overview.read(LIMIT)
        return _page(head, "dashboard.html", status, problem, limit=LIMIT, advances=_ADVANCES, **overview)

    # --- access ------------------------------------------------------------------------------------------------------

    def _refuse(self, head: Head) -> Reply | None:
        """The reply to who may not see the dashboard; None to everybody else."""
        if is_local(head) or self._has_session(head):
            return None
        return self._ask_for_token(head)

    def _has_session(self, head: Head) -> bool:
        try:
            cookie = SimpleCookie(head.header("cookie") or "").get(_COOKIE)
        except CookieError:
            return False
        return cookie is not None and equal(cookie.value, self._session)

    def _log_in(self, head: Head, token: str) -> Reply:
        expected = self._service.settings.control_token
        if expected is None or not equal(token, expected):
            return self._ask_for_token(head, "This is not the emulator's control token.")
        cookie = f"{_COOKIE}={self._session}; Path={CONTROL}; HttpOnly; SameSite=Strict"
        return _see_other("./", {"Set-Cookie": cookie})

    def _ask_for_token(self, head: Head, problem: str = "") -> Reply:
        if self._service.settings.control_token is None:
            return _message(head, 403, _LOCAL_ONLY)
        return _message(head, 401, problem, login=True)


def _message(head: Head, status: int, problem: str, *, login: bool = False) -> Reply:
    return _page(head, "message.html", status, problem, login=login)


def _page(head: Head, template: str, status: int, problem: str, **values: object) -> Reply:
    """A page in the browser's language; `problem` is "" where nothing is wrong."""
    language = _language(head)
    return html.render(
        template,
        status=status,
        headers=_HEADERS,
        language=language,
        _=html.translator(language),
        problem=problem,
        **values,
    )


def _too_large(head: Head) -> Reply:
    return _message(head, 413, "The form is larger than its fields.")


def _language(head: Head) -> str:
    return html.preferred_language(head.header("accept-language") or "")


def _see_other(location: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status=303, headers={**_HEADERS, **(headers or {}), "Location": location})
