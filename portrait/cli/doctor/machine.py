"""What `doctor` sees without a call: versions, extras, and the state."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from portrait._version import __version__
from portrait.cli.context import Context
from portrait.cli.doctor.findings import Finding, fault
from portrait.clock import format_timestamp
from portrait.errors import PortraitError

# Extra → the modules that it brings.
EXTRAS: dict[str, tuple[str, ...]] = {
    "s3": ("boto3",),
    "cli": ("click", "rich"),
    "state": ("sqlalchemy",),
    "postgres": ("psycopg",),
    "media": ("av", "PIL", "pillow_heif"),
    "emulator": ("jinja2", "python_multipart", "sortedcontainers"),
}
_CREATES = "portrait_creates"  # the table
_LIBRARIES = ("attrs", "cattrs", "aiohttp", "orjson", "urllib3")


def versions() -> Iterator[Finding]:
    """Of this package, of Python, and of the libraries."""
    yield Finding("version", "ok", f"portrait {__version__}, Python {platform.python_version()}")
    found = []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding("libraries", "fault", f"{name} is missing.", "Install portrait-actions anew.", 2)
    yield Finding("libraries", "ok", ", ".join(found))


def extras() -> Iterator[Finding]:
    """Which extras are installed."""
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        words = f"not installed; pip install 'portrait-actions[{extra}]'" if missing else "installed"
        yield Finding(f"extra {extra}", "note" if missing else "ok", words)


def state(context: Context) -> Iterator[Finding]:
    """What was begun before: whether it can be read and written, and what somebody should know of it."""
    try:
        context.state.check()
        report = context.state.report()
    except PortraitError as error:
        yield fault("state", error)
        return
    replaced_at = report.replaced_at
    since = "" if replaced_at is None else f", since {format_timestamp(replaced_at)}"
    yield Finding("state", "ok", f"{report.location}{since}, creates: {report.rows[_CREATES]}")
    for note in report.notes:
        yield Finding("state", "note", note)
