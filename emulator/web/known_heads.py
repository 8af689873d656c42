"""Remembers the heads of requests, so that one which has come before is answered without being parsed.

A client sends the same head with each body of the same length. That of a signed call differs from the last one in its
date, the hash of its body and its signature: these are read from each head, and everything else is compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from struct import unpack
from typing import Any, NamedTuple, Protocol

from emulator.messages import ReplyFlow

HEAD_END = b"\r\n\r\n"

# How many heads are remembered, and how long one may be.
_MAX_HEADS = 256
_MAX_HEAD_BYTES = 2_048

# The parts that differ between the heads of signed calls: the end of the first header, and the values of the others.
_DIFFERING = {
    "authorization": re.compile(rb"\r\nauthorization: ?[^\r\n]*Signature=([0-9a-f]{64})\r\n", re.IGNORECASE),
    "x-content-sha256": re.compile(rb"\r\nx-content-sha256: ?([0-9a-f]{64})\r\n", re.IGNORECASE),
    "x-date": re.compile(rb"\r\nx-date: ?([0-9]{8}T[0-9]{6}Z)\r\n", re.IGNORECASE),
}


class AnswerBody(Protocol):
    """Answers requests with one head."""

    def __call__(self, body: bytes, headers: Mapping[str, str] | None = None) -> ReplyFlow:
        """The flow of the reply to a body; with other headers, names in lower case, if some are given."""


class _Layout(NamedTuple):
    """Where heads of one length have what differs.

    Attributes:
        pieces: A `struct` format: what is constant and what differs, in turn. It takes a head apart in one step.
        places: The indices of the signature, the hash of the body and the date in these pieces.
    """

    pieces: str
    places: tuple[int, ...]


class _Known(NamedTuple):
    """A head that is remembered; or all heads that are the same but for the parts that differ.

    Attributes:
        layout: None for a head that is compared as a whole.
        headers: Without a signature, if they have one that differs; names in lower case.
        length: Of the body.
        answer: Answers its requests.
    """

    layout: _Layout | None
    headers: Mapping[str, str]
    length: int
    answer: AnswerBody


class KnownHeads:
    """The heads of a server's requests. The oldest one is forgotten."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, ...], _Known] = {}  # by what is constant
        self._layouts: dict[int, _Layout] = {}  # by the length of a head

    def answer(self, data: bytes) -> ReplyFlow | None:
        """The flow of the reply to a whole request whose head has come before; None for any other bytes."""
        start = data.find(HEAD_END) + len(HEAD_END)
        layout = self._layouts.get(start)
        pieces = _take_apart(data[:start], layout)
        known = self._known.get(pieces[::2])
        if known is None or known.layout is not layout or len(data) - start != known.length:
            return None
        if layout is None:
            return known.answer(data[start:])
        signature, body_hash, date = map(pieces.__getitem__, layout.places)
        if not (signature + body_hash + date).isalnum():  # one may be more than a value, or its end
            return None
        headers = dict(known.headers)
        headers["authorization"] += signature.decode()
        headers["x-content-sha256"] = body_hash.decode()
        headers["x-date"] = date.decode()
        return known.answer(data[start:], headers)

    def remember(self, head: bytes, headers: Any, length: int, answer: AnswerBody) -> None:
        """Answer requests with the same head without parsing it.

        Args:
            head: With the empty line at its end.
            headers: As they were parsed, a `CIMultiDict`.
            length: Of the body.
            answer: Answers its requests.
        """
        if len(head) > _MAX_HEAD_BYTES:
            return
        layout = _layout_of(head, headers)
        if layout is None:
            self._layouts.pop(len(head), None)
        elif layout != self._layouts.get(len(head)):
            self._layouts[len(head)] = layout
        layout = self._layouts.get(len(head))
        if len(self._known) >= _MAX_HEADS:
            del self._known[next(iter(self._known))]
        pieces = _take_apart(head, layout)
        constant = {name.lower(): value for name, value in reversed(headers.items())}  # the first one of each name
        if layout is not None:
            constant["authorization"] = constant["authorization"][: -len(pieces[layout.places[0]])]
        self._known[pieces[::2]] = _Known(layout, constant, length, answer)


def _layout_of(head: bytes, headers: Any) -> _Layout | None:
    """Where the head of a signed call has what differs in the next one; None for other heads."""
    matches = {name: pattern.search(head) for name, pattern in _DIFFERING.items()}
    if None in matches.values() or any(len(headers.getall(name)) > 1 for name in _DIFFERING):
        return None
    spans = sorted((match.span(1), name) for name, match in matches.items() if match is not None)
    bounds = (0, *(bound for span, _ in spans for bound in span), len(head))
    order = [name for _, name in spans]
    return _Layout(
        pieces="".join([f"{end - start}s" for start, end in pairwise(bounds)]),
        places=tuple(2 * order.index(name) + 1 for name in _DIFFERING),
    )


def _take_apart(head: bytes, layout: _Layout | None) -> tuple[bytes, ...]:
    """What is constant in a head and what differs, in turn; without a layout, nothing does."""
    return (head,) if layout is None else unpack(layout.pieces, head)
