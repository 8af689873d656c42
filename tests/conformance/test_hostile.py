"""Bytes that no client would send: the server answers below 500 or hangs up, and says nothing of it in its log."""

import contextlib
import http.client
import json
import re
import socket
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.conftest import KEY, Watched
from tests.wire.client import multipart, part
from tests.wire.media import JPEG

MANY = settings(
    max_examples=2000,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def request(
    method: str, target: str, body: bytes = b"", content_type: str = "application/json", *, last: bool = True
) -> bytes:
    """A well-formed request, to be damaged; the last one of its connection, or one of many."""
    lines = (
        f"{method} {target} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {KEY}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        *["Connection: close"] * last,
    )
    return "\r\n".join([*lines, "", ""]).encode() + body


UPLOAD, FORM = multipart([part("GroupId", "group-1"), part("file", JPEG, "a.jpg", "image/jpeg")])
FILTER = json.dumps({"Filter": {"GroupType": "AIGC", "GroupIds": ["a"]}, "PageNumber": 1}).encode()
_TWO = [request("POST", f"/v1/portrait/?Action={name}", FILTER, last=False) for name in ("ListAssets", "GetAsset")]
SEEDS = {
    "one of many": _TWO[0],
    "two": b"".join(_TWO),
    "action": request("POST", "/v1/portrait/?Action=ListAssets&Version=2024-01-01", FILTER),
    "upload": request("POST", "/v1/portrait/upload", UPLOAD, FORM),
    "page": request("GET", "/h5/?bytedToken=x&lng=en"),
    "link": request("GET", "/files/asset-1?X-Tos-Expires=43200&X-Tos-Date=20260318T000000Z&X-Tos-Signature=0"),
    "control": request("POST", "/_emulator/rules", b'{"do": {"delay": 0}, "match": {"action": "GetAsset"}}'),
}
# The machine's time, and request ids, which go on with each call that came in time before its connection ended.
_UNLIKE = re.compile(rb"Date: [^\r]*\r\n|\b[0-9]{14}[0-9A-F]{20}\b")
_WORDS = st.sampled_from([b"\r\n", b"\0", b"%00", b"%ff", b"\xff\xfe", b"\xed\xa0\x80", b"chunked", b"9" * 30, b"-1"])
# Replace so many bytes at a place by others; places beyond the end are the end.
_CHANGES = st.lists(
    st.tuples(st.integers(0, 1200), st.integers(0, 8), _WORDS | st.binary(max_size=12)), min_size=1, max_size=4
)


def damaged(seed: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """The seed after the changes."""
    for place, length, other in changes:
        seed = seed[:place] + other + seed[place + length :]
    return seed


def exchange(server: Watched, data: bytes) -> bytes:
    """Send, say that nothing more comes, and read to the end."""
    answer = b""
    with socket.create_connection(server.server.address, timeout=10) as sock, contextlib.suppress(ConnectionError):
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        while piece := sock.recv(65_536):
            answer += piece
    return answer


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_requests(seed: str, server: Watched) -> None:
    """Bytes replaced, added and taken away anywhere in a request."""

    @MANY
    @given(_CHANGES)
    def check(changes: list[tuple[int, int, bytes]]) -> None:
        answer = exchange(server, damaged(SEEDS[seed], changes))
        assert answer == b"" or answer.startswith(b"HTTP/1."), answer[:200]
        statuses = [answer[9:12]] if answer else []
        assert all(status < b"500" for status in statuses), answer[:500]

    check()


@pytest.mark.parametrize("seed", ["one of many", "two"])
def test_damaged_requests_are_answered_alike_without_the_fast_lane(seed: str, start: Callable[..., Watched]) -> None:
    """No byte differs but for times and request ids. What would be sent after the client's end may be lost."""
    both = [start("--seed", "7", module=module) for module in ("emulator", "tests.conformance.without_fast_lane")]

    @MANY
    @given(_CHANGES)
    def check(changes: list[tuple[int, int, bytes]]) -> None:
        data = damaged(SEEDS[seed], changes)
        shorter, longer = sorted((_UNLIKE.sub(b"", exchange(server, data)) for server in both), key=len)
        assert longer.startswith(shorter), (shorter, longer)

    check()
    assert [server.complaints() for server in both] == ["", ""]


@pytest.mark.parametrize("status", [200, 204, 205, 304, 404, 503, 599])
@pytest.mark.parametrize("body", ["html", "empty", "text"])
def test_a_page_in_place_of_an_answer_leaves_the_connection_usable(status: int, body: str, server: Watched) -> None:
    """Whatever status a rule asks for, the next answer on the same connection begins where it should."""
    rule = json.dumps({"do": {"http": {"status": status, "body": body}}})
    headers = {"Authorization": f"Bearer {KEY}", "Content-Length": "2"}
    head = "POST /v1/portrait/?Action=GetAsset HTTP/1.1\r\nHost: x\r\n"
    plain = head + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(server.server.address, timeout=10) as sock, sock.makefile("rb") as stream:
        sock.sendall(f"{plain}X-Emulator-Rule: {rule}\r\n\r\n{{}}".encode())
        assert read_answer(stream)[0] == status
        sock.sendall(f"{plain}\r\n{{}}".encode())
        assert read_answer(stream) == (200, True)


def read_answer(stream) -> tuple[int, bool]:  # type: ignore[no-untyped-def]
    """Status, and whether there was a JSON body; reads exactly what HTTP says belongs to the answer."""
    status = int(stream.readline().split(b" ")[1])
    headers = http.client.parse_headers(stream)
    length = 0 if status in {204, 304} else int(headers["content-length"])
    assert status != 204 or "content-length" not in headers
    return status, stream.read(length).startswith(b"{")
