"""What a request's head says: keys, hosts, queries, and valid text whatever was sent."""

import pytest

from emulator.web.request_head import Head, decode_segment, is_loopback, parameters, text


def head(**headers):
    """A head with these headers."""
    return Head("POST", "/", "", {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("authorization", "key"),
    [
        ("Bearer sk-1", "sk-1"), ("bearer  sk-1 ", "sk-1"), ("Bearer", None), ("Bearer ", None), ("", None),
        ("Basic sk-1", None), ("sk-1", None), ("Bearer sk 1", "sk 1"), ("Bearer \udcff", "�"),
    ],
)  # fmt: skip
def test_the_key_is_what_follows_bearer(authorization, key):
    """The scheme is compared without case; anything else is no key."""
    assert head(authorization=authorization).key == key


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8787", "127.0.0.1:8787"), ("[::1]:80", "[::1]:80"), ("emulator.local", "emulator.local"),
        ('"><script>', "fallback"), ("", "fallback"), ("a b", "fallback"), ("host:port", "fallback"),
        ("h/path", "fallback"), ("user@host", "fallback"), ("x" * 300, "fallback"),
    ],
)  # fmt: skip
def test_a_host_that_cannot_be_one_is_never_repeated(host, expected):
    """Links are made from the Host header, so it must be a host."""
    assert Head("GET", "/", "", {"host": host}, address="fallback").host == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Action=GetAsset&Version=2024-01-01", {"Action": "GetAsset", "Version": "2024-01-01"}),
        ("a=1&a=2", {"a": "1"}), ("a=", {"a": ""}), ("a", {"a": ""}), ("", {}),
        ("a=%FF&b=\udcff", {"a": "�", "b": "�"}), ("a=x%20y+z", {"a": "x y z"}), ("%", {"%": ""}), ("=x", {"": "x"}),
    ],
)  # fmt: skip
def test_a_query_is_parsed_once_and_for_all(query, expected):
    """The first of several values wins; bytes that are no UTF-8 become replacement characters."""
    assert parameters(query) == expected
    assert parameters(query) is parameters(query)


def test_text_can_always_be_encoded():
    """A lone surrogate, as HTTP servers make from bytes that are no UTF-8, goes no further."""
    assert text("a\udcffé") == "a�é"
    assert decode_segment("%E4%BA%BA%2F%FF") == "人/�"


@pytest.mark.parametrize(
    ("header", "size"), [("17", 17), ("", 0), ("-1", 0), ("x", 0), ("٣", 0), ("4294967296", 4294967296)]
)
def test_the_declared_length_is_a_number_or_nothing(header, size):
    """A Content-Length that is none declares nothing."""
    assert head(content_length=header).content_length == size


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True), ("LocalHost.:80", True), ("a.localhost:1", True), ("127.0.0.1", True),
        ("127.9.9.9:8", True), ("[::1]", True), ("[::1]:8787", True), ("localhost.example", False),
        ("127.0.0.1.example", False),         ("0.0.0.0", False), ("192.168.0.2", False), ("[::2]", False), ("", False),
        ("[::1", False),
    ],
)  # fmt: skip
def test_loopback_hosts(host, local):
    """Only names and addresses that lead to this machine and no other are loopback."""
    assert is_loopback(host) is local
