"""Decisions over an asset by the control plane: its status and code, the face that it shows, and a use of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from emulator.control.values import ControlError
from emulator.domain import lifecycle
from emulator.domain.records import Asset, AssetState, Group
from emulator.domain.verdicts import review
from emulator.json_checks import fail, one_of, text

_STATES = tuple(str(state) for state in AssetState if state is not AssetState.PROCESSING)


def apply_decision(asset: Asset, group: Group | None, change: Mapping[str, Any], now: float) -> Asset:
    """The asset with `status`, `code`, `subject` and `used` applied, each where it is given.

    Raises:
        ControlError: They make no sense, or the review has already ended.
        WrongValue: A value is none.
    """
    return _with_use(_with_status(_with_subject(asset, group, change), change, now), change, now)


def _with_subject(asset: Asset, group: Group | None, change: Mapping[str, Any]) -> Asset:
    """The asset with another subject, which its review compares with the group's person."""
    if "subject" not in change:
        return asset
    subject = text("subject", change["subject"])
    if "status" not in change and asset.status is not AssetState.PROCESSING:
        raise ControlError(409, f"the review has already ended: {asset.status}")
    verdict = asset.verdict if group is None else lifecycle.match_face(asset.verdict, group, subject)
    return evolve(asset, subject=subject, verdict=verdict)


def _with_status(asset: Asset, change: Mapping[str, Any], now: float) -> Asset:
    """The asset in the state that was asked for; a code alone means Failed."""
    if not {"status", "code"} & set(change):
        return asset
    status = one_of("status", change.get("status", AssetState.FAILED), _STATES)
    code = text("code", change["code"]) if "code" in change else ""
    if code and status != AssetState.FAILED:
        raise ControlError(400, "code is for status Failed only")
    if status == AssetState.EXPIRED:
        forced = lifecycle.force_status(asset, AssetState.EXPIRED, "", now)
    else:
        try:
            verdict = review(status, code)
        except ValueError as error:
            raise ControlError(400, str(error)) from None
        forced = lifecycle.force_status(asset, AssetState(verdict.status), verdict.code, now)
    if forced is None:
        raise ControlError(409, f"the asset is {asset.status} already and cannot become {status}")
    return forced


def _with_use(asset: Asset, change: Mapping[str, Any], now: float) -> Asset:
    """The asset after a generation used it."""
    if "used" not in change:
        return asset
    if change["used"] is not True:
        fail("used must be true: an asset that was used stays used")
    used = lifecycle.mark_used(asset, now)
    if used is None:
        raise ControlError(409, f"the asset is {asset.status}, and only an Active one can be used")
    return used
