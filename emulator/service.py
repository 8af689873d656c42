"""The service: authenticate, decode, handle in a transaction, commit, present. Signatures first; the parts follow."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from emulator.calls import Answering, Call, Reply
from emulator.control import Control
from emulator.settings import Settings
from portrait.clock import Clock, SystemClock
from portrait.reasons import Refusal


@frozen
class StoredFile:
    """A file that came in by the upload door.

    Attributes:
        content: The bytes.
        content_type: By its content, not by what the client said.
    """

    content: bytes = field(repr=False)
    content_type: str


@frozen
class ValidationPage:
    """What the H5 page may know of a validation.

    Attributes:
        handle: `val-3`.
        state: `open`, `scanning`, `passed`, `failed`, `cancelled`, `wrong-person` or `expired`.
        expires: When token and link die, in seconds since 1970.
    """

    handle: str
    state: str
    expires: float


class Service:
    """The portrait service without HTTP."""

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None, store: object = None) -> None:
        self.settings = settings or Settings()
        self.clock = clock or SystemClock()
        self.control = Control(self)

    def answer(self, call: Call) -> Answering:
        """Answer one call. An upload has a mapping as its body."""
        raise NotImplementedError

    def authorize(self, key: str | None) -> str:
        """The customer that a Bearer key belongs to; raises `Refusal`."""
        raise NotImplementedError

    def refuse(self, refusal: Refusal, *, action: str = "", version: str | None = None, customer: str = "") -> Reply:
        """A refusal in the contract's form, for what the web finds before the service is asked."""
        raise NotImplementedError

    def plain(self, status: int, kind: str, message: str) -> Reply:
        """An error of HTTP's own level, `{"error": {message, type, request_id}}`: unknown paths and methods."""
        raise NotImplementedError

    def file(self, key: str) -> StoredFile | None:
        """What `{base}/r2/{key}` serves."""
        raise NotImplementedError

    def link(self, asset_id: str, query: Mapping[str, str]) -> StoredFile | str:
        """What a signed link leads to: a stored file, or an address to redirect to; raises `Refusal`."""
        raise NotImplementedError

    def validation_page(self, token: str) -> ValidationPage | None:
        """What the H5 page shows; opening it starts the scan. None for an unknown token."""
        raise NotImplementedError

    def callback(self, token: str) -> str | None:
        """Where the browser goes once the scan has ended: CallbackURL with its parameters; None before that."""
        raise NotImplementedError
