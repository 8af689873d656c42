"""Names by content: the media type that the first bytes tell, and the key that the SHA-256 gives.

It owns the key scheme `<prefix>/<first 2 of sha256>/<sha256>.<ext>`. One content has one key, so a write can be
repeated without harm and never meets the one-write-a-second rule of R2 (contract §5), and what exists is known by a
listing; the two digits keep folders small in tools that show them. It must never know whether anything is stored.
"""

from __future__ import annotations

import mimetypes
import re
from pathlib import PurePath

from attrs import frozen

from portrait.media import HEAD_BYTES, sniff

__all__ = ["ANYTHING", "HEAD_BYTES", "Kind", "key_for", "kind_of"]

ANYTHING = "application/octet-stream"


@frozen
class Kind:
    """A media type and the extension that goes with it (without the dot, "" for none)."""

    content_type: str
    extension: str


def kind_of(head: bytes, name: str) -> Kind:
    """The kind of a file by its first bytes; by its name only where they tell nothing."""
    media = sniff(head)
    if media is not None:
        return Kind(media.mime, media.extension.lstrip("."))
    suffix = PurePath(name).suffix.lower().lstrip(".")
    guess = mimetypes.guess_type(f"x.{suffix}", strict=False)[0] if suffix else None
    return Kind(guess or ANYTHING, suffix if re.fullmatch(r"[a-z0-9]{1,10}", suffix) else "")


def key_for(prefix: str, sha256: str, extension: str) -> str:
    """The key of a content under a prefix ("" for none)."""
    name = f"{sha256[:2]}/{sha256}" + (f".{extension}" if extension else "")
    return f"{prefix}/{name}" if prefix else name
