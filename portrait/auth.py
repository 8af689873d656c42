"""How a request proves who sends it. Applied to every attempt: a signature holds the time of the attempt."""

from __future__ import annotations

from typing import Protocol

from attrs import field, frozen

from portrait.http import HttpRequest


class Auth(Protocol):
    """Credentials, and how a request carries them."""

    def apply(self, request: HttpRequest, now: float) -> HttpRequest:
        """The request with its proof.

        Args:
            request: As it is to be sent, without a proof.
            now: Seconds since 1970.
        """

    def secrets(self) -> tuple[str, ...]:
        """What no message may repeat."""


@frozen
class BearerAuth:
    """An API key in the `Authorization` header (RFC 6750).

    Attributes:
        key: The key, without the word Bearer.
    """

    key: str = field(repr=False)

    def apply(self, request: HttpRequest, now: float) -> HttpRequest:
        """The request with the key. The time does not matter."""
        del now
        return HttpRequest(  # not attrs.evolve, which takes half as long again on every attempt
            method=request.method,
            url=request.url,
            headers={"Authorization": f"Bearer {self.key}", **request.headers},
            body=request.body,
            timeouts=request.timeouts,
        )

    def secrets(self) -> tuple[str, ...]:
        """The key."""
        return (self.key,)


@frozen
class NoAuth:
    """No proof: for a file that anybody may fetch who has its address."""

    def apply(self, request: HttpRequest, now: float) -> HttpRequest:
        """The request as it is."""
        del now
        return request

    def secrets(self) -> tuple[str, ...]:
        """Nothing."""
        return ()
