"""Bodies over a real socket: too large, cut off, damaged, slow; an answer or a clean end, and nothing logged."""

import gc
import gzip
import json
import socket
import threading
import time
import weakref
import zlib
from contextlib import suppress

import pytest

from emulator.web import rest_routes
from emulator.web.form import FormReader
from tests.emulator.web.multipart import CONTENT_TYPE, form, part
from tests.emulator.web.wire import ask, connected, exchange, head, until_closed

MB = 1_048_576
ACTION = "/v1/portrait/?Action=GetAsset"
UPLOAD = "/v1/portrait/upload"


def chunked(*pieces):
    """Pieces in chunked encoding."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [MB + 1, 2 * MB, 40 * MB])
def test_an_ordinary_client_reads_the_413(url, size):
    """http.client sends its whole body before it reads, and finds the refusal."""
    status, headers, body = ask(url, "POST", ACTION, bytes(size))
    assert (status, headers["connection"]) == (413, "close")
    assert json.loads(body)["error"]["message"]


@pytest.mark.parametrize("size", [MB + 1, 3 * MB])
def test_a_chunked_body_is_limited_as_well(url, size):
    """A body of undeclared length is refused once it is too long."""
    status, _, body = ask(url, "POST", ACTION, iter([bytes(MB), bytes(size - MB)]))
    assert status == 413
    assert b'"error"' in body


def test_four_declared_gigabytes_are_refused_at_once(url):
    """The refusal does not wait for a single byte of the body."""
    with connected(url) as sock:
        sock.sendall(head(Content_Length="4294967296"))
        assert sock.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_a_body_without_end_is_not_read_without_end(url):
    """What is refused is drained up to a bound; then the connection closes, however much more would come."""
    with connected(url) as sock:
        sock.sendall(head(Content_Length="99999999999"))
        sent = 0
        with suppress(ConnectionError):
            for sent in range(400):  # noqa: B007 - how far it came
                sock.sendall(bytes(MB))
    assert 50 < sent < 200


def test_a_client_that_waits_for_continue_hears_the_refusal_first(url):
    """A client such as curl asks before it sends a large body: the answer is the 413, and the connection ends."""
    answer = exchange(url, head(Content_Length=str(5 * MB), Expect="100-continue"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer


def test_a_client_that_waits_for_continue_is_told_to(url):
    """A body within the limit is asked for."""
    with connected(url) as sock:
        sock.sendall(head(Content_Length="2", Expect="100-continue", Connection="close"))
        assert sock.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"{}")
        assert until_closed(sock).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("target", "kind", "started"),
    [
        (ACTION, "application/json", b"{"),
        (UPLOAD, CONTENT_TYPE, form(part("GroupId", "g"))[:40]),
        ("/_emulator/reset", "application/json", b"{"),
    ],
)
def test_a_cut_off_body_gets_no_answer(url, target, kind, started):
    """A client that goes away in the middle of its body has called nothing."""
    assert exchange(url, head(target, Content_Length="100", Content_Type=kind) + started, end=True) == b""


@pytest.mark.parametrize("framing", [{"Content_Length": "900000"}, {"Transfer_Encoding": "chunked"}])
def test_what_came_of_a_cut_off_upload_is_freed_at_once(url, monkeypatch, framing):
    """Without the garbage collector: clients that break off again and again fill no memory."""
    readers = []

    class Reader(FormReader):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            readers.append(weakref.ref(self))

    monkeypatch.setattr(rest_routes, "FormReader", Reader)
    started = form(part("file", bytes(300_000), "a.png"))[:-100]
    gc.disable()
    try:
        with connected(url) as sock:
            body = started if "Content_Length" in framing else b"%x\r\n%b\r\n" % (len(started), started)
            sock.sendall(head(UPLOAD, Content_Type=CONTENT_TYPE, **framing) + body)
            _wait_until(lambda: readers)
        _wait_until(lambda: readers[0]() is None)
    finally:
        gc.enable()


def _wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        threading.Event().wait(0.002)
    assert condition()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Transfer_Encoding": "chunked"}, b"zz\r\nnonsense\r\n"),
        ({"Transfer_Encoding": "chunked"}, b"2\r\n{}nonsense\r\n0\r\n\r\n"),
        ({"Transfer_Encoding": "chunked"}, b"-2\r\n{}\r\n0\r\n\r\n"),
        ({"Content_Encoding": "gzip", "Content_Length": "8"}, b"nonsense"),
        ({"Content_Encoding": "deflate", "Content_Length": "8"}, b"\xff" * 8),
        ({"Content_Encoding": "gzip", "Content_Length": "20"}, gzip.compress(b"{}" * 50, mtime=0)[:20]),
        ({"Content_Length": "x"}, b""),
        ({"Content_Length": "-1"}, b""),
        ({"Content_Length": "2", "Transfer_Encoding": "chunked"}, chunked(b"{}")),
    ],
)
@pytest.mark.parametrize("target", [ACTION, UPLOAD])
def test_a_damaged_body_is_refused_or_dropped(url, target, headers, body):
    """Bad chunks, bad compression and bad lengths are the client's fault: 4xx or a closed connection, never a 5xx."""
    kind = {"Content_Type": CONTENT_TYPE} if target == UPLOAD else {}
    answer = exchange(url, head(target, **headers, **kind, Connection="close") + body)
    assert answer == b"" or answer.split(b" ")[1] in {b"400", b"413"} or b'"InvalidParameter"' in answer


