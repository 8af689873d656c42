"""Access to the control plane, all that is below `/_emulator/`: for this machine, and for who has the control token.

A browser on this machine is not trusted: any page can post to a loopback port, and a rebound DNS name can read from
one. So without the token a request must name a loopback Host, come from no foreign Origin, and, if it writes, carry
JSON, which no page can send across origins without a preflight.
"""

from __future__ import annotations

import hmac

from emulator.web.request_head import Head, is_loopback
from portrait.urls import is_loopback_address

CONTROL = "/_emulator/"
"""The path of the dashboard; the control plane is below it."""

OPENAPI = f"{CONTROL}openapi.json"
"""The path of the emulator's own OpenAPI document."""

_WRITES = frozenset({"POST", "PUT", "PATCH"})
_TOKEN = "x-emulator-token"  # noqa: S105 the header's name


def check_access(head: Head, token: str | None) -> str | None:
    """Check whether a request may use the control plane.

    Args:
        head: The head of the request.
        token: The control token; None if none is set, which leaves loopback only.

    Returns:
        None if it may, else a sentence that says what to do.
    """
    header = head.header(_TOKEN)
    if token is not None and header is not None:
        if equal(header, token):
            return None
        return "The header X-Emulator-Token does not hold this emulator's control token."
    return _without_token(head)


def equal(value: str, secret: str) -> bool:
    """Compare a secret in constant time."""
    return hmac.compare_digest(value.encode("utf-8", "replace"), secret.encode("utf-8", "surrogateescape"))


def is_same_origin(head: Head) -> bool:
    """Whether a request comes from a page of the host that it is sent to, or from no page."""
    host = head.headers.get("host", head.address)
    return head.headers.get("origin") in {None, f"http://{host}", f"https://{host}"}


def is_local(head: Head) -> bool:
    """Whether a request comes from this machine and names it; its Host alone proves nothing."""
    return _is_loopback_peer(head.peer) and is_loopback(head.headers.get("host", head.address))


def _is_loopback_peer(peer: str) -> bool:
    try:
        return is_loopback_address(peer)
    except ValueError:
        return False


def _without_token(head: Head) -> str | None:
    if not is_local(head):
        return (
            "The control plane answers only this machine, on a loopback Host such as 127.0.0.1; from elsewhere start"
            " the emulator with --control-token and send that token in the header X-Emulator-Token."
        )
    if not is_same_origin(head):
        return (
            "The control plane does not answer to pages of another origin; leave out the header Origin, or send the"
            " control token in X-Emulator-Token."
        )
    if head.method in _WRITES and head.media_type != "application/json":
        return "Writes to the control plane must be JSON: send the header Content-Type: application/json."
    return None
