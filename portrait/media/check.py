"""Holding a measurement against limits. Owns the table of rules, their codes and the wording; must not know how to
measure, and takes the numbers from the limits it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal

from attrs import frozen

from portrait.media.limits import MB, Limits, Range, TypeLimits
from portrait.media.measure import Measurement

Stage = Literal["create", "review"]


@frozen
class Fault:
    """Why the service would not take a file.

    Attributes:
        code: As in contract §3, such as "WidthTooSmall"; CreateAsset answers `InvalidParameter.<code>`.
        message: In the vendor's style: "Width must be between 300px and 6000px."
    """

    code: str
    message: str


STAGES: Final[Mapping[str, Stage]] = MappingProxyType(
    {
        # Contract §3: "download, format and size faults are found synchronously where they can be" (M). Named there
        # are DownloadFailed, WidthTooSmall, FormatUnsupported, FpsTooLow, DurationTooLong; the rest is inferred.
        "DownloadFailed": "create",
        "TypeMismatch": "create",
        "FormatUnsupported": "create",
        "FormatUndetectable": "create",
        "DurationTooShort": "create",
        "DurationTooLong": "create",
        "WidthTooSmall": "create",
        "HeightTooSmall": "create",
        "WidthTooLarge": "create",
        "HeightTooLarge": "create",
        "AspectRatioTooSmall": "create",
        "AspectRatioTooLarge": "create",
        "FileSizeTooLarge": "create",
        "PixelCountTooSmall": "create",
        "PixelCountTooLarge": "create",
        "FpsTooLow": "create",
        "FpsTooHigh": "create",
        "AudioTrackRequired": "create",
        "AudioTrackForbidden": "create",
        # Contract §3: "moderation and face match come later, as Failed" (M).
        "ContentRestricted": "review",
        "InputTextSensitiveContentDetected": "review",
        "InputImageSensitiveContentDetected": "review",
        "InputVideoSensitiveContentDetected": "review",
        "InputAudioSensitiveContentDetected": "review",
        "FaceMismatch": "review",
        "TranscodingFailed": "review",
        "InternalError": "review",
        "ModerationServiceErrorUploadFailed": "review",
    }
)
"""Every Failed code of contract §3 → whether CreateAsset itself answers it, or the review finds it."""


@frozen
class _Quantity:
    """A number that may be too small or too large."""

    low_code: str | None
    high_code: str | None
    value: Callable[[Measurement], float | None]
    limit: Callable[[TypeLimits], Range | None]
    message: Callable[[Range], str]


def _between(name: str, unit: str) -> Callable[[Range], str]:
    # One message is public: "Width must be between 300px and 6000px." (M, contract §4); the others follow it.
    return lambda limit: f"{name} must be between {limit.low:.10g}{unit} and {limit.high:.10g}{unit}."


def _size_message(limit: Range) -> str:
    return f"File size must be {'less than' if limit.strict else 'at most'} {(limit.high or 0) / MB:.10g}MB."


_QUANTITIES: Final = (
    _Quantity(None, "FileSizeTooLarge", lambda m: m.size, lambda t: t.size, _size_message),
    _Quantity("WidthTooSmall", "WidthTooLarge", lambda m: m.width, lambda t: t.side, _between("Width", "px")),
    _Quantity("HeightTooSmall", "HeightTooLarge", lambda m: m.height, lambda t: t.side, _between("Height", "px")),
    _Quantity(
        "AspectRatioTooSmall", "AspectRatioTooLarge", lambda m: m.ratio, lambda t: t.ratio, _between("Aspect ratio", "")
    ),
    _Quantity(
        "PixelCountTooSmall", "PixelCountTooLarge", lambda m: m.pixels, lambda t: t.pixels, _between("Pixel count", "")
    ),
    _Quantity(
        "DurationTooShort", "DurationTooLong", lambda m: m.duration, lambda t: t.duration, _between("Duration", "s")
    ),
    _Quantity("FpsTooLow", "FpsTooHigh", lambda m: m.fps, lambda t: t.fps, _between("Frame rate", "fps")),
)

# The rule → which answer to "has it an audio track?" breaks it, and the fault.
_AUDIO_TRACK: Final = MappingProxyType(
    {
        "required": (False, Fault("AudioTrackRequired", "An audio track is required.")),
        "forbidden": (True, Fault("AudioTrackForbidden", "An audio track is not allowed.")),
    }
)


def faults(measurement: Measurement, limits: Limits, declared_type: str | None = None) -> tuple[Fault, ...]:
    """Find everything that is wrong with a file, at once.

    A file is held against the limits of what it is. What it was declared as only adds `TypeMismatch`, and counts for
    what is no media at all.

    Args:
        measurement: From `portrait.media.measure`.
        limits: From `portrait.media.limits_for`.
        declared_type: The `AssetType` it was sent as: "Image", "Video" or "Audio"; None if nobody said.

    Returns:
        The faults in the order of the rules; empty for a file that would be taken.
    """
    return tuple(_faults(measurement, limits, declared_type))


def _faults(measurement: Measurement, limits: Limits, declared_type: str | None) -> Iterator[Fault]:
    actual = measurement.asset_type
    if declared_type is not None and actual is not None and actual != declared_type:
        yield Fault("TypeMismatch", f"The file is of type {actual}, not {declared_type}.")
    yield from _format_faults(measurement, limits)
    held_to = next((held for kind, held in limits.items() if kind == (actual or declared_type)), None)
    if held_to is None:
        return
    for quantity in _QUANTITIES:
        yield from _quantity_faults(quantity, measurement, held_to)
    has_wrongly, fault = _AUDIO_TRACK.get(held_to.audio_track, (None, None))
    # Only what was opened has a duration, and is known to have tracks or not.
    if fault and measurement.duration is not None and measurement.has_audio is has_wrongly:
        yield fault


def _format_faults(measurement: Measurement, limits: Limits) -> Iterator[Fault]:
    if measurement.problem is not None:
        yield Fault("FormatUndetectable", f"The media format could not be detected: {measurement.problem}.")
    if measurement.format is None or measurement.asset_type is None:
        return
    held_to = limits.get(measurement.asset_type)
    if held_to is None or measurement.format not in held_to.formats:
        allowed = held_to.formats if held_to else tuple(name for held in limits.values() for name in held.formats)
        yield Fault(
            "FormatUnsupported",
            f"Format {measurement.format} is not supported; it must be one of {', '.join(allowed)}.",
        )


def _quantity_faults(quantity: _Quantity, measurement: Measurement, held_to: TypeLimits) -> Iterator[Fault]:
    value, limit = quantity.value(measurement), quantity.limit(held_to)
    if value is None or limit is None:
        return
    if quantity.low_code and limit.is_below(value):
        yield Fault(quantity.low_code, quantity.message(limit))
    if quantity.high_code and limit.is_above(value):
        yield Fault(quantity.high_code, quantity.message(limit))
