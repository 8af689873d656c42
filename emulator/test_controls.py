"""The controls of a test over an emulator, by subject: rules, calls, validations, assets, customers.

All of them are calls of the control plane: whatever a test does here it could do over HTTP.
"""

from __future__ import annotations

from itertools import count
from typing import Any, Unpack

from emulator.control import Control
from emulator.rules.grammar import RuleParts, RuleSpec
from emulator.service import Service
from portrait.models import VisualValidateSession


class Rules:
    """Faults and verdicts on demand, in the one grammar of rules."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def add(self, rule: RuleSpec | None = None, /, **parts: Unpack[RuleParts]) -> dict[str, Any]:
        """Add a rule, as one mapping or by its parts.

        `add(match={"action": "GetAsset"}, when={"first": 2}, do={"error": "Throttled"})`

        Args:
            rule: The whole rule.
            **parts: `id`; `match`: `action`, `customer`, `name`; `when`: one of `first`, `nth`, `every`, `chance`; and
                `do`: one of `error`, `http`, `close`, `truncate`, `review`, `lag`, `limit`, `page_size_max`, `hide`,
                and `delay`, the seconds that pass before the call is carried out. `emulator.rules.grammar` has their
                types.

        Raises:
            emulator.control.ControlError: An unknown key, a wrong value, or a rule that can never fire.
        """
        return self._control.add_rule({**(rule or {}), **parts})

    def all(self) -> dict[str, Any]:
        """Every rule, with how often it was seen and fired."""
        return self._control.rules()

    def clear(self) -> None:
        """Take all rules away."""
        self._control.delete_rules()


class Calls:
    """The last calls."""

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

    def finish(
        self,
        token: str | VisualValidateSession,
        result: str = "pass",
        *,
        subject: str | None = None,
        code: int | None = None,
    ) -> dict[str, Any]:
        """End a scan.

        Args:
            token: The BytedToken, the session that has it, or the handle `val-3`.
            result: `pass`, `fail`, `cancel` or `wrong-person`: somebody passes who is not the person meant, so that
                files fail with `FaceMismatch`.
            subject: Whose face it was.
            code: The page's result code of a scan that does not pass, such as 41002; default: that of the result.

        Raises:
            emulator.control.ControlError: It is unknown, or has ended already.
        """
        token = token if isinstance(token, str) else token.byted_token
        return self._control.finish_validation(token, result=result, subject=subject, code=code)

    def callback_url(self, handle: str) -> str:
        """Where the page sends the browser of the validation `val-3`, whose scan has ended.

        Raises:
            LookupError: There is no such validation, or its scan has not ended.
        """
        return self._control.callback_url(handle)


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

    def use(self, asset_id: str) -> dict[str, Any]:
        """Use an Active asset in a generation, which Ark shows as `LastInferenceTime`."""
        return self._control.set_asset(asset_id, used=True)


class TestControls:
    """The controls of an emulator, by subject; the base of `Emulator` and `SharedServer`.

    Attributes:
        rules: Faults and verdicts on demand: `rules.add(match=…, when=…, do=…)`, `rules.all()`, `rules.clear()`.
        calls: What was called: `calls.count("CreateAsset", outcome="ok")`, `calls.all("CreateAsset")`.
        validations: Liveness checks: `validations.finish(token, "pass")`; or `fail`, `cancel`, `wrong-person`.
        assets: Reviews: `assets.fail(id, "FaceMismatch")`, `assets.activate(id)`, `assets.expire(id)`; use in a
            generation: `assets.use(id)`.
        service: The emulator without HTTP; `service.control` is all that its control plane can do.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.rules = Rules(service.control)
        self.calls = Calls(service.control)
        self.validations = Validations(service.control)
        self.assets = Assets(service.control)
        self._numbers = count(1)

    def customer(self, **limits: Any) -> str:
        """Make a customer nobody else uses.

        Args:
            **limits: As the control plane's `PATCH customers/{name}` takes them: `groups=2`, `assets=5`, `aigc=False`,
                `subscription=False`, `tier="entry"`, `balance=0`.

        Returns:
            Its API key, by which it may be named too: `calls.count(customer=key)`.

        Raises:
            emulator.control.ControlError: A limit is unknown or makes no sense.
        """
        key = f"sk-emulator-{next(self._numbers)}"
        self.service.control.patch_customer(key, **limits)
        return key
