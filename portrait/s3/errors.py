"""The errors of the object store, each with a decision and advice, and the translation of boto3's errors into them.

No URL, header or key gets into a message.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from portrait.errors import PortraitError, Retry, UsageError
from portrait.http import retry_after

if TYPE_CHECKING:
    from portrait.s3.models import StoredObject


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
        "Allow the key to read and write objects in this bucket, and to abort multipart uploads and list their parts; "
        "for an erasure also to list the bucket and to delete objects."
    )
    fatal = True


class CredentialsRejected(StorageError):
    """There is no key, it is unknown, its secret is wrong, it has expired, or this machine's clock is wrong."""

    advice = (
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (for R2: those of an R2 API token). access_key= and "
        "secret_key= go before them."
    )
    resumable = True  # a new key goes on where the expired one stopped
    fatal = True


class NoSuchBucket(StorageError):
    """The bucket does not exist at this endpoint."""

    advice = "Check the bucket's name, endpoint_url= and region=; buckets are not created."
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
    """The storage failed with a server error, through all attempts."""

    advice = "Run it again later: what was stored is not sent again."
    retry = Retry.BACKOFF
    resumable = True
    may_have_executed = True


class StorageUnreachable(StorageError):
    """The connection to the storage failed, through all attempts.

    Attributes:
        may_have_executed: False only where no attempt got as far as sending its request.
    """

    advice = "Check endpoint_url=, the network and the proxy, then run it again: what was stored is not sent again."
    retry = Retry.BACKOFF
    resumable = True
    fatal = True
    may_have_executed = True


class StorageBadResponse(StorageError):
    """What came back is not a response of the storage, through all attempts: a web page, or without what it must have.

    Nothing is taken for stored, listed or deleted because of it.
    """

    advice = (
        "Check endpoint_url=, and that no proxy or login page stands in front of the storage; then run it again: "
        "what was stored is not sent again."
    )
    retry = Retry.BACKOFF
    resumable = True
    fatal = True
    may_have_executed = True


class NoSuchUpload(StorageError):
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


class NotPublic(StorageError):
    """The address does not answer from outside as the service that downloads it will need.

    Attributes:
        reason: One word for what is wrong: `unreachable`, `denied`, `missing`, `throttled`, `failing`, `moved`,
            `status`, `page`, `length` or `type`.
    """

    def __init__(self, message: str, *, reason: str, advice: str, http_status: int | None = None) -> None:
        super().__init__(message, advice=advice, http_status=http_status)
        self.reason = reason


class PartialFailure(StorageError):
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


# Amazon S3 API reference, "Error responses" (D); R2 and MinIO use the same words.
_CODES: Mapping[str, type[StorageError]] = {
    "AccessDenied": AccessDenied,
    "AllAccessDisabled": AccessDenied,
    "AccountProblem": AccessDenied,
    "InvalidAccessKeyId": CredentialsRejected,
    "SignatureDoesNotMatch": CredentialsRejected,
    "ExpiredToken": CredentialsRejected,
    "InvalidToken": CredentialsRejected,
    "RequestTimeTooSkewed": CredentialsRejected,
    "RequestExpired": CredentialsRejected,
    "Unauthorized": CredentialsRejected,
    "NoSuchBucket": NoSuchBucket,
    "NoSuchUpload": NoSuchUpload,
    "NotImplemented": StorageUnsupported,
    "SlowDown": StorageThrottled,
    "Throttling": StorageThrottled,
    "ThrottlingException": StorageThrottled,
    "TooManyRequests": StorageThrottled,
    "RequestLimitExceeded": StorageThrottled,
    "ServiceUnavailable": StorageThrottled,
    "InternalError": StorageUnavailable,
    "OperationAborted": StorageUnavailable,
    # The body did not arrive as it was signed, not whole or not in time: the same request again may.
    "BadDigest": StorageUnavailable,
    "XAmzContentSHA256Mismatch": StorageUnavailable,
    "RequestTimeout": StorageUnavailable,
    "IncompleteBody": StorageUnavailable,
}
_STATUSES: Mapping[int, type[StorageError]] = {
    401: CredentialsRejected,
    403: AccessDenied,
    429: StorageThrottled,
    501: StorageUnsupported,
    503: StorageThrottled,
}
# Where the advice of the class does not fit the code.
_CODE_ADVICE: Mapping[str, str] = {
    "RequestTimeTooSkewed": "Set this machine's clock: signatures hold for 15 minutes around the storage's time.",
    "RequestExpired": "Set this machine's clock: signatures hold for 15 minutes around the storage's time.",
    "ExpiredToken": "The temporary key has expired: get a new one, then run it again.",
    "InvalidToken": "The session token does not belong to this key: get a new temporary key, or leave the token out.",
    "SignatureDoesNotMatch": "Check the secret key: it does not belong to this access key.",
    "AllAccessDisabled": "The storage account is closed or suspended: look at its console.",
    "AccountProblem": "The storage account is closed or suspended: look at its console.",
    "EntityTooLarge": "The file is larger than this storage accepts.",
    "AuthorizationHeaderMalformed": "Pass the bucket's region as region=.",
    "PermanentRedirect": "The bucket is in another region: pass region=, or endpoint_url= of that region.",
    "InvalidBucketName": "Check the bucket's name in s3://bucket/prefix.",
}
TRANSIENT = (StorageThrottled, StorageUnavailable, StorageUnreachable, StorageBadResponse)
"""What may be gone at the next attempt. Every request of this package may be repeated: keys are by content."""

