"""Downloads the result of a video into a file: in pieces, and whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from io import BufferedWriter
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import frozen

from portrait.codes import ErrorRule, api_error
from portrait.dialects.dialect import Dialect
from portrait.errors import BadResponse, NotFound, UsageError
from portrait.http import HttpRequest, HttpResponse, Timeouts
from portrait.models import Response

PIECE = 16 * 1_048_576
"""Bytes of one request: no transport takes a response of more than 32 MB."""

_TIMEOUTS = Timeouts(total=600.0)
# A range of what is compressed would be a range of something else.
_HEADERS: Mapping[str, str] = MappingProxyType({"Accept": "video/*", "Accept-Encoding": "identity"})
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")


@frozen(kw_only=True)
class Piece:
    """A part of a file.

    Attributes:
        content: The bytes.
        start: Where it begins.
        total: The bytes of the file.
        version: The file's ETag, "" where there is none.
    """

    content: bytes
    start: int
    total: int
    version: str


class Download:
    """A download into a temporary file beside the target, which replaces it when it is whole. Not thread-safe.

    Args:
        path: Where it is to be.

    Raises:
        UsageError: No file can have that name.
    """

    def __init__(self, path: Path) -> None:
        if not path.name or "\0" in str(path):
            raise UsageError(f"{str(path)!r} is the name of no file.", advice="Name a file for the video.")
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        self._file: BufferedWriter | None = None
        self._size = 0
        self._first: Piece | None = None

    def check(self) -> None:
        """Check that the target can be written: its folder is there, and it is no folder or device itself.

        Raises:
            UsageError: It cannot.
        """
        if not self._path.parent.is_dir():
            raise UsageError(f"There is no folder {self._path.parent}.", advice="Make it, or name another file.")
        if self._path.exists() and not self._path.is_file():
            raise UsageError(f"{self._path} is not a regular file.", advice="Name a file for the video.")

    @property
    def is_whole(self) -> bool:
        """Whether all of it is there."""
        return self._first is not None and self._size == self._first.total

    def request(self, url: str) -> HttpRequest:
        """The request for the next piece. A server that knows no ranges gives all of it (RFC 9110 §14.2)."""
        headers = {**_HEADERS, "Range": f"bytes={self._size}-{self._size + PIECE - 1}"}
        return HttpRequest(method="GET", url=url, headers=headers, timeouts=_TIMEOUTS)

    def add(self, piece: Piece) -> None:
        """Write the next piece.

        Raises:
            BadResponse: It is another one than was asked for, or of another file.
            UsageError: It cannot be written.
        """
        first = self._first = self._first or piece
        same = (piece.total, piece.version) == (first.total, first.version)
        if piece.start != self._size or not piece.content or not same:
            raise BadResponse(
                "SaveVideo: another part of a file came than the one that was asked for.",
                action="SaveVideo",
                advice="Save it again; if that does not help, look at caches and proxies.",
            )
        self._guarded(lambda: self._write(piece.content))

    def finish(self) -> None:
        """Replace the target; a full disk leaves it as it was.

        Raises:
            UsageError: It cannot be written.
        """
        self._guarded(self._replace)

    def discard(self) -> None:
        """Delete the temporary file, if it is there."""
        with contextlib.suppress(OSError):  # closing writes what is left, to a disk that may be full
            if self._file is not None:
                self._file.close()
        with contextlib.suppress(OSError):  # what ended the download is told, and not this
            self._temporary.unlink(missing_ok=True)

    def _write(self, content: bytes) -> None:
        if self._file is None:
            self._file = self._temporary.open("xb")
        self._file.write(content)
        self._size += len(content)

    def _replace(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        self._temporary.replace(self._path)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            raise UsageError(
                f"The video cannot be written to {self._path}: {error.strerror or error}.",
                advice="Make room or name another file, then save it again.",
            ) from error


def _decode(
    response: HttpResponse, action: str, dialect: Dialect, secrets: Callable[[], tuple[str, ...]]
) -> tuple[Mapping[str, Any], Response]:
    """An answer that is a file, or a part of one; a `Decoder` of a dialect."""
    del dialect, secrets
    info = Response(http_status=response.status, headers=response.headers)
    part = _RANGE.fullmatch(response.headers.get("content-range", ""))
    if response.status < 400 and (fault := _fault(response, part)):
        raise BadResponse(
            f"{action}: the address of the result answered {fault} (HTTP status {response.status}).",
            action=action,
            http_status=response.status,
            advice="Read the video again, which may give a new address; look at proxies and login pages in between.",
        )
    if response.status < 400:
        start, total = (int(part[1]), int(part[3])) if response.status == 206 and part else (0, len(response.body))
        version = response.headers.get("etag", "")
        return {"piece": Piece(content=response.body, start=start, total=total, version=version)}, info
    # The body may repeat the signed address, so nothing of it is told. Storages answer 403 to an address that is over.
    rule = ErrorRule(NotFound) if response.status in {401, 403, 404, 410} else None
    raise api_error("", "", http_status=response.status, rule=rule, action=action)


_NO_VIDEO = ("text/", "application/json", "application/xml")


def _fault(response: HttpResponse, part: re.Match[str] | None) -> str:
    """What is wrong with a response of a good status; "" for a file, or a part of one."""
    if 300 <= response.status < 400:
        return "with another address, and redirects are not followed"
    if not response.body or response.status not in {200, 206} or (response.status == 206 and part is None):
        return "without a file"
    page = response.status == 200 and response.body[:512].lstrip()[:1] in {b"<", b"{"}
    return "a page or a text" if page or response.headers.get("content-type", "").startswith(_NO_VIDEO) else ""


FILE = Dialect(name="file", action_path="", name_limit=0, decoder=_decode)
"""The dialect of plain files."""
