"""`doctor`: checks step by step whether calls can work, from the configuration to a harmless list of the groups.

No secret is shown, not even a part of one.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click

from portrait._version import __version__
from portrait.cli.context import Context
from portrait.cli.errors import advice_of, code_of, exit_code
from portrait.cli.list import leftover_notes
from portrait.cli.output import Column, OutputFormat
from portrait.cli.parser import command
from portrait.errors import AccountError, ApiError, AuthError, BadResponse, PortraitError, TransportError
from portrait.models import GroupType
from portrait.options import key_variable, validate_url
from portrait.providers import Credential

_COLUMNS = (Column("CHECK", "check"), Column("STATE", "state"), Column("WHAT", "what", wrap=True))

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


class _Finding(NamedTuple):
    check: str
    state: str  # ok, note, fault or skipped
    what: str
    advice: str = ""
    code: int = 0


@command()
@click.pass_obj
def doctor_command(context: Context, /) -> int:
    """Check step by step whether calls can work."""
    findings = [*_findings(context)]
    if context.output.format is not OutputFormat.QUIET:
        context.output.print_list([_record(finding) for finding in findings], _COLUMNS, key="check", none="")
    faults = [finding for finding in findings if finding.state == "fault"]
    for fault in faults:
        context.output.error(f"portrait: {fault.check}: {fault.what}\n  → {fault.advice}\n")
    return faults[0].code if faults else 0


def _record(finding: _Finding) -> dict[str, Any]:
    return {"check": finding.check, "state": finding.state, "what": finding.what, "advice": finding.advice}


def _findings(context: Context) -> Iterator[_Finding]:
    yield from _versions()
    yield from _extras()
    yield from _state(context)
    yield from _calls(context)


def _versions() -> Iterator[_Finding]:
    yield _Finding("version", "ok", f"portrait {__version__}, Python {platform.python_version()}")
    versions = []
    for name in _LIBRARIES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield _Finding("libraries", "fault", f"{name} is missing.", "Install portrait-actions anew.", 2)
    yield _Finding("libraries", "ok", ", ".join(versions))


def _extras() -> Iterator[_Finding]:
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        words = f"not installed; pip install 'portrait-actions[{extra}]'" if missing else "installed"
        yield _Finding(f"extra {extra}", "note" if missing else "ok", words)


def _state(context: Context) -> Iterator[_Finding]:
    """What was begun before: whether it can be read and written, and what somebody should know of it."""
    try:
        context.state.check()
        report = context.state.report()
    except PortraitError as error:
        yield _fault("state", error)
        return
    replaced_at = report.replaced_at
    since = "" if replaced_at is None else f", since {datetime.fromtimestamp(replaced_at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    yield _Finding("state", "ok", f"{report.location}{since}, creates: {report.rows[_CREATES]}")
    for note in report.notes:
        yield _Finding("state", "note", note)


def _calls(context: Context) -> Iterator[_Finding]:
    """The configuration, then one call: its error says how far it came."""
    untried = [_Finding(check, "skipped", "not tried") for check in ("network", "portrait API", "key accepted")]
    try:
        yield from _configuration(context)
        client = context.client.with_options(retry=None, timeout=15.0)
    except PortraitError as error:
        yield _fault("configuration", error)
        yield from untried
        return
    try:
        groups = [*client.iter_asset_groups(group_type=GroupType.AIGC)]
    except BadResponse as error:
        yield _Finding("network", "ok", "something answers")
        yield _wrong_address(context, error)
        yield from untried[2:]
    except TransportError as error:
        yield _fault("network", error)
        yield from untried[1:]
    except ApiError as error:
        yield from _REACHED
        yield from _refused(error)
    else:
        yield from _REACHED
        yield _ACCEPTED
        for text in leftover_notes(context, groups):
            yield _Finding("groups", "note", text)


_REACHED = (_Finding("network", "ok", "the service answers"), _Finding("portrait API", "ok", "it is there"))
_ACCEPTED = _Finding("key accepted", "ok", "yes")


def _refused(error: ApiError) -> Iterator[_Finding]:
    """What a refusal says of the key: an error of the account means that the key is known."""
    if isinstance(error, AuthError):
        yield _fault("key accepted", error)
    elif isinstance(error, AccountError):
        yield _ACCEPTED
        yield _fault("account", error)
    else:
        yield _Finding("key accepted", "skipped", "not known: the service did not come so far")
        yield _fault("groups", error)


def _wrong_address(context: Context, error: BadResponse) -> _Finding:
    """Something answers that is not the portrait API."""
    what = f"{validate_url(context.base_url)} answers, but not as the portrait API"
    status = f" (HTTP status {error.http_status})" if error.http_status is not None else ""
    usual = context.provider.base_url
    advice = f"Check --base-url{f': it is usually {usual}' if usual else ''}; or a proxy answers in its place."
    path = urlsplit(usual or "").path
    if not context.base_url.rstrip("/").endswith(path):
        advice = f"base_url ends in {path}, as in {usual}."
    return _Finding("portrait API", "fault", f"{what}{status}", advice, exit_code(error))


def _configuration(context: Context) -> Iterator[_Finding]:
    provider = context.provider
    yield _Finding("provider", "ok", f"{provider.title} ({provider.name})")
    yield _Finding("base URL", "ok", validate_url(context.base_url))
    yield _Finding("project", "ok", context.project)
    context.client_options()
    signed = provider.credential is Credential.SIGNED
    variable = "PORTRAIT_ACCESS_KEY" if signed else key_variable(context.console.environ, provider)
    yield _Finding("key", "ok", f"set by {variable}")


def _fault(check: str, error: PortraitError) -> _Finding:
    code = code_of(error)
    return _Finding(
        check,
        "fault",
        f"{error.message}{f' ({code})' if code else ''}",
        advice_of(error, in_doctor=True),
        exit_code(error),
    )
