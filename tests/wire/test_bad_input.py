"""Sends what no careful client would send; the server has to refuse it readably, stay up, and lose nothing."""

import gzip
import http.client
import json
import re
import socket

import pytest

from tests.wire import media
from tests.wire.client import MB, Answer, Part, multipart, part
from tests.wire.matchers import MATCHERS, differences

HTTP_ERROR = {
    "error": {"message": "<text>", "type": "<text>", "code?": "<any>", "param?": "<any>", "request_id?": "<any>",
              "task_id?": "<any>"},
    "request_id?": "<request-id>",
}  # fmt: skip
GOOD_FILE = part("file", media.WEBP, "portrait.webp", "image/webp")


@pytest.fixture(autouse=True)
def survivor(server, me):
    """A group and an asset of the same customer, which must be the same after the bad request as before it."""
    group = me.group("survivor")
    asset = me.asset(group, Name="survivor")
    server.advance(5)
    before = snapshot(me, group, asset)
    yield group
    assert snapshot(me, group, asset) == before
    assert server.control("GET", "health").status == 200


def snapshot(me, group, asset):
    """What the customer sees of the two."""
    item = me.call("GetAsset", {"Id": asset}).result
    return me.call("GetAssetGroup", {"Id": group}).result, {key: item[key] for key in item if key != "URL"}


def counts(me):
    """How many groups and assets the customer has."""
    body = {"Filter": {"GroupType": "AIGC"}}
    return tuple(me.call(action, body).result["TotalCount"] for action in ("ListAssetGroups", "ListAssets"))


def assert_http_error(answer, status):
    """The HTTP-level form, with the given status."""
    assert answer.status == status, answer.raw[:300]
    assert differences(HTTP_ERROR, answer.body) == []


# --- bodies that are not the JSON object they should be --------------------------------------------------------------

NOT_AN_OBJECT = {
    "cut": b'{"Id": "x"',
    "words": b"Id=x&Name=y",
    "two values": b'{"Id": "x"} {"Id": "y"}',
    "trailing comma": b'{"Id": "x",}',
    "single quotes": b"{'Id': 'x'}",
    "array": b'[{"Id": "x"}]',
    "string": b'"Id"',
    "number": b"5",
    "true": b"true",
    "latin-1": '{"Id": "x", "Name": "Zoë"}'.encode("latin-1"),
    "utf-16": '{"Id": "x"}'.encode("utf-16"),
    "utf-32": '{"Id": "x"}'.encode("utf-32"),
    "cut utf-8": '{"Id": "像'.encode()[:-1] + b'"}',
    "overlong utf-8": b'{"Id": "\xc0\xaf"}',
    "encoded surrogate": b'{"Id": "\xed\xa0\x80"}',
    "NaN": b'{"Id": NaN}',
    "Infinity": b'{"Id": -Infinity}',
    "raw control character": b'{"Id": "a\nb"}',
    "NUL bytes": b"\0" * 100,
    "bare nesting": b"[" * 100_000,
    "object nesting": b'{"a":' * 50_000,
    "html": b"<html></html>",
    "xml bomb": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
}


@pytest.mark.parametrize("payload", NOT_AN_OBJECT.values(), ids=NOT_AN_OBJECT)
@pytest.mark.parametrize("action", ["GetAssetGroup", "CreateAssetGroup", "ListAssets"])
def test_a_body_that_is_no_json_object_is_an_invalid_parameter(me, action, payload):
    """What is not a JSON object in UTF-8 is InvalidParameter and makes nothing."""
    before = counts(me)
    assert me.send(payload, action=action).error == "InvalidParameter"
    assert counts(me) == before


@pytest.mark.parametrize("payload", [b"", b"   ", b"null"], ids=["empty", "blank", "null"])
def test_an_empty_body_is_refused(me, payload):
    """A body without content is either malformed or without its required fields."""
    assert me.send(payload).error in {"InvalidParameter", "MissingParameter.Id"}


