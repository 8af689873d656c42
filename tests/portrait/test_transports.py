"""Both transports against servers of hand-written bytes: the same break has the same name in both colours."""

import asyncio
import contextlib
import errno
import gzip
import socket
import ssl
import sys
import threading
import time
import zlib
from http.client import HTTPConnection, RemoteDisconnected
from itertools import pairwise
from types import SimpleNamespace

import aiohttp
import pytest
import urllib3

from portrait import PortraitClient, RetryPolicy, Timeout, Timeouts, TransportError, UsageError
from portrait.clock import ManualClock
from portrait.errors import BadResponse, ConnectFailed, ConnectionLost
from portrait.http import FailureKind, HttpRequest, TransportFailure
from portrait.transports import common
from portrait.transports.aiohttp_transport import AiohttpTransport
from portrait.transports.failures import Phase, transport_failure
from portrait.transports.proxies import ProxyResolver
from portrait.transports.urllib3_transport import Urllib3Transport
from portrait.urls import parse_http_url
from tests.portrait import raw_server
from tests.portrait.helpers import KEY, body
from tests.portrait.raw_server import RawServer, ok, respond_with, send_exactly, trickling

GOOD = body({"Id": "asset-1"})
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
STORED = gzip.compress(bytes(400), 0)  # not squeezed: each byte in gives a byte out


