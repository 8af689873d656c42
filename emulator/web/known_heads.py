"""Remembers the heads of requests, so that one which has come before is answered without being parsed.

A client sends the same head with each body of the same length. That of a signed call differs from the last one in its
date, the hash of its body and its signature: these are read from each head, and everything else is compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from emulator.messages import ReplyFlow

HEAD_END = b"\r\n\r\n"

# How many heads are remembered, and how long one may be.
_MAX_HEADS = 256
_MAX_HEAD_BYTES = 2_048

# The parts that differ between the heads of signed calls, by the headers that end in them.
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
        differing: The headers that end in it, and the places.
        constant: The places of everything else.
    """

    differing: tuple[tuple[str, slice], ...]
    constant: tuple[slice, ...]


class _Known(NamedTuple):
    """A head that is remembered; or all heads that are the same but for the parts that differ.

    Attributes:
        layout: None for a head that is compared as a whole.
        headers: Without what differs; names in lower case.
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
        self._known: dict[bytes, _Known] = {}
        self._layouts: dict[int, _Layout] = {}  # by the length of a head

    def answer(self, data: bytes) -> ReplyFlow | None:
        """The flow of the reply to a whole request whose head has come before; None for any other bytes."""
        start = data.find(HEAD_END) + len(HEAD_END)
        head, layout = data[:start], self._layouts.get(start)
        known = self._known.get(_constant_part(head, layout))
        if known is None or known.layout is not layout or len(data) - start != known.length:
            return None
        if layout is None:
            return known.answer(data[start:])
        headers = _headers_of(head, layout, known.headers)
        return None if headers is None else known.answer(data[start:], headers)

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
        self._known[_constant_part(head, layout)] = _Known(layout, _constant_headers(headers, layout), length, answer)


def _layout_of(head: bytes, headers: Any) -> _Layout | None:
    """Where the head of a signed call has what differs in the next one; None for other heads."""
    matches = {name: pattern.search(head) for name, pattern in _DIFFERING.items()}
    if None in matches.values() or any(len(headers.getall(name)) > 1 for name in _DIFFERING):
        return None
    spans = sorted((match.span(1), name) for name, match in matches.items() if match is not None)
    differing = [slice(*span) for span, _ in spans]
    bounds = pairwise([slice(0, 0), *differing, slice(len(head), len(head))])
    constant = tuple(slice(before.stop, after.start) for before, after in bounds)
    return _Layout(tuple((name, slice(*span)) for span, name in spans), constant)


def _constant_part(head: bytes, layout: _Layout | None) -> bytes:
    return head if layout is None else b"".join([head[place] for place in layout.constant])


def _constant_headers(headers: Any, layout: _Layout | None) -> Mapping[str, str]:
    """The first value of each header, without what differs."""
    constant = {name.lower(): value for name, value in reversed(headers.items())}
    for name, place in () if layout is None else layout.differing:
        constant[name] = constant[name][: place.start - place.stop]
    return constant


def _headers_of(head: bytes, layout: _Layout, constant: Mapping[str, str]) -> Mapping[str, str] | None:
    """The headers of a head whose constant part is known; None if what differs may be more than the end of a value."""
    headers = dict(constant)
    for name, place in layout.differing:
        end = head[place]
        if not end.isalnum():
            return None
        headers[name] += end.decode()
    return headers
