"""Waiting for one asset to become Active, and for one validation to be passed: flows over single calls.

What a wait promises: it ends with the state, with the error that says why the state will never come, or at its deadline
with what was read last. A passing fault of the network or the service does not end it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from portrait.actions import GET_ASSET, GET_VISUAL_VALIDATE_RESULT, LIST_ASSET_GROUPS
from portrait.arguments import NONE, SECONDS, SPAN, TEXT, check_arguments, either, one_of
from portrait.errors import (
    ApiError,
    AssetFailed,
    AssetVanished,
    InvalidToken,
    NotAccessible,
    PortraitError,
    Retry,
    SessionError,
    TokenExpired,
    UnknownOutcome,
    ValidatePending,
    WaitTimeout,
)
from portrait.events import WaitProgress
from portrait.flow import Flow, Notify, RunBlocking, Sleep
from portrait.http import Timeouts
from portrait.models import (
    Asset,
    AssetGroup,
    AssetStatus,
    AssetType,
    GetAssetRequest,
    GetVisualValidateResultRequest,
    GroupFilter,
    GroupPage,
    GroupType,
    ListAssetGroupsRequest,
    Response,
    VisualValidateResult,
    VisualValidateSession,
)
from portrait.recent_creates import VISIBILITY_LAG
from portrait.retry import NO_RETRY
from portrait.uri import parse_asset_id

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

T = TypeVar("T")

TOKEN_POLL = 2.0  # seconds; well below Ark's 3 calls per second, contract §6
POLL = 3.0  # seconds; the vendor's advice, contract §3 (M)
GRACE = 10.0  # seconds in which "not there" may still be a read that lags, contract §3 (M)
DEADLINES: Mapping[str, float] = {AssetType.IMAGE: 60.0, AssetType.VIDEO: 180.0, AssetType.AUDIO: 180.0}
NOT_VISIBLE = "not visible yet"  # the status of what this client created and no read shows
NEW_VALIDATION = "Create a new validation session and have the person scan again."
# Seconds before each look for the group of a lost answer: the first when most reads no longer lag.
RECOVERY_DELAYS = (GRACE, 5.0, 10.0)
UNKNOWN_SKEW = 60.0  # seconds, where the service does not tell its time
SKEW = 2.0  # seconds by which two clocks may differ, and a time of the wire is cut off


_WAIT = {"timeout": either(SECONDS, NONE), "poll": SPAN}
_TOKEN = {"token": either(TEXT, one_of("a session", VisualValidateSession))}


def check_wait(timeout: float | None, poll: float) -> None:
    """See that a wait ends.

    Args:
        timeout: Seconds in all; None for the usual ones.
        poll: Seconds between two looks.

    Raises:
        UsageError: It would not.
    """
    check_arguments(_WAIT, {"timeout": timeout, "poll": poll})


class _Poller:
    """How long a wait has lasted and may last."""

    def __init__(self, endpoint: Endpoint, deadline: float, poll: float) -> None:
        check_wait(deadline, poll)
        # Each look is one attempt: the wait comes again by itself, and knows when to give up.
        self.endpoint = evolve(endpoint, policy=NO_RETRY)
        self.deadline = deadline
        self.poll = poll
        self.started = endpoint.clock.monotonic()
        self.last_error: PortraitError | None = None

    @property
    def waited(self) -> float:
        return self.endpoint.clock.monotonic() - self.started

    def follow(self, asset: Asset | None, timeout: float | None) -> None:
        """Without a timeout of the caller's, the deadline follows the asset's type."""
        if timeout is None and asset is not None:
            self.deadline = DEADLINES.get(asset.asset_type, self.deadline)

    def timeouts(self) -> Timeouts:
        """No single call outlasts the wait by more than a second."""
        usual = self.endpoint.timeouts
        remaining = max(1.0, self.deadline - self.waited)
        return evolve(usual, total=remaining if usual.total is None else min(usual.total, remaining))

    def sleep_or_expire(self, what: str, id: str, status: str) -> Flow[bool]:  # noqa: A002
        """Report and pause, longer if the service asked for it; False at the deadline."""
        remaining = self.deadline - self.waited
        if remaining <= 0:
            return False
        yield Notify(WaitProgress(what=what, id=id, status=status, waited=self.waited, deadline=self.deadline))
        retry_after = self.last_error.retry_after if isinstance(self.last_error, ApiError) else None
        yield Sleep(min(max(self.poll, retry_after or 0.0), remaining))
        return True

    def call(self, action: Any, request: Any) -> Flow[Any]:
        """One call; None after an error that may pass."""
        try:
            answer = yield from self.endpoint.call(action, request, self.timeouts())
        except PortraitError as error:
            if error.retry not in {Retry.BACKOFF, Retry.VERIFY_FIRST}:
                raise
            self.last_error = error
            return None
        self.last_error = None
        return answer


def wait_until_active(endpoint: Endpoint, asset_id: str, timeout: float | None, poll: float) -> Flow[Asset]:
    """Poll GetAsset until the asset is Active.

    An asset that this client, or one with the same state, created a short time ago, and that was never read, is not
    visible yet: it is waited for until the deadline (contract §3).

    Raises:
        AssetFailed: The review ended in Failed.
        AssetVanished: It is not there, for longer than a lagging read explains.
        WaitTimeout: Not finished within `timeout` seconds (60 for an image, 180 for video and audio).
    """
    asset_id = parse_asset_id(asset_id)
    poller = _Poller(endpoint, DEADLINES[AssetType.IMAGE] if timeout is None else timeout, poll)
    last: Asset | None = None
    gone_since: float | None = None
    while True:
        status = "unknown"
        try:
            asset = yield from poller.call(GET_ASSET, GetAssetRequest(id=asset_id))
        except NotAccessible as error:
            gone_since = poller.waited if gone_since is None else gone_since
            status = "not found"
            yield from recall_create(endpoint, asset_id)
            if last is None and endpoint.recent.lag_left(asset_id, endpoint.clock.monotonic()):
                status = NOT_VISIBLE
            elif poller.waited - gone_since >= GRACE:
                raise asset_vanished(asset_id, last) from error
        else:
            if asset is not None:
                last, status, gone_since = asset, str(asset.status), None
        if last is not None and status == AssetStatus.ACTIVE:
            return last
        if last is not None and status == AssetStatus.FAILED:
            raise asset_failed(last)
        poller.follow(last, timeout)
        if not (yield from poller.sleep_or_expire("asset", asset_id, status)):
            raise asset_timeout(asset_id, status, poller.waited, last) from poller.last_error


def wait_until_validated(
    endpoint: Endpoint,
    token: str | VisualValidateSession,
    timeout: float | None,
    poll: float,
    failure: Callable[[], PortraitError | None] = lambda: None,
) -> Flow[VisualValidateResult]:
    """Poll GetVisualValidateResult until the person has passed.

    The answer that carries the group uses the token up. If that answer is lost, the group is looked for among the
    LivenessFace groups that were made since the check was last read as pending (contract §3). It is looked for only if
    this very wait has read it as pending: a token that somebody else used up, or that nobody knows, leads to no group.

    The service does not tell a failed scan from an open one; `failure` gives the error that the CallbackURL was told,
    and ends the wait once the service says pending as well.

    Raises:
        TokenExpired: The token's life is over: 120 seconds, at BytePlus 1800.
        InvalidToken: The token is unknown or was used already.
        WaitTimeout: Not passed within `timeout` seconds.
        UnknownOutcome: The answer was lost, and which group is the person's is not certain.
    """
    check_arguments(_TOKEN, {"token": token})
    life = endpoint.provider.token_life
    poller = _Poller(endpoint, life if timeout is None else timeout, poll)
    lost = False  # did an answer get lost which may have been the one with the group?
    since: float | None = None  # a group made before it was last pending belongs to somebody else
    request = GetVisualValidateResultRequest(byted_token=token if isinstance(token, str) else token.byted_token)
    while True:
        status = "pending"
        asked_at = endpoint.clock.now()
        try:
            result: VisualValidateResult | None = yield from poller.call(GET_VISUAL_VALIDATE_RESULT, request)
        except ValidatePending as pending:
            poller.last_error = pending
            error = failure()
            if error is not None and not lost:
                raise error from pending
            # Ark says the same of a token that is used up, so that it does not prove that nothing was lost.
            if not (lost and endpoint.dialect.pending_is_ambiguous):
                lost, since = False, asked_at - SKEW
            if endpoint.dialect.pending_is_ambiguous and poller.waited >= life:  # contract §10.9, §10.13
                return (yield from _end(endpoint, _expired(pending), since, lost=lost))
        except (InvalidToken, TokenExpired) as used:
            return (yield from _end(endpoint, used, since, lost=lost))
        else:
            if result is not None and result.group_id:
                return result
            status, lost = "unknown", lost or (poller.last_error is not None and poller.last_error.may_have_executed)
        if not (yield from poller.sleep_or_expire("validation", "", status)):
            raise WaitTimeout(
                f"The liveness check is not passed after {poller.waited:.0f} s.",
                waited=poller.waited,
                advice=NEW_VALIDATION,
            ) from poller.last_error


def _expired(pending: ValidatePending) -> TokenExpired:
    return TokenExpired(
        "Nobody passed the liveness check while its token lived.",
        code=pending.code,
        action=pending.action,
        request_id=pending.request_id,
        http_status=pending.http_status,
        response=pending.response,
    )


def _end(endpoint: Endpoint, used: SessionError, since: float | None, *, lost: bool) -> Flow[VisualValidateResult]:
    """Raise the error of a token without a group, unless the answer with the group may have been lost."""
    if not lost:
        raise used
    if since is None:
        raise UnknownOutcome(
            "An answer about the liveness check was lost, and whose group it named is not known.",
            advice=NEW_VALIDATION,
        ) from used
    return (yield from _recover(endpoint, used, since))


def _recover(endpoint: Endpoint, used: SessionError, since: float) -> Flow[VisualValidateResult]:
    """The token was used up by a call of ours whose answer was lost: find the group that it made.

    A wrong guess would give one person's group to another: it is taken only if it is the only one that can be meant.
    """
    candidates: list[AssetGroup] = []
    response = Response()
    for delay in RECOVERY_DELAYS:
        before = {group.id for group in candidates}
        yield Sleep(delay)
        candidates, response = yield from _new_face_groups(endpoint, since)
        # Lists lag by some seconds, and not by the same for each group: the first look may show another person's alone.
        if before and before == {group.id for group in candidates}:
            break
    if isinstance(used, TokenExpired) and not candidates:
        raise used
    # Only InvalidToken proves that the token was used: an expired one may never have been.
    if len(candidates) == 1 and parse_timestamp(candidates[0].create_time) and isinstance(used, InvalidToken):
        return VisualValidateResult(group_id=candidates[0].id, response=response)
    ids = ", ".join(group.id for group in candidates) or "none"
    raise UnknownOutcome(
        f"The answer with the group was lost; new LivenessFace groups: {ids}.",
        advice=f"Is none of them surely this person's? {NEW_VALIDATION}",
    ) from used


def _new_face_groups(endpoint: Endpoint, since: float) -> Flow[tuple[list[AssetGroup], Response]]:
    newest = ListAssetGroupsRequest(filter=GroupFilter(group_type=GroupType.LIVENESS_FACE), page_size=100)
    page = yield from endpoint.call(LIST_ASSET_GROUPS, newest)
    since -= _clock_skew(page, endpoint.clock.now())
    groups = [group for group in page.items if group.group_type == GroupType.LIVENESS_FACE]
    return [group for group in groups if (parse_timestamp(group.create_time) or inf) >= since], page.response


def _clock_skew(page: GroupPage, now: float) -> float:
    """Seconds by which our clock may be ahead of the service's, by the `Date` of its answer."""
    try:
        return max(0.0, now - parsedate_to_datetime(page.response.headers["date"]).timestamp())
    except (KeyError, ValueError):
        return UNKNOWN_SKEW