DOUBTFUL = {
    "byte order mark": b'\xef\xbb\xbf{"Id": "x"}',
    "doubled key": b'{"Id": "x", "Id": "y"}',
    "number beyond floats": b'{"Id": "x", "Extra": 1e999}',
    "number of 5000 digits": b'{"Id": "x", "Extra": ' + b"9" * 5000 + b"}",
    "nesting in an unknown field": b'{"Id": "x", "Extra": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "many keys": json.dumps({"Id": "x"} | {f"key{n}": n for n in range(20_000)}).encode(),
    "escaped lone surrogate in an unknown field": b'{"Id": "x", "Extra": "\\ud800"}',
    "long id": b'{"Id": "' + b"x" * 900_000 + b'"}',
    "id with a NUL": b'{"Id": "x\\u0000y"}',
    "id with quotes": b'{"Id": "x\' OR 1=1 --"}',
    "id with a path": b'{"Id": "../../etc/passwd"}',
}


@pytest.mark.parametrize("payload", DOUBTFUL.values(), ids=DOUBTFUL)
def test_doubtful_json_is_read_or_refused_but_nothing_else(me, payload):
    """What readers of JSON disagree on is refused as malformed or read; the id in it is nobody's."""
    assert me.send(payload).error in {"InvalidParameter", "Forbidden"}


@pytest.mark.parametrize("name", [b"\\ud800", b"\\udc00\\ud800", b"a\\udfff"])
def test_a_lone_surrogate_in_a_name_is_refused(me, name):
    """A Name that cannot be written as UTF-8 is InvalidParameter, in creates and updates and as a fuzzy filter."""
    before = counts(me)
    payloads = {
        "CreateAssetGroup": b'{"GroupType": "AIGC", "Name": "%s"}',
        "ListAssetGroups": b'{"Filter": {"GroupType": "AIGC", "Name": "%s"}}',
        "GetAssetGroup": b'{"Id": "%s"}',
    }
    for action, payload in payloads.items():
        assert me.send(payload % name, action=action).error == "InvalidParameter"
    assert counts(me) == before


def test_a_nul_in_a_name_is_kept_or_refused(me):
    """A NUL in a Name is shown as it was given or refused, never cut."""
    answer = me.call("CreateAssetGroup", {"GroupType": "AIGC", "Name": "a\0b"})
    if "Error" in answer.body["ResponseMetadata"]:
        assert answer.error == "InvalidParameter"
    else:
        assert me.call("GetAssetGroup", {"Id": answer.result["Id"]}).result["Name"] == "a\0b"


# --- every known field with every wrong type -------------------------------------------------------------------------

PROJECT = ("ProjectName", "string")
PAGING = (("PageNumber", "integer"), ("PageSize", "integer"))
FIELDS = {
    "CreateAssetGroup": (("Name", "string"), ("GroupType", "string"), ("Description", "string"), ("Title", "string")),
    "GetAssetGroup": (("Id", "string"),),
    "ListAssetGroups": (("Filter", "object"), ("Filter.GroupType", "string"), ("Filter.GroupIds", "strings"),
                        ("Filter.Name", "string"), *PAGING),
    "UpdateAssetGroup": (("Id", "string"), ("Name", "string"), ("Description", "string")),
    "DeleteAssetGroup": (("Id", "string"),),
    "CreateAsset": (("GroupId", "string"), ("URL", "string"), ("AssetType", "string"), ("Name", "string")),
    "GetAsset": (("Id", "string"),),
    "ListAssets": (("Filter", "object"), ("Filter.GroupType", "string"), ("Filter.GroupIds", "strings"),
                   ("Filter.Statuses", "strings"), ("Filter.Name", "string"), ("SortBy", "string"),
                   ("SortOrder", "string"), *PAGING),
    "UpdateAsset": (("Id", "string"), ("Name", "string")),
    "DeleteAsset": (("Id", "string"),),
    "CreateVisualValidateSession": (("CallbackURL", "string"),),
    "GetVisualValidateResult": (("BytedToken", "string"),),
}  # fmt: skip
GOOD = {
    "CreateAssetGroup": {"GroupType": "AIGC", "Name": "x"},
    "ListAssetGroups": {"Filter": {"GroupType": "AIGC"}},
    "CreateAsset": {"GroupId": "g", "URL": "https://cdn.example/a.jpg", "AssetType": "Image"},
    "ListAssets": {"Filter": {"GroupType": "AIGC"}},
    "CreateVisualValidateSession": {"CallbackURL": "https://www.example.com/callback"},
    "GetVisualValidateResult": {"BytedToken": "t"},
}
WRONG = {
    "string": (0, 5, 1.5, True, False, [], ["x"], {}, {"x": "y"}),
    "integer": ("", "5", 1.5, True, False, [], [1], {}, 0, -(2**63), 10**30),
    "object": ("", "x", 0, 5, True, False, [], [{"GroupType": "AIGC"}]),
    "strings": ("", "x", 0, 5, True, {}, {"0": "x"}, [5], ["x", True], [["x"]], [{}], [None]),
}
# An empty string in a required field is a missing one, whatever type it should have had (§2).
CASES = [(action, field, kind) for action, fields in FIELDS.items() for field, kind in (*fields, PROJECT)]


