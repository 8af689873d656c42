"""The faults of rules: a refusal, a proxy's page, a dropped connection, a truncated reply."""

from __future__ import annotations

from attrs import evolve

from emulator.domain.reasons import Reason, Refusal
from emulator.domain.verdicts import message_for
from emulator.messages import Reply
from emulator.rules.clauses import PAGES, Do


def short_circuit(do: Do) -> tuple[Reply, str] | None:
    """The reply to a call that is not carried out, and its outcome for the log; None where it is carried out.

    Raises:
        Refusal: The rule's error.
    """
    if do.error is not None:
        raise _as_refusal(*do.error)
    if do.http is not None:
        body, content_type = PAGES[do.http.body]
        headers = {name: value for name, value in do.http.headers.items() if name.lower() != "content-type"}
        content_type = next(iter(do.http.headers[name] for name in do.http.headers.keys() - headers), content_type)
        reply = Reply(status=do.http.status, body=body, content_type=content_type, headers=headers)
        return reply, f"http {do.http.status}"
    if do.close == "before":
        return Reply(drop=True), "closed"
    return None


def alter_reply(do: Do, reply: Reply) -> Reply:
    """The reply to a call that was carried out, changed by the rule."""
    if do.close == "after-commit":
        return Reply(status=reply.status, drop=True)
    return reply if do.truncate is None else evolve(reply, truncate=do.truncate)


def _as_refusal(reason: Reason, detail: str) -> Refusal:
    if reason is Reason.MEDIA_REJECTED:
        return Refusal(reason, detail=detail, message=message_for(detail))
    return Refusal(reason, field=detail, message="is not valid")
