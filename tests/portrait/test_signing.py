"""The V4 signature: the contract's vectors, what is signed, and what a verifier refuses."""

import hashlib
import string
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.signatures import SignatureError, SignatureFault, Verifier, parse_authorization, split_authorization
from portrait.http import HttpRequest
from portrait.signing import (
    CanonicalForm,
    Credentials,
    DayKeys,
    Scope,
    canonical_query,
    sign,
)

BEIJING, OPEN = "ark.cn-beijing.volcengineapi.com", "open.volcengineapi.com"
JOHOR = "ark.ap-southeast-1.byteplusapi.com"
GET = b'{"Id":"asset-1","ProjectName":"default"}'
EXAMPLE = Credentials("AKTESTEXAMPLE", "secret-example")
CREATE = (
    b'{"GroupId":"group-20260328000000-abcde","URL":"https://example.com/image.jpg","AssetType":"Image",'
    b'"ProjectName":"default"}'
)

# Contract §9: credentials, region, host, X-Date, Action, body, signature.
VECTORS = {
    "row 1": (EXAMPLE, "cn-beijing", BEIJING, "20260917T000000Z", "GetAsset", GET,
              "8c6f2eca2b857aea2a2dae964938319aba77a66c20344ca0a2b22d70ad926a48"),
    "open": (EXAMPLE, "cn-beijing", OPEN, "20260917T000000Z", "GetAsset", GET,
             "c615e67222aac6f4d9d89f992c30bd8d4fc6580feb22b79accbee17d43725880"),
    "session token": (attrs.evolve(EXAMPLE, session_token="STSTOKEN"), "cn-beijing", BEIJING, "20260917T000000Z",
                      "GetAsset", GET, "2980286d5648ad662b70f3f5ec444061ba2997c7398646c38352cee7636dbe26"),
    "byteplus": (Credentials("AKLTtestaccesskey", "testsecretkey=="), "ap-southeast-1", JOHOR, "20260929T120000Z",
                 "GetAsset", b'{"Id":"asset-20260929-a1"}',
                 "dfb90698609a06c9c0bf1304cdff3c99b46924a7af183a2dd42638f721912906"),
    "project": (Credentials("AKIDEXAMPLE", "secret-key-value"), "ap-southeast-1", JOHOR, "20260916T123456Z",
                "GetAsset", b'{"Id":"asset-1","ProjectName":"project-x"}',
                "306556bb6bbd5c0637327f62167dbe6d5fd16cce65a380c85a7e256d9f330ebd"),
    "create": (Credentials("AKLTTESTACCESSKEY0000000000", "TESTSECRETKEY00000000000000000000"), "ap-southeast-1",
               JOHOR, "20260328T000000Z", "CreateAsset", CREATE,
               "29dee2fa94d134bfe1686ba080b91a264fb33f4aad7bd7493d994ec1cd341167"),
}  # fmt: skip
BODIES = st.binary(max_size=64)
QUERIES = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)
NOW = 1_790_000_000.0


def moment(date):
    """Seconds since 1970 of an X-Date."""
    return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def request(body=GET, host=BEIJING, query="Action=GetAsset&Version=2024-01-01", path="/", **headers):
    """An unsigned request."""
    return HttpRequest(
        method="POST",
        url=f"https://{host}{path}?{query}",
        headers={"Content-Type": "application/json", **headers},
        body=body,
    )


def signed(now=NOW, credentials=EXAMPLE, region="cn-beijing", service="ark", **parts):
    """A signed request."""
    return sign(request(**parts), credentials, region=region, service=service, now=now)


