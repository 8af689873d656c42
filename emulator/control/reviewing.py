"""Deciding over an asset from outside. Owns what the words of the control plane mean for it; pure.

Must not know how the asset is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from emulator.control.values import ControlError
from emulator.domain import lifecycle
from emulator.domain.records import Asset, Ended, Group
from emulator.domain.verdicts import review
from emulator.validation import one_of, text
from portrait.models import AssetStatus

_STATES = (str(AssetStatus.ACTIVE), str(AssetStatus.FAILED), str(Ended.EXPIRED))


def apply_decision(asset: Asset, group: Group | None, change: Mapping[str, Any], now: float) -> Asset:
    """The asset after `status`, `code` and `subject` were said, as far as each was.

    Raises:
        ControlError: They make no sense, or the review has already ended.
        WrongValue: A value is none.
    """
    return _with_status(_with_subject(asset, group, change), change, now)


def _with_subject(asset: Asset, group: Group | None, change: Mapping[str, Any]) -> Asset:
    """The asset once somebody said whose face it shows; the review goes by that."""
    if "subject" not in change:
        return asset
    subject = text("subject", change["subject"])
    if "status" not in change and asset.status is not AssetStatus.PROCESSING:
        raise ControlError(409, f"the review has already ended: {asset.status}")
    verdict = asset.verdict if group is None else lifecycle.match_face(asset.verdict, group, subject)
    return evolve(asset, subject=subject, verdict=verdict)


def _with_status(asset: Asset, change: Mapping[str, Any], now: float) -> Asset:
    """The asset in the state that was asked for; a code alone means Failed."""
    if not {"status", "code"} & set(change):
        return asset
    status = one_of("status", change.get("status", AssetStatus.FAILED), _STATES)
    code = text("code", change["code"]) if "code" in change else ""
    if code and status != AssetStatus.FAILED:
        raise ControlError(400, "code is for status Failed only")
    if status == Ended.EXPIRED:
        force_status = lifecycle.force_status(asset, Ended.EXPIRED, "", now)
    else:
        try:
            verdict = review(status, code)
        except ValueError as error:
            raise ControlError(400, str(error)) from None
        force_status = lifecycle.force_status(asset, verdict.status, verdict.code, now)
    if force_status is None:
        raise ControlError(409, f"the asset is {asset.status} already and cannot become {status}")
    return force_status
