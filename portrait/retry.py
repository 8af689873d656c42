"""When a call is sent again, and after how long.

The rule (contract §4, *What is safe to send again*): a call that surely was not carried out may always be repeated; one
that may have been is repeated only if its Action says that this does no harm.
"""

from __future__ import annotations

from attrs import asdict, frozen

from portrait.actions import Idempotency
from portrait.arguments import COUNT, SECONDS, check_arguments, number
from portrait.errors import ApiError, BadResponse, PortraitError, Retry

_KINDS = {
    "attempts": COUNT,
    "factor": number("a number from 1 on", low=1),
    **dict.fromkeys(("first", "longest", "patience"), SECONDS),
}


@frozen(kw_only=True)
class RetryPolicy:
    """How often a call is sent, and how long the pauses between are.

    Attributes:
        attempts: How often a call is sent at most; 1 turns retries off.
        first: Seconds before the second attempt.
        factor: By how much each pause is longer than the one before.
        longest: Seconds; the longest pause of the client's own. One that the service asks for may be longer.
        patience: Seconds; if the service asks for a longer pause, the error is raised at once.
    """

    attempts: int = 4
    first: float = 0.5
    factor: float = 2.0
    longest: float = 8.0
    patience: float = 60.0

    def __attrs_post_init__(self) -> None:
        check_arguments(_KINDS, asdict(self))


NO_RETRY = RetryPolicy(attempts=1)
PATIENT_ATTEMPTS = 12  # with the usual pauses about a minute


def should_retry(idempotency: Idempotency, error: PortraitError) -> bool:
    """May a call that ended so be sent again?"""
    if error.retry is not Retry.BACKOFF:
        return False
    return idempotency is not Idempotency.UNSAFE or not error.may_have_executed


_VERIFY = "Look at the lists whether it was carried out, before you try again."


def require_verification(idempotency: Idempotency, error: PortraitError) -> None:
    """Let an error say that one looks first, where a call may have been carried out and is not to be done twice."""
    if error.may_have_executed and idempotency is Idempotency.UNSAFE and error.retry is Retry.BACKOFF:
        error.retry = Retry.VERIFY_FIRST
        error.advice = f"{error.advice} {_VERIFY}" if isinstance(error, BadResponse) else _VERIFY


def backoff(
    policy: RetryPolicy, attempt: int, error: PortraitError, jitter: float, *, patient: bool = False
) -> float | None:
    """Seconds before the next attempt; None if there shall be none.

    Args:
        policy: How often to send, and how long to wait.
        attempt: The attempt that failed, from 1.
        error: How it failed; the `retry_after` of the service wins over the policy's own pause, unless it is none.
        jitter: Between 0 and 1; spreads clients that failed together over half of the pause.
        patient: Try more often than the policy says, unless it says never.
    """
    attempts = max(policy.attempts, PATIENT_ATTEMPTS) if patient and policy.attempts > 1 else policy.attempts
    if attempt >= attempts:
        return None
    requested = error.retry_after if isinstance(error, ApiError | BadResponse) else None
    if requested:  # with 0 all attempts would be made in one moment
        return requested if requested <= policy.patience else None
    return exponential_backoff(policy, attempt, jitter)


def exponential_backoff(policy: RetryPolicy, attempt: int, jitter: float) -> float:
    """Seconds of the policy's own pause after that attempt, from 1; half of it is jitter, which is between 0 and 1."""
    try:
        seconds = policy.first * policy.factor ** (attempt - 1)
    except OverflowError:
        seconds = policy.longest if policy.first else 0.0
    return min(seconds, policy.longest) * (0.5 + jitter / 2)
