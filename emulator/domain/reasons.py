"""The reasons of refusals: neutral, for each mount has codes of its own for them.

Somebody else's asset is `Forbidden` on one mount and `NotFound.asset_id` on another. Handlers raise a `Refusal` with a
`Reason`; how it is worded is not known here.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a call is refused."""

    # The call as such.
    KEY_MISSING = "KeyMissing"
    KEY_UNKNOWN = "KeyUnknown"
    MALFORMED_AUTHORIZATION = "MalformedAuthorization"
    MALFORMED_CREDENTIAL = "MalformedCredential"
    SIGNATURE_MISSING = "SignatureMissing"
    SIGNATURE_WRONG = "SignatureWrong"
    SESSION_TOKEN_UNKNOWN = "SessionTokenUnknown"  # noqa: S105
    DATE_MISSING = "DateMissing"
    DATE_STALE = "DateStale"
    UNKNOWN_SERVICE = "UnknownService"
    MISSING_ACTION = "MissingAction"
    UNKNOWN_ACTION = "UnknownAction"
    MALFORMED_BODY = "MalformedBody"
    BODY_TOO_LARGE = "BodyTooLarge"
    FILE_TOO_LARGE = "FileTooLarge"
    MISSING_FIELD = "MissingField"
    INVALID_FIELD = "InvalidField"
    MEDIA_REJECTED = "MediaRejected"
    # Whose it is.
    UNKNOWN_GROUP = "UnknownGroup"
    UNKNOWN_ASSET = "UnknownAsset"
    UNKNOWN_PROJECT = "UnknownProject"
    ASSET_EXPIRED = "AssetExpired"
    # Validations.
    VALIDATION_OPEN = "ValidationOpen"
    TOKEN_UNKNOWN = "TokenUnknown"  # noqa: S105
    TOKEN_SPENT = "TokenSpent"  # noqa: S105
    TOKEN_EXPIRED = "TokenExpired"  # noqa: S105
    # Jobs.
    UNKNOWN_JOB = "UnknownJob"
    UNKNOWN_MODEL = "UnknownModel"
    REFERENCE_REJECTED = "ReferenceRejected"
    PERSON_SHOWN = "PersonShown"
    JOB_ENDED = "JobEnded"
    JOB_RUNNING = "JobRunning"
    # The library of a gateway.
    GROUP_NOT_EMPTY = "GroupNotEmpty"
    # The account.
    AIGC_NOT_AVAILABLE = "AIGCNotAvailable"
    SUBSCRIPTION_REQUIRED = "SubscriptionRequired"
    BALANCE_EMPTY = "BalanceEmpty"
    GROUP_QUOTA_FULL = "GroupQuotaFull"
    ASSET_QUOTA_FULL = "AssetQuotaFull"
    CREATES_THROTTLED = "CreatesThrottled"
    LISTS_THROTTLED = "ListsThrottled"
    THROTTLED = "Throttled"
    # The service itself.
    UPSTREAM_UNAVAILABLE = "UpstreamUnavailable"
    INTERNAL = "Internal"


SIGNATURE_REASONS = frozenset(
    {
        Reason.MALFORMED_AUTHORIZATION,
        Reason.MALFORMED_CREDENTIAL,
        Reason.SIGNATURE_MISSING,
        Reason.SIGNATURE_WRONG,
        Reason.SESSION_TOKEN_UNKNOWN,
        Reason.DATE_MISSING,
        Reason.DATE_STALE,
        Reason.UNKNOWN_SERVICE,
    }
)
"""Reasons that only a signed request can be refused for."""

FURTHER_REASONS = frozenset(
    {
        Reason.GROUP_NOT_EMPTY,
        Reason.UNKNOWN_JOB,
        Reason.UNKNOWN_MODEL,
        Reason.REFERENCE_REJECTED,
        Reason.PERSON_SHOWN,
        Reason.JOB_ENDED,
        Reason.JOB_RUNNING,
    }
)
"""Reasons that no Action can be refused for: those of gateways and videos."""


class Refusal(Exception):
    """A call is refused.

    Attributes:
        reason: Why.
        field: The wire field that is missing or wrong, such as `Filter.GroupType`.
        id: The id, token, Action or project that was asked for.
        detail: The fault of a file, such as `WidthTooSmall`.
        message: What is wrong with the value, as the end of a sentence.
    """

    def __init__(self, reason: Reason, *, field: str = "", id: str = "", detail: str = "", message: str = "") -> None:  # noqa: A002
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.id = id
        self.detail = detail
        self.message = message

    def __repr__(self) -> str:
        return f"Refusal({self.reason}, field={self.field!r}, detail={self.detail!r}, message={self.message!r})"
