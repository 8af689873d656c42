"""Checks of a video before it is created: its model, its references, and the assets behind them.

The rules are contract §7. A broken one raises the class that the service's own refusal has, and nothing is sent.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from portrait.actions import GET_ASSET
from portrait.errors import InvalidParameter, NotAccessible, PortraitError
from portrait.flow import Flow, Gather
from portrait.models import Asset, AssetStatus, AssetType, GetAssetRequest
from portrait.video_models import AUTOMATIC_SECONDS, VIDEO_MODELS, VideoModel
from portrait.videos.models import Reference, VideoRequest
from portrait.wait import call_when_visible

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

_LOG = logging.getLogger("portrait")
_FRAMES = frozenset({"first_frame", "last_frame"})
_AT_ONCE = 8  # assets that are read beside each other


def check_request(request: VideoRequest, provider: str) -> None:
    """Check what can be seen without a call. A model that this library does not know is left to the service.

    Raises:
        InvalidParameter: A rule is broken; all that are broken are named.
    """
    faults = [] if request.prompt or request.references else ["a video takes a prompt, references, or both"]
    model = VIDEO_MODELS.get(provider, {}).get(request.model)
    if model is not None:
        faults += _model_faults(request, model, provider)
    if faults:
        raise InvalidParameter(
            f"The video cannot be made: {'; '.join(faults)}.", code="InvalidParameter", action="CreateVideo"
        )


def _model_faults(request: VideoRequest, model: VideoModel, provider: str) -> Iterator[str]:
    """The rules of the model that the request breaks."""
    references, name = request.references, model.name
    if not model.takes_assets and any(reference.asset_id for reference in references):
        takers = ", ".join(other.name for other in VIDEO_MODELS[provider].values() if other.takes_assets)
        yield f"{name} takes no asset:// addresses; {takers} do"
    counts = Counter(reference.kind for reference in references)
    limits = {AssetType.IMAGE: model.images, AssetType.VIDEO: model.videos, AssetType.AUDIO: model.audios}
    for kind, limit in limits.items():
        if counts[kind] > limit:
            yield f"{name} takes at most {limit} references of the kind {kind}, not {counts[kind]}"
    if len(references) > model.references:
        yield f"{name} takes at most {model.references} references, not {len(references)}"
    if counts[AssetType.AUDIO] == len(references) > 0 and not model.audio_alone:
        yield f"{name} takes sound only beside a picture or a video"
    for kind in (AssetType.VIDEO, AssetType.AUDIO):
        total = sum(each.seconds or 0.0 for each in references if each.kind is kind)
        if total > model.seconds:
            yield f"{name} takes at most {model.seconds:g} s of {kind} in all, not {total:g} s"
    yield from _setting_faults(request, model)


def _setting_faults(request: VideoRequest, model: VideoModel) -> Iterator[str]:
    duration = request.duration
    automatic = duration == AUTOMATIC_SECONDS and model.automatic
    if duration is not None and not automatic and not model.shortest <= duration <= model.longest:
        either = f" or {AUTOMATIC_SECONDS}" if model.automatic else ""
        yield f"{model.name} makes videos of {model.shortest} to {model.longest} s{either}, not of {duration} s"
    has_frames = any(reference.role in _FRAMES for reference in request.references)
    if model.frames_adaptive and has_frames and request.ratio not in {None, "adaptive"}:
        yield f"{model.name} takes first and last frames with the ratio adaptive only, not {request.ratio}"


Reader = Callable[[str], Flow[Asset | None]]


def check_assets(read: Reader, request: VideoRequest, *, shared: bool) -> Flow[None]:
    """Read each asset once, and see that it can be used.

    Args:
        read: Reads an asset; None for one that is not accessible.
        request: What is to be generated.
        shared: Whether an asset of another account may be usable though it cannot be read: then it is a warning in the
            log, and the service decides.

    Raises:
        InvalidParameter: An asset is not Active, not there, not yours, or of another kind than its role wants.
        PortraitError: An asset could not be read.
    """
    ids = list(dict.fromkeys(reference.asset_id for reference in request.references if reference.asset_id is not None))
    assets = dict(zip(ids, (yield from _read_all(read, ids)), strict=True)) if ids else {}
    for position, reference in enumerate(request.references):
        asset_id = reference.asset_id
        if asset_id is None:
            continue
        asset = assets[asset_id]
        if asset is None:
            if not shared:
                raise _refusal(position, f"asset {asset_id} is not found", "Use an asset of this account.")
            _LOG.warning("%s cannot be read; it is used all the same, since its account may have allowed it", asset_id)
            continue
        _check_asset(position, reference, asset)


def _read_all(read: Reader, ids: Sequence[str]) -> Flow[list[Asset | None]]:
    """Several beside each other; one alone needs no thread for it."""
    if len(ids) == 1:
        return [(yield from read(ids[0]))]
    results: list[Asset | PortraitError | None] = yield Gather([read(asset_id) for asset_id in ids], _AT_ONCE)
    assets: list[Asset | None] = []
    for result in results:
        if isinstance(result, PortraitError):
            raise result
        assets.append(result)
    return assets


def read_asset(endpoint: Endpoint, asset_id: str) -> Flow[Asset | None]:
    """An asset by GetAsset; None if it is not accessible. One of our own that no read shows yet is waited for."""
    read = partial(endpoint.call, GET_ASSET, GetAssetRequest(id=asset_id))
    try:
        return (yield from call_when_visible(endpoint, asset_id, read, what="asset"))
    except NotAccessible:
        return None


_ADVICE: Mapping[str, str] = {
    AssetStatus.PROCESSING: "It is still in review: wait until it is Active.",
    AssetStatus.FAILED: "Its review failed: use another file.",
}


def _check_asset(position: int, reference: Reference, asset: Asset) -> None:
    if asset.status != AssetStatus.ACTIVE:
        advice = _ADVICE.get(asset.status, "It is not Active.")
        raise _refusal(position, f"asset {asset.id} is not found", advice)
    if asset.asset_type != reference.kind:
        article = "an" if reference.kind[0] in "AI" else "a"
        wanted = f"{article} {reference.kind.lower()}"
        raise _refusal(position, f"asset is not {wanted}", f"{asset.id} is {asset.asset_type}: use another role.")


def _refusal(position: int, fault: str, advice: str) -> InvalidParameter:
    """In the service's own words. Contract §7 (M)."""
    return InvalidParameter(
        f"The parameter `references[{position}].url` specified in the request is not valid: The specified {fault}.",
        code="InvalidParameter",
        action="CreateVideo",
        advice=advice,
    )
