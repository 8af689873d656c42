"""What can go wrong between a file and its public address, as a small tree that carries a decision.

It owns the classes, the advice each one gives, and whether an unfinished upload may be resumed after it. It must never
know boto3, HTTP libraries or the journal: `failures` translates what they raise into these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from portrait.errors import PortraitError, Retry

if TYPE_CHECKING:
    from portrait.s3.results import StoredObject


class StorageError(PortraitError):
    """The base of everything that the object storage part raises on purpose.

    Attributes:
        code: The storage's own code, such as `NoSuchBucket`; "" if it gave none.
        http_status: The HTTP status of the answer, None if there was none.
        request_id: The storage's id of the request, "" if it gave none.
        resumable: True where what was already sent is kept, and the same call goes on from there.
        fatal: True where the next file would fail for the same reason.
    """

    resumable: ClassVar[bool] = False
    fatal: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        http_status: int | None = None,
        request_id: str = "",
        advice: str | None = None,
    ) -> None:
        super().__init__(message, advice=advice)
        self.code = code
        self.http_status = http_status
        self.request_id = request_id


class StorageRefused(StorageError):
    """The storage refused the request, for a reason without a class of its own."""

    advice = "Look the code up in the storage's own documentation."


class AccessDenied(StorageError):
    """The key may not do this in this bucket."""

    advice = (
        "Allow the key to list, read, write and delete objects in this bucket, and to list and abort multipart uploads."
    )
    fatal = True


class CredentialsRejected(StorageError):
    """There is no key, it is unknown, its secret is wrong, or it has expired."""

    advice = (
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (for R2: an R2 API token), or pass access_key= and "
        "secret_key=; check this machine's clock too."
    )
    resumable = True  # a new key goes on where the expired one stopped
    fatal = True


class NoSuchBucket(StorageError):
    """The bucket does not exist at this endpoint."""

    advice = "Check the bucket's name, the endpoint_url and the region; buckets are never made on the way."
    fatal = True


class StorageUnsupported(StorageError):
    """The storage does not implement what was asked, most often a checksum header that boto3 adds by itself."""

    advice = (
        "With a client of your own, set Config(request_checksum_calculation='when_required', "
        "response_checksum_validation='when_required')."
    )
    fatal = True


class StorageThrottled(StorageError):
    """Too many requests at once, through all attempts. Waiting helps."""

    advice = "Lower concurrency=, then run it again: what was stored is not sent again."
    retry = Retry.BACKOFF
    resumable = True


class StorageUnavailable(StorageError):
    """The storage failed, through all attempts."""

    advice = "Run it again later: what was stored is not sent again."
    retry = Retry.BACKOFF
    resumable = True
    may_have_executed = True


class StorageUnreachable(StorageError):
    """No usable answer came from the storage, through all attempts."""

    advice = "Check the endpoint_url, the network and the proxy, then run it again: what was stored is not sent again."
    retry = Retry.BACKOFF
    resumable = True
    fatal = True
    may_have_executed = True


class UploadInterrupted(StorageError):
    """The upload was stopped on request."""

    advice = "Run it again to go on where it stopped, or clean_up() to drop what was sent."
    resumable = True
    fatal = True
    may_have_executed = True


class UploadGone(StorageError):
    """The multipart upload no longer exists: it was completed or aborted, by this process or another."""

    advice = "Run it again: it starts afresh."
    retry = Retry.BACKOFF
    resumable = True


class SourceUnreadable(StorageError):
    """The file cannot be read."""

    advice = "Check that it exists, is a regular file and may be read."
    resumable = True


class SourceChanged(StorageError):
    """The file is not the one that the upload began with. Nothing was published under the old or the new content."""

    advice = "Let whatever writes the file finish, then run it again to store what it holds now."


class StateUnwritable(StorageError):
    """The folder that remembers unfinished uploads cannot be written. What was stored already is not lost."""

    advice = "Free some space, or name a writable folder by state_dir=."
    resumable = True
    fatal = True


class NotPublic(StorageError):
    """The address does not answer from outside as the service that downloads it will need.

    Attributes:
        reason: One word for what is wrong: `unreachable`, `denied`, `missing`, `throttled`, `failing`, `moved`,
            `status`, `page`, `length` or `type`.
    """

    def __init__(self, message: str, *, reason: str, advice: str, http_status: int | None = None) -> None:
        super().__init__(message, advice=advice, http_status=http_status)
        self.reason = reason


class SomeNotStored(StorageError):
    """Some files of a batch were not stored; the others were.

    Attributes:
        stored: What was stored, by path as given.
        failures: What went wrong, by path as given.
    """

    advice = "Run it again after the cause is gone: what was stored is not sent again."
    resumable = True

    def __init__(self, stored: Mapping[str, StoredObject], failures: Mapping[str, PortraitError]) -> None:
        path, first = next(iter(failures.items()))
        super().__init__(f"{len(failures)} of {len(failures) + len(stored)} files were not stored; {path}: {first}")
        self.stored = dict(stored)
        self.failures = dict(failures)
