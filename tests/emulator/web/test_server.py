"""The server on a thread: its life, its port, two of them side by side, and what is left when it stops."""

import errno
import http.client
import socket
import threading
import time

import pytest

from emulator.clocks import ScaledClock
from emulator.server import EmulatorServer
from emulator.settings import Settings
from portrait.clock import SystemClock
from tests.emulator.web.wire import JSON, address, ask, call, connected, head

GROUP = {"GroupType": "AIGC", "Name": "g"}


def wait_until(happened):
    """Looks again and again, for five seconds at most."""
    deadline = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < deadline
        SystemClock().sleep(0.002)


def test_it_answers_inside_of_the_block_only():
    """The port is given back at the end, and no thread stays."""
    threads = set(threading.enumerate())
    with EmulatorServer() as server:
        url = server.url
        assert ask(url, "GET", "/_emulator/health")[0] == 200
    assert set(threading.enumerate()) <= threads  # those of other tests may have ended
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(url), timeout=1)


def test_it_has_an_address_only_while_it_runs():
    """Before and after, asking for it says what to do."""
    server = EmulatorServer()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="not running"):
            _ = server.url
        server.stop()
        server.start()
        server.stop()


def test_it_starts_once():
    """A second start is a mistake that is told with the address."""
    with EmulatorServer() as server, pytest.raises(RuntimeError, match=server.url):
        server.start()


def test_a_port_in_use_is_an_error_of_the_caller():
    """The error comes up where the server was started, and names the address; no thread is left behind."""
    threads = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(OSError, match=str(port)) as raised:
            EmulatorServer(port=port).start()
    assert raised.value.errno == errno.EADDRINUSE
    assert set(threading.enumerate()) <= threads  # those of other tests may have ended
    with EmulatorServer(port=port) as server:
        assert server.url == f"http://127.0.0.1:{port}"


def test_a_host_that_does_not_exist_is_an_error_of_the_caller():
    """So is an address that is not this machine's."""
    with pytest.raises(OSError, match=r"\."):
        EmulatorServer(host="203.0.113.1").start()


@pytest.mark.parametrize("host", ["a..b", "x" * 64, "a\0b"])
def test_whatever_keeps_it_from_starting_comes_up_where_it_was_started(host):
    """A name that can be none is no OSError, but nobody waits for good either; no thread is left behind."""
    threads = set(threading.enumerate())
    raised = []

    def start():
        try:
            EmulatorServer(host=host).start()
        except (OSError, ValueError) as error:
            raised.append(error)

    starter = threading.Thread(target=start, daemon=True)
    starter.start()
    starter.join(10)
    assert not starter.is_alive()
    assert isinstance(raised[0], ValueError)
    assert set(threading.enumerate()) <= threads  # those of other tests may have ended


def test_an_ipv6_address_is_bracketed():
    """The URL can be used as it is."""
    with EmulatorServer(host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert ask(server.url, "GET", "/_emulator/health")[0] == 200


def test_two_servers_do_not_meet():
    """Records, rules and time are each server's own."""
    with EmulatorServer(clock="manual") as one, EmulatorServer(clock="manual") as other:
        call(one.url, "CreateAssetGroup", GROUP)
        one.control.add_rule({"match": {"action": "CreateAssetGroup"}, "do": {"error": "Throttled"}})
        one.service.clock.advance(1000)
        listed = call(other.url, "ListAssetGroups", {"Filter": {"GroupType": "AIGC"}})
        assert listed["Result"]["TotalCount"] == 0
        assert "Result" in call(other.url, "CreateAssetGroup", GROUP)
        assert other.service.clock.monotonic() == 0


def test_it_stops_with_connections_open():
    """Idle ones, half a request and a whole body on its way do not hold it up."""
    server = EmulatorServer().start()
    idle = http.client.HTTPConnection(*address(server.url), timeout=10)
    idle.request("GET", "/_emulator/health")
    idle.getresponse().read()
    with connected(server.url) as half, connected(server.url) as body, connected(server.url) as silent:
        half.sendall(b"POST /v1/portrait/ HTTP/1.1\r\n")
        body.sendall(head(Content_Length="100") + b"{")
        silent.sendall(b"")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 5
        assert body.recv(1) == b""
    idle.close()


def test_a_paused_answer_does_not_hold_it_up():
    """Stopping is not delayed by a delay of an hour."""
    server = EmulatorServer(clock="real").start()
    server.control.add_rule({"match": {"action": "GetAsset"}, "do": {"delay": 3600}})
    with connected(server.url) as sock:
        sock.sendall(head(Content_Length="2") + b"{}")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 5


def test_a_client_that_gives_up_does_not_stop_a_delayed_call():
    """The call is carried out once the delay is over, as by a service that does not notice who has gone."""
    with EmulatorServer() as server:
        server.control.add_rule({"match": {"action": "CreateAssetGroup"}, "do": {"delay": 0.04}})
        body = b'{"GroupType": "AIGC", "Name": "g"}'
        with connected(server.url) as sock:
            sock.sendall(head("/v1/portrait/?Action=CreateAssetGroup", Content_Length=str(len(body))) + body)
            wait_until(lambda: server.control.rules()["rules"][0]["fired"])
        wait_until(lambda: server.control.calls(action="CreateAssetGroup", outcome="ok")["count"])
        assert server.control.state()["customers"][0]["groups"] == 1


def test_a_delay_takes_scaled_time():
    """On a clock a thousand times as fast, ten seconds take ten milliseconds."""
    with EmulatorServer(clock=ScaledClock(1000)) as server:
        server.control.add_rule({"match": {"action": "GetAsset"}, "do": {"delay": 10}})
        before = server.service.clock.now()
        assert ask(server.url, "POST", "/v1/portrait/?Action=GetAsset", b"{}")[0] == 200
        assert server.service.clock.now() - before >= 10


def test_many_clients_at_once(server):
    """Calls of many threads all get their own answers, and quotas hold."""
    results = []

    def work(number):
        key = {**JSON, "Authorization": f"Bearer k{number % 4}"}
        results.extend(call(server.url, "CreateAssetGroup", GROUP, key) for _ in range(20))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    created = [r["Result"]["Id"] for r in results if "Result" in r]
    assert len(created) == len(set(created)) == 4 * 50
    assert len(results) - len(created) == 120


def test_a_file_on_this_machine_is_fetched_and_measured(tmp_path, monkeypatch):
    """By default an address on loopback is looked at; one that cannot be had is `DownloadFailed`."""
    body = {"AssetType": "Image", "Name": "n"}
    with EmulatorServer(clock="manual") as files, EmulatorServer(Settings(), "manual") as server:
        group = call(server.url, "CreateAssetGroup", GROUP)["Result"]["Id"]
        for url, code in [
            (f"{files.url}/r2/none.png", "InvalidParameter.DownloadFailed"),
            (f"{files.url}/", "InvalidParameter.FormatUndetectable"),
            ("http://127.0.0.1:9/a.png", "InvalidParameter.DownloadFailed"),
        ]:
            answer = call(server.url, "CreateAsset", {**body, "GroupId": group, "URL": url})
            assert answer["ResponseMetadata"]["Error"]["Code"] == code
