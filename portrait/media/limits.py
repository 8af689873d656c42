"""The service's limits on media files (contract §5) as data: per provider, endpoint and edition."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from attrs import evolve, frozen

from portrait.enums import AssetType
from portrait.gateways import IMAGE_FORMATS, IMAGE_LIMIT

MB: Final = 1_048_576
"""Bytes in what the contract calls MB. Contract §2, small print."""

Endpoint = Literal["CreateAsset", "upload"]
Edition = Literal["newest", "printed", "older"]
Tier = Literal["2.0", "2.5"]
AudioTrack = Literal["any", "required", "forbidden"]


@frozen(kw_only=True)
class Range:
    """An interval.

    Attributes:
        low: The lower end; None for no limit.
        high: The upper end; None for no limit.
        strict: Both ends are excluded (printed with `<`); otherwise both are included (`≤`).
    """

    low: float | None = None
    high: float | None = None
    strict: bool = False


@frozen(kw_only=True)
class TypeLimits:
    """The limits of one asset type; None where the contract states none.

    Attributes:
        formats: Names as in `portrait.media.MEDIA_TYPES`, in the order of the contract.
        size: Bytes.
        ratio: Width divided by height.
        side: Pixels, for width and height each.
        pixels: Width times height.
        duration: Seconds.
        fps: Frames per second.
        audio_track: The rule for an audio track. Codes exist (contract §3), but no provider states a rule for video.
    """

    formats: tuple[str, ...]
    size: Range
    ratio: Range | None = None
    side: Range | None = None
    pixels: Range | None = None
    duration: Range | None = None
    fps: Range | None = None
    audio_track: AudioTrack = "any"


Limits = Mapping[AssetType, TypeLimits]
"""Asset type → its limits. A missing type is not accepted."""

# Contract §5, CreateAsset, column Image. "<" is strict, as printed.
_IMAGE: Final = TypeLimits(
    formats=("jpeg", "png", "webp", "bmp", "tiff", "gif", "heic", "heif"),
    size=Range(high=30 * MB, strict=True),
    ratio=Range(low=0.4, high=2.5, strict=True),
    side=Range(low=300, high=6000, strict=True),
)
# Contract §5: the service's own figures (M, by its messages); what the pages print is another edition.
_DURATION: Final = Range(low=1.8, high=30.2)
# Contract §5, CreateAsset, column Video.
_VIDEO: Final = TypeLimits(
    formats=("mp4", "mov"),
    size=Range(high=200 * MB),
    ratio=Range(low=0.4, high=2.5),
    side=Range(low=300, high=6000),
    pixels=Range(low=407_696, high=8_295_044),
    duration=_DURATION,
    fps=Range(low=23.8, high=60),
)
# Contract §5, CreateAsset, column Audio; that audio needs an audio track is inferred.
_AUDIO: Final = TypeLimits(
    formats=("wav", "mp3"),
    size=Range(high=15 * MB),
    duration=_DURATION,
    audio_track="required",
)
# Contract §5, the figures in brackets.
_OLDER_DURATION: Final = Range(low=1.8, high=15.2)
_OLDER_VIDEO: Final = evolve(
    _VIDEO, size=Range(high=50 * MB), pixels=Range(low=409_600, high=927_408), duration=_OLDER_DURATION
)
_OLDER_AUDIO: Final = evolve(_AUDIO, duration=_OLDER_DURATION)
# Contract §5: "the pages print 2–30 s and 24–60 fps".
_PRINTED_DURATION: Final = Range(low=2, high=30)
_PRINTED_VIDEO: Final = evolve(_VIDEO, duration=_PRINTED_DURATION, fps=Range(low=24, high=60))
_PRINTED_AUDIO: Final = evolve(_AUDIO, duration=_PRINTED_DURATION)
# Contract §5, POST /v1/portrait/upload: its own formats and size; the rest as for CreateAsset (inferred).
_UPLOAD: Final = evolve(_IMAGE, formats=("jpeg", "png", "webp"), size=Range(high=10 * MB))
# Contract §8, POST /v1/uploads/images (D); the picture is then created by its address, and held to the rest.
_APIMART_UPLOAD: Final = evolve(_IMAGE, formats=IMAGE_FORMATS, size=Range(high=IMAGE_LIMIT))

_CREATE: Final[Mapping[Edition, Limits]] = MappingProxyType(
    {
        "newest": MappingProxyType({AssetType.IMAGE: _IMAGE, AssetType.VIDEO: _VIDEO, AssetType.AUDIO: _AUDIO}),
        "printed": MappingProxyType(
            {AssetType.IMAGE: _IMAGE, AssetType.VIDEO: _PRINTED_VIDEO, AssetType.AUDIO: _PRINTED_AUDIO}
        ),
        "older": MappingProxyType(
            {AssetType.IMAGE: _IMAGE, AssetType.VIDEO: _OLDER_VIDEO, AssetType.AUDIO: _OLDER_AUDIO}
        ),
    }
)
_UPLOADS: Final[Mapping[str, Limits]] = MappingProxyType(
    {
        "alltoken": MappingProxyType({AssetType.IMAGE: _UPLOAD}),
        "apimart": MappingProxyType({AssetType.IMAGE: _APIMART_UPLOAD}),
    }
)

LIMITS: Final[Mapping[tuple[str, Endpoint, Edition], Limits]] = MappingProxyType(
    {
        # All providers pass files on to the same service (contract §5); some have an upload of their own.
        **{
            (provider, "CreateAsset", edition): limits
            for provider in ("alltoken", "volcengine", "byteplus", "xcompute", "apimart", "gccai")
            for edition, limits in _CREATE.items()
        },
        **{(name, "upload", edition): limits for name, limits in _UPLOADS.items() for edition in _CREATE},
    }
)
"""(provider, endpoint, edition) → limits. An endpoint that a provider lacks is missing."""


TIERS: Final[Mapping[tuple[str, Tier], Mapping[Edition, Range]]] = MappingProxyType(
    {
        # Contract §8: apimart's model picks the length, 2–15 s or 2–30 s as printed (D); that the service allows 0.2 s
        # more there too is inferred.
        ("apimart", "2.0"): {
            "newest": _OLDER_DURATION, "printed": Range(low=2, high=15), "older": _OLDER_DURATION
        },
        ("apimart", "2.5"): {"newest": _DURATION, "printed": _PRINTED_DURATION, "older": _DURATION},
    }
)  # fmt: skip
"""(provider, tier of its models) → edition → the durations in seconds of clips for these models."""


def limits_for(
    provider: str = "alltoken",
    *,
    endpoint: Endpoint = "CreateAsset",
    edition: Edition = "newest",
    tier: Tier | None = None,
) -> Limits:
    """The limits on files.

    Args:
        provider: "alltoken", "volcengine", "byteplus", "xcompute", "apimart" or "gccai".
        endpoint: The Action CreateAsset, or the provider's own upload.
        edition: The newest figures of contract §5, which the service was measured by; those that its pages print; or
            the older ones in brackets.
        tier: The version of the models that the file is for, where the provider's limits depend on it (apimart); None
            for the widest limits.

    Raises:
        UsageError: The provider is unknown, or has no such endpoint or tier.
    """
    try:
        limits = LIMITS[provider, endpoint, edition]
        if tier is None:
            return limits
        duration = TIERS[provider, tier][edition]
        clips = {kind: evolve(limits[kind], duration=duration) for kind in (AssetType.VIDEO, AssetType.AUDIO)}
        return MappingProxyType({**limits, **clips})
    except KeyError:
        from portrait.errors import UsageError  # noqa: PLC0415 - needed only here

        known = ", ".join("/".join(key) for key in LIMITS)
        tiers = ", ".join("/".join(key) for key in TIERS)
        wanted = f"{provider}/{endpoint}/{edition}" + (f" and models {tier}" if tier else "")
        raise UsageError(f"There are no media limits for {wanted}; known are {known}, models {tiers}.") from None
