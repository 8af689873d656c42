"""What the service takes. Owns the numbers of contract §5 as data: per provider, per door and per reading; must not
know how a file is measured or how a breach is worded.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from attrs import evolve, frozen

from portrait.models import AssetType

MB: Final = 1_048_576
"""Bytes in what the contract calls MB. Contract §2, small print."""

Door = Literal["CreateAsset", "upload"]
Reading = Literal["newest", "older"]
AudioTrack = Literal["any", "required", "forbidden"]


@frozen(kw_only=True)
class Range:
    """An interval, each end of which belongs to it or not.

    Attributes:
        low: The lower end, None for none.
        high: The upper end, None for none.
        strict: Neither end belongs to it, as printed with `<`; otherwise both do, as printed with `≤`.
    """

    low: float | None = None
    high: float | None = None
    strict: bool = False

    def is_below(self, value: float) -> bool:
        """The value is too small."""
        return self.low is not None and (value <= self.low if self.strict else value < self.low)

    def is_above(self, value: float) -> bool:
        """The value is too large."""
        return self.high is not None and (value >= self.high if self.strict else value > self.high)


@frozen(kw_only=True)
class TypeLimits:
    """What holds for one type of asset; None where nothing is printed.

    Attributes:
        formats: Names as in `portrait.media.MEDIA_TYPES`, in the order of the contract.
        size: Bytes.
        ratio: Width divided by height.
        side: Pixels, for width and height each.
        pixels: Width times height.
        duration: Seconds.
        fps: Frames per second.
        audio_track: Whether there must be one. The codes exist (contract §3), and no provider prints a rule for video.
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
"""Asset type → its limits; a type that is not in it is not taken at all."""

# Contract §5, CreateAsset, column Image. "<" is strict, as printed.
_IMAGE: Final = TypeLimits(
    formats=("jpeg", "png", "webp", "bmp", "tiff", "gif", "heic", "heif"),
    size=Range(high=30 * MB, strict=True),
    ratio=Range(low=0.4, high=2.5, strict=True),
    side=Range(low=300, high=6000, strict=True),
)
# Contract §5, CreateAsset, column Video.
_VIDEO: Final = TypeLimits(
    formats=("mp4", "mov"),
    size=Range(high=200 * MB),
    ratio=Range(low=0.4, high=2.5),
    side=Range(low=300, high=6000),
    pixels=Range(low=407_696, high=8_295_044),
    duration=Range(low=2, high=30),
    fps=Range(low=24, high=60),
)
# Contract §5, CreateAsset, column Audio; that audio needs an audio track is inferred.
_AUDIO: Final = TypeLimits(
    formats=("wav", "mp3"),
    size=Range(high=15 * MB),
    duration=Range(low=2, high=30),
    audio_track="required",
)
# Contract §5, the figures in brackets.
_OLDER_VIDEO: Final = evolve(
    _VIDEO, size=Range(high=50 * MB), pixels=Range(low=409_600, high=927_408), duration=Range(low=2, high=15)
)
_OLDER_AUDIO: Final = evolve(_AUDIO, duration=Range(low=2, high=15))
# Contract §5, POST /v1/portrait/upload: its own formats and size; then it goes the way of all others (inferred).
_UPLOAD: Final = evolve(_IMAGE, formats=("jpeg", "png", "webp"), size=Range(high=10 * MB))

_CREATE: Final[Mapping[Reading, Limits]] = MappingProxyType(
    {
        "newest": MappingProxyType({AssetType.IMAGE: _IMAGE, AssetType.VIDEO: _VIDEO, AssetType.AUDIO: _AUDIO}),
        "older": MappingProxyType(
            {AssetType.IMAGE: _IMAGE, AssetType.VIDEO: _OLDER_VIDEO, AssetType.AUDIO: _OLDER_AUDIO}
        ),
    }
)
_UPLOADS: Final[Limits] = MappingProxyType({AssetType.IMAGE: _UPLOAD})

LIMITS: Final[Mapping[tuple[str, Door, Reading], Limits]] = MappingProxyType(
    {
        # Everybody passes files on to the same service, so its limits are theirs (contract §5);
        # only AllToken has an upload.
        **{
            (provider, "CreateAsset", reading): limits
            for provider in ("alltoken", "volcengine", "byteplus", "xcompute", "apimart", "gccai")
            for reading, limits in _CREATE.items()
        },
        ("alltoken", "upload", "newest"): _UPLOADS,
        ("alltoken", "upload", "older"): _UPLOADS,
    }
)
"""(provider, door, reading) → limits. A door that a provider does not have is not in it."""


def limits_for(provider: str = "alltoken", *, door: Door = "CreateAsset", reading: Reading = "newest") -> Limits:
    """The limits that a file has to meet.

    Args:
        provider: "alltoken", "volcengine", "byteplus", "xcompute", "apimart" or "gccai".
        door: The Action CreateAsset, or AllToken's upload.
        reading: The newest printed figures, or the older ones beside them in contract §5.

    Raises:
        UsageError: There is no such provider, or it has no such door.
    """
    try:
        return LIMITS[provider, door, reading]
    except KeyError:
        from portrait.errors import UsageError  # noqa: PLC0415 - needed only here

        known = ", ".join("/".join(key) for key in LIMITS)
        raise UsageError(f"There are no media limits for {provider}/{door}/{reading}; known are {known}.") from None
