"""JSON Schemas of the protocol's values, from the request and result classes and a dialect's tables.

A request's schema is what the emulator accepts, with `null` for optional fields; a result's is exactly what it sends.
Two tables add what the classes do not state: the format of ids and the limits of values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

import attrs
from attrs import frozen

from emulator.dialects import ServerDialect
from emulator.dialects.dialect import ErrorSpec
from emulator.domain.assets import STRATEGIES
from emulator.domain.checks import ADDRESS_LIMIT, MAX_PAGE_SIZE
from emulator.domain.reasons import FURTHER_REASONS, Reason
from emulator.settings import Settings
from portrait import models
from portrait.actions import Action
from portrait.codec import wire_fields

Schema = dict[str, Any]

# Contract §1, *Identifiers*.
TOKEN: Schema = {"type": "string", "pattern": "^[0-9]{14}[0-9A-F]{20}$"}
GROUP_ID: Schema = {"type": "string", "pattern": "^group-[0-9]{14}-[a-z0-9]{5}$"}
ASSET_ID: Schema = {"type": "string", "pattern": "^asset-[0-9]{14}-[a-z0-9]{5}$"}
STAMP: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"}
_OFFSET_STAMP: Schema = {"type": "string", "pattern": STAMP["pattern"].replace("Z", "\\+08:00")}
_LINK: Schema = {"type": "string", "pattern": "^https?://"}
# Contract §2: an absolute http or https address.
_ABSOLUTE = "^[hH][tT][tT][pP][sS]?://[^\\x00-\\x20\\x7f]+$"
_ADDRESS: Schema = {"format": "uri", "pattern": _ABSOLUTE, "maxLength": ADDRESS_LIMIT}

# The format of values in results.
_PATTERNS: Mapping[str, Schema] = {
    "GroupId": GROUP_ID,
    "CreateTime": STAMP,
    "UpdateTime": STAMP,
    "LastInferenceTime": _OFFSET_STAMP,
    "UploadedURL": _LINK,
    "H5Link": _LINK,
    "CallbackURL": {"type": "string", "pattern": _ABSOLUTE},  # as given
    "BytedToken": TOKEN,
    "R2Key": {"type": "string", "pattern": "^portrait-uploads/[0-9]+/[0-9a-f]+\\.[a-z]+$"},
    "TotalCount": {"type": "integer", "minimum": 0},
}
_PAGE_SIZE: Schema = {"minimum": 1, "maximum": MAX_PAGE_SIZE}
# Contract §2: the limits of values in requests. The largest number is the largest integer that the decoder accepts.
_LIMITS: Mapping[str, Callable[[ServerDialect], Schema]] = {
    "Name": lambda dialect: {"maxLength": dialect.name_limit},
    "Description": lambda dialect: {"maxLength": dialect.description_limit} if dialect.description_limit else {},
    "URL": lambda _: _ADDRESS,
    "CallbackURL": lambda _: _ADDRESS,
    "PageNumber": lambda _: {"minimum": 1, "maximum": 2**64 - 1},
    "PageSize": lambda _: _PAGE_SIZE,
    "MaxResults": lambda _: _PAGE_SIZE,
}
# Contract §3: LivenessFace groups come only from a passed check.
_NARROWED: Mapping[tuple[type, str], Schema] = {
    (models.CreateAssetGroupRequest, "GroupType"): {"enum": [str(models.GroupType.AIGC)]},
    (models.ListAssetGroupsRequest, "SortBy"): {"enum": ["CreateTime", "UpdateTime"]},
    (models.Moderation, "Strategy"): {"enum": [*STRATEGIES]},
}
# Contract §2, *Asset item*: what an asset has by its status; how that is written, the dialect says.
_BY_STATUS: Mapping[models.AssetStatus, Mapping[str, Any]] = {
    models.AssetStatus.PROCESSING: {},
    models.AssetStatus.ACTIVE: {"url": "https://cdn.example/a.jpg"},
    models.AssetStatus.FAILED: {
        "url": "https://cdn.example/a.jpg",
        "failure": models.Failure(code="FaceMismatch", message="No."),
    },
}
# Contract §2, *Cursor paging*: numbers and cursor exclude each other.
_PAGE_FIELDS = (("PageNumber", "PageSize"), ("MaxResults", "NextToken"))


@frozen(kw_only=True)
class Section:
    """The Actions of one mount.

    Attributes:
        dialect: The mount's.
        settings: The emulator's.
        path: Where the Actions are posted.
        tag: What readers call the section.
        prefix: Of operations and components, whose names are unique in the document.
        security: The security scheme of its calls.
        regions: What `Region` of an answer may be.
    """

    dialect: ServerDialect
    settings: Settings
    path: str
    tag: str
    prefix: str = ""
    security: str
    regions: tuple[str, ...]

    @property
    def errors(self) -> Mapping[Reason, ErrorSpec]:
        """The rows of the dialect's table that an Action can end in."""
        return {reason: row for reason, row in self.dialect.errors.items() if reason not in FURTHER_REASONS}

    def component(self, name: str) -> Schema:
        """A reference to a schema of this section."""
        return {"$ref": f"#/components/schemas/{self.prefix}{name}"}


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


