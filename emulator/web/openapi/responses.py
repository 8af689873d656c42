"""JSON Schemas of what comes back: the envelope with a Result or an Error, and errors outside of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from emulator.dialects.dialect import SERVICE, ErrorSpec
from emulator.domain.reasons import Reason
from emulator.domain.verdicts import SYNC_FAULTS
from emulator.web.openapi.schemas import TOKEN, Schema, Section, obj, one_of
from portrait.actions import VERSION

_SERVER_FAILURE = 500


def success(action: str, result: Schema, section: Section) -> Schema:
    """The envelope with a Result. Contract §1: always five metadata fields."""
    metadata = _metadata({"const": action}, {"const": VERSION}, section)
    return obj({"ResponseMetadata": obj(metadata), "Result": result})


def refusal(rows: Iterable[ErrorSpec], section: Section) -> Schema:
    """The envelope with an Error of one of these rows. Action and Version are repeated from the request."""
    rows = list(rows)
    fields: Schema = {
        "Code": {"type": "string", "pattern": _codes(row.code for row in rows)},
        "Message": {"type": "string"},
    }
    required = tuple(fields)
    if any(row.code_n for row in rows):
        fields["CodeN"] = {"enum": sorted({row.code_n for row in rows if row.code_n})}
    if any(row.names_field for row in rows):
        fields["Data"] = obj({"__Message.parameter": {"type": "string"}})
    metadata = _metadata({"type": "string"}, {"type": "string"}, section)
    return obj({"ResponseMetadata": obj({**metadata, "Error": obj(fields, required)})})


def enveloped(section: Section) -> Mapping[int, list[ErrorSpec]]:
    """The errors that come in the envelope, by HTTP status; those of the service's own failures are left out."""
    keys = {Reason.KEY_MISSING, Reason.KEY_UNKNOWN} if section.settings.auth_error == "envelope" else set()
    by_status: dict[int, list[ErrorSpec]] = {}
    for reason, row in section.errors.items():
        if row.http_error_type is None or reason in keys:
            for status in {200 if reason in keys else row.status, *row.statuses.values()}:
                by_status.setdefault(status, []).append(row)
    return {status: by_status[status] for status in sorted(by_status) if status < _SERVER_FAILURE}


def _metadata(action: Schema, version: Schema, section: Section) -> Schema:
    fixed = {"Service": {"const": SERVICE}, "Region": one_of(section.regions)}
    return {"RequestId": TOKEN, "Action": action, "Version": version, **fixed}


def _codes(codes: Iterable[str]) -> str:
    """A pattern of these codes. What stands for an id is a token: only one of those is in a code."""
    placeholders = {
        "detail": f"(?:{'|'.join(sorted(SYNC_FAULTS))})",
        "field": "[A-Za-z0-9.]+",
        "id": "[\\s\\S]*",
    }
    return f"^(?:{'|'.join(sorted({_pattern(code, placeholders) for code in codes}))})$"


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


def errors(rows: Iterable[tuple[int, str, tuple[str, ...]]]) -> Schema:
    """Error responses outside of the envelope, from rows of status, type and codes."""
    return {
        str(status): {
            "description": ", ".join(kinds),
            "content": {"application/json": {"schema": plain(kinds)}},
        }
        for status, kinds in sorted(by_status(rows).items())
    }


def by_status(rows: Iterable[tuple[int, str, tuple[str, ...]]]) -> Mapping[int, Mapping[str, tuple[str, ...]]]:
    """Status → type → codes."""
    by_status: dict[int, dict[str, tuple[str, ...]]] = {}
    for status, kind, codes in rows:
        known = by_status.setdefault(status, {})
        known[kind] = (*known.get(kind, ()), *codes)
    return by_status
