"""The optional libraries PyAV and pillow-heif: imported on first use, and their errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from portrait.media._bytes import InvalidMedia

# A mistake in this package, or a library version with another interface; no file causes these.
_BUGS: Final = (AttributeError, ImportError, NameError, TypeError)


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


@contextmanager
def library_errors(library: str) -> Iterator[None]:
    """Turn the errors that a C library raises for a hostile file into `InvalidMedia`.

    Args:
        library: Its name, for the message.
    """
    try:
        yield
    except (InvalidMedia, *_BUGS):
        raise
    except Exception as error:  # noqa: BLE001 - a C library raises anything for a hostile file
        raise InvalidMedia(f"{library} does not open it ({type(error).__name__})") from None


def _load(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        from portrait.errors import UsageError  # noqa: PLC0415 - needed only here

        raise UsageError(
            f"Measuring this file needs {name}, which is not installed: pip install 'portrait-actions[media]'"
        ) from error
