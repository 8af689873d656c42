"""The way of whole calls past aiohttp's handler: the same bytes, and everything else is left to aiohttp."""

import asyncio
import json
import re
import socket
import threading
from contextlib import ExitStack, contextmanager

import pytest

from emulator.server import EmulatorServer
from emulator.settings import KeyPair, Settings
from emulator.web import fast_lane, known_heads
from emulator.web.http_handler import HttpHandler
from portrait.clock import ManualClock, SystemClock
from portrait.http import HttpRequest
from portrait.signing import Credentials, sign

# aiohttp answers what is no HTTP itself, with the machine's time.
_DATE_OF_AIOHTTP = re.compile(rb"Date: [^\r]*\r\n(?=Server: Python)")
# What it says of bytes that are no HTTP depends on the pieces in which they came.
_TEXT_OF_AIOHTTP = re.compile(rb"(?<=HTTP/1.0 400 Bad Request\r\n).*", re.DOTALL)
_START = 1_790_000_000.0


class _Clock:
    """A clock for the Date header that stands still."""

    @staticmethod
    def now():
        """Seconds since 1970."""
        return _START


@pytest.fixture
def handled(monkeypatch):
    """The requests that aiohttp's handler has seen."""
    seen, answer = [], HttpHandler.answer

    async def counted(self, request):
        seen.append(request.path_qs)
        return await answer(self, request)

    monkeypatch.setattr(HttpHandler, "answer", counted)
    return seen


@contextmanager
def started(monkeypatch=None, **settings):
    """A server whose answers are the same each time; with `monkeypatch` one without the fast way."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(HttpHandler.__init__, "__defaults__", (_Clock(),))
        if monkeypatch is not None:
            patch.setattr("emulator.web.listener.parser_is_known", lambda: False)
        yield stack.enter_context(
            EmulatorServer(Settings(seed=7, public_url="http://e.test", **settings), ManualClock(_START))
        )


def call(action, body, key="k", **headers):
    """The bytes of a call."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Host": "e.test", "Authorization": f"Bearer {key}", "Content-Length": len(content), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"POST /v1/portrait/?Action={action}&Version=2024-01-01 HTTP/1.1\r\n{head}\r\n".encode() + content


