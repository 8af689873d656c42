"""Media files: their format, size and duration, and whether the service accepts them.

Pure functions over bytes and files: no network, no clock, no storage. The client checks files before it sends them, the
emulator before it answers.
"""

from __future__ import annotations

from portrait.media.check import STAGES, Stage, Violation, validate
from portrait.media.limits import LIMITS, MB, AudioTrack, Edition, Endpoint, Limits, Range, TypeLimits, limits_for
from portrait.media.measure import Measurement, measure
from portrait.media.sniff import HEAD_BYTES, MEDIA_TYPES, MediaType, describe, sniff

__all__ = [
    "HEAD_BYTES",
    "LIMITS",
    "MB",
    "MEDIA_TYPES",
    "STAGES",
    "AudioTrack",
    "Edition",
    "Endpoint",
    "Limits",
    "Measurement",
    "MediaType",
    "Range",
    "Stage",
    "TypeLimits",
    "Violation",
    "describe",
    "limits_for",
    "measure",
    "sniff",
    "validate",
]