def request(url, **options):
    """A request as a client makes it."""
    usual = {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": b'{"Id":"a"}'}
    return HttpRequest(url=f"{url}/portrait/?Action=GetAsset", **{**usual, "timeouts": Timeouts(total=5.0), **options})


def chunk(content):
    """A chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(content), content)


def tls_error(reason):
    """An error of OpenSSL."""
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


def nested(*errors):
    """The first of some exceptions, each of which came from the next."""
    for error, cause in pairwise(errors):
        error.__cause__ = error.__context__ = cause
    return errors[0]


def test_what_nobody_asked_for_is_no_answer(colour):
    """It arrives on an idle connection: the next request gets an answer of its own."""
    arrived = threading.Event()

    def answer_twice(connection, server):
        while server.take(connection):
            connection.sendall(ok(body({"Id": "asset-1"})))
            if not arrived.is_set():
                server.over.wait(0.01)
                connection.sendall(ok(body({"Id": "asset-of-another"})))
                arrived.set()

    with RawServer(answer_twice) as server:
        client = colour.client(base_url=f"{server.url}/v1", retry=None)
        for _ in range(3):
            created = client.create_asset(group_id="g", url="https://cdn.example/a.jpg", asset_type="Image")
            assert created.id == "asset-1"
            arrived.wait()
            server.over.wait(0.01)
        assert len(server.requests) == 3


# --- how requests break ---------------------------------------------------------------------------------------------

BREAKS = {
    "cut off by length": (send_exactly(ok()[:-9]), FailureKind.INCOMPLETE),
    "cut off in a chunk": (send_exactly(CHUNKED + chunk(GOOD)[:-20]), FailureKind.INCOMPLETE),
    "cut off between chunks": (send_exactly(CHUNKED + chunk(GOOD)), FailureKind.INCOMPLETE),
    "cut off without a body": (send_exactly(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), FailureKind.INCOMPLETE),
    "reset within the body": (send_exactly(ok()[:-9], then="reset"), FailureKind.INCOMPLETE),
    "not gzip": (
        send_exactly(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"),
        FailureKind.INCOMPLETE,
    ),
    "not HTTP": (send_exactly(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), FailureKind.INCOMPLETE),
    "two lengths": (
        send_exactly(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
        FailureKind.INCOMPLETE,
    ),
    "two lengths in one header": (
        send_exactly(b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{} "),
        FailureKind.INCOMPLETE,
    ),
    "no length": (
        send_exactly(b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}"),
        FailureKind.INCOMPLETE,
    ),
    "a length without end": (
        send_exactly(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}"),
        FailureKind.INCOMPLETE,
    ),
    "a line that is no header": (
        send_exactly(b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\n\r\n{}"),
        FailureKind.INCOMPLETE,
    ),
    "cut off in the head": (
        send_exactly(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"),
        FailureKind.INCOMPLETE,
        FailureKind.DISCONNECTED,
    ),
    "half a status line": (send_exactly(b"HTTP/1.1 2"), FailureKind.INCOMPLETE, FailureKind.DISCONNECTED),
    "a bad chunk": (send_exactly(CHUNKED + b"zz\r\nabc\r\n"), FailureKind.INCOMPLETE),
    "closed without an answer": (raw_server.closing, FailureKind.DISCONNECTED),
    "reset without an answer": (raw_server.resetting_after, FailureKind.DISCONNECTED),
    "reset before the request": (raw_server.resetting, FailureKind.DISCONNECTED, FailureKind.CONNECT),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_has_the_same_name_in_both_colours(colour, name):
    """Cut off: something answered; lost: nothing did. Either way there is no half answer, and no other exception."""
    behave, *broken = BREAKS[name]  # two where the libraries, or the network's timing, decide
    with RawServer(behave) as server, pytest.raises(TransportFailure) as info:
        colour.transport().send(request(server.url))
    assert info.value.kind in broken
    assert "127.0.0.1" not in info.value.detail


@pytest.mark.parametrize(
    "behave",
    [
        raw_server.silent,
        send_exactly(b"HTTP/1.1 200 OK\r\nContent-Le", then="hold"),
        send_exactly(ok()[:-9], then="hold"),
        send_exactly(CHUNKED + chunk(b"{"), then="hold"),
    ],
    ids=["silent", "in the head", "in the body", "in the chunks"],
)
def test_a_server_that_falls_silent_is_a_timeout(colour, behave):
    """Wherever it stops, the read timeout ends the wait."""
    limits = Timeouts(connect=1.0, read=0.05, total=3.0)
    began = time.monotonic()
    with RawServer(behave) as server, pytest.raises(TransportFailure) as info:
        colour.transport().send(request(server.url, timeouts=limits))
    assert info.value.kind is FailureKind.TIMEOUT
    assert time.monotonic() - began < 2.5  # the total would be 3


@pytest.mark.parametrize(
    "behave",
    [
        trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n", [b" "] * 400),
        trickling(CHUNKED, [chunk(b" ")] * 400),
        trickling(b"HTTP/1.1 200 OK\r\n\r\n", [b" "] * 400),
        trickling(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", [bytes([b]) for b in STORED]),
    ],
    ids=["length", "chunks", "to the end", "gzip"],
)
def test_an_answer_that_trickles_is_stopped_by_the_total(colour, behave):
    """Every byte comes within the read timeout; all of them together take too long."""
    limits = Timeouts(connect=1.0, read=1.0, total=0.15)
    began = time.monotonic()
    with RawServer(behave) as server, pytest.raises(TransportFailure) as info:
        colour.transport().send(request(server.url, timeouts=limits))
    assert info.value.kind is FailureKind.TIMEOUT
    assert time.monotonic() - began < 3.0  # all of it would take 4


def test_nobody_listening_is_a_failed_connection(colour):
    """Nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(TransportFailure) as info:
        colour.transport().send(request(url))
    assert info.value.kind is FailureKind.CONNECT


def test_a_name_that_does_not_exist_is_a_failed_connection(colour):
    """Nothing was sent: `.invalid` never resolves (RFC 6761)."""
    with pytest.raises(TransportFailure) as info:
        colour.transport(proxy="").send(request("http://portrait.invalid"))
    assert info.value.kind is FailureKind.CONNECT


@pytest.mark.parametrize(
    "limits", [Timeouts(connect=0.05), Timeouts(connect=1.0, total=0.05), Timeouts.of(0.05)], ids=str
)
def test_a_connection_that_is_not_accepted_in_time_was_not_sent(colour, limits):
    """A full queue: whichever limit ends it, nothing was sent, and a create may be repeated."""
    listening, fillers = raw_server.deaf()
    try:
        with pytest.raises(TransportFailure) as info:
            colour.transport().send(request(f"http://127.0.0.1:{listening.getsockname()[1]}", timeouts=limits))
    finally:
        for sock in (listening, *fillers):
            sock.close()
    assert info.value.kind is FailureKind.CONNECT_TIMEOUT


BREAKS_AS_ERRORS = {
    "closed": (raw_server.closing, ConnectionLost, True),
    "silent": (raw_server.silent, Timeout, True),
    "cut off": (send_exactly(ok()[:-9]), BadResponse, True),
    "not HTTP": (send_exactly(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), BadResponse, True),
}


@pytest.mark.parametrize("name", BREAKS_AS_ERRORS)
def test_a_create_whose_answer_is_lost_is_sent_once(colour, name):
    """One connection, one request, and an error that says it may have happened."""
    behave, error, executed = BREAKS_AS_ERRORS[name]
    limits = Timeouts(connect=1.0, read=0.05, total=1.0)
    with RawServer(behave) as server:
        client = colour.client(base_url=server.url, timeout=limits, clock=ManualClock())
        with pytest.raises(error) as info:
            client.create_asset(group_id="g", url="https://cdn.example/a.jpg", asset_type="Image")
    assert info.value.may_have_executed is executed
    assert len(server.requests) == 1


def test_a_read_is_sent_until_it_is_answered(colour):
    """Three lost answers, then a good one."""
    turns = [raw_server.closing, raw_server.resetting_after, send_exactly(ok()[:-9]), respond_with()]

    def behave(connection, server):
        turns.pop(0)(connection, server)

    with RawServer(behave) as server:
        client = colour.client(base_url=server.url, clock=ManualClock(), retry=RetryPolicy(first=0.0))
        assert client.get_asset(id="asset-1").id == "asset-1"
    assert len(server.requests) == 4


# --- what comes through ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        ok(GOOD),
        CHUNKED + chunk(GOOD[:7]) + chunk(GOOD[7:]) + b"0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + GOOD,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"
        % (len(gzip.compress(GOOD)), gzip.compress(GOOD)),
        CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
        + chunk(gzip.compress(GOOD)[:3])
        + chunk(gzip.compress(GOOD)[3:])
        + b"0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: %d\r\n\r\n%s"
        % (len(zlib.compress(GOOD)), zlib.compress(GOOD)),
        b"HTTP/1.1 100 Continue\r\n\r\n" + ok(GOOD),
        b"HTTP/1.1 200 OK\r\nX-Blank:\r\ncontent-LENGTH:%d\r\n\r\n%s" % (len(GOOD), GOOD),
        b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD),
    ],
    ids=[
        *("length", "chunked", "to the end", "gzip", "gzip in chunks", "deflate", "after a 100", "odd spaces"),
        "HTTP/1.0",
    ],
)
def test_a_whole_answer_comes_through(colour, content):
    """However it is framed and compressed, the body is the same bytes."""
    with RawServer(send_exactly(content)) as server:
        answer = colour.transport().send(request(server.url))
    assert (answer.status, answer.body) == (200, GOOD)
    assert all(name == name.lower() for name in answer.headers)


