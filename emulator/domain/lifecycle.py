"""How records change with time: the transitions of assets and validations, and reviews and generations that are due.

Everything here is a function of the stored records and of `now`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import evolve

from emulator.domain.jobs import Generation, rejected_message, unknown_asset_message
from emulator.domain.ports import Transaction
from emulator.domain.records import Asset, AssetState, Group, Scan, Validation, replacer
from emulator.domain.verdicts import MISMATCH, Verdict
from portrait.codes import PASSED, SCAN_CODES
from portrait.enums import VideoStatus
from portrait.models import AssetStatus, AssetType, GroupType

# Contract §3, *Asset* (D): Active and Failed are final. An Active asset may expire (§4, `NotFound`).
ASSET: Mapping[AssetState, frozenset[AssetState]] = MappingProxyType(
    {
        AssetState.PROCESSING: frozenset({AssetState.ACTIVE, AssetState.FAILED, AssetState.EXPIRED}),
        AssetState.ACTIVE: frozenset({AssetState.EXPIRED}),
        AssetState.FAILED: frozenset({AssetState.EXPIRED}),
        AssetState.EXPIRED: frozenset(),
    }
)

# Contract §3, *Validation session* (D): a scan has one outcome; the first GroupId that is read uses the token up.
_OUTCOMES = {
    "pass": Scan.PASSED,
    "fail": Scan.FAILED,
    "cancel": Scan.CANCELLED,
    "wrong-person": Scan.PASSED,  # a living person, only another one: contract §10.14 (I)
}
VALIDATION: Mapping[Scan, Mapping[str, Scan]] = MappingProxyType(
    {
        Scan.OPEN: MappingProxyType({"open": Scan.SCANNING, **_OUTCOMES}),
        Scan.SCANNING: MappingProxyType({"open": Scan.SCANNING, **_OUTCOMES}),
        Scan.PASSED: MappingProxyType({"read": Scan.SPENT}),
        Scan.FAILED: MappingProxyType({}),
        Scan.CANCELLED: MappingProxyType({}),
        Scan.SPENT: MappingProxyType({}),
    }
)
OUTCOMES = tuple(_OUTCOMES)

# What the page reports for each outcome. Contract §3: the codes (D); that the service passes them on is (I).
RESULT_CODES: Mapping[str, int] = MappingProxyType(
    {"pass": PASSED, "fail": 41007, "cancel": 41000, "wrong-person": PASSED}
)
FAILURE_CODES = tuple(sorted(SCAN_CODES.keys() - {PASSED}))
"""The codes that a page may report of a scan that did not pass."""

ENDED = frozenset({Scan.PASSED, Scan.FAILED, Scan.CANCELLED, Scan.SPENT})


def expired(validation: Validation, now: float) -> bool:
    """Token and link expire together, at `expires` itself. Contract §3 (D)."""
    return now >= validation.expires


def state_name(validation: Validation, now: float) -> str:
    """The state as pages and the control plane show it: an open validation past its time is `expired`."""
    open_ = validation.scan not in ENDED
    return "expired" if open_ and expired(validation, now) else str(validation.scan)


def transition(validation: Validation, event: str) -> Validation | None:
    """The validation after an event; None where its state does not allow it."""
    scan = VALIDATION[validation.scan].get(event)
    return None if scan is None else evolve(validation, scan=scan)


def review_seconds(kind: AssetType, verdict: Verdict, image: float, clip: float) -> float | None:
    """How long a review takes; None where it waits for reads. Contract §3: images are faster than clips (M)."""
    if verdict.reads is not None:
        return None
    if verdict.after is not None:
        return verdict.after
    return image if kind is AssetType.IMAGE else clip


def match_face(verdict: Verdict, group: Group, subject: str) -> Verdict:
    """Match a file that is added to a person's group with the person's face. Contract §3, *Group* (D).

    A file without a subject is taken to show the person who was meant. Contract §10.14 (I).
    """
    shows_another = subject != group.subject if subject else group.stranger
    if group.kind is GroupType.LIVENESS_FACE and shows_another:
        return evolve(verdict, status=AssetStatus.FAILED, code=MISMATCH)
    return verdict


_replace_ended = replacer(Asset, "status", "code", "due", "updated")
_ENDED_STATES: Mapping[AssetStatus, AssetState] = MappingProxyType(
    {status: AssetState(status) for status in AssetStatus}
)


def end_review(asset: Asset, moment: float) -> Asset:
    """The asset after its review ended at `moment`; UpdateTime is when it ended, not when it was read."""
    verdict = asset.verdict
    return _replace_ended(asset, _ENDED_STATES[verdict.status], verdict.code, None, moment)


def review_at(asset: Asset, now: float) -> Asset:
    """The asset as it is at `now`: its review has ended if it is due."""
    return asset if asset.due is None or asset.due > now else end_review(asset, asset.due)


def after_read(asset: Asset, now: float) -> Asset:
    """The asset after one read: a review by reads ends once that many have seen it Processing."""
    wanted = asset.verdict.reads
    if wanted is None or asset.status is not AssetState.PROCESSING:
        return asset
    return end_review(asset, now) if asset.reads >= wanted else evolve(asset, reads=asset.reads + 1)


def force_status(asset: Asset, status: AssetState, code: str, now: float) -> Asset | None:
    """The asset put into a state from outside; None where it is in a final one."""
    if status not in ASSET[asset.status]:
        return None
    return evolve(asset, status=status, code=code, due=None, updated=now)


def mark_used(asset: Asset, now: float) -> Asset | None:
    """The asset after a generation used it; None where it is not Active. Contract §2, `LastInferenceTime`; §7 (M)."""
    return evolve(asset, used=now) if asset.status is AssetState.ACTIVE else None


SLICE = 200
"""Records that one transaction settles: a few milliseconds."""

JOB_LIFE = 7 * 86_400.0
"""Seconds for which a task or a generation can be read. Contract §7: a list covers 7 days (D); of tasks (I)."""

_FORGET_AFTER = 3_600.0  # seconds after its end for which a validation is still answered as expired (I)


def settle(tx: Transaction, now: float, limit: int = SLICE) -> bool:
    """Do a slice of the work that time and deletions have left; it stays done if the transaction is undone.

    Assets of deleted groups are dropped, reviews and generations that are due end, each at its own time, and
    validations and jobs of long ago are forgotten.

    Returns:
        Whether nothing is left. Until then a list could show a part of it.
    """
    forgotten = tx.drop_validations(now - _FORGET_AFTER, limit) + tx.drop_jobs(now - JOB_LIFE, limit)
    settled = tx.drop_deleted(limit)
    due = tx.due_assets(now, limit - settled) if settled < limit else ()
    for asset in due:
        tx.save_asset(end_review(asset, asset.due or 0.0))
    settled += len(due)
    jobs = tx.due_jobs(now, limit - settled) if settled < limit else ()
    for job in jobs:
        if isinstance(job, Generation):
            tx.save_job(_end_generation(tx, job, job.due or 0.0))
    settled += len(jobs)
    if settled + forgotten:
        tx.commit()
    return settled < limit


def _end_generation(tx: Transaction, generation: Generation, moment: float) -> Generation:
    """The generation after it ended at `moment`.

    An asset that is no longer there makes it a failed one: a dead asset may be found after acceptance (contract §7, M).
    """
    ended = evolve(generation, ended=moment, due=None)
    for used in generation.assets if ended.outcome is VideoStatus.SUCCEEDED else ():
        asset = tx.asset(used.asset_id)
        if asset is None or asset.status is not AssetState.ACTIVE:
            message = rejected_message(used.place, unknown_asset_message(used.asset_id))
            return evolve(ended, outcome=VideoStatus.FAILED, code="InvalidParameter", message=message)
    return ended


def generation_at(tx: Transaction, generation: Generation, now: float) -> Generation:
    """A generation as it is at `now`: it is ended if it is due, before the others that are."""
    if generation.due is None or generation.due > now:
        return generation
    ended = _end_generation(tx, generation, generation.due)
    tx.save_job(ended)
    return ended


def asset_at(tx: Transaction, asset_id: str, now: float) -> Asset | None:
    """An asset as it is at `now`: its review is ended if it is due, before the others that are."""
    asset = tx.asset(asset_id)
    if asset is None:
        return None
    current = review_at(asset, now)
    if current is not asset:
        tx.save_asset(current)
    return current
