"""The references of a video: the pictures, clips and sounds it is made from, which its create checks. Contract §7."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from attrs import field, frozen

from emulator.domain import checks, lifecycle
from emulator.domain.context import Context
from emulator.domain.jobs import UsedAsset, rejected_message, unknown_asset_message
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.records import Asset, AssetState
from emulator.domain.verdicts import parse_magic
from portrait.models import AssetType
from portrait.uri import parse_asset_id
from portrait.video_models import AUDIO_ROLES, IMAGE_ROLES, VIDEO_ROLES, VideoModel

_ROLES: Mapping[AssetType, Sequence[str]] = MappingProxyType(
    {AssetType.IMAGE: IMAGE_ROLES, AssetType.VIDEO: VIDEO_ROLES, AssetType.AUDIO: AUDIO_ROLES}
)
_FRAMES = frozenset({"first_frame", "last_frame"})
_ASSET = "asset://"


@frozen(kw_only=True)
class Reference:
    """One reference.

    Attributes:
        url: `asset://<id>`, a public address, or a `data:` address.
        kind: What it is declared to be.
        role: What it is for.
        place: Where its address stands in the request, such as `content[0].image_url.url`.
    """

    url: str = field(repr=False)
    kind: AssetType
    role: str
    place: str

    @property
    def asset_id(self) -> str | None:
        """The id in an `asset://` address; capitals of the prefix are taken (contract §1, M)."""
        return parse_asset_id(self.url) if self.url[: len(_ASSET)].lower() == _ASSET else None


def check(ctx: Context, model: VideoModel, references: Sequence[Reference], ratio: str) -> tuple[UsedAsset, ...]:
    """Check every reference, and mark the assets as used.

    Returns:
        The assets.

    Raises:
        Refusal: A reference cannot be used, or there are too many.
    """
    _check_counts(model, references)
    if model.frames_adaptive and ratio != "adaptive" and any(each.role in _FRAMES for each in references):
        raise checks.invalid("ratio", "must be adaptive where a frame is given")
    found = {each.place: _asset_of(ctx, model, each) for each in references}
    _check_lengths(model, references, found)
    return tuple(_mark_used(ctx, references, found))


def _check_counts(model: VideoModel, references: Sequence[Reference]) -> None:
    """Contract §7: how many of each kind, how many together, and sound never alone (D)."""
    kinds = [each.kind for each in references]
    limits = {AssetType.IMAGE: model.images, AssetType.VIDEO: model.videos, AssetType.AUDIO: model.audios}
    for kind, limit in limits.items():
        if kinds.count(kind) > limit:
            raise checks.invalid("content", f"must have at most {limit} references of the kind {kind}")
    if len(kinds) > model.references:
        raise checks.invalid("content", f"must have at most {model.references} references")
    if kinds and set(kinds) == {AssetType.AUDIO} and not model.audio_alone:
        raise checks.invalid("content", "must have a picture or a video beside sound")
    for reference in references:
        if reference.role not in _ROLES[reference.kind]:
            raise checks.invalid(reference.place, f"must have one of the roles {', '.join(_ROLES[reference.kind])}")


def _asset_of(ctx: Context, model: VideoModel, reference: Reference) -> Asset | None:
    """The asset of a reference; None for a plain address."""
    asset_id = reference.asset_id
    if asset_id is None:
        _check_address(reference)
        return None
    if not model.takes_assets:
        raise _rejected(reference, f"The specified model {model.name} does not take asset:// addresses.")
    asset = lifecycle.asset_at(ctx.tx, asset_id, ctx.now)
    if asset is None or asset.status is not AssetState.ACTIVE or asset.visible_from > ctx.now:
        raise _rejected(reference, unknown_asset_message(asset_id))
    if asset.kind is not reference.kind:
        article = "a" if reference.kind is AssetType.VIDEO else "an"
        raise _rejected(reference, f"the specified asset is not {article} {reference.kind.lower()}")
    return asset


def _check_address(reference: Reference) -> None:
    """A plain address is not fetched; one that is known to show a person's face is refused. Contract §7 (M)."""
    if reference.url.startswith("data:"):
        return
    checks.http_url(reference.place, reference.url)
    try:
        verdict = parse_magic(reference.url)
    except ValueError as error:
        raise checks.invalid(reference.place, f"is a magic address whose query is not understood: {error}") from None
    if verdict is not None and verdict.subject:
        raise Refusal(Reason.PERSON_SHOWN)


def _check_lengths(model: VideoModel, references: Sequence[Reference], found: Mapping[str, Asset | None]) -> None:
    """Contract §7: sums of the lengths that are known (D)."""
    for kind in (AssetType.VIDEO, AssetType.AUDIO):
        assets = [found[each.place] for each in references if each.kind is kind]
        total = sum(asset.seconds or 0.0 for asset in assets if asset is not None)
        if total > model.seconds:
            raise checks.invalid("content", f"must have at most {model.seconds:g} seconds of {kind} in all")


def _mark_used(ctx: Context, references: Sequence[Reference], found: Mapping[str, Asset | None]) -> Iterator[UsedAsset]:
    for reference in references:
        asset = found[reference.place]
        if asset is None:
            continue
        used = lifecycle.mark_used(asset, ctx.now)
        if used is not None:
            ctx.tx.save_asset(used)
        yield UsedAsset(asset_id=asset.id, place=reference.place)


def _rejected(reference: Reference, why: str) -> Refusal:
    return Refusal(Reason.REFERENCE_REJECTED, field=reference.place, message=rejected_message(reference.place, why))
