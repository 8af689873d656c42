"""The last calls and how each ended, for the control plane.

A request is shown with its secrets blanked: a validation stands there by its handle. A call is recorded under its
customer's name, which is the handle of its key where it has no other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from emulator.clocks import TimestampFormatter
from portrait.actions import get_action

_MAX_RECORDS = 10_000

CallRecord = tuple[float, str, str, str, int, str, str, Mapping[str, Any]]
"""Time, action, customer, outcome, HTTP status, request id, handle, the request's fields as they came."""

_BLANK = "***"
_TASK_TOKEN = "byted_token"  # noqa: S105 - the field's name at the task gateways


def _blank_secrets(action: str, fields: Mapping[str, Any], handle: str) -> dict[str, Any]:
    """The fields of a request without its secrets: a token becomes its validation's handle, an address loses its query.

    Which fields are secret stands on the Action's record.
    """
    secrets = (*get_action(action).secrets, _TASK_TOKEN)
    blanked = {name: _without_queries(value) for name, value in fields.items()}
    return blanked | {name: handle or _BLANK for name in secrets if name in fields}


def _without_queries(value: Any) -> Any:
    """A value of JSON in which no address has a query."""
    if isinstance(value, str):
        return without_query(value) if "://" in value else value
    if isinstance(value, dict):
        return {name: _without_queries(part) for name, part in value.items()}
    return [_without_queries(part) for part in value] if isinstance(value, list) else value


def without_query(url: str) -> str:
    """An address whose user, query and fragment are blanked: each may be a secret."""
    scheme, _, rest = url.partition("://")
    place, mark, _ = min((rest.partition(mark) for mark in "?#"), key=lambda parts: len(parts[0]))
    authority, slash, path = place.partition("/")
    user, at, host = authority.rpartition("@")
    return f"{scheme}://{_BLANK if user else ''}{at}{host}{slash}{path}{mark and mark + _BLANK}"


class CallLog:
    """The last 10,000 calls.

    Args:
        format_time: Writes times.
        on_call: Called with each record as well.
    """

    def __init__(self, format_time: TimestampFormatter, on_call: Callable[[CallRecord], None] | None = None) -> None:
        self._format_time = format_time
        self._records: deque[CallRecord] = deque(maxlen=_MAX_RECORDS)
        # The hot path: without a listener it is the deque's own method.
        self.add = self._records.append if on_call is None else _tee(self._records.append, on_call)

    def __len__(self) -> int:
        return len(self._records)

    def clear(self) -> None:
        """Forget all calls."""
        self._records.clear()

    def read(
        self,
        *,
        action: str | None = None,
        customer: str | None = None,
        outcome: str | None = None,
        since: float | None = None,
    ) -> list[dict[str, Any]]:
        """The calls that match everything given, oldest first.

        Args:
            action: As on the wire.
            customer: Whose.
            outcome: `ok`, or the code of a refusal.
            since: Seconds since 1970, which are included.
        """
        wanted = ((1, action), (2, customer), (3, outcome))
        return [
            self._to_dict(record)
            for record in tuple(self._records)
            if (since is None or record[0] >= since) and all(value in {None, record[at]} for at, value in wanted)
        ]

    def latest(self, limit: int) -> list[dict[str, Any]]:
        """At most so many calls, newest first."""
        return [self._to_dict(record) for record in reversed(tuple(self._records)[-limit:])]

    def _to_dict(self, record: CallRecord) -> dict[str, Any]:
        moment, action, customer, outcome, status, request_id, handle, fields = record
        item: dict[str, Any] = {
            "time": self._format_time(moment),
            "action": action,
            "customer": customer,
            "outcome": outcome,
            "status": status,
            "request_id": request_id,
            "request": _blank_secrets(action, fields, handle),
        }
        if handle:
            item["validation"] = handle
        return item


def _tee(first: Callable[[CallRecord], None], second: Callable[[CallRecord], None]) -> Callable[[CallRecord], None]:
    def add(record: CallRecord) -> None:
        first(record)
        second(record)

    return add
