"""A snapshot as JSON, one record a line: for people to read, and for another emulator to start from.

No secret is in it. A customer without a name stands there by the handle of its key, a validation by its own handle and
without its token, an address without its query.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

import orjson
from attrs import evolve, frozen
from cattrs import Converter
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from emulator.call_log import without_query
from emulator.clocks import MAX_TIME, parse_timestamp
from emulator.domain.jobs import Generation, Job, Task
from emulator.domain.ports import StoredFile
from emulator.domain.records import Asset, Customer, Group, Validation
from emulator.snapshots.snapshot import MOMENTS, Snapshot
from emulator.store.base import Contents

FORMAT = "portrait-emulator snapshot"
VERSION = 1
MAX_BYTES = 256 * 1_048_576
"""The largest document that is read or written."""

_SLICE = 500  # records that are encoded in one step: a few milliseconds
_LISTS: Mapping[str, type] = {
    "customers": Customer,
    "groups": Group,
    "assets": Asset,
    "validations": Validation,
    "tasks": Task,
    "generations": Generation,
}
_MAY_BE_NONE = frozenset({"due", "used", "ended", "served_until"})
_MAX_NUMBER = (1 << 40) - 1  # what the store's indexes hold

R = TypeVar("R")


class SnapshotError(ValueError):
    """A document that cannot be read; the message says why."""


@frozen(kw_only=True)
class _File:
    """An uploaded file in a document."""

    key: str
    content_type: str
    content: str
    served_until: float | None = None


# --- fields ----------------------------------------------------------------------------------------------------------


def _write_moment(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def _read_moment(value: Any, _: Any = None) -> float:
    moment = parse_timestamp(_exactly(str)(value))
    if not 0 <= moment <= MAX_TIME:
        raise ValueError("a time is between the years 1970 and 9999")
    return moment


def _read_moment_or_none(value: Any, _: Any = None) -> float | None:
    return None if value is None else _read_moment(value)


def _exactly(*kinds: type) -> Callable[..., Any]:
    """A value of just these types: cattrs would convert others."""

    def read(value: Any, _: Any = None) -> Any:
        if type(value) not in kinds:
            raise ValueError(f"{value!r:.40} is not {' or '.join(kind.__name__ for kind in kinds)}")
        return value

    return read


def _converter() -> Converter:
    converter = Converter(detailed_validation=False, forbid_extra_keys=True)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(float, lambda value, _: float(_exactly(int, float)(value)))
    for record in (*_LISTS.values(), _File):
        fields: dict[str, Any] = {
            name: override(
                unstruct_hook=_write_moment, struct_hook=_read_moment_or_none if name in _MAY_BE_NONE else _read_moment
            )
            for name in MOMENTS[StoredFile if record is _File else record]
        }
        read: Callable[..., Any] = make_dict_structure_fn(
            record, converter, _cattrs_forbid_extra_keys=True, _cattrs_detailed_validation=False, **fields
        )
        if record is Validation:  # its token is a secret: a new one takes its place
            fields["token"] = override(omit=True)
        write: Callable[..., Any] = make_dict_unstructure_fn(record, converter, _cattrs_omit_if_default=True, **fields)
        converter.register_structure_hook(record, read)
        converter.register_unstructure_hook(record, write)
    return converter


_CONVERTER = _converter()


# --- writing ---------------------------------------------------------------------------------------------------------


def encode(snapshot: Snapshot) -> bytes:
    """The JSON of a snapshot. It is made in short steps, so that other threads get their turn.

    Raises:
        SnapshotError: It would be too large.
    """
    pieces, size = [], 0
    for piece in _pieces(snapshot):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BYTES:
            raise SnapshotError(f"the snapshot has more than {MAX_BYTES} bytes as JSON; it can be loaded where it is")
    return b"".join(pieces)


def _pieces(snapshot: Snapshot) -> Iterator[bytes]:
    contents = snapshot.contents
    head = {"format": FORMAT, "version": VERSION, "clock": _write_moment(snapshot.now), "ids": contents.numbers}
    yield orjson.dumps(head)[:-1]
    for name in _LISTS:
        yield from _list_pieces(name, map(_without_secrets, getattr(contents, name)))
    files = (
        _File(
            key=key,
            content_type=file.content_type,
            content=b64encode(file.content).decode(),
            served_until=file.served_until,
        )
        for key, file in contents.files.items()
    )
    yield from _list_pieces("files", files, 1)
    yield b"}\n"


def _list_pieces(name: str, records: Iterable[Any], step: int = _SLICE) -> Iterator[bytes]:
    yield f',\n"{name}": ['.encode()
    records, joint = iter(records), b"\n"
    while part := [orjson.dumps(_CONVERTER.unstructure(record)) for record in islice(records, step)]:
        yield joint + b",\n".join(part)
        joint = b",\n"
    yield b"]"


def _without_secrets(record: Any) -> Any:
    """A record whose addresses have no query: it may be a signature, or what an application knows a person by."""
    if isinstance(record, Asset):
        return evolve(record, url=without_query(record.url))
    return evolve(record, callback_url=without_query(record.callback_url)) if isinstance(record, Validation) else record


# --- reading ---------------------------------------------------------------------------------------------------------


def is_snapshot(document: Any) -> bool:
    """Whether a JSON value says that it is a snapshot, of whatever version."""
    return isinstance(document, dict) and "format" in document


def decode(document: Any, new_token: Callable[[float, str], str]) -> Snapshot:
    """The snapshot that a JSON value holds.

    Args:
        document: As `encode` wrote it, parsed.
        new_token: Makes a BytedToken for a moment and an owner: the old ones are not in the document.

    Raises:
        SnapshotError: It is none, a newer one, or damaged.
    """
    if not is_snapshot(document) or document["format"] != FORMAT:
        raise SnapshotError(f"the file is no snapshot: its format is not {FORMAT!r}")
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise SnapshotError("the snapshot's version is no number")
    if version > VERSION:
        raise SnapshotError(
            f"the snapshot has version {version} and this emulator reads up to {VERSION}: use a newer emulator"
        )
    unknown = sorted(document.keys() - {"format", "version", "clock", "ids", "files", *_LISTS})
    if unknown:
        raise SnapshotError(f"the snapshot has the unknown key {unknown[0]!r}")
    try:
        return _read(document, new_token)
    except ForbiddenExtraKeysError as error:
        raise SnapshotError(f"the snapshot is damaged: unknown key {min(error.extra_fields)!r}") from None
    except KeyError as error:
        raise SnapshotError(f"the snapshot is damaged: {error.args[0]!r} is missing") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise SnapshotError(f"the snapshot is damaged: {error}") from None


def _read(document: Mapping[str, Any], new_token: Callable[[float, str], str]) -> Snapshot:
    tokens: set[str] = set()

    def with_token(item: Any) -> Any:
        if "token" in item:
            raise ValueError("a validation has a token, which no snapshot holds")
        created, owner = _read_moment(item["created"]), _exactly(str)(item["owner"])
        token = next(token for token in iter(lambda: new_token(created, owner), "") if token not in tokens)
        tokens.add(token)
        return {**item, "token": token}

    files = _records(document, "files", _File)
    contents = Contents(
        customers=_records(document, "customers", Customer),
        groups=_records(document, "groups", Group),
        assets=_records(document, "assets", Asset),
        validations=_records(document, "validations", Validation, with_token),
        jobs=tuple(sorted(_jobs(document), key=lambda job: job.number)),
        files={
            file.key: StoredFile(
                content=b64decode(file.content, validate=True),
                content_type=file.content_type,
                served_until=file.served_until,
            )
            for file in files
        },
        numbers=_exactly(int)(document["ids"]),
    )
    _check(contents)
    return Snapshot(now=_read_moment(document["clock"]), contents=contents)


def _records(
    document: Mapping[str, Any], name: str, kind: type[R], prepare: Callable[[Any], Any] = lambda item: item
) -> tuple[R, ...]:
    items = document[name]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError(f"{name} is no array of objects")
    return tuple(_CONVERTER.structure(prepare(item), kind) for item in items)


def _jobs(document: Mapping[str, Any]) -> Iterator[Job]:
    """Older documents have none."""
    if "tasks" in document:
        yield from _records(document, "tasks", Task)
    if "generations" in document:
        yield from _records(document, "generations", Generation)


def _check(contents: Contents) -> None:
    """Check what the store relies on: unique names and numbers, and owners and groups that exist."""
    numbered: tuple[Group | Asset | Job, ...] = (*contents.groups, *contents.assets, *contents.jobs)
    numbers = [each.number for each in numbered]
    validations = [each.number for each in contents.validations]
    customers = {each.name: each.number for each in contents.customers}
    groups = {each.id: (each.customer, each.kind, each.project) for each in contents.groups}
    if not 0 <= contents.numbers <= _MAX_NUMBER:
        raise ValueError("ids is out of range")
    for what, values, count in (
        ("customer", customers, len(contents.customers)),
        ("group", groups, len(contents.groups)),
        ("asset", {each.id for each in contents.assets}, len(contents.assets)),
        ("validation", set(validations), len(validations)),
        ("job", {each.id for each in contents.jobs}, len(contents.jobs)),
        ("number", set(numbers), len(numbers)),
    ):
        if len(values) != count:
            raise ValueError(f"a {what} comes twice")
    if not all(0 < number <= _MAX_NUMBER for number in (*numbers, *validations, *customers.values())):
        raise ValueError(f"a number is not from 1 to {_MAX_NUMBER}")
    owners = {owner for owner, _, _ in groups.values()}
    owners |= {each.customer for each in contents.validations} | {each.customer for each in contents.jobs}
    if not owners <= customers.keys():
        raise ValueError(f"there is no customer {min(owners - customers.keys())!r:.40}")
    for asset in contents.assets:
        if groups.get(asset.group_id) != (asset.customer, asset.group_kind, asset.project):
            raise ValueError(f"{asset.id:.40} is in no group of its customer, kind and project")