@pytest.mark.parametrize(("action", "field", "kind"), CASES)
def test_a_wrong_type_is_refused_and_the_field_is_named(me, action, field, kind):
    """A known field of the wrong JSON type, or a number out of range, is InvalidParameter that names the field."""
    *parents, last = field.split(".")
    before = counts(me)
    for value in WRONG[kind]:
        if (field, value) == ("Filter", ""):
            continue
        body = json.loads(json.dumps(GOOD.get(action, {"Id": "x"})))
        (body[parents[0]] if parents else body)[last] = value
        answer = me.call(action, body)
        assert answer.error == "InvalidParameter", value
        assert last in answer.message, value
    assert counts(me) == before


def test_the_table_of_fields_covers_every_action():
    """Each of the 12 Actions has its row above."""
    assert len(FIELDS) == 12
    assert GOOD.keys() <= FIELDS.keys()


# --- sizes and broken transfers --------------------------------------------------------------------------------------


def chunks(payload, size=65_536):
    """The payload in pieces, which an ordinary client sends chunked."""
    return iter([payload[start : start + size] for start in range(0, len(payload), size)])


@pytest.mark.parametrize("chunked", [False, True], ids=["with length", "chunked"])
@pytest.mark.parametrize("size", [MB + 1, 2 * MB, 8 * MB])
def test_a_body_over_one_megabyte_gets_a_readable_413(me, size, chunked):
    """An ordinary client that sends it all reads the 413 in the HTTP-level form."""
    payload = b'{"Id": "x"}'.ljust(size)
    assert_http_error(me.send(chunks(payload) if chunked else payload), 413)


def test_a_chunked_body_is_read(me, survivor):
    """A body in chunks is as good as one with a length."""
    payload = json.dumps({"Id": survivor}).encode()
    assert me.send(chunks(payload, 3)).result["Id"] == survivor


def raw(me, payload, *, half_close=True):
    """Sends bytes as they are, closes the sending side, and gives whatever comes back."""
    with socket.create_connection(me.server.address, timeout=15) as connection:
        try:
            connection.sendall(payload)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            while piece := connection.recv(65_536):
                received += piece
        except (ConnectionError, BrokenPipeError):
            return b""
        return received


def head(me, *lines, target="/v1/portrait/?Action=CreateAssetGroup&Version=2024-01-01", method="POST"):
    """The start of a request, up to and with the empty line."""
    first = f"{method} {target} HTTP/1.1"
    fixed = [f"Host: 127.0.0.1:{me.server.address[1]}", f"Authorization: Bearer {me.key}"]
    return "\r\n".join([first, *fixed, *lines, "", ""]).encode()


