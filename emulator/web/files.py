"""Serves uploaded files, the files of assets, and videos: whole or in a range (RFC 9110 §14)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

from emulator.domain.reasons import Refusal
from emulator.domain.uploads import UPLOADED_FILES
from emulator.messages import Reply
from emulator.service import Service
from emulator.signed_urls import SIGNED_FILES, VIDEOS
from emulator.web.body_reader import BodyReader, read_store
from emulator.web.request_head import Head, decode_segment

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


class Files:
    """Serves the files of an emulator.

    Args:
        service: The emulator.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def uploaded(self, head: Head) -> Reply | BodyReader:
        """`/r2/{key}`: an uploaded file."""
        return self._stored(self._uploaded, head)

    def signed(self, head: Head) -> Reply | BodyReader:
        """`/files/{asset}?…`: the file of an asset by a signed link; 403 if it has expired, as object stores reply."""
        return self._stored(self._signed, head)

    def video(self, head: Head) -> Reply:
        """`/videos/{name}?…`: a finished video by its signed link, which lives 24 hours (contract §7)."""
        name = decode_segment(head.path.removeprefix(VIDEOS))
        if not self._service.is_video_link(name, head.parameters):
            why = "This link is not valid or has expired: a video's address lives 24 hours."
            return self._service.http_error(403, "permission_error", why)
        return _video_reply(head, name)

    def _stored(self, reply: Callable[[Head], Reply], head: Head) -> Reply | BodyReader:
        return read_store(partial(reply, head), blocks=self._service.store.blocks)

    def _uploaded(self, head: Head) -> Reply:
        file = self._service.file(decode_segment(head.path.removeprefix(UPLOADED_FILES)))
        if file is None:
            return self._service.http_error(404, "not_found_error", "No file was uploaded under this key.")
        return _file_reply(head, file.content, file.content_type)

    def _signed(self, head: Head) -> Reply:
        asset = decode_segment(head.path.removeprefix(SIGNED_FILES))
        try:
            target = self._service.link(asset, head.parameters)
        except Refusal:
            why = "This link is not valid or has expired. Read the asset again: each read makes a new link."
            return self._service.http_error(403, "permission_error", why)
        if isinstance(target, str):
            return Reply(status=302, headers={"Location": target})
        return _file_reply(head, target.content, target.content_type)


def _file_reply(head: Head, content: bytes, content_type: str) -> Reply:
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


def _video_reply(head: Head, name: str) -> Reply:
    """The sample that stands for every video of that extension, or for its last frame."""
    extension = Path(name).suffix
    return _file_reply(head, _sample(extension), _TYPES[extension])


@cache
def _sample(extension: str) -> bytes:
    return (_SAMPLES / f"sample{extension}").read_bytes()
