"""Responses that arrive in one piece: read as aiohttp reads them, or left to it."""

import asyncio

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_parser import HttpResponseParser
from hypothesis import given
from hypothesis import strategies as st

from portrait.http import HttpRequest
from portrait.transports.aiohttp_transport import AiohttpTransport
from portrait.transports.whole_response import parse_whole
from tests.portrait.raw_server import RawServer, read_request

WHOLE = (
    b"HTTP/1.1 429 Too Many Requests\r\nDate: Wed, 25 Nov 2026 17:30:00 GMT\r\nX-Note: a\r\nretry-AFTER:  7\r\n"
    b"Connection: keep-alive\r\nContent-Length: 2\r\n\r\n{}"
)
HEAD = WHOLE[: -len(b"Content-Length: 2\r\n\r\n{}")]
PIECES = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b"\0",
        b"\xe9",
        b"2",
        b"{}",
        b"HTTP/1.1 ",
        b"HTTP/1.0 ",
        b"204",
        b"100",
    ),
    *(b"Content-Length: 2\r\n", b"Content-Length: 02\r\n", b"Transfer-Encoding: chunked\r\n", b"X-Note: b\r\n"),
    *(b"Connection: close\r\n", b"Content-Encoding: gzip\r\n", b"Upgrade: h2c\r\n"),
]


def by_aiohttp(data):
    """Status, headers and body of the only response in the bytes, and whether its connection is kept."""

    async def parse():
        loop = asyncio.get_running_loop()
        parser = HttpResponseParser(BaseProtocol(loop), loop, 2**16, read_until_eof=True)
        [(message, content)], upgraded, rest = parser.feed_data(data)
        assert (upgraded, rest, content.is_eof()) == (False, b"", True)
        headers = {name.lower(): value.rstrip(" ") for name, value in message.headers.items()}  # old ones keep them
        return message.code, headers, await content.read(), not message.should_close

    return asyncio.run(parse())


@pytest.mark.parametrize(
    "data", [WHOLE, WHOLE.replace(b"Connection: keep-alive\r\n", b""), WHOLE.replace(b"Too Many Requests", b"")]
)
def test_a_whole_response_is_read_as_aiohttp_reads_it(data):
    """Status, headers by their names in lower case, and the body; the connection is kept."""
    response = parse_whole(data)
    assert (response.status, dict(response.headers), response.body, True) == by_aiohttp(data)


@given(st.lists(st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 9), st.sampled_from(PIECES)), max_size=3))
def test_what_is_read_at_once_is_never_read_differently(changes):
    """Over responses with pieces cut out and put in: what is not left to aiohttp is what it would have made of it."""
    data = WHOLE
    for at, cut, piece in changes:
        data = data[:at] + piece + data[at + cut :]
    response = parse_whole(data)
    if response is not None:
        assert (response.status, dict(response.headers), response.body, True) == by_aiohttp(data)


NOT_WHOLE = {
    "half of the body": WHOLE[:-1],
    "more than the body": WHOLE + b" ",
    "half of the head": WHOLE[:40],
    "no length": HEAD + b"\r\n{}",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
    "compressed": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "the last one": WHOLE.replace(b"keep-alive", b"Close"),
    "an older version": WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "an interim response": WHOLE.replace(b"429", b"100"),
    "no body by its status": WHOLE.replace(b"429", b"304"),
    "a tab": WHOLE.replace(b"X-Note: ", b"X-Note: \t"),
    "no space": WHOLE.replace(b"X-Note: ", b"X-Note:"),
    "a space in a name": WHOLE.replace(b"X-Note", b"X Note"),
    "a line that is no header": WHOLE.replace(b"X-Note: a", b"X-Note"),
    "a line feed alone": WHOLE.replace(b"X-Note: a", b"X-Note: a\nX-Other: b"),
    "a folded header": WHOLE.replace(b"X-Note: a\r\n", b"X-Note: a\r\n more\r\n"),
    "beyond ASCII": WHOLE.replace(b"X-Note: a", b"X-Note: \xc3\xa9"),
    "a long head": WHOLE.replace(b"X-Note: a", b"X-Note: " + b"a" * 9000),
}


@pytest.mark.parametrize("data", NOT_WHOLE.values(), ids=NOT_WHOLE)
def test_everything_else_is_left_to_aiohttp(data):
    """Whatever can be read in two ways, or has not all come."""
    assert parse_whole(WHOLE) is not None
    assert parse_whole(data) is None


@pytest.mark.parametrize("pieces", [1, 2])
def test_aiohttps_parser_is_made_for_responses_in_pieces_alone(monkeypatch, pieces):
    """Both kinds come over one connection, one after the other."""
    parsers = []
    make_parser = ResponseHandler.set_response_params

    def counted(protocol, **options):
        parsers.append(options)
        make_parser(protocol, **options)

    def behave(connection, server):
        while (request := read_request(connection)) is not None:
            server.requests.append(request)
            connection.sendall(WHOLE[:-1] if pieces == 2 and len(server.requests) == 1 else WHOLE)
            if pieces == 2 and len(server.requests) == 1:
                server.over.wait(0.02)
                connection.sendall(WHOLE[-1:])

    async def send(url):
        transport = AiohttpTransport()
        request = HttpRequest(method="POST", url=url, headers={}, body=b"{}")
        bodies = [(await transport.send(request)).body for _ in range(3)]
        await transport.close()
        return bodies

    monkeypatch.setattr(ResponseHandler, "set_response_params", counted)
    with RawServer(behave) as server:
        assert asyncio.run(send(server.url)) == [b"{}"] * 3
        assert server.connections == 1
    assert len(parsers) == pieces - 1
