"""What can be made to go wrong: which request, and how. Knows no storage."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

ACTIONS = ("cut", "drop-before", "drop-after", "status-before", "status-after", "call", "instead", "alter")


@define(kw_only=True)
class Fault:
    """One fault on some requests of an operation.

    Attributes:
        operation: The S3 operation.
        action: `cut` reads half of the body and closes; `drop-before` and `drop-after` close without an answer, before
            or after the operation took effect; `status-before` and `status-after` answer `status` and `code`;
            `call` calls `hook` at half of the body and goes on; `instead` answers `status`, `headers` and `body` and
            does nothing; `alter` answers what `rewrite` makes of the body, after the operation took effect.
        after: Matching requests that pass first.
        times: How often it happens.
        part: Only for that part number.
        hook: Called whenever it happens.
    """

    operation: str
    action: str
    after: int = 0
    times: int = 1
    part: int | None = None
    status: int = 500
    code: str = "InternalError"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    rewrite: Callable[[bytes], bytes] = bytes
    hook: Callable[[], object] | None = None
    seen: int = 0
    fired: int = 0

    def __attrs_post_init__(self) -> None:
        assert self.action in ACTIONS

    def strikes(self, operation: str, part: int | None) -> bool:
        """Whether it happens to this request; counts it."""
        if operation != self.operation or (self.part is not None and part != self.part):
            return False
        self.seen += 1
        if not self.after < self.seen <= self.after + self.times:
            return False
        self.fired += 1
        return True