def assert_no_server_error(received):
    """Nothing at all, or an answer below 500."""
    assert received == b"" or re.match(rb"HTTP/1\.[01] [1-4]\d\d ", received), received[:300]


CREATE = b'{"GroupType": "AIGC", "Name": "half"}'
CUT = {
    "4 GB declared, nothing sent": ([f"Content-Length: {4 * 1024 * MB}"], b""),
    "4 GB declared, cut after a bit": ([f"Content-Length: {4 * 1024 * MB}"], CREATE),
    "4 GB declared, cut after 3 MB": ([f"Content-Length: {4 * 1024 * MB}"], b" " * 3 * MB),
    "cut half-way": ([f"Content-Length: {2 * len(CREATE)}"], CREATE),
    "cut in the middle of the JSON": ([f"Content-Length: {len(CREATE)}"], CREATE[:10]),
    "chunks cut": (["Transfer-Encoding: chunked"], b"25\r\n" + CREATE),
}  # fmt: skip
GARBLED = {
    "negative length": (["Content-Length: -5"], CREATE),
    "length that is no number": (["Content-Length: many"], CREATE),
    "two lengths": (["Content-Length: 5", "Content-Length: 6"], CREATE),
    "chunk size that is no number": (["Transfer-Encoding: chunked"], b"xyz\r\n" + CREATE + b"\r\n0\r\n\r\n"),
    "chunk size beyond all": (["Transfer-Encoding: chunked"], b"f" * 40 + b"\r\n" + CREATE),
    "unknown transfer coding": (["Transfer-Encoding: piano"], CREATE),
    "broken gzip": (["Content-Encoding: gzip", "Content-Length: 8"], b"\x1f\x8bbroken"),
    "unknown content coding": (["Content-Encoding: piano", "Content-Length: 4"], b"\0\1\2\3"),
    "no length": ([], b""),
    "header of 100 kB": ([f"X-Long: {'x' * 100_000}", "Content-Length: 0"], b""),
    "header with NUL": (["X-Bad: a\0b", "Content-Length: 0"], b""),
    "500 headers": ([*(f"X-{n}: {n}" for n in range(500)), "Content-Length: 0"], b""),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "body"), CUT.values(), ids=CUT)
def test_a_cut_transfer_makes_nothing_and_breaks_nothing(me, lines, body):
    """A request that never arrives as a whole is refused or dropped, never half executed and never a 5xx."""
    before = counts(me)
    assert_no_server_error(raw(me, head(me, *lines) + body))
    assert counts(me) == before


@pytest.mark.parametrize(("lines", "body"), GARBLED.values(), ids=GARBLED)
def test_a_garbled_transfer_is_refused(me, lines, body):
    """A request whose framing makes no sense is answered by a refusal, not by a 5xx, and makes nothing."""
    before = counts(me)
    received = raw(me, head(me, *lines, "Connection: close") + body, half_close=False)
    assert re.match(rb"HTTP/1\.[01] (4\d\d|200) ", received) or received == b"", received[:300]
    assert b'"Result"' not in received
    assert counts(me) == before


def test_a_refused_body_of_4_gb_is_not_waited_for(me):
    """A declared length far over the limit is answered by 413 although the body never comes."""
    connection = http.client.HTTPConnection(*me.server.address, timeout=3)
    try:
        connection.putrequest("POST", "/v1/portrait/?Action=CreateAssetGroup&Version=2024-01-01")
        for name, value in (me.headers | {"Content-Length": str(4 * 1024 * MB)}).items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        assert_http_error(Answer(response.status, {}, response.read()), 413)
    finally:
        connection.close()


def test_a_client_that_leaves_without_reading_breaks_nothing(me):
    """Connections that close at once, with or without a request on them, are forgotten."""
    for payload in (b"", b"POST", head(me, "Content-Length: 5")[:-2], b"\x16\x03\x01\x02\x00\x01", b"\r\n\r\n"):
        with socket.create_connection(me.server.address, timeout=5) as connection:
            connection.sendall(payload)
    assert counts(me) == (1, 1)


