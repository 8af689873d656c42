"""The optional libraries PyAV and pillow-heif, imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def av() -> Any:
    """PyAV.

    Raises:
        UsageError: It is not installed.
    """
    return _load("av")


def pillow_heif() -> Any:
    """pillow-heif, which brings Pillow.

    Raises:
        UsageError: It is not installed.
    """
    return _load("pillow_heif")


def _load(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        from portrait.errors import UsageError  # noqa: PLC0415 - needed only here

        raise UsageError(
            f"Measuring this file needs {name}, which is not installed: pip install 'portrait-actions[media]'"
        ) from error
