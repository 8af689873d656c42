"""Where things are: the bucket and prefix that an `s3://` address names, and the public address of a key.

It owns the reading of `s3://` addresses and the making of public ones. It must never send anything.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from attrs import frozen

from portrait.errors import UsageError

LONGEST_LIFE = 7 * 24 * 3600
"""Seconds that a presigned address can live: the limit of V4 signing (D)."""


@frozen
class Place:
    """A bucket, and the prefix in it without slashes at its ends ("" for none)."""

    bucket: str
    prefix: str

    @property
    def listed(self) -> str:
        """What every key in this place begins with."""
        return f"{self.prefix}/" if self.prefix else ""


def parse_place(address: str) -> Place:
    """Read `s3://bucket/prefix`.

    Raises:
        UsageError: It is not of that form.
    """
    parts = urlsplit(address)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"{address!r} does not name a bucket.", advice="Write s3://bucket or s3://bucket/prefix.")
    return Place(parts.netloc, parts.path.strip("/"))


def parse_public_base(base: str) -> str:
    """Read the address under which the bucket's keys are served; it comes back without a slash at its end.

    Raises:
        UsageError: It is not a plain http or https address.
    """
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise UsageError(
            "public_base is not a plain address.", advice="Write https://host or https://host/path, without a query."
        )
    return base.rstrip("/")


def is_for_testing_only(base: str) -> bool:
    """Whether a public base is a bucket's `r2.dev` address (contract §5: throttled, D)."""
    host = urlsplit(base).hostname or ""
    return host == "r2.dev" or host.endswith(".r2.dev")


def public_url(base: str, key: str) -> str:
    """The address of a key under a public base."""
    return f"{base}/{quote(key)}"