def test_a_small_gzip_of_a_huge_body_is_not_unpacked_whole(me):
    """A compressed body is refused or held to the same limit: 64 MB of blanks are no body of 1 MB."""
    payload = gzip.compress(b'{"Id": "x"}'.ljust(64 * MB))
    answer = me.send(payload, headers={"Content-Encoding": "gzip"})
    assert answer.status in {400, 413, 415} or answer.error == "InvalidParameter"


def test_two_requests_on_one_connection_do_not_mix(me, survivor):
    """After a refused body the same connection, where it stays open, reads the next request from its start."""
    bad = b"{" * 50
    good = json.dumps({"Id": survivor}).encode()
    target = "/v1/portrait/?Action=GetAssetGroup&Version=2024-01-01"
    received = raw(
        me,
        head(me, f"Content-Length: {len(bad)}", target=target) + bad
        + head(me, f"Content-Length: {len(good)}", "Connection: close", target=target) + good,
        half_close=False,
    )  # fmt: skip
    assert received.count(b"HTTP/1.1 200 ") == 2
    assert received.count(b'"InvalidParameter"') == 1
    assert received.count(survivor.encode()) == 1


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nope", 404),
        ("POST", "/v1/nope", 404),
        ("POST", "/v1/portrait/upload/more", 404),
        ("POST", "/v1/portrait/%2e%2e/%2e%2e/etc/passwd", 404),
        ("POST", "/v1/portrait/" + "x" * 2000, 404),
        ("POST", "/v1/portrait/%FF", 404),
        ("GET", "/v1/portrait/?Action=GetAssetGroup", 405),
        ("PUT", "/v1/portrait/?Action=GetAssetGroup", 405),
        ("DELETE", "/v1/portrait/?Action=DeleteAssetGroup", 405),
        ("PATCH", "/v1/portrait/upload", 405),
        ("GET", "/v1/portrait/upload", 405),
    ],
)
def test_an_unknown_address_or_method_has_the_http_level_form(me, method, path, status):
    """Unknown paths are 404 and unknown methods 405, both with {"error"}."""
    assert_http_error(me.server.request(method, path, None, me.headers), status)


def test_a_method_nobody_knows_is_refused(me):
    """An invented method is a 4xx."""
    received = raw(me, head(me, "Content-Length: 0", "Connection: close", method="BREW"), half_close=False)
    assert re.match(rb"HTTP/1\.[01] 4\d\d ", received)


@pytest.mark.parametrize(
    "query",
    ["", "Action=", "Action=Nope", "Action=getasset", "Action=GetAsset%00", "Action=%FF%FE", "Action=%zz",
     "Action=GetAsset&Version=", "Action=GetAsset&Version=1", "Action=GetAsset&Version=2024-01-01x",
     "Version=2024-01-01", "Action=" + "x" * 3000, "Action=<script>", "Action=%22%7D", "Action=GetAsset;Version=1",
     "Action=__init__", "Action=GetAsset%0d%0aX-Evil:%201"],
)  # fmt: skip
def test_an_unknown_action_or_version_is_an_error_of_the_envelope(me, query):
    """Whatever stands in the query, the answer is the envelope with one of the two codes, and echoes no header."""
    answer = me.server.request("POST", f"/v1/portrait/?{query}", '{"Id": "x"}', me.headers)
    # An empty Version is read as none by some and as an unknown one by others.
    allowed = {"InvalidActionOrVersion", "MissingParameter.Action"} | (
        {"Forbidden"} if query.endswith("Version=") else set()
    )
    assert answer.error in allowed
    assert "x-evil" not in answer.headers


