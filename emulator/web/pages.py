"""The page behind an H5Link: it shows the state of a validation, and how to finish it without a camera.

Token and link are secrets and are not in the page: the validation is named by its handle, and the button posts to the
page's own address. Templates and texts are files of this package, loaded with the first page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from emulator.domain import lifecycle
from emulator.messages import Reply, ReplyFlow
from emulator.service import Service
from emulator.web import paths
from emulator.web.access import is_local
from emulator.web.body_reader import BodyReader, BufferedBody, immediate
from emulator.web.request_head import Head

if TYPE_CHECKING:
    from jinja2 import Environment

LANGUAGES = ("zh", "en", "zh-Hant")
"""The values of `lng`; the first is the default. Contract §3."""

_FORM_LIMIT = 1024  # bytes
_FOLDER = Path(__file__).parent
_HEADERS = {
    # The callback may be on any host, and a form's redirect counts as its action.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action http: https:; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Pages:
    """Serves the H5 page.

    Args:
        service: The emulator whose validations are shown.
        base_url: Gives the public base URL of the emulator for a request.
    """

    def __init__(self, service: Service, base_url: Callable[[Head], str]) -> None:
        self._service = service
        self._base_url = base_url

    def show(self, head: Head) -> Reply:
        """Render the page. Opening it starts the scan."""
        language = head.parameters.get("lng", "")
        language = language if language in LANGUAGES else LANGUAGES[0]
        page = self._service.validation_page(head.parameters)
        if page is None:
            return self._render(404, language, state="unknown")
        return self._render(
            200,
            language,
            state=page.state,
            outcomes=lifecycle.OUTCOMES,
            handle=page.handle,
            seconds=max(0, int(page.expires - self._service.clock.now())),
            address=f"{self._base_url(head)}{paths.CONTROL}validations/{page.handle}",
            with_token=not is_local(head),
        )

    def submit(self, head: Head) -> BodyReader:
        """Handle a button: end the scan if `result` says how, and redirect to the CallbackURL if the scan has ended."""

        def too_large() -> Reply:
            return self._service.http_error(413, "invalid_request_error", "The page's form has one field: result.")

        def answer(body: bytes) -> ReplyFlow:
            result = dict(parse_qsl(body.decode("ascii", "replace"))).get("result")
            if result in lifecycle.OUTCOMES:
                self._service.finish_scan(head.parameters, result)
            return immediate(self._complete(head))

        return BufferedBody(_FORM_LIMIT, too_large, answer)

    def _complete(self, head: Head) -> Reply:
        """Redirect to the CallbackURL if the scan has ended, else show the page again."""
        address = self._service.callback(head.parameters)
        if address is None:
            return self.show(head)
        return Reply(status=303, headers={**_HEADERS, "Location": address})

    def _render(self, status: int, language: str, *, state: str, **values: object) -> Reply:
        template = self._environment.get_template("validation.html")
        texts = self._texts[language]
        html = template.render(texts=texts, language=language, state=state, **values)
        return Reply(status=status, body=html.encode(), headers=_HEADERS, content_type="text/html; charset=utf-8")

    @cached_property
    def _texts(self) -> Mapping[str, Mapping[str, str]]:
        return {language: read_texts(language) for language in LANGUAGES}

    @cached_property
    def _environment(self) -> Environment:
        try:
            from jinja2 import Environment, FileSystemLoader  # noqa: PLC0415 - loaded with the first page
        except ImportError as error:
            raise ModuleNotFoundError("pages need Jinja2: pip install 'portrait-actions[emulator]'") from error
        return Environment(loader=FileSystemLoader(_FOLDER / "templates"), autoescape=True)


def read_texts(language: str) -> dict[str, str]:
    """Read the page's texts in one of `LANGUAGES`."""
    texts: dict[str, str] = json.loads((_FOLDER / "translations" / f"{language}.json").read_text(encoding="utf-8"))
    return texts
