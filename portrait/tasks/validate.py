"""The liveness check by tasks: open a session, ask for its result, wait for it. Contract §8."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from portrait import gateways
from portrait.actions import Action, Idempotency, operation
from portrait.arguments import TEXT, check_arguments
from portrait.errors import (
    BadResponse,
    NotAccessible,
    PortraitError,
    ValidatePending,
    ValidationFailed,
    WaitTimeout,
)
from portrait.events import WaitProgress
from portrait.flow import Flow, Notify, Sleep
from portrait.job_wait import may_be_invisible, pause_after
from portrait.models import VisualValidateResult, VisualValidateSession
from portrait.tasks.models import Task
from portrait.tasks.operations import SECRETS, TIMEOUT, TaskService
from portrait.tasks.shapes import decode_task
from portrait.wait import GRACE, NEW_VALIDATION, TOKEN_POLL, check_wait

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

OPEN_SESSION = operation(
    gateways.REAL_AVATAR, "Open a liveness check.", secrets=SECRETS, idempotency=Idempotency.SELF_EXPIRING
)
# A result is kept in a task, and can be asked for again: contract §8.
ASK_RESULT = operation(
    gateways.REAL_AVATAR,
    "Ask for the result of a liveness check.",
    secrets=SECRETS,
    idempotency=Idempotency.IDEMPOTENT,
)


@frozen(kw_only=True)
class TaskValidator:
    """A `Validator` over tasks.

    Attributes:
        service: The calls of the gateway.
    """

    service: TaskService

    @property
    def endpoint(self) -> Endpoint:
        """Of the client."""
        return self.service.endpoint

    def open_session(self, callback_url: str, project_name: str | None = None) -> Flow[VisualValidateSession]:
        """Open a liveness check. Link and token are read from its task, where the answer has none.

        Raises:
            PortraitError: A call failed.
        """
        check_arguments({"callback_url": TEXT}, {"callback_url": callback_url})
        body = {"callback_url": callback_url, **self.service.project_fields(project_name)}
        answer, response = yield from self.service.post(OPEN_SESSION, gateways.REAL_AVATAR_PATH, body)
        task = decode_task(answer, response)
        if task.session is None:
            with contextlib.suppress(NotAccessible):  # a read may lag behind it: contract §3
                task = yield from self.service.get(_identified(task, OPEN_SESSION))
        if task.session is None:
            task = yield from self.service.wait(task, TIMEOUT, TOKEN_POLL)
        if task.session is None:
            raise task.error() or BadResponse(
                f"RealAvatar: the task {task.id} of the session has no byted_token.", action="RealAvatar"
            )
        return evolve(task.session, callback_url=callback_url)

    def ask_result(self, token: str, project_name: str | None = None) -> Flow[Task]:
        """Ask for the result of a liveness check; the task has the group, or goes on while the scan is open.

        Raises:
            PortraitError: The call failed.
        """
        body = {"byted_token": token, **self.service.project_fields(project_name)}
        answer, response = yield from self.service.post(ASK_RESULT, gateways.REAL_AVATAR_PATH, body)
        task = decode_task(answer, response)
        return task if task.group_id else _identified(task, ASK_RESULT)

    def result(self, token: str, project_name: str | None = None) -> Flow[VisualValidateResult]:
        """The group of the person who passed, as far as it is known now.

        Raises:
            ValidatePending: The scan is not finished.
            ValidationFailed: It failed, or nobody scanned in time.
        """
        task = yield from self.ask_result(token, project_name)
        result = _result_of(task)
        if result is None:
            raise _pending()
        return result

    def wait_for_result(
        self,
        token: str | VisualValidateSession,
        timeout: float | None,
        poll: float,
        failure: Callable[[], PortraitError | None] = lambda: None,
    ) -> Flow[VisualValidateResult]:
        """Wait until the person has passed.

        Args:
            token: The BytedToken or the session that has it.
            timeout: Seconds in all; None is the life of the token.
            poll: Seconds between two looks.
            failure: Gives the error that the CallbackURL received; it ends the wait while the task goes on.

        Raises:
            ValidationFailed: The scan failed, or nobody scanned in time.
            WaitTimeout: Not passed within `timeout` seconds.
        """
        byted_token = token if isinstance(token, str) else token.byted_token
        # Without a timeout of the caller's, the gateway is to end the task itself.
        limit = self.endpoint.provider.token_life + GRACE if timeout is None else timeout
        check_wait(limit, poll)
        service = self.service.without_retries()
        started, pause = self.endpoint.clock.monotonic(), poll
        task = yield from self.ask_result(byted_token)
        while (result := _result_of(task)) is None:
            if (error := failure()) is not None:
                raise error
            waited = self.endpoint.clock.monotonic() - started
            if waited >= limit:
                raise WaitTimeout(
                    f"The liveness check is not passed after {waited:.0f} s.", waited=waited, advice=NEW_VALIDATION
                ) from _pending()
            yield Notify(WaitProgress(what="validation", id="", status="pending", waited=waited, deadline=limit))
            yield Sleep(min(pause, limit - waited))
            pause = poll
            try:
                task = yield from service.get(task)
            except PortraitError as fault:
                invisible = may_be_invisible(self.endpoint, task.id, waited)
                pause = pause_after(fault, poll, may_be_invisible=invisible)
        return result


def _identified(task: Task, action: Action[Any, Any]) -> Task:
    if not task.id:
        raise BadResponse(
            f"{action.name}: the answer has no id.", action=action.name, http_status=200, may_have_executed=True
        )
    return task


def _result_of(task: Task) -> VisualValidateResult | None:
    """The person's group; None while the task goes on.

    Raises:
        ValidationFailed: The task has ended without one.
    """
    if task.group_id:
        return VisualValidateResult(group_id=task.group_id, response=task.response)
    if task.status.is_final:
        raise _not_passed(task)
    return None


def _pending() -> ValidatePending:
    return ValidatePending("The liveness check is not passed yet.", action=gateways.REAL_AVATAR, http_status=200)


def _not_passed(task: Task) -> ValidationFailed:
    """A gateway does not distinguish a failed scan from one that nobody began: contract §8 (I)."""
    why = f": {task.failure.message}" if task.failure is not None and task.failure.message else ""
    return ValidationFailed(f"The liveness check was not passed, or has expired{why.rstrip('.')}.")
