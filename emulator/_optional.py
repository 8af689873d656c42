"""The extra that the emulator needs: its modules, and what to install where one is missing. Imports none of them."""

from __future__ import annotations

from importlib.util import find_spec

MODULES = ("jinja2", "python_multipart", "sortedcontainers")
INSTALL_HINT = "portrait-emulator needs: pip install 'portrait-actions[emulator]'"


def missing_extra() -> str | None:
    """One line that says what to install; None where everything is there."""
    return None if all(map(_is_there, MODULES)) else INSTALL_HINT


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # something stands in its way, or in its place
        return False
