"""Names that identify content: `<stem>-<digest>`, and how to read the digest back. Pure.

The digest is the first 128 bits of the SHA-256 in 26 base32 characters: with a stem of at most 23 characters and a dash
it fills AllToken's limit of 50 (contract §1).
"""

from __future__ import annotations

import base64
import re

STEM = 23  # characters
DIGEST = 26  # characters

_DIGEST = re.compile(rf"-([a-z2-7]{{{DIGEST}}})$")


def digest_of(sha256: str) -> str:
    """26 characters for 64 hex digits."""
    return base64.b32encode(bytes.fromhex(sha256)[:16]).decode().rstrip("=").lower()


def sha256_start(digest: str) -> str:
    """The 32 hex digits with which the SHA-256 begins that a digest stands for."""
    return base64.b32decode(digest.upper() + "======").hex()


def asset_name(stem: str, digest: str) -> str:
    """The Name of an asset with that content; the stem is for people."""
    readable = "".join(c for c in stem if c.isprintable()).strip()[:STEM].strip()
    return f"{readable or 'asset'}-{digest}"


def digest_in(name: str) -> str | None:
    """The digest in a Name, None in one that was given otherwise."""
    found = _DIGEST.search(name.lower())
    return found[1] if found else None
