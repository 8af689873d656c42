"""How the calls of a mount are decoded and how their outcomes are encoded; what lies between is the pipeline's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from attrs import field, frozen

from emulator.domain.context import Handler, Measured
from emulator.domain.reasons import Refusal
from emulator.messages import Call, Reply
from emulator.webhooks import Hook
from portrait.providers import Provider


class Decoder(Protocol):
    """From a call to what the domain understands."""

    def handler(self, call: Call) -> Handler:
        """What carries out a call.

        Raises:
            Refusal: There is no such action.
        """

    def request(self, call: Call, body: Mapping[str, Any]) -> tuple[Any, Mapping[str, Measured]]:
        """The request for the handler, and what is known already of the files that it names.

        Raises:
            Refusal: A required field is missing, or a value has the wrong form.
        """


class Encoder(Protocol):
    """From an outcome to the bytes of a reply."""

    def result(self, result: Any, call: Call, request_id: str, provider: Provider) -> Reply:
        """A success."""

    def refusal(self, refusal: Refusal, call: Call, request_id: str, provider: Provider) -> tuple[Reply, str]:
        """A refusal, and its outcome in one word for logs."""


@frozen(kw_only=True)
class Format:
    """The form of a mount's calls and replies.

    Attributes:
        decoder: Reads calls.
        encoder: Writes replies.
        name_limit: Characters in a Name.
        description_limit: Characters in a Description; None means no limit.
        cursors: Can lists be read by cursor?
        job_form: The form of the ids of jobs.
        videos: Whether videos are generated.
        hooks: How changes of what an action creates are posted.
    """

    decoder: Decoder
    encoder: Encoder
    name_limit: int
    description_limit: int | None = None
    cursors: bool = False
    job_form: str = "task"
    videos: bool = False
    hooks: Mapping[str, Hook] = field(factory=dict)
