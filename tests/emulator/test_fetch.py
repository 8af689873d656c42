"""The emulator's fetcher connects to what was judged: addresses are looked up once, and judged themselves."""

import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from emulator import fetch
from emulator.domain.checks import http_url
from emulator.domain.reasons import Refusal
from emulator.fetch import FETCH_POLICIES, download_and_measure
from portrait.media import Measurement
from tests.media_samples import image


@pytest.fixture
def files():
    """A server of one picture: its port, and the Host headers that it got."""
    hosts = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            hosts.append(self.headers["Host"])
            moved, _, location = self.path.partition("?to=")
            status = 302 if moved == "/moved" else 200
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()
            if status == 200:
                self.wfile.write(image("png", 400, 400))

        def log_message(self, *_):
            """Nothing is written."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1], hosts
        server.shutdown()
        thread.join()


def download(url):
    """What an emulator that is offline finds behind an address."""
    return download_and_measure(url, FETCH_POLICIES["loopback"])


def resolving(monkeypatch, *addresses):
    """Let every name have these addresses; returns what is connected to."""
    connections = []
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host, port, *args, **options):
        if host[-1].isdigit() or ":" in host:
            return look_up(host, port, *args, **options)
        return [entry for address in addresses for entry in look_up(address, port, *args, **options)]

    def recording(sock, address):
        connections.append(address[0])
        return connect(sock, address)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", recording)
    return connections


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "a.localhost", "[::ffff:127.0.0.1]"])
def test_a_file_on_this_machine_is_fetched(files, host, monkeypatch):
    """By a name, too, which stands in the Host header."""
    port, hosts = files
    resolving(monkeypatch, "127.0.0.1")
    assert FETCH_POLICIES["loopback"](f"http://{host}:{port}/a.png")
    assert isinstance(download(f"http://{host}:{port}/a.png"), Measurement)
    assert hosts[0].endswith(f":{port}")


def test_a_name_of_this_machine_leads_nowhere_else(monkeypatch):
    """key-fetch: a name server that gives a stranger's address for localhost is not believed."""
    connections = resolving(monkeypatch, "10.99.99.1")
    with pytest.raises(Refusal) as info:
        download("http://a.localhost:9/x.png")
    assert "not on this machine" in info.value.message
    assert connections == []


def test_the_local_ones_of_several_addresses_are_used(files, monkeypatch):
    """The stranger is passed over; of the others the first that listens is taken."""
    connections = resolving(monkeypatch, "10.99.99.1", "127.0.0.2", "127.0.0.1")
    assert isinstance(download(f"http://localhost:{files[0]}/a.png"), Measurement)
    assert "10.99.99.1" not in connections


@pytest.mark.parametrize(
    "url",
    [
        r"http://10.99.99.1:9001\@127.0.0.1/x",
        r"http://10.99.99.1\.localhost/x",
        "http://127.0.0.1@10.99.99.1/x",
        "http://0x7f.1/x",
        "http://localhost./x",
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_refused(url):
    """key-fetch: CreateAsset itself refuses it, and nothing is connected to."""
    with pytest.raises(Refusal) as info:
        http_url("URL", url)
    assert "absolute http or https address" in info.value.message


@pytest.mark.parametrize(
    "location", ["/a.png", "b/a.png?x=1", "//localhost:{port}/a.png", "http://127.0.0.1:{port}/a.png"]
)
def test_a_redirect_on_this_machine_is_followed(files, location):
    """As any client of HTTP does it, and object stores behind an application's own addresses rely on."""
    port, hosts = files
    found = download(f"http://127.0.0.1:{port}/moved?to={location.format(port=port)}")
    assert (found.width, len(hosts)) == (400, 2)


def test_a_redirect_to_elsewhere_is_taken_unmeasured(files):
    """key-fetch: an emulator that is offline asks nobody else; such a file is like one with an address of elsewhere."""
    assert download(f"http://127.0.0.1:{files[0]}/moved?to=http://10.99.99.1/x") is None
    assert len(files[1]) == 1


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("", "HTTP status 302"),
        ("file:///etc/passwd", "no http or https address"),
        ("http://[", "no http or https address"),
        ("http://me@127.0.0.1/", "no http or https address"),
        ("/moved?to=/moved?to=/moved?to=/moved?to=/moved?to=/moved?to=/a.png", "more than 5 times"),
    ],
)
def test_a_redirect_that_leads_to_no_file_is_a_failed_download(files, location, why):
    """The message says what is wrong with it."""
    with pytest.raises(Refusal) as info:
        download(f"http://127.0.0.1:{files[0]}/moved?to={location}")
    assert info.value.detail == "DownloadFailed"
    assert why in info.value.message


def test_a_file_that_trickles_is_given_up(monkeypatch):
    """emulator-slow: a download has a total limit, however many bytes come in time."""
    monkeypatch.setattr(fetch, "_TOTAL_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def trickle():
            sock, _ = listener.accept()
            with sock, suppress(OSError):
                sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while not ended.wait(0.005):
                    sock.sendall(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        with pytest.raises(Refusal) as info:
            download(f"http://127.0.0.1:{listener.getsockname()[1]}/a.png")
        ended.set()
        thread.join()
    assert "more than 0.05 seconds" in info.value.message
