"""Media files: what they are, how large and how long, and whether the service would take them. Pure: bytes or a file
in, values out. Knows no HTTP, no clock and no storage; the client asks it before it sends, the emulator before it
answers.
"""

from __future__ import annotations

from portrait.media.check import STAGES, Fault, Stage, faults
from portrait.media.limits import LIMITS, MB, AudioTrack, Door, Limits, Range, Reading, TypeLimits, limits_for
from portrait.media.measure import Measurement, measure
from portrait.media.sniff import HEAD_BYTES, MEDIA_TYPES, MediaType, describe, sniff

__all__ = [
    "HEAD_BYTES",
    "LIMITS",
    "MB",
    "MEDIA_TYPES",
    "STAGES",
    "AudioTrack",
    "Door",
    "Fault",
    "Limits",
    "Measurement",
    "MediaType",
    "Range",
    "Reading",
    "Stage",
    "TypeLimits",
    "describe",
    "faults",
    "limits_for",
    "measure",
    "sniff",
]
