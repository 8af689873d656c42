"""What tests and people may do to a running emulator, as plain dicts. Signatures first; the parts follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator.service import Service


class ControlError(Exception):
    """A control call that cannot be done.

    Attributes:
        status: 400, 404 or 409.
        message: Why, for people.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Control:
    """The control plane without HTTP."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def health(self) -> dict[str, Any]:
        raise NotImplementedError

    def reset(self) -> dict[str, Any]:
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        raise NotImplementedError

    def calls(
        self,
        action: str | None = None,
        customer: str | None = None,
        outcome: str | None = None,
        since: str | float | None = None,
    ) -> dict[str, Any]:
        raise NotImplementedError

    def clock(self) -> dict[str, Any]:
        raise NotImplementedError

    def set_clock(self, **change: Any) -> dict[str, Any]:
        """One of `advance` (seconds) and `set` (an ISO moment)."""
        raise NotImplementedError

    def finish_validation(self, token_or_handle: str, result: Any = None, subject: Any = None) -> dict[str, Any]:
        raise NotImplementedError

    def set_asset(self, asset_id: str, **change: Any) -> dict[str, Any]:
        """Any of `status`, `code`, `subject`."""
        raise NotImplementedError

    def patch_customer(self, name: str, **fields: Any) -> dict[str, Any]:
        raise NotImplementedError

    def rules(self) -> dict[str, Any]:
        raise NotImplementedError

    def add_rule(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def delete_rules(self, rule_id: str | None = None) -> dict[str, Any]:
        raise NotImplementedError