def test_what_is_sent_is_what_was_made(colour):
    """Method, path with its query, headers and bytes reach the server as the request has them."""
    with RawServer(respond_with()) as server:
        colour.transport().send(request(f"{server.url}/a%2fb%C3%A9", headers={"X-Own": "1", "User-Agent": "mine/2"}))
    head, content = server.requests[0]
    assert head.startswith(b"POST /a%2fb%C3%A9/portrait/?Action=GetAsset HTTP/1.1\r\n")
    assert content == b'{"Id":"a"}'
    lines = head.decode().lower().split("\r\n")
    assert "x-own: 1" in lines
    assert "user-agent: mine/2" in lines
    assert f"content-length: {len(content)}" in lines
    assert "accept-encoding: identity" in lines or colour.name == "async"  # aiohttp decompresses as it reads


@pytest.mark.parametrize(("size", "pieces"), [(0, 1), (100, 1), (100_000, 2)])
def test_a_short_request_goes_out_in_one_piece(monkeypatch, size, pieces):
    """Headers and body together: `http.client` makes a system call and a packet of each. A long body is not copied."""
    sent = []
    send = HTTPConnection.send

    def counted(connection, data):
        assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)  # nor does it wait for an answer
        sent.append(len(data))
        send(connection, data)

    monkeypatch.setattr(HTTPConnection, "send", counted)
    with RawServer(respond_with()) as server, contextlib.closing(Urllib3Transport()) as transport:
        transport.send(request(server.url, body=bytes(size)))
        assert len(server.requests[0][1]) == size
    assert len(sent) == pieces


@pytest.mark.parametrize(
    "error", [BrokenPipeError(errno.EPIPE, "pipe"), ConnectionResetError(errno.ECONNRESET, "reset")]
)
def test_an_answer_that_comes_before_the_request_is_read_counts(monkeypatch, error):
    """A server may answer after the headers and close its side: what it said is not lost."""
    pieces = []
    send = HTTPConnection.send

    def broken(connection, data):
        pieces.append(data)
        if len(pieces) > 1:
            raise error
        send(connection, data)

    def behave(connection, _):
        raw_server.read_head(connection)
        connection.sendall(ok().replace(b"200 OK", b"413 Too Large"))

    monkeypatch.setattr(HTTPConnection, "send", broken)
    with RawServer(behave) as server, contextlib.closing(Urllib3Transport()) as transport:
        assert transport.send(request(server.url, body=bytes(100_000))).status == 413


