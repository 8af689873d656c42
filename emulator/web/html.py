"""HTML pages: templates, style sheets and scripts, which are files of this package, and the headers of every page.

Jinja2 is imported with the first page.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from emulator.messages import Reply

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent

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