def request_schema(action: Action[Any, Any], section: Section) -> Schema:
    """The schema of an Action's request: the dialect states which fields are required, and which it ignores."""
    dialect = section.dialect
    optional = set() if section.settings.name_required else {"Name|Title"}  # contract §10.6
    names = [name.replace("?", "") for name in dialect.required[action.name] if name not in optional]
    required = frozenset(name for name in names if "|" not in name)
    foreign = dialect.ignored_fields.get(action.name, frozenset())
    schema = _request_object(action.request, dialect, required, foreign=foreign)
    if {name for fields in _PAGE_FIELDS for name in fields} <= schema["properties"].keys():
        schema["anyOf"] = [{"properties": {name: {"type": "null"} for name in fields}} for fields in _PAGE_FIELDS]
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


def result_schema(cls: type, section: Section, id_form: Schema) -> Schema:
    """The schema of a result, by what the dialect serializes with all fields set and with the required ones only."""
    dialect = section.dialect
    bare, full = dialect.serialize(sample(cls, full=False)), dialect.serialize(sample(cls, full=True))
    kinds = {
        name: (attribute, _strip_optional(kind)) for attribute, names, kind, _ in wire_fields(cls) for name in names
    }
    forms = {**_PATTERNS, "Id": id_form}
    properties = {name: forms.get(name) or _result_property(cls, name, *kinds[name], section) for name in full}
    if issubclass(cls, models.Page):
        return _page(properties, cursors=dialect.client.cursor_paging)
    schema = obj(properties, [name for name in full if name in bare])
    if cls is models.Asset:
        schema["oneOf"] = [_of_status(status, facts, section) for status, facts in _BY_STATUS.items()]
    return schema


def _of_status(status: models.AssetStatus, facts: Mapping[str, Any], section: Section) -> Schema:
    """The schema of an asset in one status, by what the dialect serializes."""
    item = section.dialect.serialize(attrs.evolve(sample(models.Asset, full=False), status=status, **facts))
    properties: Schema = {name: {"const": value} for name, value in item.items() if value == status}
    for name, form in (("URL", _LINK), ("FailedReason", {}), ("Error", {})):
        value = item.get(name)
        properties[name] = form if value else False if value is None else {"const": value}
    return obj(properties, [name for name, form in properties.items() if form is not False], closed=False)


def _page(properties: Schema, *, cursors: bool) -> Schema:
    """A page by number has all counts, one by cursor has none of them (ark, D)."""
    by_number = obj(properties)
    if not cursors:
        return by_number
    by_cursor = obj({"Items": properties["Items"], "NextToken": {"type": "string", "minLength": 1}}, ["Items"])
    return {"oneOf": [by_number, by_cursor]}


def _result_property(cls: type, name: str, attribute: str, kind: Any, section: Section) -> Schema:
    if get_origin(kind) is tuple:
        return {"type": "array", "items": section.component(get_args(kind)[0].__name__)}
    dialect = section.dialect
    value = dialect.serialize(sample(cls, full=True))[name]
    if isinstance(value, dict):
        return obj({key: _NARROWED.get((kind, key), {}) | {"type": "string"} for key in value})
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
