"""Answers that HTTP ends with their head."""

import json

import pytest

from tests.emulator.web.wire import connected


@pytest.mark.parametrize("status", [204, 304])
def test_nothing_follows_the_head(url, status):
    """A rule may ask for such a status with a page; the next answer on the connection begins where it should."""
    call = "POST /v1/portrait/?Action=GetAsset HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: 2\r\n"
    rule = json.dumps({"do": {"http": {"status": status, "body": "html"}}})
    with connected(url) as sock:
        sock.sendall(f"{call}X-Emulator-Rule: {rule}\r\n\r\n{{}}".encode())
        sock.sendall(f"{call}Connection: close\r\n\r\n{{}}".encode())
        with sock.makefile("rb") as stream:
            first, _, second = stream.read().partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 %d " % status)
    assert (b"Content-Length" in first) is (status == 304)
    assert second.startswith(b"HTTP/1.1 200 ")