# botocore's exception → (class, whether the request may have been sent, what happened, advice); the first match counts.
_CONNECTION_ERRORS: Sequence[tuple[str, bool, str, str | None]] = (
    ("ProxyConnectionError", False, "the proxy cannot be reached", "Check HTTP_PROXY and HTTPS_PROXY."),
    ("EndpointConnectionError", False, "the storage cannot be reached", None),
    ("ConnectTimeoutError", False, "the storage cannot be reached in time", None),
    ("ReadTimeoutError", True, "the storage did not respond in time", None),
    ("ConnectionClosedError", True, "the connection was closed before a response", None),
    ("HTTPClientError", True, "no response from the storage", None),
    ("ConnectionError", True, "no response from the storage", None),
    ("IncompleteReadError", True, "the response was cut off", None),
    ("ResponseStreamingError", True, "the response was cut off", None),
)


def translate(error: Exception, operation: str) -> Exception:
    """The error of this package for one of boto3's; anything else is returned unchanged."""
    # Both are loaded already wherever there is something to translate.
    from botocore import exceptions as boto  # noqa: PLC0415
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    match error:
        case boto.ClientError():
            return _response_error(error.response, operation)
        case boto.NoCredentialsError() | boto.PartialCredentialsError():
            return CredentialsRejected("There are no credentials for the storage.")
        case boto.SSLError() if _is_certificate_error(error):
            return StorageRefused(
                f"{operation}: no secure connection to the storage: its certificate is not trusted.",
                advice="Check endpoint_url=; a private certificate authority is named by AWS_CA_BUNDLE.",
            )
        case ResponseParserError():
            return StorageBadResponse(f"{operation}: the response is not XML.")
        case boto.BotoCoreError():
            return _connection_error(error, operation) or UsageError(
                f"{operation} cannot be sent ({type(error).__name__}).",
                advice="Check the bucket, endpoint_url= and region=.",
            )
    return error


def _connection_error(error: Exception, operation: str) -> StorageUnreachable | None:
    from botocore import exceptions as boto  # noqa: PLC0415

    for name, may_have_executed, what, advice in _CONNECTION_ERRORS:
        if isinstance(error, getattr(boto, name)):
            unreachable = StorageUnreachable(f"{operation}: {what} ({type(error).__name__}).", advice=advice)
            unreachable.may_have_executed = may_have_executed
            return unreachable
    return None


def _is_certificate_error(error: BaseException) -> bool:
    """Whether a certificate stands behind a failure of TLS; anything else there is a connection that broke."""
    visited: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        cause = queue.pop()
        if isinstance(cause, BaseException) and cause not in visited:
            visited.append(cause)
            # urllib3 keeps what it wraps among the arguments, botocore nowhere but in the chain
            queue += [cause.__cause__, cause.__context__, *cause.args]
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in visited)


def requested_pause(error: Exception) -> float:
    """Seconds that the storage asked to wait, 0 if it did not say."""
    response: Mapping[str, Any] | None = getattr(error, "response", None)
    headers = response["ResponseMetadata"]["HTTPHeaders"] if response else {}
    return retry_after(headers, throttled=False) or 0.0


def _response_error(response: Any, operation: str) -> StorageError:
    detail, metadata = response["Error"], response["ResponseMetadata"]
    status: int = metadata["HTTPStatusCode"]
    code = str(detail.get("Code", ""))
    if code == str(status):  # botocore's stopgap for a response without a code
        code = ""
    kind = _CODES.get(code) or _STATUSES.get(status)
    if kind is None:
        kind = StorageUnavailable if status >= 500 else StorageRefused
    if status == 500 and not code and is_web_page(metadata):  # botocore's status for a 200 that is not XML
        kind = StorageBadResponse
    text = str(detail.get("Message", "")).strip() or "no reason was given."
    return kind(
        f"{operation}: {code or status}: {text}",
        code=code,
        http_status=status,
        request_id=str(metadata.get("RequestId", "")),
        advice=_CODE_ADVICE.get(code),
    )


def is_web_page(metadata: Mapping[str, Any]) -> bool:
    """Whether a response, by boto3's metadata of it, is HTML, which comes from a proxy: the storage answers in XML.

    An empty body is no page, whatever type its server gives it.
    """
    headers = metadata["HTTPHeaders"]
    is_empty = headers.get("content-length") == "0" or metadata["HTTPStatusCode"] == 204
    return not is_empty and str(headers.get("content-type", "")).lower().startswith("text/html")
