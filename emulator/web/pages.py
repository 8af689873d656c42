"""The page behind an H5Link: it shows the state of a validation, and has buttons that end it without a camera.

Token and link are secrets and are not in the page: the validation is named by its handle, and the buttons post to the
page's own address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import parse_qsl, quote

from emulator.clocks import rate
from emulator.domain import lifecycle
from emulator.domain.records import Scan
from emulator.messages import Reply, ReplyFlow
from emulator.service import Service
from emulator.web import html
from emulator.web.access import CONTROL, is_local
from emulator.web.body_reader import BodyReader, BufferedBody, deferred, read_store
from emulator.web.html import LANGUAGES
from emulator.web.request_head import Head, text
from portrait.codes import SCAN_CODES

_FORM_LIMIT = 1024  # bytes
# The callback may be on any host, and a form's redirect counts as its action.
_HEADERS = html.page_headers(form_action="http: https:", referrer="no-referrer")
_URL_CHARACTERS = "".join(map(chr, range(0x21, 0x7F)))  # what an address may hold as it is
_CODES = {str(code): code for code in lifecycle.FAILURE_CODES}  # as the form has them


def _codes_by_meaning() -> tuple[tuple[int, ...], ...]:
    groups: dict[str, list[int]] = {}
    for code in lifecycle.FAILURE_CODES:
        groups.setdefault(SCAN_CODES[code], []).append(code)
    return tuple(sorted(map(tuple, groups.values()), key=lambda group: len(group) > 1))


CODE_GROUPS = _codes_by_meaning()
"""The result codes of scans that do not pass; those of one meaning stand together, at the end."""


class Pages:
    """Serves the H5 page.

    Args:
        service: The emulator whose validations are shown.
        base_url: Gives the public base URL of the emulator for a request.
    """

    def __init__(self, service: Service, base_url: Callable[[Head], str]) -> None:
        self._service = service
        self._base_url = base_url

    def show(self, head: Head) -> Reply | BodyReader:
        """Render the page. Opening it starts the scan."""
        return read_store(partial(self._show, head), blocks=self._service.store.blocks)

    def _show(self, head: Head, *, refused: bool = False) -> Reply:
        language = _language(head)
        page = self._service.validation_page(head.parameters)
        if page is None:
            return self._render(404, language, state="unknown")
        clock, is_open = self._service.clock, page.state in {Scan.OPEN, Scan.SCANNING}
        return self._render(
            (400 if is_open else 409) if refused else 200,
            language,
            state=page.state,
            open=is_open,
            outcomes=lifecycle.OUTCOMES,
            codes=CODE_GROUPS,
            handle=page.handle,
            remaining=max(0.0, page.expires - clock.now()),
            rate=rate(clock),
            address=f"{self._base_url(head)}{CONTROL}validations/{page.handle}",
            with_token=not is_local(head),
        )

    def submit(self, head: Head) -> BodyReader:
        """Handle a button: end the scan as it says, and redirect to the CallbackURL if the scan has ended."""

        def too_large() -> Reply:
            return self._service.http_error(413, "invalid_request_error", "The page's form is larger than its fields.")

        def answer(body: bytes) -> ReplyFlow:
            form = dict(parse_qsl(body.decode("ascii", "replace")))
            return deferred(partial(self._finish, head, form), blocks=self._service.store.blocks)

        return BufferedBody(_FORM_LIMIT, too_large, answer)

    def _finish(self, head: Head, form: Mapping[str, str]) -> Reply:
        outcome, code = _outcome(form)
        if outcome is not None:
            self._service.finish_scan(head.parameters, outcome, code)
        return self._complete(head, with_token="without-token" not in form)

    def _complete(self, head: Head, *, with_token: bool) -> Reply:
        """Redirect to the CallbackURL if the scan has ended, else show the page again, as a refusal.

        A script that presses a button which is none, or too late, has to hear of it.
        """
        address = self._service.callback(head.parameters, with_token=with_token)
        if address is None:
            return self._show(head, refused=True)
        return Reply(status=303, headers={**_HEADERS, "Location": quote(address, safe=_URL_CHARACTERS)})

    def _render(self, status: int, language: str, *, state: str, **values: object) -> Reply:
        return html.render(
            "validation.html",
            status=status,
            headers=_HEADERS,
            static=f"..{html.STATIC}",
            texts=html.read_texts(language),
            language=language,
            state=state,
            **values,
        )


def _language(head: Head) -> str:
    """The last `lng`: applications append theirs to a link that may have one already. Contract §3."""
    asked_for = [value for name, value in parse_qsl(text(head.query)) if name == "lng"]
    return next((language for language in reversed(asked_for) if language in LANGUAGES), LANGUAGES[0])


def _outcome(form: Mapping[str, str]) -> tuple[str | None, int | None]:
    """How the form ends the scan, and with which result code; None for the outcome's own."""
    code = _CODES.get(form.get("code", ""))
    if code is not None:
        return ("cancel" if code == lifecycle.RESULT_CODES["cancel"] else "fail"), code
    result = form.get("result")
    return (result if result in lifecycle.OUTCOMES else None), None
