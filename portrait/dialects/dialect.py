"""What a dialect is for a client: names and limits in which providers differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import field, frozen

from portrait.dialects.envelope import decode_envelope
from portrait.errors import ErrorRule
from portrait.http import HttpResponse
from portrait.models import Response


class Decoder(Protocol):
    """Reads an answer: its `Result` object and where it came from, or an `ApiError` or `BadResponse`."""

    def __call__(
        self,
        response: HttpResponse,
        action: str,
        codes: Mapping[str, ErrorRule],
        secrets: Callable[[], tuple[str, ...]],
    ) -> tuple[Mapping[str, Any], Response]:
        """As `Dialect.decode`."""


@frozen(kw_only=True)
class Dialect:
    """One way of speaking the 12 Actions.

    Attributes:
        name: `alltoken` or `ark`.
        action_path: Appended to the base URL; the Action follows as a query.
        name_limit: Characters in a Name.
        cursor_paging: Lists are read by cursor, where who reads them does not need their number.
        codes: Codes that mean something else here than in `portrait.errors.CODES`, by Action.
        decoder: How an answer is read.
    """

    name: str
    action_path: str
    name_limit: int
    cursor_paging: bool = False
    codes: Mapping[str, Mapping[str, ErrorRule]] = field(factory=dict)
    decoder: Decoder = decode_envelope

    def decode(
        self, response: HttpResponse, action: str, secrets: Callable[[], tuple[str, ...]] = tuple
    ) -> tuple[Mapping[str, Any], Response]:
        """Read an answer to an Action: its `Result` object, and where it came from.

        Args:
            response: The answer.
            action: The Action's name.
            secrets: Gives what no error may repeat.

        Raises:
            ApiError: The service refused.
            BadResponse: The answer is not the protocol's.
        """
        return self.decoder(response, action, self.codes.get(action, {}), secrets)