@pytest.mark.parametrize("value", ["a\r\nX-Second: b", "a\nX-Second: b"])
def test_a_header_cannot_hold_another(colour, value):
    """A line break would begin a header that nobody wrote; nothing is sent."""
    with RawServer(respond_with()) as server:
        with pytest.raises(ValueError, match=r"(?i)header"):
            colour.transport().send(request(server.url, headers={"X-First": value}))
        assert server.requests == []


@pytest.mark.parametrize("name", ["Host", "host", "Accept-Encoding", "accept-encoding"])
def test_a_request_may_have_its_own_of_the_usual_headers(colour, name):
    """A signature covers the Host that it names; there is one of it, in any spelling."""
    with RawServer(respond_with()) as server:
        colour.transport().send(request(server.url, headers={name: "own.test"}))
    lines = server.heads[0].split("\r\n")
    assert [line for line in lines if line.startswith(f"{name.lower()}:")] == [f"{name.lower()}: own.test"]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("size", [0, 100, 65_536, 65_537, 1_100_000])
def test_a_body_of_any_size_arrives_whole(colour, size, method):
    """Short ones go out at once, long ones in pieces; each connection carries either."""
    content = bytes(number % 251 for number in range(size))
    with RawServer(respond_with()) as server:
        transport = colour.transport()
        for body_sent in (content, b"{}"):
            assert transport.send(request(server.url, body=body_sent, method=method)).status == 200
    assert [body_read for _, body_read in server.requests] == [content, b"{}"]
    assert server.connections == 1


def test_a_redirect_is_not_followed(colour):
    """The answer is handed up as it is: the key must not travel to another host."""
    moved = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with RawServer(respond_with(moved)) as server:
        answer = colour.transport().send(request(server.url))
        assert answer.status == 307
        client = colour.client(base_url=server.url)
        with pytest.raises(BadResponse, match="redirects are not followed"):
            client.get_asset(id="asset-1")
        pool = urllib3.PoolManager()
        assert Urllib3Transport(pool=pool).send(request(server.url)).status == 307
        pool.clear()
    assert len(server.requests) == 3


def test_an_answer_may_take_longer_than_the_read_limit_in_all(colour):
    """It bounds the time between two pieces."""
    behave = trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n", [b" "] * 14, 0.045)
    with RawServer(behave) as server:
        response = colour.transport().send(request(server.url, timeouts=Timeouts(read=0.5, total=10.0)))
    assert response.body == b" " * 14


def test_a_body_that_breaks_off_in_a_callers_pool_is_cut_off():
    """Something answered, as in a pool of the transport's own."""
    behave, kind = BREAKS["reset within the body"]
    with RawServer(behave) as server, urllib3.PoolManager() as pool, pytest.raises(TransportFailure) as info:
        Urllib3Transport(pool=pool).send(request(server.url))
    assert info.value.kind is kind


def test_without_limits_a_request_takes_as_long_as_it_takes(colour):
    """None is no limit, for each of the three."""
    with RawServer(respond_with()) as server:
        limits = Timeouts(connect=None, read=None, total=None)
        assert colour.transport().send(request(server.url, timeouts=limits)).status == 200


def test_no_cookie_is_kept(colour):
    """Whatever a service or a proxy sets: a call depends on nothing that was answered before."""
    with RawServer(respond_with(ok().replace(b"\r\n", b"\r\nSet-Cookie: session=1\r\n", 1))) as server:
        transport = colour.transport()
        for _ in range(2):
            assert transport.send(request(server.url.replace("127.0.0.1", "localhost"))).status == 200
    assert ["cookie" in head for head in server.heads] == [False, False]


def test_urllib3s_own_log_has_connections_alone(caplog):
    """At DEBUG urllib3 says what it connects to, and nothing of retries that are off."""
    caplog.set_level("DEBUG")
    with RawServer(respond_with(ok())) as server, contextlib.closing(Urllib3Transport()) as transport:
        transport.send(request(server.url))
    assert {record.name for record in caplog.records if record.name != "asyncio"} == {"urllib3.connectionpool"}