def check(sent, *, now=NOW, body=None, method="POST", path=None, query=None, secrets=None, **changes):
    """What a verifier says of a request as it was sent; header changes by name, None removes one."""
    url = urlsplit(sent.url)
    headers = {name.lower(): value for name, value in sent.headers.items()}
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    headers = {name: value for name, value in headers.items() if value is not None}
    unsigned, signature = split_authorization(headers.get("authorization", ""))
    verifier = Verifier(
        parse_authorization(unsigned),
        method=method,
        path=url.path if path is None else path,
        query=url.query if query is None else query,
        secret_of=(secrets or {EXAMPLE.access_key: EXAMPLE.secret_key}).get,
        regions=("cn-beijing", "ap-southeast-1"),
        service="ark",
    )
    return verifier.verify(signature, headers, sent.body if body is None else body, now)


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_the_vectors_of_the_contract(vector):
    """Each signature is the contract's to the letter, and the verifier accepts it."""
    credentials, region, host, date, action, body, signature = vector
    sent = sign(
        request(body, host, f"Action={action}&Version=2024-01-01"),
        credentials,
        region=region,
        service="ark",
        now=moment(date),
    )
    assert sent.headers["Authorization"].endswith(f"Signature={signature}")
    secrets = {credentials.access_key: credentials.secret_key}
    assert check(sent, now=moment(date), secrets=secrets) == credentials.access_key


def test_an_address_beyond_ascii_is_signed_as_it_is_sent():
    """Percent-encoded, in its path and its query."""
    sent = signed(path="/v1/\u5f20", query="Action=GetAsset&Name=\u5f20")
    assert check(sent, path="/v1/%E5%BC%A0", query="Action=GetAsset&Name=%E5%BC%A0") == EXAMPLE.access_key


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("b=a b&a=x*y&c=%7E", "a=x%2Ay&b=a%20b&c=~"),
        ("a=2&b=0&a=1&a=1", "a=1&a=1&a=2&b=0"),
        ("a=!'()", "a=%21%27%28%29"),
        ("a", "a="),
        ("", ""),
        ("n=%E5%BC%A0", "n=%E5%BC%A0"),
    ],
)
def test_the_canonical_query(query, canonical):
    """Encoded but for the unreserved characters, and sorted."""
    assert canonical_query(query) == canonical


@pytest.mark.parametrize(
    ("host", "header"),
    [
        ("h.example:443", "h.example"),
        ("h.example:80", "h.example"),
        ("h.example:8787", "h.example:8787"),
    ],
)
def test_a_default_port_is_not_signed(host, header):
    """Another port is; the verifier takes the host as it was received."""
    sent = signed(host=host)
    assert sent.headers["Host"] == header
    assert check(sent) == EXAMPLE.access_key
    assert check(sent, host=host) == EXAMPLE.access_key


def test_whatever_is_listed_as_signed_is_verified():
    """The official SDK signs headers of its own: they count when listed, and a change of one is noticed."""
    sent = signed(**{"X-Sdk-Request": "attempt=1; max=1", "Content-MD5": "abc"})
    assert "content-md5;content-type;host;x-content-sha256;x-date;x-sdk-request" in sent.headers["Authorization"]
    assert check(sent) == EXAMPLE.access_key
    with pytest.raises(SignatureError) as caught:
        check(sent, x_sdk_request="attempt=2; max=1")
    assert caught.value.fault is SignatureFault.MISMATCH


def test_a_signature_is_replaced_by_the_next():
    """A request that was signed before is signed anew, for its new moment."""
    again = sign(signed(), EXAMPLE, region="cn-beijing", service="ark", now=NOW + 60)
    assert again == signed(now=NOW + 60)


def test_nothing_secret_is_shown():
    """Neither the secret nor a session token stands in a repr or in the headers."""
    credentials = attrs.evolve(EXAMPLE, session_token="STSTOKEN")
    keys = DayKeys()
    sent = sign(request(), credentials, region="cn-beijing", service="ark", now=NOW, keys=keys)
    text = f"{credentials!r} {keys!r} {sent!r} {list(sent.headers.values())}"
    assert "secret-example" not in text
    assert "STSTOKEN" not in f"{credentials!r} {sent!r}"


@pytest.mark.parametrize("text", ["100%", "%s", "%(a)s", "a%%b"])
def test_percent_signs_are_signed_as_they_are(text):
    """In a header and in the query, whatever formats make of them; a change of one is noticed."""
    for sent in (signed(query=urlencode({"Action": text})), signed(**{"X-Note": text})):
        assert check(sent) == EXAMPLE.access_key
    with pytest.raises(SignatureError):
        check(sent, x_note=text.replace("%", "%%", 1))


