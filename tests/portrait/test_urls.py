"""One parser of addresses: what it accepts, both HTTP libraries connect to as it was read; the rest is refused."""

import http.client
import socket
from ipaddress import ip_address

import orjson
import pytest
import urllib3
from yarl import URL

from portrait import UsageError
from portrait.s3.keys import parse_base_url
from portrait.urls import is_loopback, is_loopback_address, parse_http_url
from tests.portrait.helpers import good

LONG = ".".join(["a" * 63] * 4)

# Address → (host, port), None where it is refused.
ADDRESSES = {
    "https://api.alltoken.ai/v1": ("api.alltoken.ai", 443),
    "http://api.alltoken.ai": ("api.alltoken.ai", 80),
    "HTTPS://API.Alltoken.AI:8443/v1?a=b#c": ("api.alltoken.ai", 8443),
    "http://h?x=@127.0.0.1/": ("h", 80),
    "http://h#@127.0.0.1/": ("h", 80),
    "http://h/@127.0.0.1/": ("h", 80),
    "http://my_service:8787/": ("my_service", 8787),
    "http://xn--e1afmkfd.xn--p1ai/": ("xn--e1afmkfd.xn--p1ai", 80),
    "http://127.0.0.1:1/": ("127.0.0.1", 1),
    "http://127.0.0.1:65535/": ("127.0.0.1", 65535),
    "http://127.1.2.3/": ("127.1.2.3", 80),
    "http://[::1]:8787/v1": ("::1", 8787),
    "http://[0:0:0:0:0:0:0:1]/": ("::1", 80),
    "http://[::ffff:127.0.0.1]/": ("::ffff:127.0.0.1", 80),
    "http://localhost:8787/v1": ("localhost", 8787),
    "http://LOCALHOST/": ("localhost", 80),
    "http://a.localhost/": ("a.localhost", 80),
    "http://localhost.example/": ("localhost.example", 80),
    "http://127.0.0.1.example/": ("127.0.0.1.example", 80),
    # userinfo and backslashes
    r"http://10.99.99.1\.localhost/v1": None,
    r"http://10.99.99.1:9001\@127.0.0.1/x": None,
    r"http:\\127.0.0.1/": None,
    r"http://127.0.0.1\@10.99.99.1/": None,
    "http://127.0.0.1@10.99.99.1/": None,
    "http://user:word@127.0.0.1/": None,
    "http://@127.0.0.1/": None,
    "http://127.0.0.1:80@10.99.99.1/": None,
    "http://h/path\\x": None,
    # control characters and spaces
    "http://127.0.0.1\t.example/": None,
    "http://127.0.0.1\n.example/": None,
    "http://10.99.99.1\r@localhost/": None,
    "http://h/\x00": None,
    " http://127.0.0.1/": None,
    "http://127.0.0.1/ ": None,
    "ht\ntp://127.0.0.1/": None,
    "http://h/\x7f": None,
    # odd hosts
    "http://127.0.0.1./": None,
    "http://localhost./": None,
    "http://.localhost/": None,
    "http://a..localhost/": None,
    "http://0x7f.1/": None,
    "http://0x7f000001/": None,
    "http://2130706433/": None,
    "http://0177.0.0.1/": None,
    "http://127.1/": None,
    "http://127.0.0.01/": None,
    "http://127.0.0.256/": None,
    "http://1.2.3.4.5/": None,
    "http://foo.0x7f/": None,
    "http://foo.1/": None,
    "http://%6c%6fcalhost/": None,
    "http://127.0.0.1%2f.example/": None,
    "http://127。0。0。1/": None,
    "http://ⓛocalhost/": None,
    "http://ſocalhost/": None,
    "http://пример.рф/": None,
    "http://[::1%25lo]/": None,
    "http://[::1%lo]/": None,
    "http://[::1/": None,
    "http://::1/": None,
    "http://[127.0.0.1]/": None,
    "http://[v1.x]/": None,
    "http://[::1]x/": None,
    f"http://{LONG}/": None,
    f"http://{'a' * 64}.example/": None,
    "http://h,i/": None,
    "http://h;i/": None,
    "http://h|i/": None,
    "http:///x": None,
    "http://": None,
    "http:127.0.0.1/": None,
    "http:/127.0.0.1/": None,
    "//127.0.0.1/": None,
    "ftp://127.0.0.1/": None,
    "http+unix://127.0.0.1/": None,
    "": None,
    # ports
    "http://127.0.0.1:/": None,
    "http://127.0.0.1:0/": None,
    "http://127.0.0.1:65536/": None,
    "http://127.0.0.1:99999999/": None,
    "http://127.0.0.1:-1/": None,
    "http://127.0.0.1:8o/": None,
    "http://127.0.0.1:80:90/": None,
    "http://127.0.0.1:٨٠/": None,
}
GOOD = [url for url, expected in ADDRESSES.items() if expected]


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_is_read_in_one_way_or_refused(url):
    """key-parser: the table says host and port; a refusal does not repeat the address."""
    expected = ADDRESSES[url]
    if expected is None:
        with pytest.raises(ValueError, match=r"^(has|is not) ") as info:
            parse_http_url(url)
        assert not url or url not in str(info.value)
        return
    parsed = parse_http_url(url)
    assert (same(parsed.host), parsed.port) == (same(expected[0]), expected[1])


