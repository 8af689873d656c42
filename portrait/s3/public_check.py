"""Checks that a public address answers as the service that downloads it needs: one ranged GET without any key.

It is a GET because a presigned address allows no HEAD.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from portrait.errors import UsageError
from portrait.s3.errors import NotPublic
from portrait.transports.failures import describe_failure
from portrait.urls import redact_url

if TYPE_CHECKING:
    import urllib3


TIMEOUT_SECONDS = 15.0

# Status → (reason, what it says of the bucket, what to do).
_STATUSES: Mapping[int, tuple[str, str, str]] = {
    401: (
        "denied",
        "asks for a key",
        "Make the bucket public (R2: connect a custom domain), or leave public_base out.",
    ),
    403: (
        "denied",
        "is refused",
        "Make the bucket public (R2: connect a custom domain); a presigned address may have expired.",
    ),
    404: ("missing", "leads to nothing", "Check public_base: it must serve the bucket's root, without the prefix."),
    429: ("throttled", "is throttled", "Connect a custom domain: an r2.dev address is for testing only."),
}


def check_public(
    url: str,
    size: int | None = None,
    content_type: str | None = None,
    *,
    pool: urllib3.PoolManager | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> None:
    """See that an address answers with the right length and type; one byte is fetched.

    Args:
        url: The address.
        size: Bytes it must have; None for any number.
        content_type: Media type it must have; None for any but a web page.
        pool: A urllib3 pool to use, for a proxy or a private certificate authority.
        timeout: Seconds for the connection and for each read.

    Raises:
        NotPublic: It does not; the error says why and what to do.
        UsageError: The address is not an http address.
    """
    import urllib3  # noqa: PLC0415 - as light as possible until something is checked

    if not url.startswith(("http://", "https://")):
        raise UsageError(
            "Only an http or https address can be checked.", advice="Pass the address that ObjectStore.url() gives."
        )
    display_url = redact_url(url)
    own = pool is None
    pool = urllib3.PoolManager(1) if pool is None else pool
    try:
        response = pool.request(
            "GET",
            url,
            headers={"Range": "bytes=0-0", "Accept-Encoding": "identity"},
            redirect=False,
            retries=False,
            preload_content=False,
            timeout=timeout,
        )
        try:
            status, headers = response.status, dict(response.headers.items())
        finally:
            response.close()  # a server that ignores the range would send it all
    except urllib3.exceptions.HTTPError as error:
        cause = describe_failure(error).partition(";")[0]  # what follows is advice for a client
        raise NotPublic(
            f"{display_url} cannot be reached ({cause}).",
            reason="unreachable",
            advice="Check public_base=, its DNS record and its certificate.",
        ) from None
    finally:
        if own:
            pool.clear()
    _check_response(display_url, size, content_type, status, {name.lower(): value for name, value in headers.items()})


def _check_response(
    display_url: str, size: int | None, content_type: str | None, status: int, headers: Mapping[str, str]
) -> None:
    if status not in {200, 206} and not (status == 416 and size == 0):
        reason, what, advice = _STATUSES.get(status) or _other_status(status)
        raise NotPublic(f"{display_url} {what} (HTTP {status}).", reason=reason, advice=advice, http_status=status)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/html" and content_type != "text/html":
        raise NotPublic(
            f"{display_url} answers with a web page.",
            reason="page",
            advice="A login or a site stands in front of the bucket: point public_base= at the bucket itself.",
            http_status=status,
        )
    length = _length(status, headers)
    if size is not None and length != size:
        raise NotPublic(
            f"{display_url} has {'an unknown number of' if length is None else length} bytes instead of {size}.",
            reason="length",
            advice="Another bucket, an old copy in a cache or a proxy that changes files answers: check public_base=.",
            http_status=status,
        )
    if status != 416 and content_type is not None and kind != content_type.lower():
        raise NotPublic(
            f"{display_url} is served as {kind or 'nothing'} instead of {content_type}.",
            reason="type",
            advice="Delete the object and store it again: it was written with another Content-Type.",
            http_status=status,
        )


def _other_status(status: int) -> tuple[str, str, str]:
    if 300 <= status < 400:
        return "moved", "sends elsewhere", "Use the address that it leads to as public_base."
    if status >= 500:
        return "failing", "fails", "Try again later, or look at the domain's own status."
    return "status", "is refused", "Open the address in a browser without a login to see what answers."


def _length(status: int, headers: Mapping[str, str]) -> int | None:
    if status == 200:
        text = headers.get("content-length", "")
        return int(text) if text.isdecimal() else None
    found = re.fullmatch(r"bytes (?:[0-9]+-[0-9]+|\*)/([0-9]+)", headers.get("content-range", ""))
    return int(found[1]) if found else None
