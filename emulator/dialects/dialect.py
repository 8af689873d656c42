"""The server's half of a dialect: how errors are worded, which fields are required, and how results are encoded.

The client's half (`portrait.dialects`) has the names and limits that both sides share. The tables of AllToken and Ark
stand in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

from attrs import define, field, frozen

from emulator.domain.pages import Page
from emulator.domain.reasons import Reason, Refusal
from portrait import models
from portrait.actions import ACTIONS
from portrait.codec import wire_fields
from portrait.dialects import Dialect

SERVICE = "ark"
REGION = "cn-beijing"

Serializer = Callable[[Any], dict[str, Any]]
Value = str | Callable[[Any], Any]
"""The name of an attribute, or a function of the result."""

REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {action.name: action.required for action in ACTIONS.values()}
)


@frozen
class ErrorSpec:
    """How a dialect words a reason.

    Attributes:
        status: HTTP status.
        code: May hold `{field}`, `{id}`, `{detail}`.
        message: May hold those and `{message}`.
        code_n: The front gateway's number (ark).
        names_field: The error's `Data` names the field (ark).
        http_error_type: The `type` of the `{"error"}` form; None means the envelope.
        statuses: The HTTP status at providers that differ, by name.
    """

    status: int
    code: str
    message: str
    code_n: int | None = None
    names_field: bool = False
    http_error_type: str | None = None
    statuses: Mapping[str, int] = field(factory=dict)


@frozen(kw_only=True)
class ItemRules:
    """Where a dialect's JSON object differs from the plain encoding of a class, by wire name.

    Attributes:
        replace: Values in the field's own place.
        append: Values after all others; left out where they are None.
        omit: Fields that are not sent.
    """

    replace: Mapping[str, Value] = field(factory=dict)
    append: Mapping[str, Value] = field(factory=dict)
    omit: frozenset[str] = frozenset()


@define(kw_only=True, slots=False)
class ServerDialect:
    """One way of answering the 12 Actions.

    Attributes:
        client: The client's half: name, path, limits.
        version_required: Must `Version` be sent?
        description_limit: Characters in a Description; None means no stated limit.
        required: For each Action the wire fields without which it is refused; `Name|Title` means one of them,
            `Moderation?.Strategy` the field of an object that may be left out.
        ignored_fields: For each Action the fields that this dialect does not know, and ignores.
        errors: How each reason is worded; closed by a test.
        item_rules: How results differ from their plain encoding.
        pending: Other ways of saying that a validation is open, by setting: HTTP status, and the `Result` of an answer
            that has one.
    """

    client: Dialect
    version_required: bool = False
    description_limit: int | None = None
    required: Mapping[str, tuple[str, ...]] = REQUIRED
    ignored_fields: Mapping[str, frozenset[str]] = field(factory=dict)
    errors: Mapping[Reason, ErrorSpec]
    item_rules: Mapping[type, ItemRules] = field(factory=dict)
    pending: Mapping[str, tuple[int, Any]] = field(factory=dict)

    @property
    def name(self) -> str:
        """`alltoken` or `ark`."""
        return self.client.name

    @property
    def name_limit(self) -> int:
        """Characters in a Name."""
        return self.client.name_limit

    @cached_property
    def serializers(self) -> Mapping[type, Serializer]:
        """The serializer of each result class."""
        items: dict[type, Serializer] = {
            cls: _serializer(cls, self.item_rules.get(cls, ItemRules())) for cls in _RESULTS
        }
        pages = {page: _page_serializer(items[item]) for page, item in _PAGES.items()}
        return MappingProxyType(items | pages)

    def serialize(self, result: Any) -> dict[str, Any]:
        """A result as the wire's JSON object."""
        return self.serializers[type(result)](result)

    def render_error(self, refusal: Refusal) -> tuple[ErrorSpec, dict[str, Any]]:
        """A refusal's row, and the error's JSON object."""
        row = self.errors[refusal.reason]
        values = {"field": refusal.field, "id": refusal.id, "detail": refusal.detail, "message": refusal.message}
        error: dict[str, Any] = {
            "Code": row.code.format_map(values).rstrip("."),
            "Message": row.message.format_map(values),
        }
        if row.code_n is not None:
            error["CodeN"] = row.code_n
        if row.names_field:
            error["Data"] = {"__Message.parameter": refusal.field}
        return row, error


_RESULTS: tuple[type, ...] = (
    models.Asset,
    models.AssetGroup,
    models.Created,
    models.Empty,
    models.Updated,
    models.UploadedAsset,
    models.VisualValidateResult,
    models.VisualValidateSession,
)
_PAGES: Mapping[type, type] = {models.AssetPage: models.Asset, models.GroupPage: models.AssetGroup}


def _serializer(cls: type, rules: ItemRules) -> Serializer:
    """A function from an instance to its JSON object, by the codec's names and a dialect's exceptions.

    It is compiled, as attrs and cattrs compile theirs: a page of 100 items is encoded in a fraction of the time.
    """
    apart = rules.omit | set(rules.append)
    scope: dict[str, Any] = {}
    plain = {names[-1]: attribute for attribute, names, _, _ in wire_fields(cls) if names[-1] not in apart}
    members = ", ".join(f"{name!r}: {_read(name, value, scope)}" for name, value in {**plain, **rules.replace}.items())
    lines = ["def serialize(value):", f"    item = {{{members}}}"]
    for name, value in rules.append.items():
        lines += [
            f"    part = {_read(name, value, scope)}",
            "    if part is not None:",
            f"        item[{name!r}] = part",
        ]
    exec("\n".join([*lines, "    return item"]), scope)  # noqa: S102 - made of the names in this package's tables
    serialize: Serializer = scope["serialize"]
    return serialize


def _read(name: str, value: Value, scope: dict[str, Any]) -> str:
    """The expression for a field's value; a function is put into the scope under the field's name."""
    if isinstance(value, str):
        return f"value.{value}"
    scope[f"read_{name}"] = value
    return f"read_{name}(value)"


def _page_serializer(item: Serializer) -> Serializer:
    return lambda page: page_object(page, [item(each) for each in page.items])


def page_object(page: models.AssetPage | models.GroupPage | Page[Any], items: Sequence[Any]) -> dict[str, Any]:
    """A page as the wire's JSON object.

    It is by number, or by cursor where no number was asked for: then there are no counts (ark, D).
    """
    if page.page_number is None:
        return {"Items": items, **({"NextToken": page.next_token} if page.next_token else {})}
    return {
        "TotalCount": page.total_count,
        "Items": items,
        "PageNumber": page.page_number,
        "PageSize": page.page_size,
    }


def wrap(
    *,
    request_id: str,
    action: str,
    version: str,
    result: Any = None,
    error: Mapping[str, Any] | None = None,
    region: str = REGION,
) -> dict[str, Any]:
    """The envelope. Contract §1: five metadata fields are always there; `Error` and `Result` exclude each other (D)."""
    metadata = {"RequestId": request_id, "Action": action, "Version": version, "Service": SERVICE, "Region": region}
    if error is not None:
        metadata["Error"] = error  # type: ignore[assignment]
        return {"ResponseMetadata": metadata}
    return {"ResponseMetadata": metadata, "Result": result}
