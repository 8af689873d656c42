"""What a dialect is: the tables by which one provider's way of speaking differs from another's.

A dialect is consulted at three seams only: a client encodes a call, a client decodes an answer, a server presents an
outcome. Here are the shapes; `alltoken` and `ark` hold the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import field, frozen

from portrait.dialects.envelope import decode_envelope
from portrait.errors import ErrorRule
from portrait.http import HttpResponse
from portrait.models import Response
from portrait.reasons import Reason, Refusal


@frozen
class ErrorSpec:
    """How a dialect says a reason.

    Attributes:
        status: HTTP status.
        code: May hold `{field}`, `{id}`, `{detail}`.
        message: May hold those and `{why}`.
        code_n: The front gateway's number (ark).
        data: May an error's `Data` name the field (ark).
        plain: The `type` of the `{"error"}` form; None means the envelope.
    """

    status: int
    code: str
    message: str
    code_n: int | None = None
    data: bool = False
    plain: str | None = None


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
        version_required: Must `Version` be sent?
        name_limit: Characters in a Name.
        description_limit: Characters in a Description; None means no stated limit.
        required: For each Action the wire fields without which it is refused; `Name|Title` means one of them.
        foreign: For each Action the fields that this dialect does not know, and ignores.
        refusals: How each reason is said; closed by a test.
        presenters: How each model is shown: model class → JSON object.
        codes: Codes that mean something else here than in `portrait.errors.CODES`, by Action.
        decoder: How an answer is read.
    """

    name: str
    action_path: str
    version_required: bool
    name_limit: int
    description_limit: int | None = None
    required: Mapping[str, tuple[str, ...]]
    foreign: Mapping[str, frozenset[str]] = field(factory=dict)
    refusals: Mapping[Reason, ErrorSpec]
    presenters: Mapping[type, Callable[[Any], Any]]
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

    def speak(self, refusal: Refusal) -> tuple[int, ErrorSpec, dict[str, Any]]:
        """A refusal as HTTP status, its table row, and the error's JSON object."""
        row = self.refusals[refusal.reason]
        words = {"field": refusal.field, "id": refusal.id, "detail": refusal.detail, "why": refusal.why}
        error: dict[str, Any] = {
            "Code": row.code.format_map(words).rstrip("."),
            "Message": row.message.format_map(words),
        }
        if row.code_n is not None:
            error["CodeN"] = row.code_n
        if row.data:
            error["Data"] = {"__Message.parameter": refusal.field}
        return row.status, row, error

    def present(self, result: Any) -> Any:
        """A result as the wire's JSON object."""
        return self.presenters[type(result)](result)
