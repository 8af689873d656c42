"""Which mount answers where two of them have the same path: the one of the provider that the key stands for.

Contract §7: failing that the body decides, and failing that the model's name (I).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain
from typing import Any

import orjson

from portrait.providers import PROVIDERS

# Dialect → the fields of a body that only it has, those that are looked for first above. Contract §7 (I).
_FIELDS = {
    "alltoken": frozenset({"content", "ratio"}),
    "tasks": frozenset(
        {"image_urls", "image_with_roles", "video_urls", "audio_urls", "size", "aspect_ratio", "webhook"}
    ),
}
# Beginning of a model's name → the dialect; the last one is for all others.
_MODELS = {"doubao-": "tasks", "": "alltoken"}


def dialect_of(key: str | None, key_providers: Mapping[str, str], body: bytes, served: Collection[str]) -> str:
    """The dialect that a call is meant in.

    Args:
        key: The Bearer key of the call.
        key_providers: Key → the provider that it stands for.
        body: Its body; it need not be JSON.
        served: The dialects that have the path.
    """
    provider = PROVIDERS.get(key_providers.get(key or "", ""))
    if provider is not None and provider.dialect in served:
        return provider.dialect
    fields = _fields(body)
    by_fields = (dialect for dialect, names in _FIELDS.items() if not fields.keys().isdisjoint(names))
    by_model = (dialect for start, dialect in _MODELS.items() if str(fields.get("model", "")).startswith(start))
    return next(chain(by_fields, by_model))


def _fields(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
