"""Between attrs classes and the wire's JSON objects: names, a tolerant reader for clients, a strict one for servers.

A field's wire name follows from its Python name (`group_id` is `GroupId`), with a table for the rest. The tolerant
reader takes what real services send: nulls, unknown fields and values, other spellings of a status. The strict one
refuses every wrong JSON type and names the wire field. Error codes and HTTP are no part of this module.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
from attrs import frozen
from cattrs import Converter

from portrait.codes import failure_code, media_code
from portrait.models import Asset, Failure, Result, UploadedAsset

T = TypeVar("T")

# Python names whose wire name is not plain PascalCase.
_WORDS: Mapping[str, str] = {"url": "URL", "r2": "R2"}

# Where several wire fields may carry one attribute, the first that is there wins. Contract §10.1 and §10.2.
_ALTERNATIVES: Mapping[tuple[type, str], tuple[str, ...]] = {
    (Asset, "status"): ("UpstreamStatus", "Status"),
    (UploadedAsset, "status"): ("UpstreamStatus", "Status"),
    (Asset, "failure"): ("Error", "FailedReason"),
}


class DecodeError(Exception):
    """A JSON value does not fit.

    Attributes:
        path: The wire field, such as `Filter.GroupType`; "" for the whole body.
        message: What is wrong, as the end of a sentence: "must be a string".
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def nested_in(self, field: str) -> DecodeError:
        """The same fault, seen from the object that holds `field`."""
        return DecodeError(f"{field}.{self.path}" if self.path else field, self.message)


@cache
def wire_name(attribute: str) -> str:
    """`callback_url` → `CallbackURL`."""
    return "".join(_WORDS.get(word, word[:1].upper() + word[1:]) for word in attribute.split("_"))


@cache
def encoder(cls: type) -> Callable[[Any], dict[str, Any]]:
    """The function that gives a request of that class as the JSON object of the wire; what is None is left out."""
    return _CLIENT.get_unstructure_hook(cls)


@cache
def decoder(cls: type[T]) -> Callable[[Any, type[T]], T]:
    """The function that reads a service's answer as that class, tolerantly: it takes the JSON value and the class.

    It raises `DecodeError` where something is absent or of another kind without which the class makes no sense.
    """
    return _CLIENT.get_structure_hook(cls)


def decode_strict(cls: type[T], value: Any) -> T:
    """Read a client's request as the service does: `null` is absent, unknown fields are ignored (contract §2).

    Raises:
        DecodeError: A field has the wrong JSON type or a value outside of its closed set.
    """
    return _SERVER.get_structure_hook(cls)(value, cls)  # type: ignore[no-any-return]


def wire_fields(cls: type) -> list[tuple[str, tuple[str, ...], Any, bool]]:
    """Attribute, wire names, type, required: for each field of an attrs class that travels."""
    hints = get_type_hints(cls)
    return [
        (a.name, _ALTERNATIVES.get((cls, a.name), (wire_name(a.name),)), hints[a.name], a.default is attrs.NOTHING)
        for a in attrs.fields(cls)
        if not (a.name == "response" and issubclass(cls, Result))
    ]


@frozen
class _Field:
    """A field of a class whose structure function is made.

    Attributes:
        attribute: Its Python name.
        names: Its wire names; the first that is there wins.
        kind: Its type, without `| None`.
        hook: Reads a value of that type.
        required: Must it be there?
        default: What attrs takes where it is not.
    """

    attribute: str
    names: tuple[str, ...]
    kind: Any
    hook: Callable[[Any, Any], Any]
    required: bool
    default: Any

    def read(self, value: Mapping[str, Any]) -> Any:
        """The attribute of an object, whatever stands there."""
        name, raw = self.names[0], value.get(self.names[0])
        if len(self.names) > 1 and (raw is None or _is_blank(raw)):
            name, raw = _first_present(value, self.names)
        if raw is None:
            if self.required:
                raise DecodeError(name, "is missing")
            return self.default.factory() if isinstance(self.default, attrs.Factory) else self.default  # type: ignore[arg-type]
        try:
            return self.hook(raw, self.kind)
        except DecodeError as fault:
            raise fault.nested_in(name) from None


