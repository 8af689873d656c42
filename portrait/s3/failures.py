"""The storage's and boto3's own errors, turned into ours.

It owns the table code → class, and which failures pass by themselves. It must never retry, nor let a URL, a header or a
key into a message.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from portrait.errors import UsageError
from portrait.s3.errors import (
    AccessDenied,
    CredentialsRejected,
    NoSuchBucket,
    StorageError,
    StorageRefused,
    StorageThrottled,
    StorageUnavailable,
    StorageUnreachable,
    StorageUnsupported,
    UploadGone,
)

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
    "Unauthorized": CredentialsRejected,
    "NoSuchBucket": NoSuchBucket,
    "NoSuchUpload": UploadGone,
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
PASSING = (StorageThrottled, StorageUnavailable, StorageUnreachable)
"""What may be gone at the next attempt. Every request of this package may be repeated: keys are by content."""


def translate(error: Exception, operation: str) -> Exception:
    """The error of ours that stands for one of boto3's; anything else comes back as it is."""
    from botocore import exceptions as boto  # noqa: PLC0415 - loaded already wherever there is something to translate

    match error:
        case boto.ClientError():
            return _refusal(error.response, operation)
        case boto.NoCredentialsError() | boto.PartialCredentialsError():
            return CredentialsRejected("There are no credentials for the storage.")
        case boto.SSLError() if _distrusts(error):
            return StorageRefused(
                f"{operation}: no secure connection to the storage: its certificate is not trusted.",
                advice="Check the endpoint_url; a private certificate authority is named by AWS_CA_BUNDLE.",
            )
        case (
            boto.HTTPClientError() | boto.ConnectionError() | boto.IncompleteReadError() | boto.ResponseStreamingError()
        ):
            return StorageUnreachable(f"{operation}: no usable answer from the storage ({type(error).__name__}).")
        case boto.BotoCoreError():
            return UsageError(f"{operation} cannot be sent ({type(error).__name__}).")
    return error


def _distrusts(error: BaseException) -> bool:
    """Whether a certificate stands behind a failure of TLS; anything else there is a connection that broke."""
    seen: list[BaseException] = []
    left: list[object] = [error]
    while left:
        one = left.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            # urllib3 keeps what it wraps among the arguments, botocore nowhere but in the chain
            left += [one.__cause__, one.__context__, *one.args]
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in seen)


def retry_after(error: Exception) -> float | None:
    """Seconds that the storage asked to wait, None if it did not say."""
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    value = str(headers.get("retry-after", ""))
    return float(value) if value.isdecimal() else None


def _refusal(response: Any, operation: str) -> StorageError:
    detail = response.get("Error", {})
    facts = response.get("ResponseMetadata", {})
    code, status = str(detail.get("Code", "")), int(facts.get("HTTPStatusCode", 0)) or None
    kind = _CODES.get(code) or _STATUSES.get(status or 0)
    if kind is None:
        kind = StorageUnavailable if status is not None and status >= 500 else StorageRefused
    text = str(detail.get("Message", "")).strip() or "no reason was given."
    return kind(
        f"{operation}: {code or status}: {text}",
        code=code,
        http_status=status,
        request_id=str(facts.get("RequestId", "")),
    )
