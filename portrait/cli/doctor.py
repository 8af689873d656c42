"""`doctor`: checks step by step whether calls can work, from the configuration to a harmless list of the groups.

With `--to` an object storage is tried as well, by storing an object. No secret is shown, not even a part of one.
"""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from portrait._version import __version__
from portrait.cli.context import Context
from portrait.cli.errors import advice_of, code_of, exit_code
from portrait.cli.list import leftover_notes
from portrait.cli.output import Column, OutputFormat
from portrait.cli.storage import StorageOptions, open_store
from portrait.clock import default_clock
from portrait.errors import AccountError, ApiError, AuthError, BadResponse, PortraitError, TransportError
from portrait.models import GroupType
from portrait.options import key_variables, validate_url
from portrait.providers import Credential, Provider
from portrait.s3 import AccessDenied, ObjectStore, StorageWarning, StoredObject, UploadProgress
from portrait.urls import parse_http_url

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


def examine(context: Context, /, **values: Any) -> int:
    """Check step by step whether calls can work, and uploads to a storage that is named."""
    findings = [*_findings(context, StorageOptions(**values))]
    if context.output.format is not OutputFormat.QUIET:
        context.output.print_list([_record(finding) for finding in findings], _COLUMNS, key="check", none="")
    faults = [finding for finding in findings if finding.state == "fault"]
    for fault in faults:
        context.output.error(f"portrait: {fault.check}: {fault.what}\n  → {fault.advice}\n")
    return faults[0].code if faults else 0


def _record(finding: _Finding) -> dict[str, Any]:
    return {"check": finding.check, "state": finding.state, "what": finding.what, "advice": finding.advice}


def _findings(context: Context, storage: StorageOptions) -> Iterator[_Finding]:
    yield from _versions()
    yield from _extras()
    yield from _state(context)
    yield from _calls(context)
    yield from _storage(context, storage)


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
    path = parse_http_url(usual).path if usual else ""
    if not context.base_url.rstrip("/").endswith(path):
        advice = f"--base-url ends in {path}, as in {usual}."
    return _Finding("portrait API", "fault", f"{what}{status}", advice, exit_code(error))


def _configuration(context: Context) -> Iterator[_Finding]:
    provider = context.provider
    yield _Finding("provider", "ok", f"{provider.title} ({provider.name})")
    yield _Finding("base URL", "ok", validate_url(context.base_url))
    yield _Finding("project", "ok", context.project)
    context.client_options()
    yield from _key(context, provider)


def _key(context: Context, provider: Provider) -> Iterator[_Finding]:
    """Where the key comes from, and which other one is not used."""
    if provider.credential is Credential.SIGNED:
        yield _Finding("key", "ok", "set by PORTRAIT_ACCESS_KEY")
        return
    used, *others = key_variables(context.console.environ, provider)
    yield _Finding("key", "ok", f"set by {used}")
    for other in others:
        yield _Finding("key", "note", f"{other} is set as well, and not used: {used} comes first")


def _storage(context: Context, options: StorageOptions) -> Iterator[_Finding]:
    """Do once what `put` and `forget` do with a bucket."""
    warnings: list[_Finding] = []

    def warn(event: UploadProgress | StorageWarning) -> None:
        if isinstance(event, StorageWarning):
            warnings.append(_Finding("storage", "note", event.message))

    try:
        store = open_store(context, options, warn)
        if store is None:
            return
        with store, tempfile.TemporaryDirectory() as folder:
            probe = Path(folder, "probe.txt")  # new at each run: what is stored already is not stored again
            probe.write_text(f"portrait doctor {(context.console.clock or default_clock()).now()}", encoding="utf-8")
            stored = store.put(probe)
            yield _Finding("storage", "ok", f"an object was stored in {options.to}")
            yield from _stored(store, stored, "its public address" if options.public_base else "a presigned address")
    except PortraitError as error:
        yield _fault("storage", error)
    yield from warnings


def _stored(store: ObjectStore, stored: StoredObject, address: str) -> Iterator[_Finding]:
    """Whether an object can be fetched, listed and deleted; a right that `put` can do without may be missing."""
    beside = f"{PurePosixPath(stored.key).parent.name}/"  # a bucket may hold millions of objects
    no_list = "the key may not list: `put` asks for each file by HEAD, `forget` cannot work"
    no_uploads = "the key may not list unfinished uploads: a large one that nobody remembers begins anew"
    no_delete = f"the key may not delete, as `forget` does: {stored.key} stays"
    for check, attempt, done, denied in (
        ("public", lambda: store.check_public(stored), f"it can be fetched by {address}", ""),
        ("list", lambda: store.list_objects(beside), "the key may list", no_list),
        ("uploads", store.incomplete_uploads, "the key may list unfinished uploads", no_uploads),
        ("delete", lambda: store.delete(stored), "it was deleted", no_delete),
    ):
        try:
            attempt()
        except AccessDenied:
            yield _Finding(f"storage {check}", "note", denied)
        except PortraitError as error:
            yield _fault(f"storage {check}", error)
        else:
            yield _Finding(f"storage {check}", "ok", done)


def _fault(check: str, error: PortraitError) -> _Finding:
    code = code_of(error)
    return _Finding(
        check,
        "fault",
        f"{error.message}{f' ({code})' if code else ''}",
        advice_of(error, in_doctor=True),
        exit_code(error),
    )
