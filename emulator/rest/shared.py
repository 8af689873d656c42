"""Which mount answers where two of them have the same path: the one of the provider that the key stands for.

Contract §7: failing that the body decides, and failing that the model's name (I).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from portrait.providers import PROVIDERS

_ALLTOKEN_FIELDS = frozenset({"content", "ratio"})
_GATEWAY_FIELDS = frozenset(
    {"image_urls", "image_with_roles", "video_urls", "audio_urls", "size", "aspect_ratio", "webhook"}
)
_GATEWAY_MODELS = "doubao-"


def is_for_gateway(key: str | None, key_providers: Mapping[str, str], body: bytes) -> bool:
    """Whether a call is meant for a task gateway, and not for AllToken.

    Args:
        key: The Bearer key of the call.
        key_providers: Key → the provider that it stands for.
        body: Its body; it need not be JSON.
    """
    provider = PROVIDERS.get(key_providers.get(key or "", ""))
    if provider is not None and provider.dialect in {"alltoken", "tasks"}:
        return provider.dialect == "tasks"
    fields = _fields(body)
    if not fields.keys().isdisjoint(_ALLTOKEN_FIELDS):
        return False
    return not fields.keys().isdisjoint(_GATEWAY_FIELDS) or str(fields.get("model", "")).startswith(_GATEWAY_MODELS)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