def test_each_call_needs_its_own_signature():
    """One with another's is refused, though all but the signature is the same, and accepted with its own."""
    first, second = signed(), signed(body=b"{}")
    assert check(first) == EXAMPLE.access_key
    with pytest.raises(SignatureError):
        check(second, authorization=first.headers["Authorization"])
    assert check(second) == EXAMPLE.access_key


def test_day_keys_are_kept_for_a_day():
    """The same key again, and none of another day."""
    keys = DayKeys()
    for now in (NOW, NOW + 1, NOW + 86_400):
        signed_with_keys = sign(request(), EXAMPLE, region="cn-beijing", service="ark", now=now, keys=keys)
        assert signed_with_keys == signed(now=now)
        assert len(keys._keys) == 1


def claim(scope):
    """An Authorization header of that region and service, whose signature is none."""
    return f"HMAC-SHA256 Credential=a/{SCOPE}/{scope}/request, SignedHeaders=host, Signature=00"


SCOPE = datetime.fromtimestamp(NOW, UTC).strftime("%Y%m%d")
REFUSED = {
    "nothing": ({"authorization": None}, SignatureFault.NO_AUTHORIZATION, ""),
    "bearer": ({"authorization": "Bearer k"}, SignatureFault.MALFORMED_AUTHORIZATION, ""),
    "no signature": ({"authorization": f"HMAC-SHA256 Credential=a/{SCOPE}/cn-beijing/ark/request, SignedHeaders=host"},
                     SignatureFault.NO_SIGNATURE, ""),
    "scope": ({"authorization": "HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00"},
              SignatureFault.MALFORMED_CREDENTIAL, ""),
    "day": ({"authorization": claim("cn-beijing/ark").replace(SCOPE, "2026-3-18")},
            SignatureFault.MALFORMED_CREDENTIAL, ""),
    "other day": ({"authorization": claim("cn-beijing/ark").replace(SCOPE, "20260319")},
                  SignatureFault.STALE_DATE, ""),
    "region": ({"authorization": claim("mars/ark")},
               SignatureFault.UNKNOWN_REGION, "mars"),
    "service": ({"authorization": claim("cn-beijing/ecs")},
                SignatureFault.UNKNOWN_SERVICE, "ecs"),
    "no date": ({"x_date": None}, SignatureFault.NO_DATE, ""),
    "date": ({"x_date": "yesterday"}, SignatureFault.STALE_DATE, ""),
    "impossible date": ({"x_date": f"{SCOPE}T996199Z"}, SignatureFault.STALE_DATE, ""),
    "early": ({"now": NOW - 901}, SignatureFault.STALE_DATE, ""),
    "late": ({"now": NOW + 901}, SignatureFault.STALE_DATE, ""),
    "stranger": ({"secrets": {"other": "x"}}, SignatureFault.UNKNOWN_ACCESS_KEY, "AKTESTEXAMPLE"),
    "wrong secret": ({"secrets": {"AKTESTEXAMPLE": "x"}}, SignatureFault.MISMATCH, ""),
    "body": ({"body": b"{}"}, SignatureFault.MISMATCH, ""),
    "hash": ({"x_content_sha256": "0" * 64}, SignatureFault.MISMATCH, ""),
    "host": ({"host": "evil.example"}, SignatureFault.MISMATCH, ""),
    "method": ({"method": "GET"}, SignatureFault.MISMATCH, ""),
    "header gone": ({"content_type": None}, SignatureFault.MISMATCH, ""),
}  # fmt: skip


@pytest.mark.parametrize(("change", "fault", "value"), REFUSED.values(), ids=REFUSED)
def test_what_a_verifier_refuses(change, fault, value):
    """Each fault by its name, in the order of the checks."""
    with pytest.raises(SignatureError) as caught:
        check(signed(), **change)
    assert (caught.value.fault, caught.value.value) == (fault, value)


@given(BODIES, QUERIES)
def test_what_is_signed_verifies(body, query):
    """Over any bytes and query."""
    assert check(signed(body=body, query=urlencode(query), path="/%E5%BC%A0")) == EXAMPLE.access_key


