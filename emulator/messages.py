"""The messages between the web and the pipeline: a call, and the flow that ends with its reply.

A pause and work that blocks are effects of `portrait.flow`, so that one pipeline answers over HTTP and in-process.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from attrs import field, frozen

from emulator.domain.records import replacer
from portrait.flow import RunBlocking, Sleep


@frozen(kw_only=True)
class Call:
    """One call as it came in.

    Attributes:
        method: As sent.
        path: As sent, percent-encoded.
        query: As sent, without the question mark.
        headers: As received; names in lower case, or a mapping without case.
        action: The query's `Action`, "" if absent; on a mount by method and path the action of the route.
        version: The query's `Version`, None if absent.
        resource: The id in the path of a route that has one.
        parameters: Of the query, decoded; the first value of each name.
        key: The Bearer key, None if there is none.
        body: The JSON body's bytes; for an upload the fields of the form as a mapping instead. None for a body that is
            not read: the call is refused without it.
        base: The beginning of links in the reply: `http://127.0.0.1:8787`, or the public URL.
        rule: The header `X-Emulator-Rule`, None if absent.
        file: The uploaded file, already read and within the limit.
        file_name: The name that the client gave it, "" for none; nothing is called by it.
    """

    method: str = "POST"
    path: str = ""
    query: str = ""
    headers: Mapping[str, str] = field(factory=dict, repr=False)  # hold keys
    action: str
    version: str | None = None
    resource: str = ""
    parameters: Mapping[str, str] = field(factory=dict)
    key: str | None = field(default=None, repr=False)
    body: bytes | Mapping[str, str] | None = field(default=b"", repr=False)
    base: str = ""
    rule: str | None = None
    file: bytes | None = field(default=None, repr=False)
    file_name: str = ""

    def with_body(self, body: bytes | Mapping[str, str], file: bytes | None = None, file_name: str = "") -> Call:
        """The call with the body that was read, and the file of an upload."""
        return _replace_body(self, body, file, file_name)

    def signed(self, headers: Mapping[str, str], body: bytes) -> Call:
        """The call with its body and the headers that sign it."""
        return _replace_headers(self, headers, body)


_replace_body = replacer(Call, "body", "file", "file_name")
_replace_headers = replacer(Call, "headers", "body")


@frozen(kw_only=True)
class Reply:
    """The reply to a call, or to any other request.

    Attributes:
        status: HTTP status.
        body: The bytes.
        headers: Besides the usual ones.
        content_type: Of the body.
        drop: Close the connection instead of answering.
        truncate: Announce the whole body, but send only so many bytes and close.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(factory=dict)
    content_type: str = "application/json"
    drop: bool = False
    truncate: int | None = None


@frozen
class RunInTurn(RunBlocking):
    """Do work that blocks, in the one thread that does all work of this kind, one after the other."""


ReplyFlow = Generator[Sleep | RunBlocking, Any, Reply]


def utf8_safe(text: str) -> str:
    """A text with question marks for what UTF-8 cannot carry: halves of surrogate pairs."""
    return text.encode(errors="replace").decode()