def call_when_visible(endpoint: Endpoint, subject: str, call: Callable[[], Flow[T]], *, what: str = "group") -> Flow[T]:
    """A call about something that this client may have created a moment ago: tried again until it is visible.

    For everything else it is one call. Contract §3: reads, and creates into a fresh group, lag behind (M).

    Args:
        endpoint: Of the client.
        subject: The id of what it is about.
        call: Makes the call.
        what: It is, for events.

    Raises:
        NotAccessible: It is not there, and no lag explains that.
        PortraitError: The call failed otherwise.
    """
    while True:
        try:
            return (yield from call())
        except NotAccessible as error:
            yield from pause_until_visible(endpoint, subject, error, what=what)


def pause_until_visible(endpoint: Endpoint, subject: str, error: NotAccessible, *, what: str = "group") -> Flow[None]:
    """Pause before another try of a call whose subject this client may have created a moment ago.

    Args:
        endpoint: Of the client.
        subject: The id of what was not there.
        error: Of the call.
        what: It is, for events.

    Raises:
        NotAccessible: That one, where no lag explains it.
    """
    yield from recall_create(endpoint, subject)
    remaining = endpoint.recent.lag_left(subject, endpoint.clock.monotonic())
    if remaining <= 0:
        raise error
    waited = VISIBILITY_LAG - remaining
    yield Notify(WaitProgress(what=what, id=subject, status=NOT_VISIBLE, waited=waited, deadline=VISIBILITY_LAG))
    yield Sleep(min(POLL, remaining))


