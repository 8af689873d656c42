"""How a task gateway's library carries Actions: one address for each thing, and the envelope around what is read.

apimart's (contract §8). The names of a list's query are not documented (I). Tasks themselves are no Actions:
`portrait.tasks` has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from portrait.dialects.dialect import Dialect, Line
from portrait.dialects.envelope import decode_envelope
from portrait.dialects.plain import decode_plain
from portrait.errors import UsageError
from portrait.gateways import ASSETS_PATH, GROUPS_PATH
from portrait.http import HttpResponse
from portrait.models import Response

# Action → its method and address.
_ROUTES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ListAssets": ("GET", ASSETS_PATH),
        "GetAsset": ("GET", f"{ASSETS_PATH}/"),
        "UpdateAsset": ("PATCH", f"{ASSETS_PATH}/"),
        "DeleteAsset": ("DELETE", f"{ASSETS_PATH}/"),
        "ListAssetGroups": ("GET", GROUPS_PATH),
        "CreateAssetGroup": ("POST", GROUPS_PATH),
        "GetAssetGroup": ("GET", f"{GROUPS_PATH}/"),
        "UpdateAssetGroup": ("PATCH", f"{GROUPS_PATH}/"),
        "DeleteAssetGroup": ("DELETE", f"{GROUPS_PATH}/"),
    }
)
_SINGULAR = {"GroupIds": "group_id", "Statuses": "status"}
# What the library has no word for: it lists the newest first, and its groups are AIGC.
_ORDER = frozenset({"SortBy", "SortOrder"})


def encode_library(action: str, fields: Mapping[str, Any]) -> Line:
    """Where and how the library is asked for what an Action does; an `Encoder` of a dialect.

    Raises:
        UsageError: It has no such Action, or takes one value where several are given.
    """
    if action not in _ROUTES:
        raise UsageError(f"A task gateway has no {action}.", advice="Create assets by tasks, or by ensure_assets().")
    method, path = _ROUTES[action]
    words = _words({**fields, **fields.get("Filter", {})})
    if path.endswith("/"):
        path += quote(words.pop("id"), safe="")
    if method == "POST":
        words.pop("group_type", None)
        return method, path, words
    query = {"project_name": words.pop("project_name", None)} if method == "PATCH" else words
    sent = urlencode({name: value for name, value in query.items() if value is not None})
    return method, f"{path}?{sent}" if sent else path, words if method == "PATCH" else None


def _words(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields in the library's words."""
    words: dict[str, Any] = {}
    for name, value in fields.items():
        if name in _ORDER or name == "Filter":
            continue
        if name in _SINGULAR:
            if len(value) > 1:
                raise UsageError(f"The library lists by one {_SINGULAR[name]}, not by {len(value)}.")
            words[_SINGULAR[name]] = next(iter(value), None)
        else:
            words[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()] = value
    return words


def decode_library(
    response: HttpResponse, action: str, dialect: Dialect, secrets: Callable[[], tuple[str, ...]]
) -> tuple[Mapping[str, Any], Response]:
    """What the library answered, with the envelope or without; a `Decoder` of a dialect.

    Raises:
        ApiError: The service refused.
        BadResponse: The body is no JSON object.
    """
    if b'"ResponseMetadata"' in response.body:
        return decode_envelope(response, action, dialect, secrets)
    return decode_plain(response, action, dialect, secrets)


TASKS = Dialect(name="tasks", action_path="", name_limit=64, decoder=decode_library, encoder=encode_library)
