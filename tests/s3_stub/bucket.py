"""The state of one bucket and the rules of R2 for it: equal parts, one write per second and key. Knows no HTTP."""

from __future__ import annotations

import base64
import hashlib
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from attrs import define, field

SMALLEST_PART = 5 * 1024 * 1024


class Refusal(Exception):
    """An S3 error answer."""

    def __init__(self, status: int, code: str, message: str = "Refused.") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


@define
class Object:
    """What is stored under a key."""

    content: bytes
    size: int
    etag: str
    headers: dict[str, str]


@define
class StoredPart:
    """A part of an unfinished upload."""

    content: bytes
    size: int
    etag: str


@define
class Upload:
    """An unfinished upload."""

    key: str
    headers: dict[str, str]
    started: datetime
    parts: dict[int, StoredPart] = field(factory=dict)


@define(kw_only=True)
class Bucket:
    """A bucket.

    Attributes:
        etags: `md5` as S3 gives them, or `opaque` as R2 does for parts.
        write_pause: Seconds between two writes to one key.
        keep: Whether contents are kept; a benchmark only counts.
    """

    etags: str = "md5"
    write_pause: float = 1.0
    keep: bool = True
    versioned: bool = False
    now: Callable[[], float] = time.monotonic
    objects: dict[str, Object] = field(factory=dict)
    uploads: dict[str, Upload] = field(factory=dict)
    parts_received: list[tuple[str, int]] = field(factory=list)
    _written: dict[str, float] = field(factory=dict)
    _ids: itertools.count[int] = field(factory=lambda: itertools.count(1))

    def put(self, key: str, content: bytes, size: int, md5: str, headers: dict[str, str]) -> Object:
        """Store an object."""
        self._write(key)
        self.objects[key] = Object(content if self.keep else b"", size, md5, headers)
        return self.objects[key]

    def create(self, key: str, headers: dict[str, str], age: timedelta = timedelta()) -> str:
        """Begin an upload, as if it were that old."""
        upload_id = f"upload-{next(self._ids):04d}"
        self.uploads[upload_id] = Upload(key, headers, datetime.now(UTC) - age)  # noqa: TID251 - a server has the real time
        return upload_id

    def upload(self, key: str, upload_id: str) -> Upload:
        """The unfinished upload of that id and key."""
        upload = self.uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise Refusal(404, "NoSuchUpload")
        return upload

    def part(self, key: str, upload_id: str, number: int, *, content: bytes, size: int, md5: str) -> str:
        """Keep a part and give its ETag."""
        upload = self.upload(key, upload_id)
        if not 1 <= number <= 10_000:
            raise Refusal(400, "InvalidArgument")
        etag = md5 if self.etags == "md5" else base64.b64encode(hashlib.sha512(md5.encode()).digest()).decode()
        upload.parts[number] = StoredPart(content if self.keep else b"", size, etag)
        self.parts_received.append((upload_id, number))
        return etag

    def complete(self, key: str, upload_id: str, wanted: list[tuple[int, str]]) -> Object:
        """Make an object of parts, if R2 would."""
        upload = self.upload(key, upload_id)
        numbers = [number for number, _ in wanted]
        if not wanted or numbers != sorted(set(numbers)):
            raise Refusal(400, "InvalidPartOrder")
        parts = []
        for number, etag in wanted:
            part = upload.parts.get(number)
            if part is None or part.etag != etag:
                raise Refusal(400, "InvalidPart")
            parts.append(part)
        if any(part.size < SMALLEST_PART for part in parts[:-1]):
            raise Refusal(400, "EntityTooSmall")
        if any(part.size != parts[0].size for part in parts[:-1]) or parts[-1].size > parts[0].size:
            raise Refusal(400, "InvalidPart", "All non-trailing parts must have the same length.")
        self._write(key)
        content = b"".join(part.content for part in parts)
        self.objects[key] = Object(content, sum(part.size for part in parts), f"x-{len(parts)}", upload.headers)
        del self.uploads[upload_id]
        return self.objects[key]

    def _write(self, key: str) -> None:
        now = self.now()
        if now - self._written.get(key, -1e9) < self.write_pause:
            raise Refusal(429, "TooManyRequests", "Reduce your concurrent request rate for the same object.")
        self._written[key] = now