def recall_create(endpoint: Endpoint, some_id: str) -> Flow[None]:
    """Learn from the state, if there is one, whether another process created it a short time ago."""
    if (create_age := endpoint.create_age) is None or endpoint.recent.knows(some_id):
        return
    age: float | None = yield RunBlocking(lambda: create_age(some_id))
    if age is not None:
        endpoint.recent.add(some_id, endpoint.clock.monotonic() - age)


def asset_vanished(asset_id: str, last: Asset | None) -> AssetVanished:
    """The error for an asset that is not there.

    Args:
        asset_id: Its id.
        last: What was read last, None if nothing was.
    """
    if last is not None:
        return AssetVanished(f"{asset_id} was there, and is no longer.", asset_id=asset_id)
    return AssetVanished(
        f"{asset_id} is not there.",
        asset_id=asset_id,
        advice="Check the id, and that it belongs to this key; somebody may have deleted it, or its group.",
    )


def asset_timeout(asset_id: str, status: str, waited: float, last: Asset | None) -> WaitTimeout:
    """The error for an asset that is not finished at the deadline.

    Args:
        asset_id: Its id.
        status: What was read last, such as `Processing`.
        waited: Seconds.
        last: The asset as it was read last, None if it was not.
    """
    if status != NOT_VISIBLE:
        return WaitTimeout(f"{asset_id} is still {status} after {waited:.0f} s.", waited=waited, last=last)
    message = f"{asset_id} was created by this client and is {status} after {waited:.0f} s: reads lag behind creates."
    return WaitTimeout(message, waited=waited)


def asset_failed(asset: Asset) -> AssetFailed:
    """The error for an asset whose review ended in Failed."""
    failure = asset.failure
    code = failure.code if failure else ""
    parts = (failure.code, failure.message) if failure else ()
    why = ": ".join(filter(None, parts)) or "the service does not say why"
    return AssetFailed(f"The review of {asset.id} failed: {why.rstrip('.')}.", asset=asset, code=code)


def parse_timestamp(time: str) -> float:
    """Seconds since 1970 of a time of the wire; 0.0 for one that cannot be read."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return 0.0
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