@pytest.mark.parametrize(
    "content",
    [
        ok(b" " * 2001),
        CHUNKED + chunk(b" " * 1000) * 3 + b"0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"
        % (len(gzip.compress(b" " * 100_000)), gzip.compress(b" " * 100_000)),
    ],
    ids=["length", "chunked", "gzip"],
)
def test_an_answer_without_end_is_cut_off(colour, content, monkeypatch):
    """Larger than any answer of the protocol, also after decompression: it is not kept in memory."""
    for module in ("aiohttp_transport", "whole_response", "bounded_connections"):
        monkeypatch.setattr(f"portrait.transports.{module}.MAX_RESPONSE_BYTES", 2000)
    with RawServer(send_exactly(content)) as server, pytest.raises(TransportFailure) as info:
        colour.transport().send(request(server.url))
    assert info.value.kind is FailureKind.INCOMPLETE
    assert "larger than 2000 bytes" in info.value.detail
    whole = [ok(b" " * 2000), CHUNKED + chunk(b" " * 1000) * 2 + b"0\r\n\r\n"]
    for answer in whole:
        with RawServer(send_exactly(answer)) as server:
            assert len(colour.transport().send(request(server.url)).body) == 2000


def test_the_limit_leaves_room_for_any_page():
    """100 items with long links are far below it."""
    assert common.MAX_RESPONSE_BYTES > 100 * 10_000


def test_connections_are_kept(colour):
    """Ten calls use one connection; a broken one is replaced."""
    with RawServer(respond_with()) as server:
        transport = colour.transport()
        for _ in range(10):
            transport.send(request(server.url))
        assert (server.connections, len(server.requests)) == (1, 10)


def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again(colour):
    """After an answer with a goodbye the next call opens another."""
    with RawServer(send_exactly(ok().replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))) as server:
        transport = colour.transport()
        for _ in range(3):
            assert transport.send(request(server.url)).status == 200
    assert server.connections == 3


# --- the client over a transport ------------------------------------------------------------------------------------


@pytest.mark.parametrize("application", [None, "studio/7.1 (batch)"])
def test_the_user_agent_names_application_library_and_python(colour, application):
    """The application's name comes first; the HTTP library is named too."""
    with RawServer(respond_with()) as server:
        colour.client(base_url=server.url, user_agent=application).get_asset(id="asset-1")
    agent = next(line for line in server.heads[0].split("\r\n") if line.startswith("user-agent: "))
    library = "urllib3" if colour.name == "sync" else "aiohttp"
    assert agent.startswith(
        "user-agent: studio/7.1 (batch) portrait-actions/" if application else "user-agent: portrait-"
    )
    assert f"python/{sys.version_info[0]}.{sys.version_info[1]}" in agent
    assert agent.endswith(library)
    assert server.heads[0].count("user-agent") == 1


def test_the_key_goes_as_a_bearer_token(colour):
    """And the body is JSON."""
    with RawServer(respond_with()) as server:
        colour.client(base_url=server.url).get_asset(id="asset-1")
    assert f"authorization: bearer {KEY}" in server.heads[0]
    assert "content-type: application/json" in server.heads[0]


def test_an_own_pool_is_used_and_not_closed():
    """A caller's urllib3 pool lives on after the client."""
    with RawServer(respond_with()) as server, urllib3.PoolManager(headers={"X-Mine": "1"}) as pool:
        with PortraitClient(api_key=KEY, base_url=server.url, transport=Urllib3Transport(pool=pool)) as client:
            client.get_asset(id="asset-1")
        assert len(pool.pools) == 1
        Urllib3Transport(pool=pool).close()
        assert len(pool.pools) == 1


def test_a_body_arrives_whole_over_a_callers_pool():
    """As over a connection of the transport's own."""
    with RawServer(respond_with()) as server, urllib3.PoolManager() as pool:
        Urllib3Transport(pool=pool).send(request(server.url))
    assert server.requests[0][1] == b'{"Id":"a"}'


def test_an_own_session_is_used_and_not_closed():
    """A caller's aiohttp session lives on after the transport."""
    import asyncio  # noqa: PLC0415

    async def main(url):
        async with aiohttp.ClientSession(headers={"X-Mine": "1"}) as session:
            transport = AiohttpTransport(session=session)
            response = await transport.send(request(url))
            assert (response.status, response.headers["location"]) == (307, "/elsewhere")
            await transport.close()
            assert not session.closed

    moved = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with RawServer(respond_with(moved)) as server:
        asyncio.run(main(server.url))
    assert len(server.requests) == 1
    assert "x-mine: 1" in server.heads[0]


def test_a_transport_that_was_passed_in_is_not_closed(colour):
    """Who opens, closes."""
    client, script = colour.scripted(raw_answer())
    client.get_asset(id="asset-1")
    client.close()
    assert script.closed == 0


