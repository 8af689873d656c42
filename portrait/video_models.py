"""The video models of each provider and what they take, as data: contract §7.

A model's name says little: at one provider `-face` is for real persons, at another it refuses assets. So what a model
takes stands here by provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import evolve, frozen

RATIOS: Final = ("16:9", "9:16", "4:3", "3:4", "21:9", "1:1", "adaptive")
RESOLUTIONS: Final = ("480p", "720p", "1080p")
DEFAULT_SECONDS: Final = 5
AUTOMATIC_SECONDS: Final = -1
"""A `duration` that leaves the length to the model (D)."""
URL_LIFE: Final = 24 * 3600
"""Seconds that the address of a finished video lives (D)."""

IMAGE_ROLES: Final = ("first_frame", "last_frame", "reference_image")
VIDEO_ROLES: Final = ("reference_video",)
AUDIO_ROLES: Final = ("reference_audio",)


@frozen(kw_only=True)
class VideoModel:
    """One model.

    Attributes:
        name: As on the wire.
        takes_assets: Whether a reference may be an `asset://` address.
        shortest: Seconds of the shortest video.
        longest: Seconds of the longest.
        automatic: Whether `duration` may be -1.
        images: References of that kind at most.
        videos: References of that kind at most.
        audios: References of that kind at most.
        references: References of all kinds at most.
        seconds: The lengths of all videos together, and of all audios together, at most.
        audio_alone: Whether sound may be the only reference.
        frames_adaptive: Whether first and last frames want `ratio: adaptive`.
    """

    name: str
    takes_assets: bool = True
    shortest: int = 4
    longest: int = 15
    automatic: bool = True
    images: int = 9
    videos: int = 3
    audios: int = 3
    references: int = 15
    seconds: float = 15.2
    audio_alone: bool = False
    frames_adaptive: bool = False


# Contract §7: the ranges and sums of the three generations of models (D).
_SEEDANCE_2_0 = VideoModel(name="")
_SEEDANCE_2_5 = VideoModel(
    name="",
    longest=30,
    images=30,
    videos=10,
    audios=10,
    references=50,
    seconds=30,
    audio_alone=True,
    frames_adaptive=True,
)
_SEEDANCE_1_5 = VideoModel(name="", takes_assets=False, longest=12, automatic=False)


def _models(*rows: tuple[VideoModel, tuple[str, ...]]) -> Mapping[str, VideoModel]:
    return MappingProxyType({name: evolve(model, name=name) for model, names in rows for name in names})


_DOUBAO = ("doubao-seedance-2.0", "doubao-seedance-2.0-fast")
_FACE = ("doubao-seedance-2.0-face", "doubao-seedance-2.0-fast-face")

# Provider → its models by name. Contract §7.
VIDEO_MODELS: Final[Mapping[str, Mapping[str, VideoModel]]] = MappingProxyType(
    {
        "alltoken": _models(
            (_SEEDANCE_2_0, ("seedance-2.0", "seedance-2.0-fast")),
            (_SEEDANCE_2_5, ("seedance-2.5",)),
            (_SEEDANCE_1_5, ("seedance-1.5-pro",)),
        ),
        "volcengine": _models(
            (
                _SEEDANCE_2_0,
                (
                    "doubao-seedance-2-0-260128",
                    "doubao-seedance-2-0-fast-260128",
                    "doubao-seedance-2-0-mini-260615",
                ),
            ),
            (_SEEDANCE_2_5, ("doubao-seedance-2-5-260628",)),
        ),
        "byteplus": _models(
            (_SEEDANCE_2_0, ("dreamina-seedance-2-0-260128", "dreamina-seedance-2-0-fast-260128")),
        ),
        "xcompute": _models((_SEEDANCE_2_0, (*_DOUBAO, *_FACE))),
        # At apimart the models for faces refuse assets, `[12002]` (M); the short names are the newer ones (D).
        "apimart": _models(
            (_SEEDANCE_2_0, (*_DOUBAO, "seedance-2.0", "seedance-2.0-fast", "seedance-2.0-mini")),
            (evolve(_SEEDANCE_2_0, takes_assets=False), _FACE),
            (_SEEDANCE_2_5, ("seedance-2.5",)),
        ),
        "gccai": _models((_SEEDANCE_2_0, (*_DOUBAO, "doubao-seedance-2.0-face"))),
    }
)

DEFAULT_RESOLUTIONS: Final[Mapping[str, str]] = MappingProxyType({"gccai": "480p"})
"""Provider → the resolution of a video for which none was named; `720p` at all others (D)."""


def asset_models(provider: str) -> tuple[str, ...]:
    """The names of a provider's models that take `asset://` addresses."""
    return tuple(name for name, model in VIDEO_MODELS[provider].items() if model.takes_assets)
