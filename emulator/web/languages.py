"""The languages of the pages: which one a browser prefers, and the texts in it, which are files of this package."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("zh", "en", "zh-Hant")
"""The values of `lng`; the first is the default of a check's page. Contract §3."""

_FOLDER = Path(__file__).parent / "translations"
_TRADITIONAL = {"hant", "tw", "hk", "mo"}
_RANGE = re.compile(r"\s*([a-z-]+)\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?")


def preferred_language(accept_language: str) -> str:
    """The one of `LANGUAGES` that a browser prefers; English if it prefers others.

    Args:
        accept_language: The header (RFC 9110 §12.5.4), "" without one.
    """
    ranges = filter(None, map(_RANGE.fullmatch, accept_language.lower().split(",")))
    for found in sorted(ranges, key=lambda found: -float(found[2] or 1)):
        language, *subtags = found[1].split("-")
        if language == "zh":
            return "zh" if _TRADITIONAL.isdisjoint(subtags) else "zh-Hant"
        if language == "en":
            break
    return "en"


@cache
def read_texts(language: str) -> dict[str, Any]:
    """The texts of a check's page, by their names."""
    return _read(language)


def translator(language: str) -> Callable[..., str]:
    """A function from a sentence of the dashboard to the same in that language.

    The English sentence is its own name; what stands in braces is filled in from the keywords.
    """
    sentences = {} if language == "en" else _sentences(language)

    def translate(sentence: str, **values: object) -> str:
        text = sentences.get(sentence, sentence)
        return text.format(**values) if values else text

    return translate


@cache
def _sentences(language: str) -> dict[str, str]:
    return _read(f"dashboard.{language}")


def _read(name: str) -> dict[str, Any]:
    texts: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return texts
