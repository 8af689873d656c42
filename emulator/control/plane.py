"""The control plane's methods.

No reply holds a key, a token or a link: a validation is shown by its handle, and so is a customer without a name. A
customer may be named by its name, its handle or its key.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from attrs import evolve

from emulator.call_log import CallLog
from emulator.clocks import MAX_TIME, SettableClock, TimestampFormatter, kind
from emulator.control.snapshots import NamedSnapshots
from emulator.control.values import FIELDS, ControlError, apply_decision, as_control_error, parse_query_time, parse_time
from emulator.domain import lifecycle, validations
from emulator.domain.context import Context
from emulator.domain.records import Validation
from emulator.json_checks import fail, one_of, reject_unknown, seconds, text
from emulator.rules import RuleError, RuleSet
from emulator.snapshots import is_snapshot
from emulator.store.base import Store
from portrait.clock import Clock


class Control:
    """The control plane of one emulator; every method may raise `ControlError`.

    Attributes:
        snapshots: The states that are kept under names.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        call_log: CallLog,
        rules: RuleSet,
        format_time: TimestampFormatter,
        begin: Callable[[str], AbstractContextManager[Context]],
        find_customer: Callable[[str], str],
        snapshots: NamedSnapshots,
    ) -> None:
        self._store = store
        self._clock = clock
        self._call_log = call_log
        self._rules = rules
        self._format_time = format_time
        self._begin = begin
        self._find_customer = find_customer
        self.snapshots = snapshots

    def health(self) -> dict[str, Any]:
        """The status `ok`, the time, and how many customers there are."""
        return {"status": "ok", "clock": self.clock(), "customers": len(self._store.customers())}

    def reset(self) -> dict[str, Any]:
        """Forget customers, assets, validations, calls and rules; the clock goes on, and snapshots stay."""
        self._store.clear()
        self._call_log.clear()
        self._rules.remove()
        return self.health()

    def state(self) -> dict[str, Any]:
        """Every customer with its limits and counts, every validation by its handle, the rules and the time."""
        clock = self.clock()
        now = clock["seconds"]
        return {
            "clock": clock,
            "customers": [self._customer_status(name, now) for name in self._store.customers()],
            "validations": [self._validation_status(each, now) for each in self._store.validations()],
            "rules": self._rules.all(),
        }

    def load_state(self, state: Any) -> None:
        """Apply a start file.

        Args:
            state: `{"rules": [rule, …], "customers": {name: changes, …}}`, both optional; or a snapshot as JSON.
        """
        state = _mapping("the file", state)
        if is_snapshot(state):
            self.snapshots.load_document(state)
            return
        if state.keys() - {"rules", "customers"}:
            raise ControlError(400, "the file may have rules and customers and nothing else")
        rules, customers = state.get("rules", []), state.get("customers", {})
        if not isinstance(rules, list) or not isinstance(customers, dict):
            raise ControlError(400, "rules must be an array, customers an object")
        for rule in rules:
            self.add_rule(_mapping("a rule", rule))
        for name, changes in customers.items():
            self.patch_customer(name, **_mapping(f"the customer {name}", changes))

    # --- calls -------------------------------------------------------------------------------------------------------

    @as_control_error
    def calls(self, /, **filters: Any) -> dict[str, Any]:
        """The last calls, oldest first.

        Args:
            **filters: `action`, `customer`, `outcome` (`ok` or a code), `since`: a moment such as
                `2026-03-18T03:57:10Z`, or seconds since 1970 with at most ten digits before the point.
        """
        reject_unknown("the query of calls", filters, ("action", "customer", "outcome", "since"))
        since = filters.get("since")
        wanted = {name: filters.get(name) for name in ("action", "customer", "outcome")}
        if isinstance(wanted["customer"], str):
            wanted["customer"] = self._find_customer(wanted["customer"])
        calls = self._call_log.read(**wanted, since=None if since is None else parse_query_time("since", since))
        return {"calls": calls, "count": len(calls)}

    # --- time --------------------------------------------------------------------------------------------------------

    def clock(self) -> dict[str, Any]:
        """The time and the kind of the clock."""
        self._store.synchronize()
        now = self._clock.now()
        return {"now": self._format_time(now), "seconds": now, "kind": kind(self._clock)}

    @as_control_error
    def set_clock(self, /, **change: Any) -> dict[str, Any]:
        """Move the clock.

        Args:
            **change: `advance` by seconds, or `set` to a moment such as `2026-03-18T03:57:10Z` that is not over:
                what was created and decided stays in the past.
        """
        reject_unknown("a change of the clock", change, ("advance", "set"))
        if len(change) != 1:
            raise ControlError(400, "a change of the clock needs either advance or set")
        clock = self._clock
        if not isinstance(clock, SettableClock):
            raise ControlError(400, "the machine's clock cannot be moved; start with a manual one (--clock manual)")
        self._store.synchronize()
        now = clock.now()
        if "advance" in change:
            ahead = seconds("advance", change["advance"])
            _check_clock_range(now + ahead)
            clock.advance(ahead)
            return self.clock()
        then = _check_clock_range(parse_time("set", change["set"]))
        if then < now:
            raise ControlError(400, f"time runs forwards: on this clock it is {self._format_time(now)} already")
        clock.set(then)
        return self.clock()

    # --- validations and assets --------------------------------------------------------------------------------------

    @as_control_error
    def finish_validation(self, token_or_handle: str, /, **end: Any) -> dict[str, Any]:
        """End a scan.

        Args:
            token_or_handle: The BytedToken, or `val-3`.
            **end: `result` is `pass`, `fail`, `cancel` or `wrong-person`; `subject` says whose face it was, by default
                that of a new person; `code` is the page's result code of a scan that does not pass, by default that of
                the result.
        """
        reject_unknown("the end of a scan", end, ("result", "subject", "code"))
        outcome = one_of("result", end.get("result"), lifecycle.OUTCOMES)
        subject = None if end.get("subject") is None else text("subject", end["subject"])
        code = end.get("code")
        if code is not None:
            if type(code) is not int or code not in lifecycle.FAILURE_CODES:
                fail(f"code must be one of {', '.join(map(str, lifecycle.FAILURE_CODES))}")
            if outcome not in {"fail", "cancel"}:
                fail(f"code is for a scan that does not pass; {outcome} has {lifecycle.RESULT_CODES[outcome]}")
        found = self._store.find_validation(token_or_handle)
        if found is None:
            raise ControlError(404, "there is no such validation")
        with self._begin(found.customer) as ctx:
            validation = ctx.tx.validation(found.token) or found
            ended = validations.finish(ctx, validation, outcome, subject, code)
        if ended is None:
            raise ControlError(409, f"{found.handle} has already ended: {lifecycle.state_name(validation, ctx.now)}")
        return self._validation_status(ended, ctx.now)

    def callback_url(self, token_or_handle: str) -> str:
        """Where the page sends the browser after the scan. For tests in this process: it holds the token.

        Raises:
            LookupError: There is no such validation, or its scan has not ended.
        """
        found = self._store.find_validation(token_or_handle)
        if found is None or found.scan not in lifecycle.ENDED:
            raise LookupError("there is no such validation, or its scan has not ended")
        return validations.callback_url_for(found)

    @as_control_error
    def set_asset(self, asset_id: str, /, **change: Any) -> dict[str, Any]:
        """Set the state of an asset, or the outcome of its review.

        Args:
            asset_id: Which.
            **change: `status` is `Active`, `Failed` or `Expired`; `code` says why it failed; `subject` whose face it
                shows, which the review matches with the group's person; `used` is true for an Active asset that a
                generation uses now.
        """
        reject_unknown("a decision over an asset", change, ("status", "code", "subject", "used"))
        if not change:
            raise ControlError(400, "a decision over an asset needs status, code, subject or used")
        found = self._store.find_asset(asset_id)
        if found is None:
            raise ControlError(404, "there is no such asset")
        with self._begin(found.customer) as ctx:
            asset = lifecycle.asset_at(ctx.tx, asset_id, ctx.now)
            if asset is None:
                raise ControlError(404, "there is no such asset")
            changed = apply_decision(asset, ctx.tx.group(asset.group_id), change, ctx.now)
            ctx.tx.save_asset(changed)
        return {"id": changed.id, "status": str(changed.status), "code": changed.code, "subject": changed.subject}

    # --- customers ---------------------------------------------------------------------------------------------------

    @as_control_error
    def patch_customer(self, name: str, /, **fields: Any) -> dict[str, Any]:
        """Change a customer's limits and switches; a new one is made.

        Args:
            name: Which.
            **fields: `aigc`, `subscription`, `groups`, `assets`, `assets_per`, `tier`, `balance`.
        """
        name = self._find_customer(text("the name of a customer", name))
        reject_unknown("a customer", fields, tuple(FIELDS))
        # A tier sets several numbers; what is said beside it wins.
        ordered = sorted(fields.items(), key=lambda item: item[0] != "tier")
        changes: dict[str, Any] = {}
        for field, value in ordered:
            changes |= FIELDS[field](field, value)
        with self._begin(name) as ctx:
            ctx.tx.save_customer(evolve(ctx.tx.customer, **changes))
        return self._customer_status(name, ctx.now)

    # --- rules -------------------------------------------------------------------------------------------------------

    def rules(self) -> dict[str, Any]:
        """All rules with how often each was `seen` and `fired`."""
        return {"rules": self._rules.all()}

    def add_rule(self, rule: Any) -> dict[str, Any]:
        """Add a rule of the grammar in `emulator.rules`."""
        try:
            return self._rules.add(rule)
        except RuleError as error:
            raise ControlError(400, str(error)) from None

    def delete_rules(self, rule_id: str | None = None) -> dict[str, Any]:
        """Remove one rule, or all."""
        if not self._rules.remove(rule_id):
            raise ControlError(404, "there is no such rule")
        return self.rules()

    # --- representations ---------------------------------------------------------------------------------------------

    def _customer_status(self, name: str, now: float) -> dict[str, Any]:
        while True:  # one transaction per slice, so that calls come in between
            with self._store.transaction(name) as tx:
                if lifecycle.settle(tx, now):
                    limits = {field: getattr(tx.customer, field) for field in FIELDS}
                    return {"name": name, "limits": limits, "groups": tx.count_groups(), "assets": tx.count_by_status()}

    def _validation_status(self, validation: Validation, now: float) -> dict[str, Any]:
        return {
            "id": validation.handle,
            "customer": validation.customer,
            "state": lifecycle.state_name(validation, now),
            "project": validation.project,
            "created": self._format_time(validation.created),
            "expires": self._format_time(validation.expires),
            "group_id": validation.group_id,
            "subject": validation.subject,
        }


def _check_clock_range(value: float) -> float:
    if not 0 <= value <= MAX_TIME:
        raise ControlError(400, "the clock goes from 1970-01-01T00:00:00Z to 9999-01-01T00:00:00Z")
    return value


def _mapping(what: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ControlError(400, f"{what} must be an object")
    return value
