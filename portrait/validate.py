"""`validate_person`: checks for room, opens sessions and waits, until a person has passed the liveness check.

`Validations` connects the flow that waits for a validation with the server of its CallbackURL in the same process
(`portrait.web`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import Future
from types import NoneType
from typing import TYPE_CHECKING, Protocol, get_args

from attrs import asdict, define, evolve, field, frozen

from portrait.actions import CREATE_VISUAL_VALIDATE_SESSION
from portrait.arguments import CALLABLE, COUNT, NONE, TEXT, check_arguments, either, number
from portrait.errors import (
    PortraitError,
    QuotaExceeded,
    TokenExpired,
    UnknownOutcome,
    UsageError,
    ValidationFailed,
)
from portrait.flow import Flow, Invoke
from portrait.models import (
    CreateVisualValidateSessionRequest,
    GroupType,
    Language,
    VisualValidateResult,
    VisualValidateSession,
)
from portrait.pagination import group_pages
from portrait.providers import Capability
from portrait.wait import check_wait, wait_until_validated

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

NONCE = "portrait_nonce"
"""The parameter of CallbackURL that identifies a validation: the page may leave its token out (contract §3, M)."""

MAX_ENDED = 1000
"""Validations of a client that have ended, and are remembered for callbacks that come after that."""

_FINAL = (NoneType, TokenExpired, UnknownOutcome, ValidationFailed)  # results that the service cannot give again


_KINDS = {
    "callback_url": TEXT,
    "show": CALLABLE,
    "attempts": COUNT,
    "language": either(TEXT, NONE),
    "quota": either(number("a whole number, 0 or more", int, low=0), NONE),
}


@frozen(kw_only=True)
class Query:
    """The arguments of `validate_person`; see the clients' methods."""

    callback_url: str
    show: Callable[[VisualValidateSession], object]
    attempts: int
    language: Language | None
    timeout: float | None
    poll: float
    quota: int | None

    def __attrs_post_init__(self) -> None:
        check_arguments(_KINDS, asdict(self))
        check_wait(self.timeout, self.poll)


@define(eq=False)
class Validation:
    """A validation that a flow waits for, or has waited for.

    Attributes:
        failure: The error that the CallbackURL was told, None so far.
        result: How the wait ended.
    """

    failure: ValidationFailed | None = None
    result: Future[VisualValidateResult] = field(factory=Future)


class Validations:
    """The validations of a client's `validate_person`, by their nonce. Safe across threads.

    Those that have ended stay for a while: the browser may come after the wait has read the result, which used up the
    token.
    """

    def __init__(self) -> None:
        self._by_nonce: dict[str, Validation] = {}

    def get(self, nonce: str) -> Validation | None:
        """The validation with that nonce, None if no flow has waited for it."""
        return self._by_nonce.get(nonce)

    def start(self, nonce: str) -> Validation:
        """Enter a validation that a flow begins to wait for, and drop the oldest of those that have ended."""
        ended = [nonce for nonce, validation in list(self._by_nonce.items()) if validation.result.done()]
        for old in ended[: len(ended) - MAX_ENDED]:
            self._by_nonce.pop(old, None)
        return self._by_nonce.setdefault(nonce, Validation())

    def finish(self, nonce: str) -> None:
        """Drop a validation whose wait has ended, unless the service has said how it ended."""
        validation = self._by_nonce[nonce]
        result = validation.result
        if not result.done():
            result.cancel()
        if result.cancelled() or not isinstance(result.exception(), _FINAL):
            del self._by_nonce[nonce]


def new_nonce() -> str:
    """A nonce that nobody can guess."""
    return secrets.token_urlsafe(16)


def add_nonce(callback_url: str, nonce: str) -> str:
    """A CallbackURL with a nonce at the end of its query."""
    base, hash_, fragment = callback_url.partition("#")
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{joint}{NONCE}={nonce}{hash_}{fragment}"


class Validator(Protocol):
    """The interface of a provider's liveness check."""

    @property
    def endpoint(self) -> Endpoint:
        """Of the client."""

    def open_session(self, callback_url: str) -> Flow[VisualValidateSession]:
        """Open a liveness check."""

    def wait_for_result(
        self,
        token: VisualValidateSession,
        timeout: float | None,
        poll: float,
        failure: Callable[[], PortraitError | None],
    ) -> Flow[VisualValidateResult]:
        """Wait until the person has passed; `failure` gives the error that the CallbackURL was told."""


@frozen(kw_only=True)
class ActionValidator:
    """A `Validator` over Actions."""

    endpoint: Endpoint

    def open_session(self, callback_url: str) -> Flow[VisualValidateSession]:
        """As `Validator.open_session`."""
        request = CreateVisualValidateSessionRequest(callback_url=callback_url)
        return self.endpoint.call(CREATE_VISUAL_VALIDATE_SESSION, request)

    def wait_for_result(
        self,
        token: VisualValidateSession,
        timeout: float | None,
        poll: float,
        failure: Callable[[], PortraitError | None],
    ) -> Flow[VisualValidateResult]:
        """As `Validator.wait_for_result`."""
        return wait_until_validated(self.endpoint, token, timeout, poll, failure)


def validate_person(validator: Validator, validations: Validations, query: Query) -> Flow[VisualValidateResult]:
    """Let a person pass the liveness check, in as many sessions as are allowed; the person's group.

    Raises:
        QuotaExceeded: There is no room for a group; no session was made.
        TokenExpired: Nobody passed while the last session lived.
        ValidationFailed: The last scan failed.
        PortraitError: As `wait_until_validated`.
    """
    if query.attempts < 1:
        raise UsageError("A validation takes at least one session: attempts= is 1 or more.")
    if query.language is not None and query.language not in get_args(Language):
        raise UsageError(
            f"There is no page in {query.language!r}.", advice=f"Languages: {', '.join(get_args(Language))}."
        )
    if query.quota is not None:
        yield from _check_room(validator.endpoint, query.quota)
    for _ in range(query.attempts - 1):
        try:
            return (yield from _validate_once(validator, validations, query))
        except (TokenExpired, ValidationFailed):
            continue
    return (yield from _validate_once(validator, validations, query))


def _validate_once(validator: Validator, validations: Validations, query: Query) -> Flow[VisualValidateResult]:
    """One session: created, shown and waited for."""
    nonce = new_nonce()
    session = yield from validator.open_session(add_nonce(query.callback_url, nonce))
    if query.language is not None:
        session = evolve(session, h5_link=session.link(query.language))
    validation = validations.start(nonce)
    try:
        yield Invoke(lambda: query.show(session))
        result = yield from validator.wait_for_result(session, query.timeout, query.poll, lambda: validation.failure)
    except PortraitError as error:
        validation.result.set_exception(error)
        raise
    else:
        validation.result.set_result(result)
        return result
    finally:
        validations.finish(nonce)


def _check_room(endpoint: Endpoint, quota: int) -> Flow[None]:
    """See that one more group fits, as far as lists show it: a pass that ends in "full" is the worst (contract §3).

    Lists show one project, and the quota is the customer's: what they show is the least that is taken.
    """
    endpoint.provider.require(Capability.LIBRARY, "Leave quota= out: nothing shows how many groups there are.")
    count = 0
    for group_type in GroupType:
        pages = group_pages(by_cursor=endpoint.dialect.cursor_paging, group_type=group_type)
        while count < quota and (request := pages.next_request()) is not None:
            count += len(pages.consume((yield from endpoint.call(pages.action, request))))
    if count >= quota:
        raise QuotaExceeded(
            f"{count} of {quota} groups are taken: a person who passed now would get none.",
        )
