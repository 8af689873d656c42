"""The control plane as operations of an OpenAPI document: the schema of every request and response.

Closed sets and names come from the tables that the emulator reads them by. A completeness test compares this table
with the control plane's routes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from emulator.clocks import MAX_TIME
from emulator.control.snapshots import KINDS, NAME
from emulator.control.values import FIELDS, SECONDS
from emulator.dialects import REASONS_BY_CODE
from emulator.domain import lifecycle, quotas
from emulator.domain.reasons import Reason
from emulator.domain.records import Scan
from emulator.json_checks import MAX_INTEGER
from emulator.rules.clauses import CODES_WITH_DETAIL, HEADER_NAME, MAX_DELAY, PAGES, REFUSALS
from emulator.snapshots.codec import FORMAT, VERSION
from emulator.web.access import CONTROL
from emulator.web.openapi.responses import errors
from emulator.web.openapi.schemas import GROUP_ID, STAMP, TOKEN, Schema, obj, one_of
from portrait.actions import ACTIONS
from portrait.codes import MEDIA_CODES

_TEXT: Schema = {"type": "string"}
_NON_EMPTY: Schema = {"type": "string", "minLength": 1}
_COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
_POSITIVE: Schema = {**_COUNT, "minimum": 1}
_SECONDS: Schema = {"type": "number", "minimum": 0}
_MAX_SECONDS: Schema = {**_SECONDS, "maximum": MAX_TIME}
_DATE_TIME: Schema = {"type": "string", "format": "date-time"}
_TIME_FILTER: Schema = {
    "description": "A moment such as 2026-03-18T03:57:10Z, or seconds since 1970.",
    "anyOf": [_DATE_TIME, {"type": "string", "pattern": f"^{SECONDS.pattern}$"}],
}
_BOOLEAN: Schema = {"type": "boolean"}
_BALANCE: Schema = {"type": ["number", "null"], "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER}
_TIER: Schema = {"enum": [*quotas.TIERS, None]}
_PER: Schema = one_of(("group", "customer"))
_GROUP_OR_NONE: Schema = {"oneOf": [{"const": ""}, GROUP_ID]}
_FIELD_KINDS: Mapping[str, Schema] = {
    "aigc": _BOOLEAN,
    "subscription": _BOOLEAN,
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
_REVIEW: Schema = {
    **obj({"status": _STATUS, "code": _CODE, "after": _SECONDS, "reads": _COUNT}, ()),
    "minProperties": 1,
}
_HEADERS: Schema = {
    "type": "object",
    "propertyNames": {"pattern": f"^{HEADER_NAME.pattern}$"},
    "additionalProperties": {"oneOf": [{"type": "integer"}, {"type": "string", "pattern": "^[ -~]+$"}]},
}
_ERROR_WORDS = "|".join(sorted(map(re.escape, {*Reason, *REASONS_BY_CODE, *CODES_WITH_DETAIL})))
_EFFECTS: Mapping[str, Schema] = {
    "error": {"type": "string", "pattern": f"^(?:{_ERROR_WORDS})(?:\\.[A-Za-z0-9.]+)?$"},
    "http": obj(
        {
            "status": {"type": "integer", "minimum": 200, "maximum": 599},
            "body": one_of(PAGES),
            "headers": _HEADERS,
        },
        ["status"],
    ),
    "close": one_of(("before", "after-commit")),
    "truncate": _COUNT,
    "review": _REVIEW,
    "lag": _SECONDS,
    "page_size_max": _POSITIVE,
    "hide": one_of(("LivenessFace",)),
}
_LIMIT = obj({"calls": _POSITIVE, "seconds": {"type": "number", "exclusiveMinimum": 0}})
_DELAY: Schema = {
    **_SECONDS,
    "maximum": MAX_DELAY,
    "description": "Seconds that pass before the call is carried out; a client that gives up does not stop it.",
}
_DO: Schema = {
    "oneOf": [
        obj({"delay": _DELAY}),
        *(obj({effect: schema, "delay": _DELAY}, [effect]) for effect, schema in _EFFECTS.items()),
        obj({"limit": _LIMIT, "delay": _DELAY}, ["limit"]),
        *(
            obj({"limit": _LIMIT, effect: _EFFECTS[effect], "delay": _DELAY}, ["limit", effect])
            for effect in sorted(REFUSALS)
        ),
    ]
}
_MATCH = obj({"action": one_of(ACTIONS), "customer": _NON_EMPTY, "name": _NON_EMPTY}, ())
_RULE = {"id": _NON_EMPTY, "match": _MATCH, "when": _WHEN, "do": _DO}
_RULE_STATUS = obj({**_RULE, "seen": _COUNT, "fired": _COUNT}, ("id", "do", "seen", "fired"))

_CLOCK = obj({"now": STAMP, "seconds": {"type": "number"}, "kind": one_of(("real", "manual", "auto", "scaled"))})
_SUBJECT: Schema = {**_NON_EMPTY, "type": ["string", "null"]}
_FAILURE_CODE: Schema = {"type": ["integer", "null"], "enum": [*lifecycle.FAILURE_CODES, None]}
_FAILURES = ("fail", "cancel")
_PASSES = tuple(outcome for outcome in lifecycle.OUTCOMES if outcome not in _FAILURES)
# A scan that passes has one code, so that none can be chosen.
_SCAN_RESULT: Schema = {
    "oneOf": [
        obj({"result": one_of(_FAILURES), "subject": _SUBJECT, "code": _FAILURE_CODE}, ["result"]),
        obj({"result": one_of(_PASSES), "subject": _SUBJECT, "code": {"type": "null"}}, ["result"]),
    ]
}
_CLOCK_CHANGE: Schema = {"oneOf": [obj({"advance": _MAX_SECONDS}), obj({"set": {"oneOf": [_MAX_SECONDS, _DATE_TIME]}})]}
_HEALTH = obj({"status": {"const": "ok"}, "clock": _CLOCK, "customers": _COUNT})
_COUNTS: Schema = {"type": "object", "additionalProperties": _COUNT}
_CUSTOMER = obj({"name": _TEXT, "limits": obj(_LIMITS), "groups": _COUNT, "assets": _COUNTS})
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
    "request": {"type": "object", "description": "The request's fields, secrets blanked."},
}


def _array(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


_RULES = obj({"rules": _array(_RULE_STATUS)})
_STATE = obj(
    {
        "clock": _CLOCK,
        "customers": _array(_CUSTOMER),
        "validations": _array(_VALIDATION),
        "rules": _array(_RULE_STATUS),
    }
)
_CALLS = obj({"calls": _array(obj({**_CALL, "validation": _TEXT}, _CALL)), "count": _COUNT})
_SNAPSHOT_NAME: Schema = {"type": "string", "pattern": f"^{NAME.pattern}$"}
_SNAPSHOT = obj({"name": _SNAPSHOT_NAME, "version": {"const": VERSION}, "clock": STAMP, **dict.fromkeys(KINDS, _COUNT)})
_SNAPSHOTS = obj({"snapshots": _array(_SNAPSHOT)})
_RECORDS = _array({"type": "object"})
_SNAPSHOT_DOCUMENT = obj(
    {
        "format": {"const": FORMAT},
        "version": {"const": VERSION},
        "clock": _DATE_TIME,
        "ids": _COUNT,
        **dict.fromkeys(KINDS, _RECORDS),
    }
)
_DECISION = {
    "status": one_of(("Active", "Failed", "Expired")),
    "code": _CODE,
    "subject": _NON_EMPTY,
    "used": {"const": True},
}


@frozen(kw_only=True)
class Operation:
    """One method of one address.

    Attributes:
        name: The operationId.
        response: The JSON of a success.
        summary: One line.
        body: The JSON of the request, None for none.
        query: The parameters of the query.
        errors: HTTP statuses besides those that every address has.
    """

    name: str
    response: Schema
    summary: str
    body: Schema | None = None
    query: Mapping[str, Schema] = field(factory=dict)
    errors: tuple[int, ...] = ()


_KINDS = {404: "not_found_error", 409: "conflict_error"}
# By method and path, in which * is a name.
OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "health"): Operation(name="Health", response=_HEALTH, summary="It is there, and what time it has."),
    ("POST", "reset"): Operation(name="Reset", response=_HEALTH, summary="Forget everything but the time."),
    ("GET", "state"): Operation(name="State", response=_STATE, summary="Customers, validations, rules and the time."),
    ("GET", "calls"): Operation(
        name="Calls",
        response=_CALLS,
        summary="The last calls, oldest first.",
        query={"action": _TEXT, "customer": _TEXT, "outcome": _TEXT, "since": _TIME_FILTER},
    ),
    ("GET", "clock"): Operation(name="Clock", response=_CLOCK, summary="What time it is."),
    ("POST", "clock"): Operation(
        name="SetClock",
        response=_CLOCK,
        summary="Move the clock forwards: by seconds, or to a moment.",
        body=_CLOCK_CHANGE,
    ),
    ("POST", "validations/*"): Operation(
        name="FinishValidation",
        response=_VALIDATION,
        summary="End a scan, as the page's buttons do.",
        body=_SCAN_RESULT,
        errors=(404, 409),
    ),
    ("POST", "assets/*"): Operation(
        name="DecideAsset",
        response=obj({"id": _TEXT, "status": _TEXT, "code": _TEXT, "subject": _TEXT}),
        summary="End an asset's review, let it expire, say whose face it shows, or that a generation has used it.",
        body={**obj(_DECISION, ()), "minProperties": 1},
        errors=(404, 409),
    ),
    ("PATCH", "customers/*"): Operation(
        name="PatchCustomer",
        response=_CUSTOMER,
        summary="Change a customer's limits and switches.",
        body=obj(_LIMITS, ()),
    ),
    ("GET", "rules"): Operation(name="Rules", response=_RULES, summary="All rules."),
    ("POST", "rules"): Operation(
        name="AddRule",
        response=_RULE_STATUS,
        summary="Add a rule: faults and verdicts on demand.",
        body=obj(_RULE, ["do"]),
    ),
    ("DELETE", "rules"): Operation(name="DeleteRules", response=_RULES, summary="Remove all rules."),
    ("DELETE", "rules/*"): Operation(name="DeleteRule", response=_RULES, summary="Remove one rule.", errors=(404,)),
    ("GET", "snapshots"): Operation(name="Snapshots", response=_SNAPSHOTS, summary="All snapshots."),
    ("PUT", "snapshots/*"): Operation(
        name="SaveSnapshot",
        response=_SNAPSHOT,
        summary="Keep the state as it is now, the time included.",
        errors=(409,),
    ),
    ("POST", "snapshots/*"): Operation(
        name="LoadSnapshot", response=_SNAPSHOT, summary="Go back to a state, its time included.", errors=(404,)
    ),
    ("GET", "snapshots/*"): Operation(
        name="ReadSnapshot", response=_SNAPSHOT_DOCUMENT, summary="A snapshot as JSON, without secrets.", errors=(404,)
    ),
    ("DELETE", "snapshots/*"): Operation(
        name="DeleteSnapshot", response=_SNAPSHOTS, summary="Forget a snapshot.", errors=(404,)
    ),
}


def paths() -> Iterator[tuple[str, Schema]]:
    """Every path of the control plane, with its operation."""
    for (method, path), operation in OPERATIONS.items():
        yield CONTROL + path.replace("*", "{name}"), {method.lower(): _operation(path, operation)}


def _operation(path: str, operation: Operation) -> Schema:
    rows = [(400, "invalid_request_error", ()), (403, "permission_error", ()), (413, "invalid_request_error", ())]
    rows += [(status, _KINDS[status], ()) for status in operation.errors]
    schema: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": ["Control plane"],
        "security": [{}, {"control": []}],
        "parameters": [{"name": name, "in": "query", "schema": kind} for name, kind in operation.query.items()],
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": operation.response}}},
            **errors(rows),
        },
    }
    if path.endswith("*"):
        schema["parameters"].append({"name": "name", "in": "path", "required": True, "schema": _NON_EMPTY})
    if operation.body is not None:
        schema["requestBody"] = {"required": True, "content": {"application/json": {"schema": operation.body}}}
    return schema
