"""Files as replies: uploads, registered files and videos, whole or in a range (RFC 9110 §14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from emulator.messages import Reply
from emulator.web.request_head import Head

# Files belong to users: a browser may show them, but must not guess their type or run scripts.
_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": "inline",
        "Cache-Control": "private, no-cache",
        "Accept-Ranges": "bytes",
    }
)
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
_SAMPLES = Path(__file__).parent / "samples"
_TYPES: Mapping[str, str] = MappingProxyType({".mp4": "video/mp4", ".mov": "video/quicktime", ".png": "image/png"})


def file_reply(head: Head, content: bytes, content_type: str) -> Reply:
    """A file, or the part of it that the request's `Range` names; several ranges at once give the whole file."""
    match = _RANGE.fullmatch(head.header("range") or "")
    if match is None or match[0] == "bytes=-" or head.header("if-range") is not None:
        return Reply(body=content, content_type=content_type, headers=_HEADERS)
    size, (first, last) = len(content), match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last) if first and last else size - 1, size - 1)
    if start > end:
        return Reply(status=416, content_type=content_type, headers={**_HEADERS, "Content-Range": f"bytes */{size}"})
    return Reply(
        status=206,
        body=content[start : end + 1],
        content_type=content_type,
        headers={**_HEADERS, "Content-Range": f"bytes {start}-{end}/{size}"},
    )


def video_reply(head: Head, name: str) -> Reply:
    """The sample that stands for every video of that extension, or for its last frame."""
    extension = Path(name).suffix
    return file_reply(head, _sample(extension), _TYPES[extension])


@cache
def _sample(extension: str) -> bytes:
    return (_SAMPLES / f"sample{extension}").read_bytes()
