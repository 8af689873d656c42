"""What the object store hands back: values without behaviour.

It owns the result classes, and hides the query of a presigned address from their repr. It must never know how a value
was come by.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from attrs import field, frozen

from portrait.s3.events import without_query


@frozen(kw_only=True)
class StoredObject:
    """A file that is in the bucket.

    Attributes:
        path: The file it was made from.
        key: The object's key: prefix, then the content's SHA-256.
        url: Where it can be fetched: on the public base, or presigned for a time (then its query is a secret).
        sha256: The content's SHA-256, 64 hex digits.
        size: Bytes.
        content_type: The media type that it is served with.
        existed: True where the bucket had it already and nothing was sent.
    """

    path: Path
    key: str
    url: str = field(repr=lambda url: repr(without_query(url)))
    sha256: str
    size: int
    content_type: str
    existed: bool


@frozen(kw_only=True)
class AbandonedUpload:
    """A multipart upload that was begun and neither completed nor aborted; its parts cost money.

    Attributes:
        key: The key it would have made.
        upload_id: The storage's id of the upload.
        started: When it was begun, UTC.
        age: How long ago that is, by the storage's own clock.
    """

    key: str
    upload_id: str
    started: datetime
    age: timedelta