def raw_answer():
    """A good answer for a scripted transport."""
    from tests.portrait.helpers import good  # noqa: PLC0415

    return good({"Id": "asset-1"})


# --- proxies --------------------------------------------------------------------------------------------------------


@pytest.fixture
def proxied(bare):
    """A server, and a proxy before it."""
    with RawServer(raw_server.proxying) as proxy, RawServer(send_exactly(ok())) as server:
        yield server, proxy, bare


def test_a_proxy_is_used(colour, proxied):
    """Given by proxy=, also for this machine."""
    server, proxy, _ = proxied
    assert colour.client(base_url=server.url, proxy=proxy.url).get_asset(id="asset-1").id == "asset-1"
    assert len(proxy.requests) == 1
    assert proxy.requests[0][0].startswith(f"POST {server.url}/portrait/?Action=GetAsset".encode())


ABROAD = "http://service.test:8080"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(colour, bare, variable):
    """In either spelling, for what is not this machine."""
    with RawServer(send_exactly(ok())) as proxy:
        bare.setenv(variable, proxy.url)
        assert colour.transport().send(request(ABROAD)).status == 200
    assert proxy.requests[0][0].startswith(f"POST {ABROAD}/portrait/".encode())


@pytest.mark.parametrize(
    "exception", ["service.test", "test", ".test", "*", "service.test:8080", "a.test, service.test"]
)
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_no_proxy_passes_the_proxy_by(colour, bare, variable, exception):
    """Hosts, domains, a port, a list, everything."""
    with RawServer(send_exactly(ok())) as proxy:
        bare.setenv("HTTP_PROXY", proxy.url)
        bare.setenv(variable, exception)
        with pytest.raises(TransportFailure) as info:
            colour.transport().send(request(ABROAD))
        assert (info.value.kind, proxy.connections) == (FailureKind.CONNECT, 0)