TEMPORARY = attrs.evolve(EXAMPLE, session_token="STSTOKEN")
SENT = signed(credentials=TEMPORARY, path="/%E5%BC%A0", **{"X-Sdk-Request": "attempt=1; max=1"})
URL = urlsplit(SENT.url)
PARTS = {"method": "POST", "path": URL.path, "query": URL.query, "body": SENT.body.decode(), **SENT.headers}


@given(st.sampled_from(sorted(PARTS)), st.data())
def test_no_mutation_of_what_is_signed_is_accepted(part, data):
    """One other character in the method, path, query, body, a signed header or the proof; or a header is missing."""
    text = PARTS[part]
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(sorted(set(string.ascii_letters + string.digits + "-._~/") - {text[at]})))
    changed = text[:at] + other + text[at + 1 :]
    assert check(SENT) == EXAMPLE.access_key
    with pytest.raises(SignatureError):
        check(SENT, **{part.lower(): changed.encode() if part == "body" else changed})
    if part in SENT.headers:
        with pytest.raises(SignatureError):
            check(SENT, **{part.lower(): None})


def proof_over(names):
    """An Authorization header for `SENT` that signs these of its headers, as often as they are named."""
    headers = {name.lower(): value for name, value in SENT.headers.items()}
    body_hash = hashlib.sha256(SENT.body).hexdigest()
    text = CanonicalForm("POST", URL.path, URL.query, tuple(names)).fill(headers, body_hash)
    signature = DayKeys().key(EXAMPLE.secret_key, Scope(SCOPE, "cn-beijing", "ark")).sign(headers["x-date"], text)
    start = headers["authorization"].partition("SignedHeaders=")[0]
    return f"{start}SignedHeaders={';'.join(names)}, Signature={signature}"


NAMES = sorted(name.lower() for name in SENT.headers if name != "Authorization")


@pytest.mark.parametrize("names", [NAMES, [name for name in NAMES if name != "content-type"]], ids=["all", "enough"])
def test_a_proof_may_leave_out_some_headers(names):
    """Those that have to be signed are, and so are others that are named."""
    assert check(SENT, authorization=proof_over(names)) == EXAMPLE.access_key


@pytest.mark.parametrize(
    "names",
    [*([name for name in NAMES if name != unsigned] for unsigned in ("host", "x-date", "x-security-token")),
     [*NAMES, "host"], [*NAMES, "content-type"]],
    ids=["host", "x-date", "x-security-token", "host twice", "content-type twice"],
)  # fmt: skip
def test_a_proof_covers_what_it_has_to_once(names):
    """Host, date and session token are signed and nothing is signed twice, or the proof is none."""
    with pytest.raises(SignatureError) as caught:
        check(SENT, authorization=proof_over(names))
    assert caught.value.fault is SignatureFault.MISMATCH


def test_a_percent_sign_is_no_format():
    """In the path, the query, a header's name and its value."""
    names = ("host", "x-100%s", "x-date")
    text = CanonicalForm("POST", "/%s", "a=%25s", names).fill({"host": "h", "x-100%s": " %d ", "x-date": "d"}, "hash")
    assert text == "POST\n/%s\na=%25s\nhost:h\nx-100%s:%d\nx-date:d\n\nhost;x-100%s;x-date\nhash"


def test_a_verifier_checks_each_request_anew():
    """What it has accepted once is refused when it is too old, and with another body, date or signature."""
    headers = {name.lower(): value for name, value in SENT.headers.items()}
    unsigned, signature = split_authorization(headers["authorization"])
    verifier = Verifier(
        parse_authorization(unsigned),
        method="POST",
        path=URL.path,
        query=URL.query,
        secret_of={EXAMPLE.access_key: EXAMPLE.secret_key}.get,
        regions=("cn-beijing",),
        service="ark",
    )
    verify = {"signature": signature, "headers": headers, "body": SENT.body, "now": NOW}
    changes = (
        {"signature": signature[::-1]},
        {"headers": {**headers, "x-date": f"{headers['x-date'][:-2]}9Z"}},
        {"body": SENT.body + b" "},
        {"now": NOW + 901},
    )
    for change in changes:
        assert verifier.verify(**verify) == EXAMPLE.access_key
        with pytest.raises(SignatureError):
            verifier.verify(**{**verify, **change})
    assert EXAMPLE.secret_key not in repr(verifier)
