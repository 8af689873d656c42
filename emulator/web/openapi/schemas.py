"""JSON Schemas of the protocol's values, from the request and result classes and a dialect's tables.

A request's schema is what the emulator accepts, with `null` for optional fields; a result's is exactly what it sends.
Two tables add what the classes do not state: the format of ids and the limits of values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

import attrs

from emulator.dialects import ServerDialect
from emulator.dialects.dialect import REGION, SERVICE
from emulator.domain.reasons import Reason
from emulator.domain.verdicts import SYNC_FAULTS
from emulator.settings import Settings
from portrait import models
from portrait.actions import VERSION, Action
from portrait.codec import wire_fields

Schema = dict[str, Any]

# Contract §1, *Identifiers*.
TOKEN: Schema = {"type": "string", "pattern": "^[0-9]{14}[0-9A-F]{20}$"}
GROUP_ID: Schema = {"type": "string", "pattern": "^group-[0-9]{14}-[a-z0-9]{5}$"}
ASSET_ID: Schema = {"type": "string", "pattern": "^asset-[0-9]{14}-[a-z0-9]{5}$"}
STAMP: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"}
_LINK: Schema = {"type": "string", "pattern": "^https?://"}
# Contract §2: an absolute http or https address.
_ABSOLUTE = "^[hH][tT][tT][pP][sS]?://[^\\x00-\\x20\\x7f]+$"
_ADDRESS: Schema = {"format": "uri", "pattern": _ABSOLUTE, "maxLength": 8192}

# The format of values in results.
_PATTERNS: Mapping[str, Schema] = {
    "GroupId": GROUP_ID,
    "CreateTime": STAMP,
    "UpdateTime": STAMP,
    "URL": _LINK,
    "UploadedURL": _LINK,
    "H5Link": _LINK,
    "CallbackURL": {"type": "string", "pattern": _ABSOLUTE},  # as given
    "BytedToken": TOKEN,
    "R2Key": {"type": "string", "pattern": "^portrait-uploads/[0-9]+/[0-9a-f]+\\.[a-z]+$"},
    "TotalCount": {"type": "integer", "minimum": 0},
}
# Contract §2: the limits of values in requests. The largest number is the largest integer that the decoder accepts.
_LIMITS: Mapping[str, Callable[[ServerDialect], Schema]] = {
    "Name": lambda dialect: {"maxLength": dialect.name_limit},
    "Description": lambda dialect: {"maxLength": dialect.description_limit} if dialect.description_limit else {},
    "URL": lambda _: _ADDRESS,
    "CallbackURL": lambda _: _ADDRESS,
    "PageNumber": lambda _: {"minimum": 1, "maximum": 2**64 - 1},
    "PageSize": lambda _: {"minimum": 1, "maximum": 100},
}
# Contract §3: LivenessFace groups come only from a passed check.
_NARROWED: Mapping[tuple[type, str], Schema] = {
    (models.CreateAssetGroupRequest, "GroupType"): {"enum": [str(models.GroupType.AIGC)]},
}
# Contract §2, *Asset item*: further fields of an asset by its status; the two statuses are equal (§10.1).
_BY_STATUS: Mapping[models.AssetStatus, Schema] = {
    models.AssetStatus.PROCESSING: {"properties": {"URL": False, "FailedReason": False}},
    models.AssetStatus.ACTIVE: {"required": ["URL"], "properties": {"FailedReason": False}},
    models.AssetStatus.FAILED: {"required": ["URL", "FailedReason"]},
}


def obj(properties: Mapping[str, Any], required: Iterable[str] | None = None, *, closed: bool = True) -> Schema:
    """The schema of an object. By default all properties are required."""
    schema: Schema = {"type": "object", "properties": dict(properties)}
    names = list(properties if required is None else required)
    if names:
        schema["required"] = names
    if closed:
        schema["additionalProperties"] = False
    return schema


def one_of(values: Iterable[str]) -> Schema:
    """The schema of a string from a closed set."""
    return {"type": "string", "enum": [str(value) for value in values]}


# --- requests ---------------------------------------------------------------------------------------------------------


def request_schema(action: Action[Any, Any], dialect: ServerDialect, settings: Settings) -> Schema:
    """The schema of an Action's request: the dialect states which fields are required, and which it ignores."""
    optional = set() if settings.name_required else {"Name|Title"}  # contract §10.6
    names = [name for name in dialect.required[action.name] if name not in optional]
    required = frozenset(name for name in names if "|" not in name)
    schema = _request_object(
        action.request, dialect, required, foreign=dialect.ignored_fields.get(action.name, frozenset())
    )
    for choice in (name.split("|") for name in names if "|" in name):
        schema["anyOf"] = [_first_non_empty(choice[: at + 1], dialect) for at in range(len(choice))]
    return schema


def _first_non_empty(names: list[str], dialect: ServerDialect) -> Schema:
    """The last of the names is present, the ones before it are empty."""
    empty = {"anyOf": [{"type": "null"}, {"const": ""}]}
    non_empty = {"type": "string", "minLength": 1, "maxLength": dialect.name_limit}
    return {"required": names[-1:], "properties": {**dict.fromkeys(names[:-1], empty), names[-1]: non_empty}}


def _request_object(
    cls: type,
    dialect: ServerDialect,
    required: frozenset[str],
    *,
    foreign: frozenset[str] = frozenset(),
    inside: str = "",
) -> Schema:
    properties: dict[str, Schema] = {}
    needed = []
    for _, names, kind, _ in wire_fields(cls):
        name = names[0]
        if name in foreign:
            continue
        must = inside + name in required
        schema = _value(_strip_optional(kind), dialect, required, f"{inside}{name}.")
        if not inside and name in _LIMITS:
            schema |= _LIMITS[name](dialect)
        schema |= _NARROWED.get((cls, name), {})
        if must:
            needed.append(name)
        properties[name] = _non_empty(schema) if must else _or_null(schema)
    return obj(properties, needed, closed=False)


