"""What a dialect is for a client: names and limits in which providers differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import field, frozen

from portrait.codes import ErrorRule
from portrait.dialects.envelope import decode_envelope
from portrait.http import HttpResponse
from portrait.models import Response


class Decoder(Protocol):
    """Reads an answer."""

    def __call__(
        self, response: HttpResponse, action: str, dialect: Dialect, secrets: Callable[[], tuple[str, ...]]
    ) -> tuple[Mapping[str, Any], Response]:
        """Read an answer to an Action: its `Result` object, and where it came from.

        Args:
            response: The answer.
            action: The Action's name.
            dialect: What it is answered in.
            secrets: Gives what is replaced by `<secret>` in an error; called only if there is one.

        Raises:
            ApiError: The service refused.
            BadResponse: The answer is not the protocol's.
        """


Line = tuple[str, str, Mapping[str, Any] | None]
"""A request's method, its path below the base URL with its query, and the JSON of its body; None for no body."""


class Encoder(Protocol):
    """Says how an Action is requested, where that is not by its name in the query."""

    def __call__(self, action: str, fields: Mapping[str, Any]) -> Line:
        """The request's line and body.

        Args:
            action: The Action's name.
            fields: Of its request, by their wire names.

        Raises:
            UsageError: There is no such Action.
        """


@frozen(kw_only=True)
class Dialect:
    """One way of speaking the 12 Actions.

    Attributes:
        name: `alltoken` or `ark`.
        action_path: Appended to the base URL; the Action follows as a query.
        name_limit: Characters in a Name.
        cursor_paging: Lists are read by cursor, where who reads them does not need their number.
        codes: Codes that mean something else here than in `portrait.codes.CODES`, by Action.
        pending_without: The field of a result without which the Action says "not yet", by Action.
        pending_is_ambiguous: Whether a token that is used up is answered like one that is open.
        decoder: How an answer is read.
        encoder: How an Action is requested; None names it in the query of `action_path`.
    """

    name: str
    action_path: str
    name_limit: int
    cursor_paging: bool = False
    codes: Mapping[str, Mapping[str, ErrorRule]] = field(factory=dict)
    pending_without: Mapping[str, str] = field(factory=dict)
    pending_is_ambiguous: bool = False
    decoder: Decoder = decode_envelope
    encoder: Encoder | None = None

    def rule(self, action: str, code: str) -> ErrorRule | None:
        """What a code means in an answer to that Action, where it means something else than elsewhere."""
        return self.codes.get(action, {}).get(code)
