"""The neutral outcomes of the domain: why something is refused, before anybody has put it into words.

One outcome has different codes on different doors: somebody else's asset is `Forbidden` on AllToken and
`NotFound.asset_id` on Ark. The emulator's handlers raise a `Refusal` with a `Reason`; a dialect's table presents it.
This module knows no code, no message and no HTTP status.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a call is refused."""

    # The call as such.
    KEY_MISSING = "KeyMissing"
    KEY_UNKNOWN = "KeyUnknown"
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
    # The account.
    AIGC_NOT_AVAILABLE = "AIGCNotAvailable"
    SUBSCRIPTION_REQUIRED = "SubscriptionRequired"
    BALANCE_EMPTY = "BalanceEmpty"
    GROUP_QUOTA_FULL = "GroupQuotaFull"
    ASSET_QUOTA_FULL = "AssetQuotaFull"
    THROTTLED = "Throttled"
    # The service itself.
    UPSTREAM_UNAVAILABLE = "UpstreamUnavailable"
    INTERNAL = "Internal"


class Refusal(Exception):
    """A handler's "no".

    Attributes:
        reason: Why.
        field: The wire field that is missing or wrong, such as `Filter.GroupType`.
        id: The id, token, Action or project that was asked for.
        detail: The fault of a file, such as `WidthTooSmall`.
        why: What is wrong with the value, as the end of a sentence.
    """

    def __init__(self, reason: Reason, *, field: str = "", id: str = "", detail: str = "", why: str = "") -> None:  # noqa: A002
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.id = id
        self.detail = detail
        self.why = why

    def __repr__(self) -> str:
        return f"Refusal({self.reason}, field={self.field!r}, detail={self.detail!r}, why={self.why!r})"
