"""`timeout=` is a bound: however slow a server, a proxy or a name server is, a call ends in time in both colours."""

import socket
import threading
import time
from math import inf

import pytest

from portrait import Timeout, Timeouts
from portrait.http import FailureKind, HttpRequest, TransportFailure
from tests.portrait import raw_server
from tests.portrait.raw_server import RawServer, ok, read_head, respond_with, trickling

LIMIT = 0.25  # seconds, of which a busy machine takes a part
BOUND = 1.0  # far above it, and far below what would be waited without a limit
HEAD = [bytes([byte]) for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 100]


def silent(_, server):
    """Behaviour: accept, and neither read nor answer."""
    server.over.wait(5)


def dripping_handshake(connection, server):
    """Behaviour: answer a TLS hello with the head of a long record, a byte now and then."""
    connection.recv(65536)
    for byte in b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb" + bytes(200):
        connection.sendall(bytes([byte]))
        server.over.wait(0.02)


def dripping_connect(connection, server):
    """Behaviour of a proxy: answer CONNECT a byte now and then."""
    read_head(connection)
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 200:
        connection.sendall(bytes([byte]))
        server.over.wait(0.02)


SLOW_ANSWERS = {
    "answer-drip": trickling(b"", HEAD, 0.02),
    "headers without end": trickling(b"HTTP/1.1 200 OK\r\n", [b"X-More: 1\r\n"] * 90, 0.02),
    "100 without end": trickling(b"", [b"HTTP/1.1 100 Continue\r\n\r\n"] * 200, 0.02),
    "103 without end": trickling(b"", [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"] * 200, 0.02),
    "a body that drips": trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n", [b" "] * 200, 0.02),
    "chunks that drip": trickling(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", [b"1", b"\r", b"\n", b" ", b"\r\n"] * 40, 0.02
    ),
    "nothing": raw_server.silent,
}


def call(colour, url, **options):
    """One call with a short limit; its failure, and how long it took."""
    body = options.pop("body", b"{}")
    limits = options.pop("limits", Timeouts(connect=3.0, read=3.0, total=LIMIT))
    transport = colour.transport(**options)
    began = time.monotonic()
    with pytest.raises(TransportFailure) as info:
        transport.send(HttpRequest(method="POST", url=f"{url}/", headers={}, body=body, timeouts=limits))
    return info.value.kind, time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize("route", ["direct", "tls", "proxy", "tunnel"])
@pytest.mark.parametrize("name", SLOW_ANSWERS)
def test_a_slow_answer_ends_in_time(colour, authority, bare, name, route):
    """answer-drip: each byte comes within the read limit, all of them together do not within the total."""
    ca, context = authority
    tls = context if route in {"tls", "tunnel"} else None
    with RawServer(raw_server.proxying) as proxy, RawServer(SLOW_ANSWERS[name], tls=tls) as server:
        through = proxy.url if route in {"proxy", "tunnel"} else ""
        kind, seconds = call(colour, server.url, ssl=str(ca), proxy=through)
    assert kind is FailureKind.TIMEOUT
    assert seconds < BOUND


def test_a_call_with_a_number_ends_in_time(colour, bare):
    """answer-drip: `timeout=` as users give it."""
    with RawServer(SLOW_ANSWERS["answer-drip"]) as server:
        began = time.monotonic()
        with pytest.raises(Timeout) as info:
            colour.client(base_url=server.url, timeout=LIMIT, retry=None).get_asset(id="asset-1")
    assert info.value.may_have_executed is True
    assert time.monotonic() - began < BOUND


@pytest.mark.slow
@pytest.mark.parametrize("limits", [Timeouts(connect=LIMIT), Timeouts(total=LIMIT)], ids=["connect", "total"])
@pytest.mark.parametrize("behave", [silent, dripping_handshake], ids=["silent", "dripping"])
def test_a_slow_tls_handshake_ends_in_time(colour, authority, bare, behave, limits):
    """Nothing was sent."""
    with RawServer(behave) as server:
        url = server.url.replace("http:", "https:")
        kind, seconds = call(colour, url, ssl=str(authority[0]), limits=limits)
    assert kind is FailureKind.CONNECT_TIMEOUT
    assert seconds < BOUND


@pytest.mark.parametrize(
    ("behave", "limits"),
    [
        (silent, Timeouts(total=LIMIT)),
        pytest.param(silent, Timeouts(connect=LIMIT), marks=pytest.mark.slow),
        pytest.param(dripping_connect, Timeouts(total=LIMIT), marks=pytest.mark.slow),
        pytest.param(dripping_connect, Timeouts(connect=LIMIT), marks=pytest.mark.slow),
    ],
    ids=["silent total", "silent connect", "dripping total", "dripping connect"],
)
def test_a_slow_tunnel_ends_in_time(colour, bare, behave, limits):
    """The proxy answers CONNECT slowly or never: nothing was sent."""
    with RawServer(behave) as proxy:
        kind, seconds = call(colour, "https://127.0.0.1:9", proxy=proxy.url, limits=limits)
    assert kind is FailureKind.CONNECT_TIMEOUT
    assert seconds < BOUND


@pytest.mark.parametrize("secure", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_request_that_is_not_read_ends_in_time(colour, authority, bare, secure):
    """The server leaves a large body in the socket's buffers."""
    with RawServer(silent, tls=authority[1] if secure else None) as server:
        kind, seconds = call(colour, server.url, ssl=str(authority[0]), body=bytes(16_000_000))
    assert kind is FailureKind.TIMEOUT
    assert seconds < BOUND


@pytest.mark.parametrize("limits", [Timeouts(connect=LIMIT), Timeouts(total=LIMIT)], ids=["connect", "total"])
def test_a_slow_name_look_up_ends_in_time(colour, bare, limits):
    """The look-up cannot be stopped, and nobody waits for it."""
    over = threading.Event()
    threads = []

    def slow(*_, **__):
        threads.append(threading.current_thread())
        over.wait(3)
        raise socket.gaierror(socket.EAI_NONAME, "no")

    bare.setattr(socket, "getaddrinfo", slow)
    kind, seconds = call(colour, "http://portrait.invalid", limits=limits)
    over.set()
    assert kind is FailureKind.CONNECT_TIMEOUT
    assert seconds < BOUND
    assert colour.name == "async" or all(thread.daemon for thread in threads)  # nor does the program's end wait


def test_all_addresses_of_a_name_share_one_limit(colour, bare):
    """Ten addresses that do not answer take no longer than one."""
    listening, fillers = raw_server.deaf()
    port = listening.getsockname()[1]
    entry = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))
    bare.setattr(socket, "getaddrinfo", lambda *_, **__: [entry] * 10)
    try:
        kind, seconds = call(colour, f"http://portrait.invalid:{port}", limits=Timeouts(connect=LIMIT))
    finally:
        for sock in (listening, *fillers):
            sock.close()
    assert kind is FailureKind.CONNECT_TIMEOUT
    assert seconds < BOUND


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]
)
def test_interim_responses_are_skipped(colour, bare, interim):
    """RFC 9110 §15.2: any number of them may come before the response."""
    with RawServer(raw_server.send_exactly(interim * 3 + ok())) as server:
        response = colour.transport().send(HttpRequest(method="POST", url=f"{server.url}/", headers={}, body=b"{}"))
    assert response.status == 200


@pytest.mark.parametrize("seconds", [1e10, 1e300, inf])
def test_a_limit_of_centuries_is_as_good_as_none(colour, seconds):
    """No exception of a socket, which takes no such number."""
    with RawServer(respond_with(ok())) as server:
        client = colour.client(base_url=server.url, timeout=Timeouts(connect=seconds, read=seconds, total=seconds))
        assert client.get_asset(id="asset-1").id == "asset-1"
