"""What a request says before its body: method, path, query, headers, and where links shall lead.

Pure text work, the same for a request off a socket and one that never leaves the process. Whatever a client sends is
made valid Unicode here, so that nothing behind this module stumbles over a lone surrogate. It knows no address of the
service and no answer.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote

from attrs import field, frozen

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


@frozen
class Head:
    """A request without its body.

    Attributes:
        method: As sent: `POST`.
        path: As sent, still percent-encoded, without the query.
        query: As sent, without the question mark.
        headers: By name without case, or with names in lower case.
        address: Host and port that stand in where the request names none that is usable.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)  # holds the key
    address: str = "127.0.0.1"

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query's parameters; the first of several with one name."""
        return parameters(self.query)

    @property
    def key(self) -> str | None:
        """The Bearer key, None where there is none."""
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return text(key.strip()) or None if scheme.lower() == "bearer" else None

    @property
    def host(self) -> str:
        """Host and port as the client knows them; what cannot be one is never repeated in a link."""
        host = self.headers.get("host", "")
        return host if _HOST.fullmatch(host) else self.address

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def content_length(self) -> int:
        """How many bytes the body is said to have; 0 where nothing is said."""
        length = self.headers.get("content-length", "")
        return int(length) if length.isascii() and length.isdigit() else 0

    def header(self, name: str) -> str | None:
        """A header as valid text, None where it is absent."""
        value = self.headers.get(name)
        return None if value is None else text(value)


@lru_cache(maxsize=256)
def parameters(query: str) -> Mapping[str, str]:
    """Parse a query string; the first of several values wins."""
    return MappingProxyType(dict(reversed(parse_qsl(text(query), keep_blank_values=True))))


def text(value: str) -> str:
    """The value as Unicode that can be encoded; bytes that were no UTF-8 become replacement characters."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def decode_segment(raw: str) -> str:
    """A piece of a path, percent-decoded."""
    return text(unquote(raw))


def is_loopback(host: str) -> bool:
    """Does a Host header name this machine: `localhost`, `*.localhost`, `127.0.0.0/8` or `[::1]`, with any port?"""
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
    name = name.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