def _structure_factory(converter: Converter) -> Callable[[type], Callable[[Any, Any], Any]]:
    """A cattrs hook factory that makes the structure function of an attrs class.

    It is compiled, as cattrs compiles its own: most fields are a text, or a member in its own spelling, or absent, and
    for those no function is called.
    """

    def factory(cls: type) -> Callable[[Any, Any], Any]:
        scope: dict[str, Any] = {"cls": cls, "as_mapping": _as_mapping}
        lines = ["def structure(value, _):", "    get = (value if type(value) is dict else as_mapping(value)).get"]
        variables = {}
        for number, (attribute, names, hint, required) in enumerate(wire_fields(cls)):
            kind, default = _strip_optional(hint), getattr(attrs.fields(cls), attribute).default
            field = _Field(attribute, names, kind, converter.get_structure_hook(kind), required, default)
            lines += _field_lines(f"v{number}", field, scope)
            variables[attribute] = f"v{number}"
        lines += _instance_lines(cls, variables, scope)
        return _compile("structure", lines, scope)

    return factory


def _compile(name: str, lines: list[str], scope: dict[str, Any]) -> Callable[..., Any]:
    """The function of that name which the lines define: they are made of the names of this package's classes."""
    exec("\n".join(lines), scope)  # noqa: S102
    function: Callable[..., Any] = scope[name]
    return function


def _instance_lines(cls: type, variables: Mapping[str, str], scope: dict[str, Any]) -> list[str]:
    """The lines that return an instance, with its attributes from variables.

    The constructor of a frozen class sets one attribute after the other by `object.__setattr__`, which takes longer
    than all the rest. Where it does nothing else, the slots are set directly.
    """
    fields = attrs.fields(cls)
    if any(field.converter or field.validator for field in fields) or hasattr(cls, "__attrs_post_init__"):
        return [f"    return cls({', '.join(f'{name}={variable}' for name, variable in variables.items())})"]
    scope["new"] = object.__new__
    lines = ["    instance = new(cls)"]
    for field in fields:
        scope[f"set_{field.name}"] = getattr(cls, field.name).__set__
        scope[f"other_{field.name}"] = field.default  # of what does not travel
        lines.append(f"    set_{field.name}(instance, {variables.get(field.name, f'other_{field.name}')})")
    return [*lines, "    return instance"]


def _field_lines(variable: str, field: _Field, scope: dict[str, Any]) -> list[str]:
    """The lines that read a field into a variable; what they need is put into the scope."""
    scope[f"read_{variable}"] = field.read
    value = f"read_{variable}(value)"
    if not field.required and not isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]
        scope[f"default_{variable}"] = field.default
        value = f"default_{variable} if {variable} is None else {value}"
    exact = _enum_by_value(field.kind)
    if exact:
        scope[f"exact_{variable}"] = exact
        value = (
            f"exact_{variable}[{variable}] if type({variable}) is str and {variable} in exact_{variable} else {value}"
        )
    found = [f"    {variable} = get({field.names[0]!r})"]
    for name in field.names[1:]:
        found += [f"    if {variable} is None:", f"        {variable} = get({name!r})"]
    if field.kind is str and len(field.names) == 1:
        return [*found, f"    if type({variable}) is not str:", f"        {variable} = {value}"]
    return [*found, f"    {variable} = {value}"]


def _as_mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DecodeError("", "must be an object")
    return value


def _first_present(value: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, Any]:
    """The first of several wire fields with a value, and the value."""
    for name in names:
        raw = value.get(name)
        if raw is not None and not _is_blank(raw):
            return name, raw
    return names[0], None


def _is_blank(raw: Any) -> bool:
    """Whether a value is empty, or an object of empty values: then another name of the field is read."""
    return not raw or (isinstance(raw, Mapping) and not any(raw.values()))


def _unstructure_factory(converter: Converter) -> Callable[[type], Callable[[Any], dict[str, Any]]]:
    """A cattrs hook factory that makes the unstructure function of an attrs class; compiled likewise.

    The functions are kept: cattrs forgets all of its own where it meets a kind of tuple for the first time.
    """

    @cache
    def factory(cls: type) -> Callable[[Any], dict[str, Any]]:
        lines = ["def unstructure(value):", "    written = {}"]
        for attribute, names, _, _ in wire_fields(cls):
            lines += [
                f"    part = value.{attribute}",
                "    if part is not None:",  # a member of a StrEnum is a text already
                f"        written[{names[-1]!r}] = part if isinstance(part, str) else unstructure_part(part)",
            ]
        return _compile("unstructure", [*lines, "    return written"], {"unstructure_part": converter.unstructure})

    return factory


def _strip_optional(kind: Any) -> Any:
    """The type without `| None`: absent and null are dealt with by the object that holds the field."""
    if get_origin(kind) in (Union, types.UnionType):
        rest = [argument for argument in get_args(kind) if argument is not type(None)]
        return rest[0] if len(rest) == 1 else Union[tuple(rest)]  # noqa: UP007
    return kind


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StrEnum)


