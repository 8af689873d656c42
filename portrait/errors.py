"""Every way a call can end badly, as a tree of exceptions that carry a decision.

An error says what happened, whether the call may have taken effect, whether sending it again can help, and what to do
next. Which code of the service becomes which class is in `portrait.codes`.

*Full* (`QuotaExceeded`) and *throttled* (`Throttled`) share no base but `ApiError`: programs that confused them have
deleted live assets (contract §4).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from portrait.models import Asset
    from portrait.state import Lease


__all__ = [
    "AIGCNotAvailable",
    "AccountError",
    "AmbiguousGroup",
    "ApiError",
    "AssetFailed",
    "AssetVanished",
    "AuthError",
    "BadResponse",
    "ConnectFailed",
    "ConnectionLost",
    "Forbidden",
    "Interrupted",
    "InvalidParameter",
    "InvalidRequest",
    "InvalidToken",
    "MediaRejected",
    "MissingParameter",
    "NoFreeSlot",
    "NotAccessible",
    "NotFound",
    "OutcomeError",
    "PortraitError",
    "QuotaExceeded",
    "Retry",
    "ServerError",
    "SessionError",
    "StateError",
    "SubscriptionRequired",
    "Throttled",
    "Timeout",
    "TokenExpired",
    "TransportError",
    "UnknownOutcome",
    "UsageError",
    "ValidatePending",
    "ValidationFailed",
    "WaitTimeout",
]


class Retry(StrEnum):
    """Whether sending the same call again can help."""

    NEVER = "never"
    BACKOFF = "after a pause"
    VERIFY_FIRST = "after looking whether it was carried out"
    IN_WINDOW = "while the validation window is open"
    AFTER_DELETING = "after something was deleted"


def _rebuild(cls: type[PortraitError], args: tuple[Any, ...], state: dict[str, Any]) -> PortraitError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


def _without_link(value: Any) -> Any:
    """An asset goes without its signed link where an error is pickled: task queues store and log errors."""
    return value.without_link() if hasattr(value, "without_link") else value


class PortraitError(Exception):
    """The base of everything this library raises on purpose.

    Attributes:
        message: What happened, in one sentence, without secrets.
        advice: What to do next, as a sentence; that of the class where a place has none of its own.
        retry: Whether sending the same call again can help.
        may_have_executed: True where the service may have done what was asked although no answer says so.
    """

    advice: str = "Correct what the message names, then try again."
    retry: Retry = Retry.NEVER
    may_have_executed: bool = False

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if advice:
            self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".rstrip()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r})"

    # Exceptions with keyword arguments do not unpickle by themselves.
    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: _without_link(value) for name, value in self.__dict__.items()}
        return _rebuild, (type(self), self.args, state)


class UsageError(PortraitError):
    """The call cannot be made as it stands; nothing was sent."""


class StateError(PortraitError):
    """What this side remembers across runs could not be read or written.

    It says nothing about the service. `may_have_executed` is false: where it is raised before a call, the call was not
    sent, and what the state does can be done again.
    """

    advice = "Name another one by state=."

    def __init__(self, message: str, *, advice: str | None = None, retry: Retry = Retry.NEVER) -> None:
        super().__init__(message, advice=advice)
        self.retry = retry


class TransportError(PortraitError):
    """No usable answer came back.

    Attributes:
        action: The Action that was called, "" outside of a call.
        http_status: The status of the answer, where one came at all.
        may_have_executed: False only where the request surely never reached the service.
    """

    advice = "Check the network, then try again."

    def __init__(
        self,
        message: str,
        *,
        action: str = "",
        may_have_executed: bool = False,
        http_status: int | None = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(message, advice=advice)
        self.action = action
        self.may_have_executed = may_have_executed
        self.http_status = http_status

    def __str__(self) -> str:
        doubt = " The call may have been carried out." if self.may_have_executed else ""
        return super().__str__() + doubt


class ConnectFailed(TransportError):
    """No connection could be made: nothing was sent."""

    advice = "Check base_url=, the network and the proxy."
    retry = Retry.BACKOFF


class ConnectionLost(TransportError):
    """The connection ended before a whole answer was read."""

    advice = "Try again; where something was to be created, look at the lists first."

    retry = Retry.BACKOFF


class Timeout(TransportError):
    """No answer within the time allowed."""

    advice = "Try again later. timeout= allows more time."
    retry = Retry.BACKOFF


class BadResponse(TransportError):
    """Something answered, but not with the protocol: an HTML page, an empty or a cut-off body.

    Attributes:
        retry_after: Seconds that the answer asked to wait, None if it did not say.
    """

    retry_after: float | None = None
    advice = "Check base_url=, which ends in /v1 for AllToken; a proxy may have answered in its place."
    retry = Retry.BACKOFF


class ApiError(PortraitError):
    """The service refused the call.

    Attributes:
        code: The service's code as it came, such as `InvalidParameter.WidthTooSmall`.
        code_number: Ark's number of the code (`CodeN`), such as 100009; None where it gave none. Contract §1.
        data: What Ark says besides (`Data`), such as `{"__Message.parameter": "Id"}`; empty where it says nothing.
        detail: What follows the known part of the code, "" if nothing does.
        action: The Action that was called.
        request_id: The service's id of the request, "" if it gave none.
        http_status: The HTTP status, which says little: AllToken answers 200 with an error inside.
        retry_after: Seconds that the service asked to wait, None if it did not say.
        response: The body as it came, for what this class does not name.
    """

    advice = "The message is the provider's; its support finds the call by the request id."

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        code_number: int | None = None,
        data: Mapping[str, Any] | None = None,
        detail: str = "",
        action: str = "",
        request_id: str = "",
        http_status: int | None = None,
        retry_after: float | None = None,
        response: Mapping[str, Any] | None = None,
        advice: str | None = None,
        retry: Retry | None = None,
    ) -> None:
        super().__init__(message, advice=advice)
        self.code = code
        self.code_number = code_number
        self.data: Mapping[str, Any] = data or {}
        self.detail = detail
        self.action = action
        self.request_id = request_id
        self.http_status = http_status
        self.retry_after = retry_after
        self.response = response
        if retry is not None:
            self.retry = retry

    def __str__(self) -> str:
        where = f"{self.action}: " if self.action else ""
        code = f"{self.code}: " if self.code else ""
        request = f" (request id {self.request_id})" if self.request_id else ""
        return f"{where}{code}{super().__str__()}{request}"

    def __repr__(self) -> str:
        fields = f"code={self.code!r}, action={self.action!r}, request_id={self.request_id!r}"
        return f"{type(self).__name__}({self.message!r}, {fields})"


class InvalidRequest(ApiError):
    """The request itself is wrong; the same request will be refused again."""

    advice = "Fix the request."


class MissingParameter(InvalidRequest):
    """A required field is absent or empty; `detail` names it."""


class InvalidParameter(InvalidRequest):
    """A field has a value that the service does not take."""


class MediaRejected(InvalidRequest):
    """The file behind the URL does not fit; `detail` names the fault, such as `WidthTooSmall`."""

    advice = "Use a file within the service's limits."


class AuthError(ApiError):
    """The key is missing, unknown or not allowed to do this."""

    advice = "Check the API key, and that it belongs to this provider."


class AccountError(ApiError):
    """The account, not the request, stands in the way: plan, balance or a feature that is not enabled."""

    advice = "Look at the account's plan and balance."


class AIGCNotAvailable(AccountError):
    """AIGC groups are not enabled for the account."""

    advice = "Contact the provider's support, or use the LivenessFace flow."


class SubscriptionRequired(AccountError):
    """The account's plan does not include this Action; the key is fine."""

    advice = "Activate the subscription that the message names."