def connect(server):
    """A connection that sends what it is given at once."""
    host, port = server.url.removeprefix("http://").split(":")
    sock = socket.create_connection((host, int(port)), timeout=10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def receive(sock):
    """One response; "" where the connection was closed instead."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:"))
    while len(body) < length:
        more = sock.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body


GROUP = {"GroupType": "AIGC", "Name": "a"}
LIST = {"Filter": {"GroupType": "AIGC"}}
_CALLS = [
    call("CreateAssetGroup", GROUP),
    call("ListAssetGroups", LIST),
    call("ListAssetGroups", {**LIST, "PageSize": 0}),
    call("CreateAsset", {}),
    call("CreateAsset", {"GroupId": "group-x", "URL": "https://a.example/a.jpg", "AssetType": "Image"}),
    call("GetAsset", {"Id": "asset-\u4e3b"}),
    call("Nothing", {}),
    call("GetAsset", b"{", Content_Type="text/plain"),
    call("GetAsset", b""),
    call("GetAsset", b"[]"),
    call("GetAsset", {}, Authorization=None),
    call("GetAsset", {}, Authorization="Basic eDp5"),
    call("GetAsset", {}, Host='evil"><script>'),
    call("GetAsset", {}, Host=None),
    call("GetAsset", {}, X_Emulator_Rule='{"do": {"error": "QuotaExceeded"}}'),
    call("GetAsset", {}, X_Emulator_Rule='{"do": {"http": 204}}'),
    call("GetAsset", {}, X_Emulator_Rule="not JSON"),
    call("GetAsset", {"Id": "x" * 60_000}),
    call("GetAsset", {"Id": "x" * 80_000}),
    call("CreateVisualValidateSession", {"CallbackURL": "https://a.example/"}),
    call("GetAsset", b"2\r\n{}\r\n0\r\n\r\n", Content_Length=None, Transfer_Encoding="chunked"),
    call("GetAsset", {}).replace(b"POST /v1/portrait/", b"POST /"),
    call("GetAsset", {}).replace(b"Action=GetAsset", b"Action=%ff%00&Action=GetAsset"),
    call("GetAsset", {}, Cookie="a\x80b"),
    call("GetAsset", {}, Content_Encoding="gzip"),
    call("CreateAssetGroup", GROUP),  # with heads that have come before
    call("CreateAssetGroup", {**GROUP, "Name": "b"}),
    call("GetAsset", b"{"),
    call("GetAsset", b"}"),
    call("GetAsset", {}, X_Emulator_Rule='{"do": {"http": 204}}'),
]
# Answered before all of it is read: in pieces, it depends on the time what has been read by then.
_EARLY = [
    b"\x16\x03\x01\x02\x00\x01\x00",
    call("GetAsset", {}).replace(b"/v1/portrait/", b"/v1/portrait/upload"),
    call("GetAsset", {}).replace(b"/v1/portrait/", b"/nowhere"),
    call("GetAsset", {}).replace(b"POST /v1", b"PUT /v1"),
    call("GetAsset", {}).replace(b"POST /v1/portrait/", b"POST /_emulator/reset"),
    call("GetAsset", {}, Content_Length="9999999"),
]
_ENDINGS = [
    call("GetAsset", {}, Connection="close"),
    call("GetAsset", {}).replace(b"HTTP/1.1", b"HTTP/1.0"),
    call("GetAsset", {}, Content_Length="-1"),
    call("GetAsset", {}, Content_Length="1e9"),
    call("GetAsset", b"zz\r\n", Content_Length=None, Transfer_Encoding="chunked"),
    b"POST /v1/portrait/ HTTP/1.1\r\nbad header\r\n\r\n",
    call("GetAsset", {}, X_Emulator_Rule='{"do": {"close": "before"}}'),
    call("GetAsset", {}, X_Emulator_Rule='{"do": {"truncate": 10}}'),
    call("GetAsset", {}, X_Emulator_Rule='{"do": {"delay": 3, "truncate": 10}}'),
    call("GetAsset", {}, X_Emulator_Rule='{"do": {"delay": 3, "close": "before"}}'),
    call("GetAsset", {}, X_Emulator_Rule='{"do": {"close": "after-commit"}}'),
]


def answers(server, requests, split):
    """What one connection is answered."""
    found = []
    with connect(server) as sock:
        for request in requests:
            try:
                for piece in split(request):
                    sock.sendall(piece)
                found.append(receive(sock))
            except ConnectionError:
                found.append(b"")
    return found


def whole(request):
    """In one piece."""
    yield request


def head_first(request):
    """The head in one piece, the body in another, as http.client sends them."""
    head, _, body = request.partition(b"\r\n\r\n")
    yield head + b"\r\n\r\n"
    if body:
        threading.Event().wait(0.005)
        yield body


def torn(request):
    """In three pieces, with a pause."""
    third = len(request) // 3
    for piece in (request[:third], request[third : 2 * third], request[2 * third :]):
        yield piece
        threading.Event().wait(0.003)


@pytest.mark.parametrize("split", [whole, head_first, torn])
def test_no_byte_differs(monkeypatch, split):
    """Each request alone, all of them on one connection, and what ends a connection: as without the fast way."""
    orders = [[request] for request in _CALLS + _ENDINGS] + [_CALLS, *([*_CALLS[:3], ending] for ending in _ENDINGS)]
    if split is whole:
        orders += [[request] for request in _EARLY]
    with started() as fast, started(monkeypatch) as plain:
        for requests in orders:
            unlike = _TEXT_OF_AIOHTTP if split is torn else _DATE_OF_AIOHTTP
            found, expected = (
                [unlike.sub(b"", answer) for answer in answers(server, requests, split)] for server in (fast, plain)
            )
            assert found == expected, requests


def test_requests_that_come_together_are_answered_in_order(monkeypatch):
    """Several requests in one piece, whole or cut: all are answered, one after the other, with the same bytes."""
    requests = b"".join(_CALLS[:8])
    results = []
    for plain in (None, monkeypatch):
        with started(plain) as server:
            for cut in (0, 5, len(_CALLS[0]), len(_CALLS[0]) + 7, len(requests) - 1):
                with connect(server) as sock:
                    sock.sendall(requests[:cut])
                    threading.Event().wait(0.005)
                    sock.sendall(requests[cut:] + call("GetAsset", {}, Connection="close"))
                    data = b""
                    while more := sock.recv(65536):
                        data += more
                results.append((plain is None, cut, data))
    assert [data.count(b"HTTP/1.1 ") for _, _, data in results] == [9] * len(results)
    half = len(results) // 2
    assert [data for _, _, data in results[:half]] == [data for _, _, data in results[half:]]


@pytest.mark.parametrize("split", [whole, head_first])
def test_a_whole_call_needs_no_handler_of_aiohttp(handled, split):
    """Calls in one piece, or in a head and a body, are answered on the fast way, one after the other."""
    with started() as server:
        found = answers(server, _CALLS[:8], split)
    assert all(answer.startswith(b"HTTP/1.1 ") for answer in found)
    assert handled == []


def test_a_connection_that_left_stays_with_aiohttp(handled):
    """After the first request that is anything else, aiohttp answers the connection's calls as well."""
    get = b"GET /_emulator/health HTTP/1.1\r\nHost: e.test\r\n\r\n"
    with started() as server:
        answers(server, [_CALLS[0], get, _CALLS[0], _CALLS[1]], whole)
    assert [re.split(r"[=&]", target)[1:2] for target in handled] == [[], ["CreateAssetGroup"], ["ListAssetGroups"]]


DELAYED = call("CreateAssetGroup", GROUP, X_Emulator_Rule='{"do": {"delay": 3}}')


class _Held:
    """A clock on which a pause lasts until it is ended."""

    def __init__(self):
        self.ended, self.pausing = asyncio.Event(), threading.Event()
        self.now = self.monotonic = lambda: _START

    async def async_sleep(self, _):
        """Waits."""
        self.loop = asyncio.get_running_loop()
        self.pausing.set()
        await self.ended.wait()

    def end(self):
        """From any thread."""
        self.loop.call_soon_threadsafe(self.ended.set)


@contextmanager
def held(monkeypatch):
    """A server on such a clock, and the clock."""
    clock = _Held()
    with started() as server:
        monkeypatch.setattr(server.service, "clock", clock)
        yield server, clock


def test_a_reply_that_waits_is_sent_once(handled):
    """A delayed call is carried out once, and the connection goes on."""
    with started() as server:
        delayed, after = answers(server, [DELAYED, _CALLS[1]], whole)
        calls = server.control.calls()["calls"]
    assert b'"Id":"group-' in delayed
    assert json.loads(after.partition(b"\r\n\r\n")[2])["Result"]["TotalCount"] == 1
    assert [entry["action"] for entry in calls] == ["CreateAssetGroup", "ListAssetGroups"]
    assert handled == []


@pytest.mark.parametrize("size", [10, 500])
def test_what_arrives_while_a_reply_waits_is_answered_after_it(monkeypatch, size):
    """In its order, whatever it is; of much the connection reads no more until then."""
    reads, hold = [], fast_lane._Connection._hold
    monkeypatch.setattr(fast_lane, "_MOST_BYTES", 600)
    monkeypatch.setattr(
        fast_lane._Connection,
        "_hold",
        lambda self, data: (hold(self, data), reads.append(self._transport.is_reading())),
    )
    others, data = _CALLS[1] + call("GetAsset", {"Id": "x" * size}), b""
    with held(monkeypatch) as (server, clock), connect(server) as sock:
        sock.sendall(DELAYED)
        assert clock.pausing.wait(10)
        sock.sendall(others)
        while not reads:
            threading.Event().wait(0.002)
        clock.end()
        while data.count(b"HTTP/1.1 ") < 3:
            data += sock.recv(65536)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: e.test\r\nConnection: close\r\n\r\n")
        while more := sock.recv(65536):
            data += more
    assert reads == [size < 100]
    found = [
        re.search(rb'"Action":"(\w+)"|This is portrait-emulator', part)[0] for part in data.split(b"HTTP/1.1 ")[1:]
    ]
    assert found == [
        b'"Action":"CreateAssetGroup"', b'"Action":"ListAssetGroups"', b'"Action":"GetAsset"',
        b"This is portrait-emulator",
    ]  # fmt: skip


def test_a_client_may_leave_before_its_reply_is_there(monkeypatch, caplog):
    """The call is carried out and nothing is sent; what it has sent behind is forgotten."""
    with held(monkeypatch) as (server, clock):
        with connect(server) as sock:
            sock.sendall(DELAYED)
            assert clock.pausing.wait(10)
            sock.sendall(_CALLS[0])
            threading.Event().wait(0.02)
        threading.Event().wait(0.02)
        clock.end()
        while not server.control.calls()["calls"]:
            threading.Event().wait(0.002)
        answer = answers(server, [_CALLS[1]], whole)[0]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["Result"]["TotalCount"] == 1
    assert caplog.text == ""


@pytest.mark.parametrize("ends", [True, False])
def test_the_server_waits_a_moment_for_a_reply(monkeypatch, ends):
    """As aiohttp's handler does: what is not there in time is not sent."""
    monkeypatch.setattr("emulator.web.listener.GRACE_SECONDS", 10 if ends else 0.01)
    with held(monkeypatch) as (server, clock), connect(server) as sock:
        sock.sendall(DELAYED)
        assert clock.pausing.wait(10)
        if ends:
            clock.loop.call_soon_threadsafe(clock.loop.call_later, 0.02, clock.ended.set)
        server.stop()
        assert receive(sock).startswith(b"HTTP/1.1 200 ") is ends


def test_an_error_of_a_runner_is_an_answer(monkeypatch, caplog):
    """It is logged, and the connection goes on."""

    async def broken(*_):
        raise OSError("broken")

    monkeypatch.setattr(fast_lane, "run_async", broken)
    with started() as server:
        failed, after = answers(server, [DELAYED, _CALLS[1]], whole)
    assert (failed[:12], after[:12]) == (b"HTTP/1.1 500", b"HTTP/1.1 200")
    assert "broken" in caplog.text
    caplog.clear()


def test_a_client_that_stops_reading_while_its_reply_waits_is_left_to_aiohttp(monkeypatch):
    """The reply is sent here, and what follows is aiohttp's, which waits until it is read."""
    seen, busy = [], fast_lane._Connection._hold

    def hold(self, data):
        self.pause_writing()
        seen.append(self)
        busy(self, data)

    monkeypatch.setattr(fast_lane._Connection, "_hold", hold)
    with held(monkeypatch) as (server, clock), connect(server) as sock:
        sock.sendall(DELAYED)
        assert clock.pausing.wait(10)
        sock.sendall(_CALLS[1])
        while not seen:
            threading.Event().wait(0.002)
        assert not seen[0]._handed_over
        clock.loop.call_soon_threadsafe(seen[0].resume_writing)
        clock.end()
        data = b""
        while data.count(b"HTTP/1.1 200") < 2:
            data += sock.recv(65536)
        assert seen[0]._handed_over


@pytest.mark.parametrize("split", [whole, head_first])
def test_no_byte_differs_on_a_store_that_blocks(monkeypatch, tmp_path, split):
    """The same with transactions in a thread."""
    found = []
    for name, plain in (("fast", None), ("plain", monkeypatch)):
        with started(plain, store=f"sqlite:///{tmp_path / name}.db") as server:
            found.append([_DATE_OF_AIOHTTP.sub(b"", answer) for answer in answers(server, _CALLS, split)])
    assert found[0] == found[1]


def test_a_head_that_has_come_before_is_not_parsed_again(monkeypatch):
    """With any body of the same length, on any connection; the oldest head is forgotten."""
    parsed, feed = [], fast_lane._Request.feed
    monkeypatch.setattr(fast_lane._Request, "feed", lambda self, data: (parsed.append(data), feed(self, data))[1])
    monkeypatch.setattr(known_heads, "_MAX_HEADS", 2)
    one, same, two, three = (call("GetAsset", {"Id": name}) for name in ("a", "b", "cc", "ddd"))
    with started() as server:
        parsed.clear()
        for request in (one, same, two, same, three, two, one):
            answers(server, [request], whole)
    assert parsed == [one, two, three, one]


PAIRS = {"AKLT1": KeyPair("secret-1", "one"), "AKLT2": KeyPair("secret-2", "two")}


def signed(action, body, pair="AKLT1", age=0.0):
    """The bytes of a signed call."""
    url = f"http://e.test/?Action={action}&Version=2024-01-01"
    content = json.dumps(body).encode()
    request = HttpRequest(method="POST", url=url, headers={"Content-Type": "application/json"}, body=content)
    credentials, now = Credentials(pair, PAIRS[pair].secret_key), SystemClock().now() - age
    request = sign(request, credentials, region="cn-beijing", service="ark", now=now)
    lines = {**request.headers, "Content-Length": len(content)}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST /?{url.partition('?')[2]} HTTP/1.1\r\n{head}\r\n".encode() + content


def _of_today(age):
    """That many seconds ago, or ahead where it was yesterday then: a signature is good for one day."""
    return age if SystemClock().now() % 86_400 > age + 30 else -age


def end_of(header, request, by):
    """The request with other last characters of a header."""
    line = re.search(rb"\r\n%b:[^\r]*(?=\r\n)" % header, request, re.IGNORECASE)
    return request[: line.end() - len(by)] + by + request[line.end() :]


def test_a_signed_head_is_parsed_once(monkeypatch):
    """With other bodies of its length, dates and signatures it is known; each customer's is its own."""
    parsed, feed = [], fast_lane._Request.feed
    monkeypatch.setattr(fast_lane._Request, "feed", lambda self, data: (parsed.append(data), feed(self, data))[1])
    requests = [signed("CreateAssetGroup", {"Name": name}, pair) for pair in PAIRS for name in "ab"]
    requests += [signed("ListAssetGroups", LIST, pair, age) for pair in PAIRS for age in (0, _of_today(60))]
    with started(access_keys=PAIRS) as server:
        parsed.clear()
        found = [json.loads(answers(server, [each], whole)[0].partition(b"\r\n\r\n")[2]) for each in requests]
    assert parsed == requests[::2]
    mine, again, other, _ = lists = [{group["Id"] for group in answer["Result"]["Items"]} for answer in found[4:]]
    assert [len(ids) for ids in lists] == [2] * 4
    assert (mine == again, mine & other) == (True, set())


def test_the_headers_of_a_signed_head_may_come_in_any_order(monkeypatch):
    """A known head is taken apart where its own signature, hash and date are: it is answered, and not parsed again."""
    parsed, feed = [], fast_lane._Request.feed
    monkeypatch.setattr(fast_lane._Request, "feed", lambda self, data: (parsed.append(data), feed(self, data))[1])
    requests = []
    for step, name in ((1, "a"), (1, "b"), (-1, "a"), (-1, "b")):
        head, _, body = signed("CreateAssetGroup", {"Name": name}).partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        requests.append(b"\r\n".join([first, *lines[::step], b"", body]))
    with started(access_keys=PAIRS) as server:
        parsed.clear()
        found = [answers(server, [each], whole)[0] for each in requests]
    assert parsed == requests[::2]
    assert all(b" 200 OK\r\n" in answer for answer in found)


# What is made of a call that is signed well.
_TAMPERED = {
    "another body": lambda known: known.replace(b"asset-a", b"asset-b"),
    "another hash": lambda known: end_of(b"x-content-sha256", known, b"0" * 64),
    "another date": lambda known: end_of(b"x-date", known, b"8Z" if b"9Z\r\n" in known else b"9Z"),
    "an old date": lambda _: signed("GetAsset", {"Id": "asset-a"}, age=901),
    "another signature": lambda known: end_of(b"authorization", known, b"0" * 64),
    "no signature": lambda known: end_of(b"authorization", known, b"z" * 64),
    "another pair": lambda known: known.replace(b"AKLT1", b"AKLT2"),
    "an unknown pair": lambda known: known.replace(b"AKLT1", b"AKLT3"),
    "another address": lambda known: known.replace(b"Action=GetAsset", b"Action=getAsset"),
    "another host": lambda known: known.replace(b"e.test", b"f.test"),
    "a space in the date": lambda known: end_of(b"x-date", known, b" Z"),
    "a header in the date": lambda known: end_of(b"x-date", known, b"2\r\nX-A: b"),
    "a header in the signature": lambda known: end_of(
        b"authorization", known, b"\r\nX-Emulator-Rule: " + b'{"do":{"http":204}}'
    ),
    "an end in the hash": lambda known: end_of(b"x-content-sha256", known, b"0\r\n\r\n" + b"0" * 40),
    "two dates": lambda known: known.replace(b"X-Date:", b"X-Date: 20260101T000000Z\r\nX-Date:"),
    "no date": lambda known: re.sub(rb"X-Date: [^\r]*\r\n", b"", known),
}


@pytest.mark.parametrize("tamper", _TAMPERED.values(), ids=_TAMPERED)
def test_what_differs_in_a_known_head_is_verified(monkeypatch, tamper):
    """Whatever stands there now: the same bytes as without the fast way, and no result; others go on to be answered."""
    known, other = (signed("GetAsset", {"Id": name}) for name in ("asset-a", "asset-b"))
    requests, found = [known, tamper(known), tamper(known), other], []
    for plain in (None, monkeypatch):
        with started(plain, access_keys=PAIRS) as server:
            found.append([_DATE_OF_AIOHTTP.sub(b"", answers(server, [each], whole)[0]) for each in requests])
    assert found[0] == found[1]
    assert all(b"NotFound.asset_id" in answer for answer in (found[0][0], found[0][-1]))  # signed well, as it came
    assert b"NotFound" not in found[0][1]


def test_a_long_head_is_not_remembered(monkeypatch):
    """What is kept of the heads of others stays small."""
    parsed, feed = [], fast_lane._Request.feed
    monkeypatch.setattr(fast_lane._Request, "feed", lambda self, data: (parsed.append(data), feed(self, data))[1])
    request = call("GetAsset", {}, X_Long="x" * 3_000)
    with started() as server:
        parsed.clear()
        answers(server, [request, request], whole)
    assert parsed == [request, request]


def test_another_parser_switches_it_off(monkeypatch, handled):
    """If aiohttp's parser is not as expected, every connection is aiohttp's own."""

    class Other:
        def __init__(self, *_):
            pass

        def feed_data(self, data):
            return [], False, data

    monkeypatch.setattr(fast_lane, "HttpRequestParser", Other)
    with started() as server:
        [answer] = answers(server, [_CALLS[0]], whole)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert len(handled) == 1


def test_old_connections_are_aiohttps(monkeypatch, handled):
    """The timer of idle connections knows nothing of fast answers: a connection leaves long before it runs out."""
    monkeypatch.setattr(fast_lane, "_LIFE_SECONDS", -1.0)
    with started() as server:
        [answer] = answers(server, [_CALLS[0]], whole)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert len(handled) == 1


def test_a_client_that_does_not_read_is_left_to_aiohttp(handled):
    """Once answers pile up, aiohttp's handler takes over, which waits for them to be read; none is lost."""
    count, request = 3_000, call("GetAsset", {"Id": "x" * 2_000})
    with started() as server, connect(server) as sock:
        sender = threading.Thread(target=lambda: [sock.sendall(request) for _ in range(count)])
        sender.start()
        threading.Event().wait(0.3)
        data = b""
        while data.count(b"HTTP/1.1 200") < count:
            data += sock.recv(1 << 20)
        sender.join()
    assert handled


def test_the_server_ends_with_open_connections():
    """Idle connections of the fast way are closed with the server, and one in the middle of a request."""
    with started() as server:
        idle, half = connect(server), connect(server)
        idle.sendall(_CALLS[0])
        assert receive(idle).startswith(b"HTTP/1.1 200 ")
        half.sendall(_CALLS[0][:-3])
        threading.Event().wait(0.01)
    assert (idle.recv(1), half.recv(1)) == (b"", b"")
    idle.close()
    half.close()
