"""What a test does to an emulator by subject: rules, calls, validations, assets. Plain words over the control plane.

Each handle only puts the control plane's calls into Python's form; it keeps nothing and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.control import Control


class Rules:
    """Faults and verdicts on demand, in the one grammar of rules."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def add(self, rule: Mapping[str, Any] | None = None, /, **parts: Any) -> dict[str, Any]:
        """Add a rule, as one mapping or by its parts.

        `add(match={"action": "GetAsset"}, when={"first": 2}, do={"error": "Throttled"})`

        Args:
            rule: The whole rule.
            **parts: `id`; `match`: `action`, `customer`, `name`; `when`: one of `first`, `nth`, `every`, `chance`; and
                `do`: one of `error`, `http`, `close`, `truncate`, `review`, `lag`, and `delay`, the seconds that pass
                before the call is carried out.

        Raises:
            emulator.control.ControlError: It is no rule, or could never fire.
        """
        return self._control.add_rule({**(rule or {}), **parts})

    def all(self) -> dict[str, Any]:
        """Every rule, with how often it was seen and fired."""
        return self._control.rules()

    def clear(self) -> None:
        """Take all rules away."""
        self._control.delete_rules()


class Calls:
    """What was called, as the journal has it."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def all(self, action: str | None = None, **filters: Any) -> list[dict[str, Any]]:
        """The calls that match, oldest first.

        Args:
            action: As on the wire: `CreateAsset`.
            **filters: `customer`; `outcome`, which is `ok` or a code; `since`, seconds since 1970.
        """
        calls: list[dict[str, Any]] = self._control.calls(action=action, **filters)["calls"]
        return calls

    def count(self, action: str | None = None, **filters: Any) -> int:
        """How many calls match; filters as of `all`."""
        return len(self.all(action, **filters))


class Validations:
    """Liveness checks, played without a phone."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def finish(self, token: str, result: str = "pass", *, subject: str | None = None) -> dict[str, Any]:
        """End a scan.

        Args:
            token: The BytedToken, or the handle `val-3`.
            result: `pass`, `fail`, `cancel` or `wrong-person`.
            subject: Whose face it was.

        Raises:
            emulator.control.ControlError: It is unknown, or has ended already.
        """
        return self._control.finish_validation(token, result=result, subject=subject)


class Assets:
    """Reviews, ended by hand."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def fail(self, asset_id: str, code: str = "InternalError") -> dict[str, Any]:
        """End a review in Failed, with a code of contract §3 such as `FaceMismatch`."""
        return self._control.set_asset(asset_id, status="Failed", code=code)

    def activate(self, asset_id: str) -> dict[str, Any]:
        """End a review in Active."""
        return self._control.set_asset(asset_id, status="Active")

    def expire(self, asset_id: str) -> dict[str, Any]:
        """Let an asset expire."""
        return self._control.set_asset(asset_id, status="Expired")