class NotAccessible(ApiError):
    """The id is not yours, or does not exist; the service does not say which."""

    advice = "Use only ids that were returned to your own key."


class Forbidden(NotAccessible):
    """AllToken's word for an id of another customer, or one that never existed."""


class NotFound(NotAccessible):
    """The thing is not there: Ark's word for an unknown id, AllToken's for an asset that has expired."""


class SessionError(ApiError):
    """A liveness validation gave no group."""

    advice = "Create a new validation session."


class ValidatePending(SessionError):
    """The scan is not finished, or it failed; the service does not say which."""

    advice = "Wait and ask again while the 120-second window is open."
    retry = Retry.IN_WINDOW


class InvalidToken(SessionError):
    """The BytedToken is unknown, was used already, or belongs to another key."""

    advice = "Create a new validation session."


class TokenExpired(SessionError):
    """The BytedToken is older than its life."""

    advice = "Create a new validation session and have the person scan again."


class QuotaExceeded(ApiError):
    """Full: the group or asset quota is used up. Waiting does not help."""

    advice = "Delete groups or assets that are no longer used (`portrait rm`), then try again."
    retry = Retry.AFTER_DELETING


class Throttled(ApiError):
    """Too many calls at once. Waiting helps; nothing needs to be deleted."""

    advice = "Wait a minute, then try again; nothing needs to be deleted. pace= limits the calls per second."
    retry = Retry.BACKOFF