def test_a_doubled_action_is_one_of_the_two_or_refused(me, survivor):
    """Two Actions in a query are never both executed."""
    target = "/v1/portrait/?Action=GetAssetGroup&Action=GetAsset&Version=2024-01-01"
    answer = me.server.request("POST", target, json.dumps({"Id": survivor}), me.headers)
    assert answer.status == 200
    assert answer.body["ResponseMetadata"]["Action"] in {"GetAssetGroup", "GetAsset"}


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "bearer", "Token abc", "Bearer \xff", "Basic eDp5", "Bearer a b c", "x" * 5000],
)
def test_an_odd_authorization_is_401_or_somebody_without_anything(me, survivor, value):
    """Whatever stands in Authorization, nobody but the owner sees the owner's group."""
    headers = {"Authorization": value, "Content-Type": "application/json"}
    target = "/v1/portrait/?Action=GetAssetGroup&Version=2024-01-01"
    answer = me.server.request("POST", target, json.dumps({"Id": survivor}), headers)
    if answer.status == 200:
        assert answer.error == "Forbidden"
    else:
        assert_http_error(answer, 401)


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/xml", "application/json; charset=utf-16"]
)
def test_the_content_type_of_a_json_body_does_not_break_anything(me, survivor, content_type):
    """A JSON body under another label is read or refused, never a 5xx."""
    headers = {"Authorization": f"Bearer {me.key}"} | ({} if content_type is None else {"Content-Type": content_type})
    target = "/v1/portrait/?Action=GetAssetGroup&Version=2024-01-01"
    answer = me.server.request("POST", target, json.dumps({"Id": survivor}), headers)
    assert answer.status in {200, 415}


# --- the upload ------------------------------------------------------------------------------------------------------


def form(me, survivor, *, group=True):
    """A good form as bytes, and its type."""
    parts = [GOOD_FILE, part("GroupId", survivor)] if group else [GOOD_FILE]
    return multipart(parts)


def check_refused(me, answer, *codes):
    """Refused in the envelope with one of the codes, or at HTTP level below 500; nothing was made."""
    if answer.status == 200:
        assert answer.error in codes
    else:
        assert 400 <= answer.status < 500
        assert differences(HTTP_ERROR, answer.body) == []
    assert counts(me) == (1, 1)


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=other",
     "multipart/mixed; boundary=wire-boundary-7d1f", "application/json", "text/plain",
     "application/x-www-form-urlencoded", "multipart/form-data; boundary=" + "x" * 5000,
     'multipart/form-data; boundary="wire', "multipart/form-data; boundary=\xff"],
)  # fmt: skip
def test_a_form_under_the_wrong_label_is_refused(me, survivor, content_type):
    """Without its own boundary a form cannot be read: a 4xx or InvalidParameter, or a missing part."""
    body, _ = form(me, survivor)
    answer = me.upload_raw(body, content_type)
    check_refused(me, answer, "InvalidParameter", "MissingParameter.file", "MissingParameter.GroupId")


def test_a_form_without_a_type_is_refused(me, survivor):
    """A form that does not say what it is cannot be read."""
    body, _ = form(me, survivor)
    headers = {"Authorization": f"Bearer {me.key}"}
    check_refused(me, me.server.request("POST", "/v1/portrait/upload", body, headers), "InvalidParameter")


@pytest.mark.parametrize("cut", [0, 1, 20, 60, 150, -30, -70])
def test_a_cut_form_is_refused(me, survivor, cut):
    """A form that ends before its closing boundary is not acted upon."""
    body, content_type = form(me, survivor)
    answer = me.upload_raw(body[:cut], content_type)
    check_refused(me, answer, "InvalidParameter", "MissingParameter.file", "MissingParameter.GroupId")