def _value(kind: Any, dialect: ServerDialect, required: frozenset[str], inside: str) -> Schema:
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _value(get_args(kind)[0], dialect, required, inside)}
    if issubclass(kind, StrEnum):
        return one_of(kind)
    if attrs.has(kind):
        return _request_object(kind, dialect, required, inside=inside)
    return {"type": "integer" if kind is int else "string"}


def _non_empty(schema: Schema) -> Schema:
    """Contract §2: an empty string in a required field counts as missing (I)."""
    plain = schema["type"] == "string" and not {"enum", "pattern"} & set(schema)
    return {**schema, "minLength": 1} if plain else schema


def _or_null(schema: Schema) -> Schema:
    """Contract §2: null counts as absent (I)."""
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **enum}


def _strip_optional(kind: Any) -> Any:
    """The type without `| None` and `| str`."""
    return kind if get_origin(kind) is tuple else next(iter(get_args(kind)), kind)


# --- results ----------------------------------------------------------------------------------------------------------


def result_schema(cls: type, dialect: ServerDialect, id_form: Schema) -> Schema:
    """The schema of a result, by what the dialect serializes with all fields set and with the required ones only."""
    bare, full = dialect.serialize(sample(cls, full=False)), dialect.serialize(sample(cls, full=True))
    kinds = {
        name: (attribute, _strip_optional(kind)) for attribute, names, kind, _ in wire_fields(cls) for name in names
    }
    forms = {**_PATTERNS, "Id": id_form}
    properties = {name: forms.get(name) or _result_property(cls, name, *kinds[name], dialect=dialect) for name in full}
    schema = obj(properties, [name for name in full if name in bare])
    if cls is models.Asset:
        schema["oneOf"] = [_by_status(str(status), more) for status, more in _BY_STATUS.items()]
    return schema


def _by_status(status: str, more: Schema) -> Schema:
    stands = {name: {"const": status} for name in ("Status", "UpstreamStatus")}
    return {**more, "properties": {**stands, **more.get("properties", {})}}


def _result_property(cls: type, name: str, attribute: str, kind: Any, *, dialect: ServerDialect) -> Schema:
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return {"type": "array", "items": {"$ref": f"#/components/schemas/{item.__name__}"}}
    if issubclass(kind, StrEnum):
        items = (dialect.serialize(attrs.evolve(sample(cls, full=True), **{attribute: each})) for each in kind)
        return one_of(dict.fromkeys(each[name] for each in items))
    if kind is int:
        return {"type": "integer", **_LIMITS[name](dialect)}
    return {"type": "string"}


def sample(cls: Any, *, full: bool) -> Any:
    """An instance with a value for every field, or for the required ones only."""
    hints = get_type_hints(cls)
    fields = [a for a in attrs.fields(cls) if a.name != "response"]
    return cls(
        **{a.name: _sample(_strip_optional(hints[a.name])) for a in fields if full or a.default is attrs.NOTHING}
    )


def _sample(kind: Any) -> Any:
    if get_origin(kind) is tuple:
        return ()
    if issubclass(kind, StrEnum):
        return next(iter(kind))
    return sample(kind, full=True) if attrs.has(kind) else kind()


# --- responses --------------------------------------------------------------------------------------------------------


def success(action: str, result: Schema) -> Schema:
    """The envelope with a Result. Contract §1: always five metadata fields."""
    metadata = _metadata({"const": action}, {"const": VERSION})
    return obj({"ResponseMetadata": obj(metadata), "Result": result})


def refusal(dialect: ServerDialect, settings: Settings) -> Schema:
    """The envelope with an Error. Action and Version are repeated from the request."""
    error = obj({"Code": {"type": "string", "pattern": _codes(dialect, settings)}, "Message": {"type": "string"}})
    metadata = _metadata({"type": "string"}, {"type": "string"})
    return obj({"ResponseMetadata": obj({**metadata, "Error": error})})


def _metadata(action: Schema, version: Schema) -> Schema:
    fixed = {"Service": {"const": SERVICE}, "Region": {"const": REGION}}
    return {"RequestId": TOKEN, "Action": action, "Version": version, **fixed}


def _codes(dialect: ServerDialect, settings: Settings) -> str:
    """A pattern of all codes that the dialect puts into an envelope."""
    keys = {Reason.KEY_MISSING, Reason.KEY_UNKNOWN} if settings.auth_error == "envelope" else set()
    codes = {row.code for reason, row in dialect.errors.items() if row.http_error_type is None or reason in keys}
    placeholders = {"detail": f"(?:{'|'.join(sorted(SYNC_FAULTS))})", "field": "[A-Za-z0-9.]+"}
    return f"^(?:{'|'.join(sorted(_pattern(code, placeholders) for code in codes))})$"


def _pattern(code: str, placeholders: Mapping[str, str]) -> str:
    """A code with its placeholder as alternatives; an empty placeholder drops its dot, too."""
    head, _, gap = code.partition(".{")
    return re.escape(head) + (f"(?:\\.{placeholders[gap.removesuffix('}')]})?" if gap else "")


def plain(rows: Mapping[str, Iterable[str]]) -> Schema:
    """Errors outside of the envelope. Contract §1.

    Args:
        rows: `type` → the codes that come with it.
    """
    codes = sorted({code for each in rows.values() for code in each})
    error = {"message": {"type": "string", "minLength": 1}, "type": one_of(rows), "request_id": TOKEN}
    return obj({"error": obj({**error, **({"code": one_of(codes)} if codes else {})})})
