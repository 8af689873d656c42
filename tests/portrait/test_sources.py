"""Addresses as sources: which of them are one content, and what is told of them."""

import pytest

from portrait.ensure import display_name, identify, parse_digest, sha256_prefix
from portrait.ensure.content import check_reach
from portrait.ensure.sources import expand_sources
from portrait.errors import UsageError
from portrait.media import limits_for

LIMITS = limits_for("alltoken", endpoint="CreateAsset")
PLACE = "https://cdn.example/a.jpg"


def digest(url):
    """By what an address is recognized."""
    return identify(url, LIMITS, None).digest


def test_a_content_is_recognized_by_every_release():
    """Assets bear the digest in their Names: it stays what it was."""
    assert digest(PLACE) == "sdre7ueim5m7dks4erg7uq5eni"
    assert digest(f"{PLACE}?page=2") == "dmctrrz4kth7wn7kvikgz2vw54"


@pytest.mark.parametrize(
    "name",
    ["token", "tokens", "sig", "sigma", "signature_of", "expires_in", "se", "st", "sp", "sv", "sr", "x-amzing"],
)
def test_a_parameter_that_only_looks_like_a_signature_tells_two_contents_apart(name):
    """One person's file must never be taken for another's."""
    assert digest(f"{PLACE}?{name}=alice") != digest(f"{PLACE}?{name}=bob")


@pytest.mark.parametrize(
    "signature",
    [
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={0}&X-Amz-Signature={0}",
        "X-Tos-Expires=43200&X-Tos-Signature={0}",
        "X-Goog-Date={0}&X-Goog-Signature={0}",
        "AWSAccessKeyId=AKID&Expires={0}&Signature={0}",
        "Policy={0}&Signature={0}&Key-Pair-Id=K1",
        "sv=2024-11-04&st={0}&se={0}&sr=b&sp=r&sig={0}",
    ],
)
def test_another_signature_is_the_same_content(signature):
    """A presigned address changes at every signing; what it leads to does not."""
    first, second = (f"{PLACE}?{signature.format(number)}" for number in (1, 2))
    assert digest(first) == digest(second)
    assert digest(f"{first}&page=1") != digest(f"{second}&page=2")


@pytest.mark.parametrize("query", ["full", "full=", "page=1&page=2", "page=2&page=1", "Full"])
def test_any_other_difference_of_queries_tells_two_contents_apart(query):
    """A parameter without a value, one that comes twice, another order: nobody knows what a server makes of it."""
    others = {"", "full=1", "page=1", "page=1&page=2", "page=2&page=1", "FULL"} - {query}
    assert digest(f"{PLACE}?{query}") not in {digest(f"{PLACE}?{other}") for other in others}


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        (None, "a"),
        ("Ann Lee", "Ann Lee"),
        (" \t\n\0", "asset"),
        ("a\x07b\u200b", "ab"),
        ("n" * 23, "n" * 23),
        ("n" * 24, "n" * 23),
        ("  " + "n" * 22 + "  n", "n" * 22),
    ],
)
def test_a_name_begins_with_what_people_can_read(name, stem):
    """Within the 50 characters that every provider takes, and its end says the content, in whatever case."""
    content = identify(PLACE, LIMITS, None, name)
    assert content.name == f"{stem}-{content.digest}"
    assert len(content.name) <= 50
    assert parse_digest(content.name.upper()) == content.digest
    assert content.sha256.startswith(sha256_prefix(content.digest))
    assert parse_digest(content.name[:-1]) is None


@pytest.mark.parametrize(
    ("service", "reached"),
    [
        ("https://api.example/v1", ()),
        ("http://127.0.0.1:8787/v1", ("this machine",)),
        ("http://10.0.0.5:8787/v1", ("a private network",)),
        ("http://emulator:8787/v1", ("a private network",)),
    ],
)
def test_an_address_that_the_service_cannot_reach_is_a_mistake(service, reached):
    """What is on this machine, or in a private network, only a service that is there can fetch."""
    check_reach(PLACE, service)
    for url, network in (
        ("http://127.0.0.1/a.jpg?token=secret", "this machine"),
        ("http://192.168.1.2/a.jpg", "a private network"),
    ):
        if network in reached:
            check_reach(url, service)
            continue
        with pytest.raises(UsageError, match=f" is in {network}") as caught:
            check_reach(url, service)
        assert "secret" not in str(caught.value)


def test_an_address_is_told_without_its_secrets():
    """Neither the query nor a password is shown, and the port stays."""
    url = "https://cdn.example:8443/a.jpg?token=secret#here"
    assert display_name(url) == identify(url, LIMITS, None).source == "https://cdn.example:8443/a.jpg"
    assert display_name(url.replace("cdn", "me:pass@cdn")) == "https://cdn.example:8443/a.jpg"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://cdn.example/@me/a.jpg", "https://cdn.example/@me/a.jpg"),
        ("https://a@b@cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        ("https://me:pass@[::1", "https://[::1"),
    ],
)
def test_an_address_that_is_not_well_formed_is_told_without_its_secrets(url, expected):
    """Whatever may be a password is left out."""
    assert display_name(url) == expected


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://[::1/a.jpg", "is not an absolute"),
        ("https:///a.jpg", "is not an absolute"),
        ("https://me:pass@cdn.example/a.jpg?token=secret", "has a user name"),
        ("https://cdn.example\\@other.example/a.jpg", "has a space, a backslash"),
        ("https://0x7f.1/a.jpg", "neither a name nor an IP address"),
    ],
)
def test_what_is_no_address_is_a_mistake_of_its_user(url, fault):
    """By the rule of CreateAsset, before anything is sent and without a secret; so a plan says what will be."""
    with pytest.raises(UsageError, match=fault) as caught:
        identify(url, LIMITS, None)
    assert "pass" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://me:secret@cdn.example/a.jpg", "s3://bucket/secret", "data:image/png;secret"])
def test_an_address_of_another_kind_is_told_what_kinds_there_are(url):
    """It is no file that is not there; nor is a file whose name only looks like one."""
    with pytest.raises(UsageError, match=r"cannot be an address of the scheme (ftp|s3|data)") as caught:
        identify(url, LIMITS, None)
    assert "a path, an http(s) address, bytes or an open binary file" in caught.value.advice
    assert "secret" not in str(caught.value)
    with pytest.raises(UsageError, match="No such file"):
        identify("data-1:2.png", LIMITS, None)


def test_an_empty_name_is_not_the_folder_that_one_is_in(tmp_path, monkeypatch):
    """A variable that is not set would send everything that lies there."""
    (tmp_path / "a.jpg").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert expand_sources([""]) == [""]
    with pytest.raises(UsageError, match="A source is an empty name"):
        identify("", LIMITS, None)