@pytest.mark.parametrize("url", GOOD)
def test_both_libraries_connect_where_the_parser_says(url, monkeypatch):
    """key-parser: differential; the written form of what was read, and the address as it came."""
    parsed = parse_http_url(url)
    for text in (parsed.origin + parsed.target, url):
        theirs = URL(text, encoded=True)
        assert (same(theirs.raw_host), theirs.port, theirs.scheme) == (same(parsed.host), parsed.port, parsed.scheme)
        host, port = connected(text, monkeypatch)
        assert (same(host), port) == (same(parsed.host), parsed.port)


def same(host):
    """A host in a form in which equal ones are equal: versions of Python write mapped addresses in different ways."""
    return ip_address(host) if ":" in host else host.lower()


def connected(url, monkeypatch):
    """Host and port of the connection that urllib3 makes for an address."""
    lookups = []

    def look_up(host, port, *_, **__):
        lookups.append((host, port))
        raise socket.gaierror(socket.EAI_NONAME, "no")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with urllib3.PoolManager() as pool, pytest.raises((urllib3.exceptions.HTTPError, http.client.HTTPException)):
        pool.request("GET", url, retries=False)
    return lookups[0]


@pytest.mark.parametrize("url", [url for url, expected in ADDRESSES.items() if expected is None])
def test_what_is_refused_is_refused_everywhere(colour, url):
    """key-parser: as a base URL, and as an address or the public base of a store; nothing is sent."""
    with pytest.raises(UsageError):
        colour.client(base_url=url or "http:")
    with pytest.raises(UsageError):
        parse_base_url("public_base", url)


MAPPED = parse_http_url("http://[::ffff:127.0.0.1]/").host
LOOPBACK = {"127.0.0.1", "127.1.2.3", "::1", MAPPED, "localhost", "a.localhost"}


@pytest.mark.parametrize("host", sorted({parse_http_url(url).host for url in GOOD} | {"10.0.0.1", "0.0.0.0", "::"}))
def test_what_counts_as_this_machine(host):
    """Loopback addresses in every form, `localhost` and what is below it, and nothing else."""
    assert is_loopback(host) is (host in LOOPBACK)


@pytest.mark.parametrize(
    ("address", "loopback"), [("127.0.0.1", True), ("::1", True), ("fe80::1%eth0", False), ("::ffff:10.0.0.1", False)]
)
def test_the_address_of_a_peer(address, loopback):
    """As a socket gives it, with a zone perhaps."""
    assert is_loopback_address(address) is loopback


def test_a_request_line_is_ascii():
    """What is percent-encoded already stays."""
    assert parse_http_url("http://h/a%20\u00fc?q=\u4e2d&r=%2F").target == "/a%20%C3%BC?q=%E4%B8%AD&r=%2F"


def test_a_proxy_may_have_a_user():
    """Asked for explicitly; it stands in no repr."""
    parsed = parse_http_url("http://user:word@proxy.example:3128", userinfo=True)
    assert (parsed.host, parsed.port, parsed.userinfo) == ("proxy.example", 3128, "user:word")
    assert "word" not in repr(parsed)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.jpg",
        "/srv/a.jpg",
        "data:image/png;base64,AAAA",
        "ftp://cdn.example/a.jpg",
        "https://",
        "https://user:pass@cdn.example/a.jpg",
        "https://cdn.example\\@evil.example/a.jpg",
        "https://cdn.example:99999/a.jpg",
        "https://0x7f.1/a.jpg",
        "https://cdn.example/a b.jpg",
        "https://cdn.example/a\n.jpg",
    ],
)
def test_what_can_never_be_an_address_is_not_sent(colour, url):
    """key-parser, advice-private: an address that is none, or two, is a mistake before anything is sent."""
    client, script = colour.scripted(good({"Id": "asset-1"}))
    with pytest.raises(UsageError, match="CreateAsset: the address") as caught:
        client.create_asset(group_id="group-1", url=url, asset_type="Image")
    assert "pass" not in str(caught.value)
    assert script.requests == []


@pytest.mark.parametrize(
    "url", ["http://10.0.0.5/a.jpg?sig=1#x", "https://[::1]:8443/\u00fc.jpg", "HTTP://cdn.example"]
)
def test_what_may_be_an_address_is_sent_as_it_stands(colour, url):
    """Whether the service can fetch it, the service decides."""
    client, script = colour.scripted(good({"Id": "asset-1"}))
    client.create_asset(group_id="group-1", url=url, asset_type="Image")
    assert orjson.loads(script.requests[0].body)["URL"] == url
