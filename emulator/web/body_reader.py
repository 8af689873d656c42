"""How a body comes in: piece by piece, up to a limit, with a refusal as soon as one is certain.

An intake is made for one request once its head was welcome. Whoever drives it feeds it what arrives and, at the end,
asks for the answer. It knows the service that answers, and nothing of sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from emulator.messages import Reply, ReplyFlow
from emulator.web.form import FileTooLarge, FormReader, InvalidForm
from portrait.reasons import Reason, Refusal


class BodyReader(Protocol):
    """Takes one body."""

    def feed(self, data: bytes) -> Reply | None:
        """Take the next piece. A reply ends it: whatever follows is not wanted."""

    def finish(self) -> ReplyFlow:
        """The body has ended: begin to answer."""


class BufferedBody:
    """A body that is looked at as a whole.

    Args:
        limit: Bytes it may have.
        too_large: What is said to more than that.
        answer: Begins to answer the bytes.
    """

    __slots__ = ("_answer", "_left", "_pieces", "_too_large")

    def __init__(self, limit: int, too_large: Callable[[], Reply], answer: Callable[[bytes], ReplyFlow]) -> None:
        self._left = limit
        self._too_large = too_large
        self._answer = answer
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> Reply | None:
        """Keep the piece."""
        self._left -= len(data)
        if self._left < 0:
            return self._too_large()
        self._pieces.append(data)
        return None

    def finish(self) -> ReplyFlow:
        """Answer the bytes."""
        return self._answer(self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces))


class FormBody:
    """The upload's form.

    Args:
        reader: Reads it.
        refuse: Speaks a refusal.
        answer: Begins to answer the fields and the file.
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
        except InvalidForm as broken:
            return self._refuse(malformed(broken))
        return None

    def finish(self) -> ReplyFlow:
        """Answer the form, or say that it ended too early."""
        try:
            return self._answer(self._reader)
        except InvalidForm as broken:
            return immediate(self._refuse(malformed(broken)))


def malformed(broken: InvalidForm) -> Refusal:
    """The refusal that a broken form stands for."""
    return Refusal(Reason.MALFORMED_BODY, why=str(broken))


def immediate(reply: Reply) -> ReplyFlow:
    """A reply that nothing has to happen for."""
    yield from ()
    return reply