def _is_open_enum(kind: Any) -> bool:
    """`AssetStatus | str`: a closed set that a service may widen."""
    arguments = get_args(kind)
    return len(arguments) == 2 and arguments[1] is str and _is_enum(arguments[0])


def _enum_by_value(kind: Any) -> Mapping[str, StrEnum]:
    """The members of a closed set or an open one by their values; nothing for any other type."""
    members = get_args(kind)[0] if _is_open_enum(kind) else kind
    return {str(member): member for member in members} if _is_enum(members) else {}


def _tuples(converter: Converter) -> Callable[[Any], Callable[[Any, Any], Any]]:
    def factory(kind: Any) -> Callable[[Any, Any], Any]:
        item = get_args(kind)[0]
        hook = converter.get_structure_hook(item)

        def structure(value: Any, _: Any) -> Any:
            if not isinstance(value, list | tuple):
                raise DecodeError("", "must be an array")
            items: list[Any] = []
            try:
                items.extend(hook(raw, item) for raw in value)
            except DecodeError as fault:
                raise fault.nested_in(str(len(items))) from None
            return tuple(items)

        return structure

    return factory


def _strict_string(value: Any, _: Any) -> str:
    if type(value) is not str:
        raise DecodeError("", "must be a string")
    return value


def _strict_integer(value: Any, _: Any) -> int:
    if type(value) is not int:  # bool is an int in Python, not in JSON
        raise DecodeError("", "must be an integer")
    return value


def _strict_enum(value: Any, kind: type[StrEnum]) -> StrEnum:
    if type(value) is not str:
        raise DecodeError("", "must be a string")
    try:
        return kind(value)
    except ValueError:
        raise DecodeError("", f"must be one of {', '.join(kind)}") from None


def _text_or_none(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) else None


def _tolerant_string(value: Any, _: Any) -> str:
    if (text := _text_or_none(value)) is None:
        raise DecodeError("", "must be a string")
    return text


def _tolerant_integer(value: Any, _: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise DecodeError("", "must be an integer") from None


@cache
def _enum_casefold(kind: Any) -> Mapping[str, StrEnum]:
    return {spelling.lower(): member for spelling, member in _enum_by_value(kind).items()}


def _tolerant_enum(value: Any, kind: Any) -> Any:
    """`active` and `ACTIVE` are `Active`; what is not in the set stays as it came. Contract §3 (M)."""
    text = _tolerant_string(value, str)
    return _enum_casefold(kind).get(text.lower(), text)


_FAILURE = (("Code", "code"), ("Message", "message"))


def _failure(value: Any, _: Any) -> Failure:
    """Ark's `Error` object or AllToken's `FailedReason` text, which may hold the code. Contract §3, §10.2.

    Of several the first one; whatever else it is, it is no reason to take a failed asset for one in review.
    """
    if isinstance(value, list):
        return _failure(value[0] if value else "", _)
    if isinstance(value, Mapping):
        code, message = (_text_or_none(_first_present(value, names)[1]) or "" for names in _FAILURE)
        return Failure(code=failure_code(code, message), message=message)
    text = _tolerant_string(value, str)
    code = media_code(text)
    head = re.match(rf"\W*{re.escape(code)}[]:\s]*", text, re.IGNORECASE) if code else None
    return Failure(code=code, message=text[head.end() if head else 0 :].strip())


def _client_converter() -> Converter:
    converter = Converter()
    converter.register_structure_hook(str, _tolerant_string)
    converter.register_structure_hook(int, _tolerant_integer)
    converter.register_structure_hook(StrEnum, _tolerant_enum)  # by class, or the hook of `str` would take it
    converter.register_structure_hook_func(_is_open_enum, _tolerant_enum)
    converter.register_structure_hook_factory(_is_tuple, _tuples(converter))
    converter.register_structure_hook_factory(attrs.has, _structure_factory(converter))
    converter.register_structure_hook(Failure, _failure)
    converter.register_unstructure_hook_factory(attrs.has, _unstructure_factory(converter))
    return converter


def _server_converter() -> Converter:
    converter = Converter()
    converter.register_structure_hook(str, _strict_string)
    converter.register_structure_hook(int, _strict_integer)
    converter.register_structure_hook(StrEnum, _strict_enum)  # by class, or the hook of `str` would take it
    converter.register_structure_hook_factory(_is_tuple, _tuples(converter))
    converter.register_structure_hook_factory(attrs.has, _structure_factory(converter))
    return converter


_CLIENT = _client_converter()
_SERVER = _server_converter()
