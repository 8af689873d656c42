"""The optional libraries PyAV and pillow-heif: whether they are installed, and their errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from traceback import walk_tb
from typing import Any, Final

from portrait.media._bytes import InvalidMedia

# A mistake in this package, or a library version with another interface; no file causes these.
_BUGS: Final = (AttributeError, ImportError, NameError, TypeError)


@contextmanager
def library_errors(library: str) -> Iterator[None]:
    """Turn the errors that a C library raises for a hostile file into `InvalidMedia`.

    What this package's own code raises in the block is an error of its own, whatever its type.

    Args:
        library: Its name, for the message.
    """
    try:
        yield
    except (InvalidMedia, MemoryError, *_BUGS):
        raise
    except Exception as error:
        if _is_own(error):
            raise
        raise InvalidMedia(f"{library} does not open it ({type(error).__name__})") from None


def _is_own(error: Exception) -> bool:
    """Whether this package raised the exception: libraries that Cython compiles have frames of their own."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__", "")).startswith("portrait.")


def load(name: str) -> Any:
    """Import an optional library; it is imported once."""
    return import_module(name)


def require(name: str) -> None:
    """Check that an optional library is installed, without importing it.

    Raises:
        UsageError: It is not.
    """
    if find_spec(name) is None:
        from portrait.errors import UsageError  # noqa: PLC0415 - needed only here

        raise UsageError(
            f"Measuring this file needs {name}, which is not installed.",
            advice="Run: pip install 'portrait-actions[media]'",
        )
