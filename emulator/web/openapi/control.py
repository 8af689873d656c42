"""The control plane as operations of an OpenAPI document: for each of its addresses what goes in and what comes out.

The closed sets and the names are taken from the tables that read them; a completeness test holds this table against
the control plane's own. Must not know the Actions' answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from emulator.control.values import FIELDS, SECONDS
from emulator.domain import lifecycle, quotas
from emulator.domain.records import Scan
from emulator.rules.words import LONGEST, PAGES
from emulator.timestamps import LATEST
from emulator.web.openapi.actions import errors
from emulator.web.openapi.schemas import GROUP_ID, STAMP, TOKEN, Schema, obj, one_of
from portrait.actions import ACTIONS
from portrait.errors import MEDIA_CODES
from portrait.reasons import Reason

PREFIX = "/_emulator/"

_TEXT: Schema = {"type": "string"}
_SAID: Schema = {"type": "string", "minLength": 1}
_COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}
_POSITIVE: Schema = {**_COUNT, "minimum": 1}
_SECONDS: Schema = {"type": "number", "minimum": 0}
_AHEAD: Schema = {**_SECONDS, "maximum": LATEST}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_SINCE: Schema = {
    "description": "A moment such as 2026-03-18T03:57:10Z, or seconds since 1970.",
    "anyOf": [_MOMENT, {"type": "string", "pattern": f"^{SECONDS.pattern}$"}],
}
_SWITCH: Schema = {"type": "boolean"}
_BALANCE: Schema = {"type": ["number", "null"]}
_TIER: Schema = {"enum": [*quotas.TIERS, None]}
_PER: Schema = one_of(("group", "customer"))
_GROUP_OR_NONE: Schema = {"oneOf": [{"const": ""}, GROUP_ID]}
_FIELD_KINDS: Mapping[str, Schema] = {
    "aigc": _SWITCH,
    "subscription": _SWITCH,
    "groups": _COUNT,
    "assets": _COUNT,
    "assets_per": _PER,
    "tier": _TIER,
    "balance": _BALANCE,
}
_LIMITS = {name: _FIELD_KINDS[name] for name in FIELDS}

_STATUS = one_of(("Active", "Failed"))
_CODE = one_of(sorted(MEDIA_CODES))
_WHEN: Schema = {
    **obj(
        {
            "first": _POSITIVE,
            "nth": {"type": "array", "minItems": 1, "items": _POSITIVE},
            "every": _POSITIVE,
            "chance": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        },
        (),
    ),
    "minProperties": 1,
    "maxProperties": 1,
}
_REVIEW = obj({"status": _STATUS, "code": _CODE, "after": _SECONDS, "reads": _COUNT}, ())
_EFFECTS: Mapping[str, Schema] = {
    "error": {"type": "string", "pattern": f"^(?:{'|'.join(sorted(Reason))})(?:\\.[A-Za-z0-9.]+)?$"},
    "http": obj({"status": {"type": "integer", "minimum": 200, "maximum": 599}, "body": one_of(PAGES)}, ["status"]),
    "close": one_of(("before", "after-commit")),
    "truncate": _COUNT,
    "review": _REVIEW,
    "lag": _SECONDS,
}
_DELAY: Schema = {
    **_SECONDS,
    "maximum": LONGEST,
    "description": "Seconds that pass before the call is carried out; a client that gives up does not stop it.",
}
_DO: Schema = {
    "oneOf": [
        obj({"delay": _DELAY}),
        *(obj({effect: schema, "delay": _DELAY}, [effect]) for effect, schema in _EFFECTS.items()),
    ]
}
_MATCH = obj({"action": one_of(ACTIONS), "customer": _SAID, "name": _SAID}, ())
_RULE = {"id": _SAID, "match": _MATCH, "when": _WHEN, "do": _DO}
_RULE_SHOWN = obj({**_RULE, "seen": _COUNT, "fired": _COUNT}, ("id", "do", "seen", "fired"))

_CLOCK = obj({"now": STAMP, "seconds": {"type": "number"}, "kind": one_of(("real", "manual", "scaled"))})
_CHANGE: Schema = {"oneOf": [obj({"advance": _AHEAD}), obj({"set": {"oneOf": [_AHEAD, _MOMENT]}})]}
_HEALTH = obj({"status": {"const": "ok"}, "clock": _CLOCK, "customers": _COUNT})
_TALLY: Schema = {"type": "object", "additionalProperties": _COUNT}
_CUSTOMER = obj({"name": _TEXT, "limits": obj(_LIMITS), "groups": _COUNT, "assets": _TALLY})
_VALIDATION = obj(
    {
        "id": {"type": "string", "pattern": "^val-[0-9]+$"},
        "customer": _TEXT,
        "state": one_of([*Scan, "expired"]),
        "project": _TEXT,
        "created": STAMP,
        "expires": STAMP,
        "group_id": _GROUP_OR_NONE,
        "subject": _TEXT,
    }
)
_CALL = {
    "time": STAMP,
    "action": _TEXT,
    "customer": _TEXT,
    "outcome": _TEXT,
    "status": {"type": "integer"},
    "request_id": TOKEN,
}


def _listed(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


_RULES = obj({"rules": _listed(_RULE_SHOWN)})
_STATE = obj(
    {
        "clock": _CLOCK,
        "customers": _listed(_CUSTOMER),
        "validations": _listed(_VALIDATION),
        "rules": _listed(_RULE_SHOWN),
    }
)
_CALLS = obj({"calls": _listed(obj({**_CALL, "validation": _TEXT}, _CALL)), "count": _COUNT})
_DECISION = {"status": one_of(("Active", "Failed", "Expired")), "code": _CODE, "subject": _SAID}


@frozen(kw_only=True)
class _Spoken:
    """One address.

    Attributes:
        name: The operation's.
        answer: What comes out.
        summary: One line.
        body: What goes in, None for nothing.
        query: The parameters of the query.
        errors: Besides those that every address has.
    """

    name: str
    answer: Schema
    summary: str
    body: Schema | None = None
    query: Mapping[str, Schema] = field(factory=dict)
    errors: tuple[int, ...] = ()


_KINDS = {404: "not_found_error", 409: "conflict_error"}
# By method and path, in which * is a name.
OPERATIONS: Mapping[tuple[str, str], _Spoken] = {
    ("GET", "health"): _Spoken(name="Health", answer=_HEALTH, summary="It is there, and what time it has."),
    ("POST", "reset"): _Spoken(name="Reset", answer=_HEALTH, summary="Forget everything but the time."),
    ("GET", "state"): _Spoken(name="State", answer=_STATE, summary="Customers, validations, rules and the time."),
    ("GET", "calls"): _Spoken(
        name="Calls",
        answer=_CALLS,
        summary="The last calls, oldest first.",
        query={"action": _TEXT, "customer": _TEXT, "outcome": _TEXT, "since": _SINCE},
    ),
    ("GET", "clock"): _Spoken(name="Clock", answer=_CLOCK, summary="What time it is."),
    ("POST", "clock"): _Spoken(
        name="SetClock", answer=_CLOCK, summary="Move the clock forwards: by seconds, or to a moment.", body=_CHANGE
    ),
    ("POST", "validations/*"): _Spoken(
        name="FinishValidation",
        answer=_VALIDATION,
        summary="End a scan.",
        body=obj({"result": one_of(lifecycle.OUTCOMES), "subject": {**_SAID, "type": ["string", "null"]}}, ["result"]),
        errors=(404, 409),
    ),
    ("POST", "assets/*"): _Spoken(
        name="DecideAsset",
        answer=obj({"id": _TEXT, "status": _TEXT, "code": _TEXT, "subject": _TEXT}),
        summary="Decide over an asset.",
        body={**obj(_DECISION, ()), "minProperties": 1},
        errors=(404, 409),
    ),
    ("PATCH", "customers/*"): _Spoken(
        name="PatchCustomer", answer=_CUSTOMER, summary="Change limits and switches.", body=obj(_LIMITS, ())
    ),
    ("GET", "rules"): _Spoken(name="Rules", answer=_RULES, summary="All rules."),
    ("POST", "rules"): _Spoken(name="AddRule", answer=_RULE_SHOWN, summary="Add a rule.", body=obj(_RULE, ["do"])),
    ("DELETE", "rules"): _Spoken(name="DeleteRules", answer=_RULES, summary="Remove all rules."),
    ("DELETE", "rules/*"): _Spoken(name="DeleteRule", answer=_RULES, summary="Remove one rule.", errors=(404,)),
}


def paths() -> Iterator[tuple[str, Schema]]:
    """Every address of the control plane."""
    for (method, path), spoken in OPERATIONS.items():
        yield PREFIX + path.replace("*", "{name}"), {method.lower(): _operation(path, spoken)}


def _operation(path: str, spoken: _Spoken) -> Schema:
    rows = [(400, "invalid_request_error", ()), (403, "permission_error", ()), (413, "invalid_request_error", ())]
    rows += [(status, _KINDS[status], ()) for status in spoken.errors]
    operation: dict[str, Any] = {
        "operationId": spoken.name,
        "summary": spoken.summary,
        "tags": ["Control plane"],
        "security": [{}, {"control": []}],
        "parameters": [{"name": name, "in": "query", "schema": schema} for name, schema in spoken.query.items()],
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": spoken.answer}}},
            **errors(rows),
        },
    }
    if path.endswith("*"):
        operation["parameters"].append({"name": "name", "in": "path", "required": True, "schema": _SAID})
    if spoken.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": spoken.body}}}
    return operation
