"""Was the call sent? A raw server loses the answer at every point, directly, by TLS, behind proxies and in tunnels.

What was executed is never called unsent, what surely was not sent is never called executed, and no create is executed
twice.
"""

import asyncio
import contextlib
import socket
import ssl
import threading

import pytest

from portrait import TransportError
from portrait.clock import ManualClock
from portrait.errors import ConnectionLost
from tests.portrait import raw_server
from tests.portrait.raw_server import RawServer, ok, read_head, reset, respond_with, send_exactly

CREATE = {"GroupId": "g", "URL": "https://cdn.example/a.jpg", "AssetType": "Image", "Name": "n" * 300_000}
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n{"


def after_head(connection, _):
    """Behaviour: read the head of a request and hang up."""
    read_head(connection)


def reset_after_head(connection, _):
    """Behaviour: read the head of a request and reset."""
    read_head(connection)
    reset(connection)


def within_body(connection, _):
    """Behaviour: read a part of the body and hang up."""
    read_head(connection)
    connection.recv(1000)


def unaccepted(connection, server):
    """Behaviour: read nothing, and reset a moment later, as a listener does that ends with connections in its queue."""
    server.over.wait(0.02)
    reset(connection)


# Where the origin loses the answer. Each holds for every route.
LOST = {
    "before accept": unaccepted,
    "after accept": raw_server.resetting,
    "after the head": after_head,
    "after the head, reset": reset_after_head,
    "within the request's body": within_body,
    "after the request": raw_server.closing,
    "after the request, reset": raw_server.resetting_after,
    "after a 100": send_exactly(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "after a 103": send_exactly(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "within the status line": send_exactly(b"HTTP/1.1 2"),
    "within the status line, reset": send_exactly(b"HTTP/1.1 2", then="reset"),
    "within the headers": send_exactly(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "within the headers, reset": send_exactly(b"HTTP/1.1 200 OK\r\nContent-Le", then="reset"),
    "within the body": send_exactly(ok()[:-9]),
    "within the body, reset": send_exactly(ok()[:-9], then="reset"),
    "within a chunk": send_exactly(CHUNKED),
    "not HTTP": send_exactly(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
}
TLS = {"tls", "tunnel"}


@contextlib.contextmanager
def reaching(route, behave, authority):
    """An origin and the options of a client that reaches it by the route."""
    ca, context = authority
    with RawServer(raw_server.proxying) as proxy, RawServer(behave, tls=context if route in TLS else None) as origin:
        yield (
            origin,
            {
                "base_url": origin.url,
                "ssl": str(ca),
                "proxy": proxy.url if route in {"proxy", "tunnel"} else "",
                "clock": ManualClock(),
            },
        )


@pytest.mark.rotate("route")
@pytest.mark.parametrize("route", ["direct", "tls", "proxy", "tunnel"])
@pytest.mark.parametrize("point", LOST)
def test_a_lost_answer_may_have_been_executed(colour, authority, bare, point, route):
    """once-proxy: one execution at most, and an error that says that it may have happened."""
    with reaching(route, LOST[point], authority) as (origin, options):
        client = colour.client(**options)
        with pytest.raises(TransportError) as info:
            client.call("CreateAsset", CREATE)
        client.close()
    assert info.value.may_have_executed or not origin.requests
    assert len(origin.requests) <= 1
    if "accept" not in point:  # the request was on its way, and nobody can know how far it came
        assert info.value.may_have_executed


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "argument"])
def test_an_answer_that_is_lost_behind_a_proxy_is_a_lost_connection(colour, authority, bare, variable):
    """once-proxy: the create is committed, its answer lost; ensure_group must not make a second one."""
    route = "tunnel" if variable == "HTTPS_PROXY" else "proxy"
    with reaching(route, raw_server.closing, authority) as (origin, options):
        client = colour.client(**options)
        with pytest.raises(ConnectionLost) as info:
            client.create_asset_group(name="brand")
        client.close()
    assert info.value.may_have_executed is True
    assert len(origin.requests) == 1


def answer_connect(content):
    """Behaviour of a proxy: answer the first request head with these bytes and hang up."""

    def behave(connection, _):
        read_head(connection)
        connection.sendall(content)

    return behave


def tunnel_to_nowhere(connection, server):
    """Behaviour of a proxy: agree to the tunnel, then reset it."""
    answer_connect(b"HTTP/1.1 200 Connection established\r\n\r\n")(connection, server)
    connection.recv(5)
    reset(connection)


# What goes wrong before a byte of the request is sent: the behaviour of the origin (over TLS), or of a proxy to it.
UNSENT = {
    "closed in the TLS handshake": ("origin", lambda connection, _: connection.recv(5)),
    "reset in the TLS handshake": ("origin", lambda connection, _: (connection.recv(5), reset(connection))),
    "no TLS": ("origin", raw_server.blunt),
    "CONNECT not answered": ("proxy", answer_connect(b"")),
    "CONNECT reset": ("proxy", reset_after_head),
    "half an answer to CONNECT": ("proxy", answer_connect(b"HTTP/1.1 2")),
    "407 to CONNECT": ("proxy", answer_connect(b"HTTP/1.1 407 Authenticate\r\nContent-Length: 0\r\n\r\n")),
    "502 to CONNECT": ("proxy", answer_connect(b"HTTP/1.1 502 Bad\r\nContent-Length: 2\r\n\r\nno")),
    "CONNECT answered by what is not HTTP": ("proxy", answer_connect(b"SSH-2.0\r\n\r\n")),
    "reset in the handshake of a tunnel": ("proxy", tunnel_to_nowhere),
}


@pytest.mark.parametrize("point", UNSENT)
def test_what_breaks_before_the_request_was_not_sent(colour, authority, bare, point):
    """Handshakes and tunnels: nothing was executed, and a create is tried again."""
    peer, behave = UNSENT[point]
    with RawServer(behave) as server:
        if peer == "origin":
            options = {"base_url": server.url.replace("http:", "https:")}
        else:
            options = {"base_url": "https://127.0.0.1:9", "proxy": server.url}
        client = colour.client(ssl=str(authority[0]), clock=ManualClock(), **options)
        with pytest.raises(TransportError) as info:
            client.call("CreateAsset", CREATE)
        client.close()
    assert info.value.may_have_executed is False
    assert server.connections > 1


def test_a_certificate_of_a_stranger_means_unsent(colour, authority, bare):
    """The handshake fails on this side."""
    with RawServer(respond_with(), tls=authority[1]) as server, pytest.raises(TransportError) as info:
        colour.client(base_url=server.url, retry=None).call("CreateAsset", CREATE)
    assert info.value.may_have_executed is False
    assert server.requests == []


@pytest.mark.parametrize("base", ["http://127.0.0.1", "https://127.0.0.1"])
def test_a_dead_proxy_is_named(colour, bare, base):
    """key-dead-proxy: host and port of the proxy stand in the error, its password does not."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = colour.client(base_url=f"{base}:9", proxy=f"http://user:proxy-word@127.0.0.1:{port}", retry=None)
    with pytest.raises(TransportError, match=f"proxy 127.0.0.1:{port}: connection refused") as info:
        client.call("CreateAsset", CREATE)
    assert info.value.may_have_executed is False
    assert "proxy-word" not in f"{info.value}{info.value!r}"


@pytest.mark.parametrize("proxy", ["", "http://portrait.invalid:3128"])
def test_a_name_that_does_not_exist_means_unsent(colour, bare, proxy):
    """The origin's name and the proxy's."""
    base = "http://127.0.0.1:9" if proxy else "https://portrait.invalid"
    with pytest.raises(TransportError, match="there is no such host") as info:
        colour.client(base_url=base, proxy=proxy, retry=None).call("CreateAsset", CREATE)
    assert info.value.may_have_executed is False


@pytest.mark.parametrize(("status", "executed"), [(407, False), (502, True), (504, True)])
def test_an_answer_of_a_forwarding_proxy(colour, bare, status, executed):
    """A proxy that turns the request away did not pass it on; one that got no answer may have."""
    refusal = b"HTTP/1.1 %d No\r\nContent-Length: 4\r\n\r\n<no>" % status
    with RawServer(send_exactly(refusal)) as proxy, pytest.raises(TransportError) as info:
        colour.client(base_url="http://127.0.0.1:9", proxy=proxy.url, clock=ManualClock()).call("CreateAsset", CREATE)
    assert info.value.may_have_executed is executed
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("route", ["direct", "tls", "proxy", "tunnel"])
def test_a_pooled_connection_that_was_closed_meanwhile_is_replaced(colour, authority, bare, route):
    """Closed while idle: the next create goes over a new connection, and is executed once."""
    idle = threading.Event()

    def behave(connection, server):
        server.take(connection)
        connection.sendall(ok())
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        idle.set()

    with reaching(route, behave, authority) as (origin, options):
        client = colour.client(**options)
        for count in (1, 2):
            idle.clear()
            assert client.call("CreateAsset", CREATE)["Id"] == "asset-1"
            assert len(origin.requests) == count
            idle.wait(1)
            colour.runner.run(asyncio.sleep(0.02))  # the end of the stream travels through the proxy
        client.close()


@pytest.mark.parametrize("end", [lambda connection: None, reset], ids=["closed", "reset"])
@pytest.mark.parametrize("route", ["direct", "tls", "proxy", "tunnel"])
def test_a_pooled_connection_that_dies_with_the_request_may_have_executed_it(colour, authority, bare, route, end):
    """The server executes the second create and ends the kept connection in the place of an answer."""

    def behave(connection, server):
        server.take(connection)
        connection.sendall(ok())
        if server.take(connection):
            end(connection)

    with reaching(route, behave, authority) as (origin, options):
        client = colour.client(**options)
        client.call("CreateAsset", CREATE)
        with pytest.raises(TransportError) as info:
            client.call("CreateAsset", CREATE)
        client.close()
    assert info.value.may_have_executed is True
    assert len(origin.requests) == 2


def test_the_table_of_failures_is_complete():
    """Each phase and each cause have a kind, and only a request that was not sent is called so."""
    from portrait.http import FailureKind  # noqa: PLC0415
    from portrait.transports.failures import KINDS, Cause, Phase  # noqa: PLC0415

    assert set(KINDS) == {(phase, cause) for phase in Phase for cause in Cause}
    unsent = {FailureKind.CONNECT, FailureKind.CONNECT_TIMEOUT}
    assert all((kind in unsent) is (phase is Phase.CONNECT) for (phase, _), kind in KINDS.items())


def test_tls_errors_of_a_handshake_are_recognised():
    """The reasons of OpenSSL that mean that no connection came about."""
    from portrait.transports.failures import failed_before_send  # noqa: PLC0415

    error = ssl.SSLError(1, "x")
    error.reason = "UNSUPPORTED_PROTOCOL"
    assert failed_before_send(error)
    error.reason = "SSLV3_ALERT_BAD_RECORD_MAC"
    assert not failed_before_send(error)
