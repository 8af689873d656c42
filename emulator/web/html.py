"""HTML pages: their templates, style sheets, scripts and texts, which are files of this package, and their headers.

Jinja2 is imported with the first page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from emulator.messages import Reply
from emulator.web.access import CONTROL

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent

STATIC = f"{CONTROL}static/"
"""The path below which style sheets and scripts are served."""

LANGUAGES = ("zh", "en", "zh-Hant")
"""The values of `lng`; the first is the default of a check's page. Contract §3."""

_TRADITIONAL = {"hant", "tw", "hk", "mo"}
_RANGE = re.compile(r"\s*([a-z-]+)\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?")

_STATIC_FILES: Mapping[str, str] = MappingProxyType(
    {
        "theme.css": "text/css; charset=utf-8",
        "dashboard.css": "text/css; charset=utf-8",
        "dashboard.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
        "validation.css": "text/css; charset=utf-8",
        "validation.js": "text/javascript; charset=utf-8",
    }
)
_NO_SNIFF = {"X-Content-Type-Options": "nosniff"}


def render(template: str, *, status: int = 200, headers: Mapping[str, str], **values: object) -> Reply:
    """Render a page.

    Args:
        template: The template's file name.
        status: HTTP status.
        headers: Of `page_headers`, and others.
        **values: What the template reads.
    """
    html = _environment().get_template(template).render(**values)
    return Reply(status=status, body=html.encode(), headers=headers, content_type="text/html; charset=utf-8")


def page_headers(form_action: str, referrer: str) -> dict[str, str]:
    """The headers of a page: nothing is loaded from other hosts, nothing runs inline, nobody keeps or frames it.

    Args:
        form_action: Where forms may lead, redirects included, as a Content-Security-Policy source list.
        referrer: The Referrer-Policy.
    """
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
        f" form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        **_NO_SNIFF,
        "Content-Security-Policy": policy,
        "Referrer-Policy": referrer,
        "Cache-Control": "no-store",
    }


def static_files() -> dict[str, Reply]:
    """The style sheets and scripts of the pages, by file name."""
    return {
        name: Reply(
            body=(FOLDER / "static" / name).read_bytes(),
            content_type=content_type,
            headers={**_NO_SNIFF, "Cache-Control": "no-cache"},
        )
        for name, content_type in _STATIC_FILES.items()
    }


@cache
def _environment() -> Environment:
    try:
        from jinja2 import Environment, FileSystemLoader  # noqa: PLC0415 - loaded with the first page
    except ImportError as error:
        raise ModuleNotFoundError("pages need Jinja2: pip install 'portrait-actions[emulator]'") from error
    return Environment(loader=FileSystemLoader(FOLDER / "templates"), autoescape=True)


# --- languages -------------------------------------------------------------------------------------------------------


def preferred_language(accept_language: str) -> str:
    """The one of `LANGUAGES` that a browser prefers; English if it prefers others.

    Args:
        accept_language: The header (RFC 9110 §12.5.4), "" without one.
    """
    ranges = filter(None, map(_RANGE.fullmatch, accept_language.lower().split(",")))
    for found in sorted(ranges, key=lambda found: -float(found[2] or 1)):
        language, *subtags = found[1].split("-")
        if language == "zh":
            return "zh" if _TRADITIONAL.isdisjoint(subtags) else "zh-Hant"
        if language == "en":
            break
    return "en"


@cache
def read_texts(language: str) -> dict[str, Any]:
    """The texts of a check's page, by their names."""
    return _read(language)


def translator(language: str) -> Callable[..., str]:
    """A function from a sentence of the dashboard to the same in that language.

    The English sentence is its own name; what stands in braces is filled in from the keywords.
    """
    sentences = {} if language == "en" else _sentences(language)

    def translate(sentence: str, **values: object) -> str:
        text = sentences.get(sentence, sentence)
        return text.format(**values) if values else text

    return translate


@cache
def _sentences(language: str) -> dict[str, str]:
    return _read(f"dashboard.{language}")


def _read(name: str) -> dict[str, Any]:
    texts: dict[str, Any] = json.loads((FOLDER / "translations" / f"{name}.json").read_text(encoding="utf-8"))
    return texts
