"""What tests and people may do to a running emulator, as methods that take and return plain JSON values.

Owns the words of the control plane and their checks; must not know HTTP. Secrets stay out: a validation is its handle.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import evolve

from emulator.clocks import ScaledClock
from emulator.domain import lifecycle, quotas, validations
from emulator.domain.context import Context
from emulator.domain.ports import Transaction
from emulator.domain.records import Asset, Ended, Validation
from emulator.domain.verdicts import review
from emulator.journal import Journal
from emulator.rules import Plan, RuleError
from emulator.stamps import Stamps, read_stamp
from emulator.store.base import Store
from portrait.clock import Clock, ManualClock
from portrait.models import AssetStatus


class ControlError(Exception):
    """A control call that cannot be done.

    Attributes:
        status: 400 for a call that makes no sense, 404 for an unknown id, 409 for what has already ended.
        message: Why, for people.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Control:
    """The control plane of one emulator; every method may raise `ControlError`."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        journal: Journal,
        plan: Plan,
        stamps: Stamps,
        surroundings: Callable[[Transaction, float], Context],
    ) -> None:
        self._store = store
        self._clock = clock
        self._journal = journal
        self._plan = plan
        self._stamps = stamps
        self._surroundings = surroundings

    def health(self) -> dict[str, Any]:
        """It is there, and what time it has."""
        return {"status": "ok", "clock": self.clock(), "customers": len(self._store.customers())}

    def reset(self) -> dict[str, Any]:
        """Forget customers, assets, validations, calls and rules; the clock goes on."""
        self._store.clear()
        self._journal.clear()
        self._plan.remove()
        return self.health()

    def state(self) -> dict[str, Any]:
        """Every customer with its limits and counts, every validation by its handle, the rules and the time."""
        now = self._clock.now()
        return {
            "clock": self.clock(),
            "customers": [self._customer_shown(name, now) for name in self._store.customers()],
            "validations": [self._validation_shown(each, now) for each in self._store.validations()],
            "rules": self._plan.shown(),
        }

    # --- calls -------------------------------------------------------------------------------------------------------

    def calls(self, /, **filters: Any) -> dict[str, Any]:
        """The last calls, oldest first.

        Args:
            **filters: `action`, `customer`, `outcome` (`ok` or a code), `since` (a moment, or seconds since 1970).
        """
        _known("calls", filters, ("action", "customer", "outcome", "since"))
        since = filters.get("since")
        wanted = {name: filters.get(name) for name in ("action", "customer", "outcome")}
        calls = self._journal.read(**wanted, since=None if since is None else _moment("since", since))
        return {"calls": calls, "count": len(calls)}

    # --- time --------------------------------------------------------------------------------------------------------

    def clock(self) -> dict[str, Any]:
        """What time it is, and of what kind the clock is."""
        now = self._clock.now()
        kinds = {ManualClock: "manual", ScaledClock: "scaled"}
        return {"now": self._stamps(now), "seconds": now, "kind": kinds.get(type(self._clock), "real")}

    def set_clock(self, /, **change: Any) -> dict[str, Any]:
        """Move the clock.

        Args:
            **change: `advance` by seconds, or `set` to a moment such as `2026-03-18T03:57:10Z`.
        """
        _known("the clock", change, ("advance", "set"))
        if len(change) != 1:
            raise ControlError(400, "say either advance or set")
        clock = self._clock
        if not isinstance(clock, ManualClock | ScaledClock):
            raise ControlError(400, "this clock is the machine's and cannot be moved; start with a manual one")
        if "advance" in change:
            clock.advance(_number("advance", change["advance"]))
        elif isinstance(clock, ManualClock):
            clock.set(_moment("set", change["set"]))
        else:
            ahead = _moment("set", change["set"]) - clock.now()
            if ahead < 0:
                raise ControlError(400, "a scaled clock can only be set forward")
            clock.advance(ahead)
        return self.clock()

    # --- validations and assets --------------------------------------------------------------------------------------

    def finish_validation(self, token_or_handle: str, /, result: Any = None, subject: Any = None) -> dict[str, Any]:
        """End a scan.

        Args:
            token_or_handle: The BytedToken, or `val-3`.
            result: One of `pass`, `fail`, `cancel`, `wrong-person`.
            subject: Whose face it was; None makes up a new person.
        """
        outcome = _one_of("result", result, lifecycle.OUTCOMES)
        subject = None if subject is None else _text("subject", subject)
        found = self._store.find_validation(token_or_handle)
        if found is None:
            raise ControlError(404, "there is no such validation")
        now = self._clock.now()
        with self._store.transaction(found.customer, now) as tx:
            validation = tx.validation(found.token) or found
            ended = validations.finish(self._surroundings(tx, now), validation, outcome, subject)
        if ended is None:
            raise ControlError(409, f"{found.handle} has already ended: {self._scan(validation, now)}")
        return self._validation_shown(ended, now)

    def set_asset(self, asset_id: str, /, **change: Any) -> dict[str, Any]:
        """Decide over an asset.

        Args:
            asset_id: Which.
            **change: `status` is `Active`, `Failed` or `Expired`; `code` says why it failed; `subject` whose face it
                shows, which the review matches with the group's person.
        """
        _known("an asset", change, ("status", "code", "subject"))
        if not change:
            raise ControlError(400, "say status, code or subject")
        found = self._store.find_asset(asset_id)
        if found is None:
            raise ControlError(404, "there is no such asset")
        now = self._clock.now()
        with self._store.transaction(found.customer, now) as tx:
            asset = tx.asset(asset_id)
            if asset is None:
                raise ControlError(404, "there is no such asset")
            changed = _decided(_recognised(tx, asset, change), change, now)
            tx.save_asset(changed)
        return {"id": changed.id, "status": str(changed.status), "code": changed.code, "subject": changed.subject}

    # --- customers ---------------------------------------------------------------------------------------------------

    def patch_customer(self, name: str, /, **fields: Any) -> dict[str, Any]:
        """Change a customer's limits and switches; a new one is made.

        Args:
            name: Which.
            **fields: `aigc`, `subscription`, `groups`, `assets`, `assets_per`, `tier`, `balance`.
        """
        _known("a customer", fields, tuple(_FIELDS))
        # A tier sets several numbers; what is said beside it wins.
        ordered = sorted(fields.items(), key=lambda item: item[0] != "tier")
        changes: dict[str, Any] = {}
        for field, value in ordered:
            changes |= _FIELDS[field](field, value)
        now = self._clock.now()
        with self._store.transaction(name, now) as tx:
            tx.save_customer(evolve(tx.customer, **changes))
        return self._customer_shown(name, now)

    # --- rules -------------------------------------------------------------------------------------------------------

    def rules(self) -> dict[str, Any]:
        """All rules with how often each was `seen` and `fired`."""
        return {"rules": self._plan.shown()}

    def add_rule(self, rule: Any) -> dict[str, Any]:
        """Add a rule of the grammar in `emulator.rules`."""
        try:
            return self._plan.add(rule)
        except RuleError as error:
            raise ControlError(400, str(error)) from None

    def delete_rules(self, rule_id: str | None = None) -> dict[str, Any]:
        """Remove one rule, or all."""
        if not self._plan.remove(rule_id):
            raise ControlError(404, "there is no such rule")
        return self.rules()

    # --- how things are shown ----------------------------------------------------------------------------------------

    def _customer_shown(self, name: str, now: float) -> dict[str, Any]:
        with self._store.transaction(name, now) as tx:
            customer, groups, assets = tx.customer, tx.count_groups(), tx.tally()
        limits = {field: getattr(customer, field) for field in _FIELDS}
        return {"name": name, "limits": limits, "groups": groups, "assets": assets}

    def _validation_shown(self, validation: Validation, now: float) -> dict[str, Any]:
        return {
            "id": validation.handle,
            "customer": validation.customer,
            "state": self._scan(validation, now),
            "project": validation.project,
            "created": self._stamps(validation.created),
            "expires": self._stamps(validation.expires),
            "group_id": validation.group_id,
            "subject": validation.subject,
        }

    @staticmethod
    def _scan(validation: Validation, now: float) -> str:
        over = lifecycle.expired(validation, now) and validation.scan not in lifecycle.RESULT_CODES
        return "expired" if over else str(validation.scan)


def _recognised(tx: Transaction, asset: Asset, change: Mapping[str, Any]) -> Asset:
    """The asset once somebody said whose face it shows; the review goes by that."""
    if "subject" not in change:
        return asset
    subject, group = _text("subject", change["subject"]), tx.group(asset.group_id)
    if "status" not in change and asset.status is not AssetStatus.PROCESSING:
        raise ControlError(409, f"the review has already ended: {asset.status}")
    verdict = asset.verdict if group is None else lifecycle.judged(asset.verdict, group, subject)
    return evolve(asset, subject=subject, verdict=verdict)


def _decided(asset: Asset, change: Mapping[str, Any], now: float) -> Asset:
    """The asset in the state that was asked for; a code alone means Failed."""
    if not {"status", "code"} & set(change):
        return asset
    status = change.get("status", "Failed")
    if status == Ended.EXPIRED and "code" not in change:
        moved = lifecycle.moved(asset, Ended.EXPIRED, "", now)
    else:
        try:
            verdict = review(status, change.get("code", ""))
        except (TypeError, ValueError) as error:
            raise ControlError(400, f"{error}".replace("Active or Failed", "Active, Failed or Expired")) from None
        moved = lifecycle.moved(asset, verdict.status, verdict.code, now)
    if moved is None:
        raise ControlError(409, f"the asset has already ended: {asset.status}")
    return moved


# --- values of a request ---------------------------------------------------------------------------------------------


def _known(what: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ControlError(400, f"{what} has no {unknown[0]!r}; it may have {', '.join(known)}")


def _one_of(what: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ControlError(400, f"{what} must be one of {', '.join(known)}")
    return str(value)


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ControlError(400, f"{what} must be a text that is not empty")
    return value


def _number(what: str, value: Any) -> float:
    if type(value) not in {int, float} or not 0 <= value < math.inf:
        raise ControlError(400, f"{what} must be a number, 0 or more")
    return float(value)


def _moment(what: str, value: Any) -> float:
    """Seconds since 1970, as a number or as an ISO 8601 moment."""
    try:
        return _number(what, value) if type(value) in {int, float} else read_stamp(_text(what, value))
    except ValueError:
        raise ControlError(400, f"{what} must be a moment such as 2026-03-18T03:57:10Z") from None


def _switch(field: str, value: Any) -> dict[str, Any]:
    if type(value) is not bool:
        raise ControlError(400, f"{field} must be true or false")
    return {field: value}


def _count(field: str, value: Any) -> dict[str, Any]:
    if type(value) is not int or value < 0:
        raise ControlError(400, f"{field} must be a whole number, 0 or more")
    return {field: value}


def _counted_in(field: str, value: Any) -> dict[str, Any]:
    return {field: _one_of(field, value, ("group", "customer"))}


def _balance(field: str, value: Any) -> dict[str, Any]:
    if value is not None and (type(value) not in {int, float} or not math.isfinite(value)):
        raise ControlError(400, f"{field} must be a number, or null where it is not counted")
    return {field: value}


def _tier(field: str, value: Any) -> dict[str, Any]:
    """A plan's numbers are counted per account. Contract §6 (M)."""
    if value is None:
        return {field: None, "creates_per_minute": None}
    tier = quotas.TIERS[_one_of(field, value, tuple(quotas.TIERS))]
    return {
        field: value,
        "groups": tier.groups,
        "assets": tier.assets,
        "assets_per": "customer",
        "creates_per_minute": tier.creates_per_minute,
    }


_FIELDS: Mapping[str, Callable[[str, Any], dict[str, Any]]] = MappingProxyType(
    {
        "aigc": _switch,
        "subscription": _switch,
        "groups": _count,
        "assets": _count,
        "assets_per": _counted_in,
        "tier": _tier,
        "balance": _balance,
    }
)
