"""The data of the dashboard: the newest records, calls and rules, as plain values.

Reading it changes nothing: a review that is due is shown as ended, and settled by the next call. Addresses have no
queries, and validations are named by their handles.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from itertools import islice
from typing import Any

from attrs import frozen

from emulator.call_log import CallLog, without_query
from emulator.clocks import TimestampFormatter, kind
from emulator.domain import lifecycle
from emulator.domain.records import Asset, AssetState, Group, Validation
from emulator.rules import RuleSet
from emulator.store.base import CustomerUsage, Store
from portrait.clock import Clock
from portrait.models import AssetType

_MAX_FIELDS = 8  # of a call's request
_MAX_TEXT = 60  # characters of a field
_NESTED = reprlib.Repr()
_NESTED.maxlevel = 2


class Overview:
    """The newest records, calls and rules of one emulator.

    Args:
        store: Keeps the records.
        clock: The emulator's.
        call_log: The last calls.
        rules: The rules.
        format_time: Writes times.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        call_log: CallLog,
        rules: RuleSet,
        format_time: TimestampFormatter,
    ) -> None:
        self._store = store
        self._clock = clock
        self._call_log = call_log
        self._rules = rules
        self._format_time = format_time

    def read(self, limit: int) -> dict[str, Any]:
        """The time, and at most `limit` each of customers, groups, assets, validations, calls and rules.

        The newest come first; of rules the first, in their order. `totals` says how many there are in all.
        """
        now = self._clock.now()
        latest = self._store.latest(limit)
        show = _Presenter(self._format_time, now)
        calls, rules = self._call_log.latest(limit), self._rules.all()
        return {
            "now": self._format_time(now),
            "clock": kind(self._clock),
            "customers": list(map(show.customer, latest.customers)),
            "groups": [show.group(group, assets) for group, assets in latest.groups],
            "assets": list(map(show.asset, latest.assets)),
            "validations": list(map(show.validation, latest.validations)),
            "calls": list(map(show.call, calls)),
            "rules": rules[:limit],
            "totals": {**latest.totals, "calls": len(self._call_log), "rules": len(rules)},
        }


@frozen
class _Presenter:
    """Records as plain values.

    Attributes:
        format_time: Writes times.
        now: When, in seconds since 1970.
    """

    format_time: TimestampFormatter
    now: float

    def customer(self, usage: CustomerUsage) -> dict[str, Any]:
        customer = usage.customer
        return {
            "name": customer.name,
            "groups": usage.groups,
            "max_groups": customer.groups,
            "assets": usage.assets,
            "max_assets": customer.assets,
            "assets_per": customer.assets_per,
            "tier": customer.tier,
            "aigc": customer.aigc,
            "subscription": customer.subscription,
            "balance": customer.balance,
        }

    def group(self, group: Group, assets: int) -> dict[str, Any]:
        return {
            "id": group.id,
            "name": group.name,
            "kind": str(group.kind),
            "customer": group.customer,
            "project": group.project,
            "assets": assets,
            "created": self.format_time(group.created),
        }

    def asset(self, asset: Asset) -> dict[str, Any]:
        current = lifecycle.review_at(asset, self.now)
        uploaded_image = asset.file and asset.kind is AssetType.IMAGE
        return {
            "id": current.id,
            "name": current.name,
            "kind": str(current.kind),
            "group_id": current.group_id,
            "customer": current.customer,
            "status": str(current.status),
            "code": current.code,
            "remaining": None if current.due is None else current.due - self.now,
            "in_review": current.status is AssetState.PROCESSING,
            "picture": current.file if uploaded_image else "",
            "source": "" if current.file else without_query(current.url),
            "created": self.format_time(current.created),
        }

    def validation(self, validation: Validation) -> dict[str, Any]:
        open_ = validation.scan not in lifecycle.ENDED and not lifecycle.expired(validation, self.now)
        return {
            "id": validation.handle,
            "customer": validation.customer,
            "state": lifecycle.state_name(validation, self.now),
            "remaining": validation.expires - self.now if open_ else None,
            "code": validation.code,
            "group_id": validation.group_id,
            "subject": validation.subject,
            "created": self.format_time(validation.created),
        }

    def call(self, call: Mapping[str, Any]) -> dict[str, Any]:
        fields = islice(call["request"].items(), _MAX_FIELDS)
        request = {_short(name): _short(value) for name, value in fields}
        return {**call, "request": request}


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else _NESTED.repr(value)
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"