@pytest.mark.parametrize(
    ("host", "exception"),
    [
        ("a.service.test", "*.service.test"),
        ("service.test", "other.test service.test"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("[fd00::1]", "[fd00::1]"),
        ("[fd00::1]", "fd00::/8"),
    ],
)
def test_no_proxy_is_read_as_other_programs_read_it(bare, host, exception):
    """key-proxy: `*.name`, spaces, networks and brackets, which Python's own reading lacks."""
    bare.setenv("ALL_PROXY", "http://proxy.test:3128")
    bare.setenv("NO_PROXY", exception)
    assert ProxyResolver(None)(parse_http_url(f"http://{host}:8080")) is None
    assert ProxyResolver(None)(parse_http_url("http://192.0.2.1")) == "http://proxy.test:3128"


def test_no_proxy_for_others_leaves_the_proxy(colour, bare):
    """Another port and another host are not this one."""
    with RawServer(send_exactly(ok())) as proxy:
        bare.setenv("HTTP_PROXY", proxy.url)
        bare.setenv("NO_PROXY", "service.test:81,other.test")
        assert colour.transport().send(request(ABROAD)).status == 200
    assert proxy.connections == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "a.localhost", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
def test_this_machine_is_never_reached_by_a_proxy_of_the_environment(colour, bare, variable, host):
    """key-proxy: the proxy would hear the key of an emulator or a gateway on this machine."""
    with RawServer(send_exactly(ok())) as proxy, RawServer(send_exactly(ok())) as server:
        bare.setenv(variable, proxy.url)
        client = colour.client(base_url=f"http://{host}:{server.port}/v1", retry=None, timeout=1.0)
        with contextlib.suppress(TransportError):  # nobody listens on some of them
            client.get_asset(id="asset-1")
        assert proxy.connections == 0
        assert server.connections == 1 or host not in {"127.0.0.1", "localhost"}


def test_a_name_of_this_machine_never_leads_elsewhere(colour, bare, monkeypatch):
    """key-parser: a name server that knows `a.localhost` would get the key; RFC 6761 §6.3."""
    look_up = socket.getaddrinfo

    def foreign(host, *arguments, **options):
        names = ["192.0.2.1", "127.0.0.1"] if host == "localhost" else ["192.0.2.1"]
        return [address for name in names for address in look_up(name, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", foreign)
    with RawServer(send_exactly(ok())) as server:
        client = colour.client(base_url=f"http://a.localhost:{server.port}/v1", retry=None, timeout=1.0)
        assert client.get_asset(id="asset-1").id == "asset-1"
    assert b"host: a.localhost" in server.requests[0][0].lower()


def test_an_empty_proxy_passes_the_environment_by(colour, bare):
    """`proxy=""` goes straight."""
    with RawServer(send_exactly(ok())) as proxy:
        bare.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(TransportFailure):
            colour.transport(proxy="").send(request(ABROAD))
    assert proxy.connections == 0


def test_a_proxys_credentials_go_to_the_proxy_only(colour, proxied):
    """User and password in the proxy's URL become a header for it, and stay out of every text."""
    server, proxy, _ = proxied
    address = proxy.url.replace("http://", "http://proxy-user:proxy-word@")
    client = colour.client(base_url=server.url, proxy=address)
    client.get_asset(id="asset-1")
    assert "proxy-authorization: basic chjvehktdxnlcjpwcm94es13b3jk" in proxy.heads[0]
    assert "proxy-word" not in repr(client.client)


def test_a_proxy_that_is_away_is_a_failed_connection(colour, bare):
    """Nothing reached the service."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://u:proxy-word@127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ConnectFailed) as info:
        colour.client(base_url="http://127.0.0.1:9", proxy=url, retry=None).get_asset(id="asset-1")
    assert "proxy-word" not in str(info.value)
    assert info.value.may_have_executed is False


def test_a_proxy_that_refuses_the_tunnel_is_a_failed_connection(colour, bare):
    """407 or 403 to CONNECT: nothing reached the service, and the error says what the proxy wants."""
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with RawServer(send_exactly(refusal)) as proxy, pytest.raises(ConnectFailed, match="407; it wants a user"):
        colour.client(base_url="https://127.0.0.1:9", proxy=proxy.url, retry=None).get_asset(id="asset-1")


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1080", "127.0.0.1:8080", "ftp://127.0.0.1", "http://", "nonsense"]
)
def test_a_proxy_that_cannot_be_used_is_a_usage_error(colour, proxy):
    """When the client is made, with the mending."""
    with pytest.raises(UsageError, match="proxy=") as caught:
        colour.client(proxy=proxy)
    assert 'proxy="" goes straight' in caught.value.advice


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["path", "context"])
def test_an_own_ca_is_trusted(colour, authority, form, bare):
    """By the path of its file, or by a context."""
    ca, context = authority
    with RawServer(respond_with(), tls=context) as server:
        trust = str(ca) if form == "path" else ssl.create_default_context(cafile=str(ca))
        assert colour.client(base_url=server.url, ssl=trust).get_asset(id="asset-1").id == "asset-1"


def test_a_certificate_that_is_not_trusted_is_named_as_such(colour, authority, bare):
    """Nothing was sent; the text says what to do."""
    with RawServer(respond_with(), tls=authority[1]) as server, pytest.raises(ConnectFailed) as info:
        colour.client(base_url=server.url, retry=None).get_asset(id="asset-1")
    assert "(the certificate is not trusted: unable to get local issuer certificate; name your CA by ssl=)" in str(
        info.value
    )
    assert server.requests == []


def test_a_server_without_tls_is_a_failed_connection(colour, bare):
    """Https to an http port: nothing was sent that anybody could read."""
    with RawServer(raw_server.blunt) as server, pytest.raises(ConnectFailed, match="does not speak TLS"):
        colour.client(base_url=server.url.replace("http:", "https:"), retry=None).get_asset(id="asset-1")


def test_tls_goes_through_a_proxys_tunnel(colour, authority, bare):
    """CONNECT to the proxy; the proxy sees neither path nor key."""
    ca, context = authority
    with RawServer(respond_with(), tls=context) as server, RawServer(raw_server.proxying) as proxy:
        client = colour.client(base_url=server.url, ssl=str(ca), proxy=proxy.url)
        assert client.get_asset(id="asset-1").id == "asset-1"
        client.close()
    assert proxy.requests[0][0].startswith(b"CONNECT 127.0.0.1:")
    assert KEY.encode() not in proxy.requests[0][0]


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_a_ca_file_that_cannot_be_used_is_a_usage_error(colour, tmp_path, content):
    """Missing, empty or something else: said when the client is made."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match="ssl="):
        colour.client(ssl=str(path))


# --- threads --------------------------------------------------------------------------------------------------------


def test_twenty_threads_share_one_client():
    """Each hears its own answers, over at most as many connections."""
    answers, lock = [], threading.Lock()
    with RawServer(respond_with()) as server, PortraitClient(api_key=KEY, base_url=server.url) as client:

        def work():
            for _ in range(5):
                found = client.get_asset(id="asset-1").id
                with lock:
                    answers.append(found)

        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == ["asset-1"] * 100
    assert server.connections <= 20


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_that_cannot_be_used_is_a_usage_error(colour, bare, variable):
    """SOCKS is not spoken: said at the first call, before anything is sent, without the password."""
    bare.setenv(variable, "socks5://u:proxy-word@127.0.0.1:1080")
    transport = colour.transport()
    with pytest.raises(UsageError, match="environment") as info:
        transport.send(request(ABROAD))
    assert "proxy-word" not in str(info.value)


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (urllib3.exceptions.NewConnectionError(None, "no"), False),
        (urllib3.exceptions.ConnectTimeoutError(None, "no"), False),
        (urllib3.exceptions.ProxyError("p", urllib3.exceptions.NewConnectionError(None, "no")), False),
        (urllib3.exceptions.ProxyError("p", OSError("Tunnel connection failed: 407 Auth")), False),
        (urllib3.exceptions.ProxyError("p", ConnectionResetError(104, "reset")), True),
        (urllib3.exceptions.ProxyError("p", RemoteDisconnected("closed")), True),
        (urllib3.exceptions.ProtocolError("aborted", ConnectionResetError(104, "reset")), True),
        (urllib3.exceptions.SSLError(tls_error("WRONG_VERSION_NUMBER")), False),
        (urllib3.exceptions.SSLError(tls_error("SSLV3_ALERT_BAD_RECORD_MAC")), True),
    ],
    ids=repr,
)
def test_what_the_exceptions_of_a_callers_pool_say_of_sending(error, sent):
    """once-proxy: a `ProxyError` is a failed connection only if its cause is one; TLS only if the handshake failed."""
    pool = SimpleNamespace(urlopen=raising(error))
    with pytest.raises(TransportFailure) as info:
        Urllib3Transport(pool=pool).send(request("http://127.0.0.1:9"))
    assert (info.value.kind in {FailureKind.CONNECT, FailureKind.CONNECT_TIMEOUT}) is not sent


def raising(error):
    """A function that raises the error."""

    def function(*_, **__):
        raise error

    return function


def test_a_transport_that_is_closed_ends_its_connections():
    """At once, and not when its event loop ends."""

    async def main():
        ends = asyncio.Queue()

        async def serve(reader, writer):
            await reader.readuntil(b'{"Id":"a"}')
            writer.write(ok())
            await ends.put(await reader.read())
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        transport = AiohttpTransport()
        await transport.send(request(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        await transport.close()
        assert await asyncio.wait_for(ends.get(), 5) == b""
        server.close()
        await server.wait_closed()

    asyncio.run(main())


def test_no_more_connections_are_open_than_were_allowed():
    """Calls beyond `connections=` wait for one that is free."""
    most = 0
    present = set()

    async def serve(reader, writer):
        nonlocal most
        present.add(writer)
        most = max(most, len(present))
        await reader.readuntil(b'{"Id":"a"}')
        await asyncio.sleep(0.01)
        writer.write(ok())
        await writer.drain()
        writer.close()
        present.discard(writer)

    async def send():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        transport = AiohttpTransport(connections=2)
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(transport.send(request(f"http://127.0.0.1:{port}")) for _ in range(6)))
        await transport.close()
        server.close()
        await server.wait_closed()

    asyncio.run(send())
    assert most == 2


@pytest.mark.parametrize(
    ("error", "proxy", "detail"),
    [
        (TimeoutError("late"), None, ""),
        (TimeoutError("late"), "http://user:secret@proxy.example:3128", "proxy proxy.example:3128"),
        (ssl.SSLError(), None, "the TLS connection broke"),
        (
            ConnectionResetError(104, "x"),
            "http://proxy.example:3128",
            "proxy proxy.example:3128: connection reset by peer",
        ),
        (RuntimeError("https://host/?secret"), None, "RuntimeError"),
        (nested(OSError("x"), ValueError("y"), ConnectionResetError(104, "x")), None, "connection reset by peer"),
        (nested(OSError(ConnectionResetError(104, "x")), ValueError("y")), None, "connection reset by peer"),
        (nested(circle := ValueError("y"), OSError("x"), circle), None, "ValueError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failure_says_what_broke_and_behind_which_proxy(error, proxy, detail):
    """key-dead-proxy: in words of the operating system, never in those of the HTTP library, which repeats addresses."""
    assert transport_failure(error, Phase.CONNECT, malformed=(), proxy=proxy).detail == detail