class ServerError(ApiError):
    """The service or its upstream failed; the call may have taken effect."""

    advice = "Try again later."
    retry = Retry.BACKOFF
    may_have_executed = True


class OutcomeError(PortraitError):
    """Every call worked, but the outcome is not the one asked for."""

    advice = "Look at the lists, then decide."


DOWNLOAD_ADVICE = (
    "The service could not fetch the file: its address must be public, without a login. Connect a public domain to the "
    "bucket, and look from outside by check_public=."
)


class AssetFailed(OutcomeError):
    """The review ended in Failed. Final for this file, unless `retryable`.

    Attributes:
        asset: The asset as it was last read.
        code: Why, such as `FaceMismatch`; "" if the service did not say.
        retryable: True where the fault lay with the service, and the same file may pass (contract §3).
    """

    advice = "Delete the asset (`portrait rm`): a failed one still takes a quota slot."
    RETRYABLE_CODES: ClassVar[frozenset[str]] = frozenset(
        {"DownloadFailed", "InternalError", "ModerationServiceErrorUploadFailed"}
    )

    def __init__(self, message: str, *, asset: Asset, code: str = "") -> None:
        super().__init__(message)
        self.asset = asset
        self.code = code
        self.retryable = not self.RETRYABLE_CODES.isdisjoint(code.split("."))
        if "DownloadFailed" in code.split("."):
            self.advice = DOWNLOAD_ADVICE


class WaitTimeout(OutcomeError):
    """The state that was waited for did not come in time. Nothing is lost.

    Attributes:
        waited: Seconds that were waited.
        last: What was read last, None if nothing was.
    """

    advice = "It may still come: wait again with the same id (`portrait wait`)."
    retry = Retry.BACKOFF

    def __init__(self, message: str, *, waited: float, last: object = None, advice: str | None = None) -> None:
        super().__init__(message, advice=advice)
        self.waited = waited
        self.last = last


class ValidationFailed(OutcomeError):
    """The person's liveness check ended without a pass, as the page told the CallbackURL.

    Attributes:
        code: The page's `resultCode`, such as 41007; None where it gave none that is a number.
        sub_code: Its `algorithmBaseRespCode`, 0 for the same person; None likewise.
        meaning: What the code means; "" for an unknown one.
    """

    advice = "Create a new validation session and have the person scan again."

    def __init__(
        self, message: str, *, code: int | None = None, sub_code: int | None = None, meaning: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.sub_code = sub_code
        self.meaning = meaning


class AssetVanished(OutcomeError):
    """The asset was there and no longer is, or never appeared after its creation.

    Attributes:
        asset_id: The id that was asked for.
    """

    advice = "Somebody may have deleted it, or its group."

    def __init__(self, message: str, *, asset_id: str, advice: str | None = None) -> None:
        super().__init__(message, advice=advice)
        self.asset_id = asset_id


class AmbiguousGroup(OutcomeError):
    """Several groups bear the name that was to name one.

    Attributes:
        group_ids: The ids of all of them, oldest first.
    """

    advice = "Say which one by its id."

    def __init__(self, message: str, *, group_ids: tuple[str, ...]) -> None:
        super().__init__(message)
        self.group_ids = group_ids


class UnknownOutcome(OutcomeError):
    """An answer was lost, and what the service did could not be found out."""

    advice = "Look at the lists before you try again."
    retry = Retry.VERIFY_FIRST
    may_have_executed = True


class NoFreeSlot(OutcomeError):
    """Every slot of a pool is in use, and none became free in time.

    Attributes:
        leases: Who holds what, and for how many seconds more.
    """

    advice = "Try again later, or lease fewer assets at once. timeout= allows more time."
    retry = Retry.BACKOFF

    def __init__(self, message: str, *, leases: tuple[Lease, ...] = ()) -> None:
        super().__init__(message)
        self.leases = leases


class Interrupted(OutcomeError):
    """Work of many parts was stopped before this part was done."""

    advice = "Run again: it goes on where it stopped."

    def __init__(self, message: str = "Stopped before it was done.", *, advice: str | None = None) -> None:
        super().__init__(message, advice=advice)