@pytest.mark.parametrize("cut", [10, 120, -40])
def test_a_form_whose_connection_breaks_makes_nothing(me, survivor, cut):
    """An upload that is cut on the wire, short of its declared length, is never acted upon."""
    body, content_type = form(me, survivor)
    lines = [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    assert_no_server_error(raw(me, head(me, *lines, target="/v1/portrait/upload") + body[:cut]))
    assert counts(me) == (1, 1)


BAD_FORMS = {
    "nothing": ((), ("MissingParameter.file", "MissingParameter.GroupId", "InvalidParameter")),
    "no group": ((GOOD_FILE,), ("MissingParameter.GroupId",)),
    "file under another name": ((part("image", media.WEBP, "a.webp", "image/webp"),), ("MissingParameter.file",)),
    "file as a plain field": ((part("file", "just text"),), ("MissingParameter.file", "InvalidParameter")),
    "empty file": ((part("file", b"", "a.png", "image/png"),),
                   ("MissingParameter.file", "InvalidParameter", "InvalidParameter.FormatUndetectable")),
    "text named jpg": ((part("file", media.TEXT, "a.jpg", "image/jpeg"),), ("InvalidParameter",)),
    "html named png": ((part("file", b"<html><script></script>", "a.png", "image/png"),), ("InvalidParameter",)),
    "svg": ((part("file", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "a.svg", "image/svg+xml"),),
            ("InvalidParameter",)),
    "gif": ((part("file", b"GIF89a" + b"\1\1\1\1\0\0\0;", "a.gif", "image/gif"),), ("InvalidParameter",)),
    "name in latin-1": ((GOOD_FILE, part("Name", "Zoë".encode("latin-1"))), ("InvalidParameter",)),
    "long name": ((GOOD_FILE, part("Name", "n" * 51)), ("InvalidParameter",)),
    "audio": ((GOOD_FILE, part("AssetType", "Audio")), ("InvalidParameter",)),
    "too many parts": ((GOOD_FILE, *(part(f"x{n}", "") for n in range(100))), ("InvalidParameter",)),
    "unknown type": ((GOOD_FILE, part("AssetType", "x" * 100_000)), ("InvalidParameter",)),
}  # fmt: skip


@pytest.mark.parametrize(("parts", "codes"), BAD_FORMS.values(), ids=BAD_FORMS)
def test_a_bad_form_is_refused_with_its_reason(me, survivor, parts, codes):
    """Each fault of a form has its code, and nothing is made."""
    group = () if codes == ("MissingParameter.GroupId",) or not parts else (part("GroupId", survivor),)
    check_refused(me, me.upload(*parts, *group), *codes)


CUT_MEDIA = {
    "png header alone": media.png()[:24],
    "png signature alone": media.png()[:8],
    "png that claims 0 pixels": media.png()[:16] + bytes(8) + media.png()[24:],
    "png that claims 2**31 pixels": media.png()[:16] + b"\x7f\xff\xff\xff" * 2 + media.png()[24:],
    "jpeg start alone": media.JPEG[:4],
    "jpeg with an endless segment": media.JPEG[:2] + b"\xff\xe0\xff\xff" * 10,
    "jpeg with empty segments": b"\xff\xd8" + b"\xff\xe0\x00\x00" * 1000,
    "webp start alone": media.WEBP[:16],
    "webp with a wrong size": media.WEBP[:4] + b"\xff" * 4 + media.WEBP[8:12] + b"JUNK" + media.WEBP[16:],
}


@pytest.mark.parametrize("content", CUT_MEDIA.values(), ids=CUT_MEDIA)
def test_a_broken_picture_is_no_server_error(me, survivor, content):
    """A picture cut or forged in its header is refused, or taken where only its pixels are broken."""
    answer = me.upload(part("file", content, "a.png", "image/png"), part("GroupId", survivor))
    assert answer.status == 200
    if "Error" in answer.body["ResponseMetadata"]:
        assert answer.error.split(".")[0] == "InvalidParameter"
        assert counts(me) == (1, 1)


def test_two_files_make_at_most_one_asset(me, survivor):
    """A form with two files is refused or read as one of them."""
    answer = me.upload(GOOD_FILE, part("file", media.JPEG, "b.jpg", "image/jpeg"), part("GroupId", survivor))
    assert answer.status == 200
    assert counts(me)[1] == (1 if "Error" in answer.body["ResponseMetadata"] else 2)


def test_a_thousand_parts_are_no_server_error(me, survivor):
    """A form of very many parts is read or refused."""
    parts = [part(f"field{n}", "x") for n in range(1000)]
    answer = me.upload(*parts, GOOD_FILE, part("GroupId", survivor))
    assert answer.status < 500


@pytest.mark.parametrize("size", [10 * MB + 1, 12 * MB, 40 * MB])
def test_a_file_over_10_mb_gets_a_readable_413(me, survivor, size):
    """An ordinary client that sends it all reads the 413 in the HTTP-level form."""
    answer = me.upload(part("file", media.png(size=size), "a.png", "image/png"), part("GroupId", survivor))
    assert_http_error(answer, 413)
    assert counts(me) == (1, 1)


def test_a_huge_plain_field_does_not_pass_for_a_file(me, survivor):
    """The limit holds for the whole form: 20 MB in Name are refused."""
    answer = me.upload(GOOD_FILE, part("GroupId", survivor), part("Name", "n" * 20 * MB))
    check_refused(me, answer, "InvalidParameter")


HOSTILE = {
    "path": b'filename="../../etc/passwd"',
    "windows path": b'filename="..\\..\\windows\\system32\\a.png"',
    "absolute path": b'filename="/etc/passwd"',
    "NUL": b'filename="a\0.png"',
    "very long": b'filename="' + b"n" * 6000 + b'.png"',
    "escaped CRLF": b'filename="a%0d%0aX-Evil: 1.png"',
    "bare CR": b'filename="a\rX-Evil: 1.png"',
    "quote": b'filename="a\\"; name=\\"GroupId.png"',
    "utf-8": 'filename="像.png"'.encode(),
    "latin-1": 'filename="Zoë.png"'.encode("latin-1"),
    "extended": b"filename*=UTF-8''..%2F..%2Fetc%2Fpasswd",
    "empty": b'filename=""',
    "dots": b'filename=".."',
    "template": b'filename="{{7*7}}<script>alert(1)</script>.png"',
    "shell": b'filename="$(reboot).png"',
    "percent": b'filename="%s%n%00.png"',
}


@pytest.mark.parametrize("filename", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_name_reaches_nothing(me, survivor, filename):
    """A file's name never gets into a key, an address, a header or a folder."""
    hostile = Part(b'form-data; name="file"; ' + filename, media.WEBP, b"image/webp")
    answer = me.upload(hostile, part("GroupId", survivor))
    assert answer.status < 500
    assert "x-evil" not in answer.headers
    if answer.status == 200 and "Result" in answer.body:
        result = answer.result
        assert re.fullmatch(MATCHERS["r2-key"], result["R2Key"])
        served = me.server.fetch(result["UploadedURL"])
        assert (served.status, served.raw) == (200, media.WEBP)
        assert "x-evil" not in served.headers
    else:
        check_refused(me, answer, "InvalidParameter", "MissingParameter.file")


def test_a_line_break_in_a_part_header_injects_nothing(me, survivor):
    """A CRLF in a file name ends the header line; the rest is a header of the part at most."""
    hostile = Part(b'form-data; name="file"; filename="a\r\nX-Evil: 1\r\n.png"', media.WEBP, b"image/webp")
    answer = me.upload(hostile, part("GroupId", survivor))
    assert answer.status < 500
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize("path", ["..", "../x", "%2e%2e/%2e%2e/etc/passwd", "x" * 300, "a%00b", ""])
def test_no_file_but_the_uploaded_ones_is_served(me, survivor, path):
    """Addresses beside an UploadedURL lead to no other file."""
    url = me.upload(GOOD_FILE, part("GroupId", survivor)).result["UploadedURL"]
    target = "/" + url.split("/", 3)[3].split("?")[0].rsplit("/", 1)[0] + "/" + path
    assert 400 <= me.server.request("GET", target).status < 500


def test_an_answer_without_json_has_no_body_here():
    """The helper tells an answer that is not JSON from one that is."""
    assert Answer(200, {}, b"<html>").body is None
    assert Answer(200, {}, b"{}").body == {}
