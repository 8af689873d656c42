"""Validation of a measured file against the limits: one table of checks with their codes and messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import le, lt
from types import MappingProxyType
from typing import Final, Literal

from attrs import frozen

from portrait.media.limits import MB, Limits, Range, TypeLimits
from portrait.media.measure import Measurement

Stage = Literal["create", "review"]


@frozen
class Violation:
    """One reason why the service rejects a file.

    Attributes:
        code: As in contract §3, such as "WidthTooSmall"; CreateAsset answers `InvalidParameter.<code>`.
        rule: The service's own sentence: "Width must be between 300px and 6000px."
        found: What the file has instead, with its unit: "200px after rotation"; "" where the rule says it.
    """

    code: str
    rule: str
    found: str = ""

    @property
    def message(self) -> str:
        """The rule and what was found: "Width must be between 300px and 6000px; it is 200px after rotation."."""
        return f"{self.rule.removesuffix('.')}; it is {self.found}." if self.found else self.rule


STAGES: Final[Mapping[str, Stage]] = MappingProxyType(
    {
        # Contract §3: "download, format and size faults are found synchronously where they can be" (M). It names
        # DownloadFailed, WidthTooSmall, FormatUnsupported, FpsTooLow, DurationTooLong; the rest is inferred.
        "DownloadFailed": "create",
        "TypeMismatch": "create",
        "FormatUnsupported": "create",
        "UnsupportedImageFormat": "create",  # the same by another name; it is never found here
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
"""Each Failed code of contract §3 → whether CreateAsset returns it, or the review does."""


@frozen
class _RangeCheck:
    """A number with a lower and an upper limit.

    Attributes:
        low_code: The code of a value that is too small; None if none can be.
        high_code: The code of a value that is too large.
        value: The number, of a file.
        limit: Its limits, of a type.
        rule: The service's sentence about the limits.
        found: The number in words.
        of_sides: Whether a rotation changes the number.
    """

    low_code: str | None
    high_code: str | None
    value: Callable[[Measurement], float | None]
    limit: Callable[[TypeLimits], Range | None]
    rule: Callable[[Range], str]
    found: Callable[[float], str]
    of_sides: bool = False


def _between(name: str, unit: str) -> tuple[Callable[[Range], str], Callable[[float], str]]:
    # Public are "Width must be between 300px and 6000px." and "Duration must be between 1.8s and 30.2s." (M, contract
    # §5); the others follow them.
    return (
        lambda limit: f"{name} must be between {limit.low:.10g}{unit} and {limit.high:.10g}{unit}.",
        lambda value: f"{round(value, 4):.10g}{unit}",
    )


def _size_rule(limit: Range) -> str:
    return f"File size must be {'less than' if limit.strict else 'at most'} {(limit.high or 0) / MB:.10g}MB."


_RANGE_CHECKS: Final = (
    _RangeCheck(
        None, "FileSizeTooLarge", lambda m: m.size, lambda t: t.size, _size_rule, lambda value: f"{value / MB:.7g}MB"
    ),
    _RangeCheck(
        "WidthTooSmall", "WidthTooLarge", lambda m: m.width, lambda t: t.side, *_between("Width", "px"), of_sides=True
    ),
    _RangeCheck(
        "HeightTooSmall", "HeightTooLarge", lambda m: m.height, lambda t: t.side, *_between("Height", "px"),
        of_sides=True,
    ),
    _RangeCheck(
        "AspectRatioTooSmall", "AspectRatioTooLarge", lambda m: m.ratio, lambda t: t.ratio,
        *_between("Aspect ratio", ""), of_sides=True,
    ),
    _RangeCheck(
        "PixelCountTooSmall", "PixelCountTooLarge", lambda m: m.pixels, lambda t: t.pixels,
        *_between("Pixel count", ""),
    ),
    _RangeCheck(
        "DurationTooShort", "DurationTooLong", lambda m: m.duration, lambda t: t.duration, *_between("Duration", "s")
    ),
    _RangeCheck("FpsTooLow", "FpsTooHigh", lambda m: m.fps, lambda t: t.fps, *_between("Frame rate", "fps")),
)  # fmt: skip

# The rule → the value of `has_audio` that breaks it, and the violation.
_AUDIO_TRACK: Final = MappingProxyType(
    {
        "required": (False, Violation("AudioTrackRequired", "An audio track is required.")),
        "forbidden": (True, Violation("AudioTrackForbidden", "An audio track is not allowed.")),
    }
)


def validate(measurement: Measurement, limits: Limits, declared_type: str | None = None) -> tuple[Violation, ...]:
    """Find all violations of the limits by a file.

    The limits are those of the file's actual type. The declared type only adds `TypeMismatch`, and selects the limits
    for a file that is no media.

    Args:
        measurement: From `portrait.media.measure`.
        limits: From `portrait.media.limits_for`.
        declared_type: The `AssetType` of the request: "Image", "Video" or "Audio"; None if there is none.

    Returns:
        The violations in the order of the checks; empty for a file within the limits.
    """
    return tuple(_violations(measurement, limits, declared_type))


def _violations(measurement: Measurement, limits: Limits, declared_type: str | None) -> Iterator[Violation]:
    actual = measurement.asset_type
    if declared_type is not None and actual is not None and actual != declared_type:
        yield Violation("TypeMismatch", f"The file is of type {actual}, not {declared_type}.")
    yield from _format_violations(measurement, limits)
    type_limits = next((type_limits for kind, type_limits in limits.items() if kind == (actual or declared_type)), None)
    if type_limits is None:
        return
    for check in _RANGE_CHECKS:
        yield from _range_violations(check, measurement, type_limits)
    wrong_value, violation = _AUDIO_TRACK.get(type_limits.audio_track, (None, None))
    # Whether there is a track is known only for files that were opened; those have a duration.
    if violation and measurement.duration is not None and measurement.has_audio is wrong_value:
        yield violation


def _format_violations(measurement: Measurement, limits: Limits) -> Iterator[Violation]:
    if measurement.problem is not None:
        yield Violation("FormatUndetectable", f"The media format could not be detected: {measurement.problem}.")
    if measurement.format is None or measurement.asset_type is None:
        return
    type_limits = limits.get(measurement.asset_type)
    if type_limits is None or measurement.format not in type_limits.formats:
        allowed = (
            type_limits.formats
            if type_limits
            else tuple(name for type_limits in limits.values() for name in type_limits.formats)
        )
        yield Violation(
            "FormatUnsupported",
            f"Format {measurement.format} is not supported; it must be one of {', '.join(allowed)}.",
        )


def _range_violations(check: _RangeCheck, measurement: Measurement, type_limits: TypeLimits) -> Iterator[Violation]:
    limit = check.limit(type_limits)
    if limit is None or (value := check.value(measurement)) is None:
        return
    is_outside = le if limit.strict else lt
    if check.low_code and limit.low is not None and is_outside(value, limit.low):
        code = check.low_code
    elif check.high_code and limit.high is not None and is_outside(limit.high, value):
        code = check.high_code
    else:
        return
    rotation = " after rotation" if check.of_sides and measurement.rotated else ""
    yield Violation(code, check.rule(limit), check.found(value) + rotation)