def test_a_compressed_body_is_read(url):
    """What was compressed well is taken for what it is."""
    body = gzip.compress(b'{"Id": "asset-1"}')
    answer = exchange(url, head(Content_Encoding="gzip", Content_Length=str(len(body)), Connection="close") + body)
    assert b'"Forbidden"' in answer


def test_a_bomb_is_refused_by_what_it_unpacks_to(url):
    """The limit counts decompressed bytes."""
    body = zlib.compress(bytes(64 * MB), 9)
    assert len(body) < MB
    answer = exchange(url, head(Content_Encoding="deflate", Content_Length=str(len(body))) + body)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_may_come_in_drops(url):
    """Each byte in a packet of its own makes the same call."""
    with connected(url) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head(Content_Length="14", Connection="close") + b'{"Id": "nope"}':
            sock.sendall(bytes([byte]))
        assert b'"Forbidden"' in until_closed(sock)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        bytes(50),
        b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_quietly(url, garbage):
    """TLS to a plain port, and other nonsense, gets 400 or nothing."""
    answer = exchange(url, garbage)
    assert answer == b"" or answer.split(b" ")[1] in {b"400", b"404", b"405"}


def test_an_upload_over_the_limit_is_refused_while_it_comes(url):
    """Contract §5: 413 with `{"error"}` over 10 MB, readable by an ordinary client, declared or not."""
    headers = {"Authorization": "Bearer k", "Content-Type": CONTENT_TYPE}
    body = form(part("file", bytes(10 * MB + 1), "f.png"), part("GroupId", "g"))
    for sent in (body, iter([body[:MB], body[MB:]]), body + bytes(20 * MB)):
        status, _, answer = ask(url, "POST", UPLOAD, sent, headers)
        assert status == 413
        assert json.loads(answer)["error"]["message"]


def test_an_upload_is_authorized_before_its_body_is_read(url):
    """Without a key the 401 comes before a single byte of the file."""
    with connected(url) as sock:
        sock.sendall(head(UPLOAD, Content_Length="5000000", Content_Type=CONTENT_TYPE, Authorization=None))
        assert sock.recv(65_536).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (form(part("GroupId", "g")), CONTENT_TYPE, "MissingParameter.file"),
        (form(part("file", b"x", "f")), CONTENT_TYPE, "MissingParameter.GroupId"),
        (form(part("file", b"x", "f"))[:-9], CONTENT_TYPE, "InvalidParameter"),
        (b"nonsense", CONTENT_TYPE, "InvalidParameter"),
        (b"", CONTENT_TYPE, "InvalidParameter"),
        (form(part("file", b"x", "f")), "multipart/form-data", "InvalidParameter"),
        (b"{}", "application/json", "InvalidParameter"),
        (b"{}", "", "InvalidParameter"),
    ],
)
def test_a_broken_form_is_an_error_of_the_envelope(url, body, kind, code):
    """Contract §2: the upload answers with `Action` = `CreateAsset`."""
    status, _, answer = ask(url, "POST", UPLOAD, body, {"Authorization": "Bearer k", "Content-Type": kind})
    metadata = json.loads(answer)["ResponseMetadata"]
    assert (status, metadata["Action"], metadata["Error"]["Code"]) == (200, "CreateAsset", code)
