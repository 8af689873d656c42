"""Reading a request's body: piece by piece, up to a limit, refusing as early as possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from emulator.domain.reasons import Reason, Refusal
from emulator.messages import Reply, ReplyFlow
from emulator.web.form import FileTooLarge, FormReader, InvalidForm
from portrait.flow import RunBlocking


class BodyReader(Protocol):
    """Reads the body of one request. The caller feeds it what arrives, and calls `finish` at the end of the body."""

    def feed(self, data: bytes) -> Reply | None:
        """Take the next piece. A reply means that the rest of the body is not needed."""

    def finish(self) -> ReplyFlow:
        """Start the reply to the complete body."""


class BufferedBody:
    """Collects a body in memory.

    Args:
        limit: The largest size in bytes.
        too_large: Makes the reply to a larger body.
        answer: Starts the reply to the bytes.
    """

    __slots__ = ("_answer", "_pieces", "_remaining", "_too_large")

    def __init__(self, limit: int, too_large: Callable[[], Reply], answer: Callable[[bytes], ReplyFlow]) -> None:
        self._remaining = limit
        self._too_large = too_large
        self._answer = answer
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> Reply | None:
        """Store the piece."""
        self._remaining -= len(data)
        if self._remaining < 0:
            return self._too_large()
        self._pieces.append(data)
        return None

    def finish(self) -> ReplyFlow:
        """Start the reply to the bytes."""
        return self._answer(self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces))


class FormBody:
    """Parses the upload's form as it arrives.

    Args:
        reader: The parser.
        refuse: Makes the reply to a refusal.
        answer: Starts the reply to the form.
    """

    def __init__(
        self, reader: FormReader, refuse: Callable[[Refusal], Reply], answer: Callable[[FormReader], ReplyFlow]
    ) -> None:
        self._reader = reader
        self._refuse = refuse
        self._answer = answer

    def feed(self, data: bytes) -> Reply | None:
        """Parse the piece."""
        try:
            self._reader.feed(data)
        except FileTooLarge:
            return self._refuse(Refusal(Reason.FILE_TOO_LARGE))
        except InvalidForm as error:
            return self._refuse(malformed(error))
        return None

    def finish(self) -> ReplyFlow:
        """Start the reply, which is a refusal if the form is incomplete."""
        try:
            return self._answer(self._reader)
        except InvalidForm as error:
            return immediate(self._refuse(malformed(error)))


def malformed(error: InvalidForm) -> Refusal:
    """The refusal of a malformed form."""
    return Refusal(Reason.MALFORMED_BODY, message=str(error))


_IGNORED_BYTES = 4096  # of the body of a request that needs none


def read_store(work: Callable[[], Reply], *, blocks: bool) -> Reply | BodyReader:
    """The reply to a request without a body that looks into the store.

    Args:
        work: Makes the reply.
        blocks: Whether the store does: then the event loop does not wait for it.
    """
    return BufferedBody(_IGNORED_BYTES, work, lambda _: deferred(work, blocks=blocks)) if blocks else work()


def deferred(work: Callable[[], Reply], *, blocks: bool) -> ReplyFlow:
    """A flow that does some work, in a thread if it blocks."""
    reply: Reply = (yield RunBlocking(work)) if blocks else work()
    return reply


def immediate(reply: Reply) -> ReplyFlow:
    """A flow without effects that returns this reply."""
    yield from ()
    return reply
