"""The H5 page: what it shows in each state and language, that it keeps secrets, and that it escapes."""

import html
import re
import shlex
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest

from emulator.domain.lifecycle import FAILURE_CODES
from emulator.domain.records import Scan
from emulator.server import EmulatorServer
from emulator.settings import Settings
from emulator.web.html import LANGUAGES, read_texts
from emulator.web.pages import CODE_GROUPS
from tests.emulator.web.wire import ask, call

CALLBACK = "https://www.example.com/callback?order=7"


@pytest.fixture
def session(url):
    """A fresh validation."""
    return call(url, "CreateVisualValidateSession", {"CallbackURL": CALLBACK})["Result"]


def page(url, link, method="GET"):
    """Status, headers and text of the page behind a link."""
    status, headers, body = ask(url, method, link.removeprefix(url), None, {"Accept": "text/html"})
    return status, headers, body.decode()


def press(url, session, **fields):
    """Press a button of the page: where the browser is sent, None where nowhere."""
    target, form = session["H5Link"].removeprefix(url), urlencode(fields).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return ask(url, "POST", target, form, headers)[1].get("location")


def test_the_page_tells_how_to_finish_and_the_line_works(url, session):
    """The curl line names the validation by its handle; what it sends ends the scan."""
    status, headers, text = page(url, session["H5Link"])
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert 'lang="zh"' in text
    command = html.unescape(re.search(r"<pre>(.*?)</pre>", text, re.DOTALL)[1])
    assert all(line.endswith("\\") for line in command.splitlines()[:-1])
    curl, _, method, target, _, header, _, body = shlex.split(command.replace("\\\n", ""))
    assert (curl, header) == ("curl", "Content-Type: application/json")
    headers = dict([header.split(": ")])
    assert ask(url, method, target.removeprefix(url), body.encode(), headers)[0] == 200
    assert call(url, "GetVisualValidateResult", {"BytedToken": session["BytedToken"]})["Result"]["GroupId"]


def test_from_elsewhere_the_line_names_the_token(url, session):
    """Beyond loopback the control plane wants its token, which the page does not know."""
    _, _, body = ask(url, "GET", session["H5Link"].removeprefix(url), None, {"Host": "emulator.example"})
    command = html.unescape(re.search(r"<pre>(.*?)</pre>", body.decode(), re.DOTALL)[1])
    assert all(line.endswith("\\") for line in command.splitlines()[:-1])
    assert "X-Emulator-Token: $CONTROL_TOKEN" in shlex.split(command.replace("\\\n", ""))
    assert "emulator.example" in command


@pytest.mark.parametrize("result", [None, "pass", "fail", "cancel", "wrong-person"])
def test_no_secret_stands_in_the_page(url, server, session, result):
    """Neither token nor link, in any state; and nobody may keep, frame or report the page."""
    if result:
        server.control.finish_validation(session["BytedToken"], result=result)
    _, headers, text = page(url, session["H5Link"])
    assert session["BytedToken"] not in text
    assert "val-" in text
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_the_button_leads_to_the_callback_once_the_scan_has_ended(url, server, session):
    """Contract §3: the result reaches the caller through the browser, appended to CallbackURL."""
    assert page(url, session["H5Link"], "POST")[0] == 400
    server.control.finish_validation(session["BytedToken"], result="pass")
    assert '<form method="post">' in page(url, session["H5Link"])[2]
    status, headers, text = page(url, session["H5Link"], "POST")
    assert (status, text) == (303, "")
    assert headers["location"].startswith(f"{CALLBACK}&bytedToken={session['BytedToken']}&resultCode=10000")


@pytest.mark.parametrize(
    ("result", "code"), [("pass", 10000), ("fail", 41007), ("cancel", 41000), ("wrong-person", 10000)]
)
def test_a_button_ends_the_scan_and_leads_to_the_callback(url, session, result, code):
    """Any browser can press it, without a script; pressed again, the browser comes again with the first outcome."""
    assert f'name="result" value="{result}"' in page(url, session["H5Link"])[2]
    for pressed in (result, "pass", ""):
        target = session["H5Link"].removeprefix(url)
        status, headers, _ = ask(
            url,
            "POST",
            target,
            f"result={pressed}".encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert status == 303
        assert headers["location"].startswith(f"{CALLBACK}&bytedToken={session['BytedToken']}&resultCode={code}&")


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 400), (b"result=maybe", 400), (b"\xff=&&", 400), (b"result=pass" * 200, 413)]
)
def test_a_form_that_says_something_else_ends_nothing(url, session, body, status):
    """The page is shown again, as a refusal, or the body is refused: a script does not take it for a pressed button."""
    assert ask(url, "POST", session["H5Link"].removeprefix(url), body, {})[0] == status
    assert 'data-state="scanning"' in page(url, session["H5Link"])[2]


def test_an_expired_and_an_unknown_check(url, server, session):
    """The page says so, and offers nothing."""
    server.service.clock.advance(121)
    status, _, text = page(url, session["H5Link"])
    assert (status, 'data-state="expired"' in text, "curl" in text) == (200, True, False)
    assert ask(url, "POST", session["H5Link"].removeprefix(url), b"result=pass", {})[0] == 409
    status, _, text = page(url, "/h5/?bytedToken=20260318000000ABCDEFABCDEFABCDEFABCDEF&lng=en")
    assert (status, read_texts("en")["unknown"] in text, "curl" in text) == (404, True, False)


@pytest.mark.parametrize(
    ("lng", "language"),
    [
        ("zh", "zh"),
        ("en", "en"),
        ("zh-Hant", "zh-Hant"),
        ("fr", "zh"),
        ('"><b>', "zh"),
        ("zh&lng=en", "en"),
        ("en&lng=fr", "en"),
    ],
)
def test_the_language_is_the_links(url, session, lng, language):
    """Contract §3: `lng` is zh by default, en or zh-Hant; an application may append one to a link that has one."""
    text = page(url, session["H5Link"].replace("lng=zh", f"lng={lng}".replace('"><b>', "%22%3E%3Cb%3E")))[2]
    assert f'<html lang="{language}">' in text
    assert read_texts(language)["title"] in text
    assert "<b>" not in text


def test_all_languages_have_all_words():
    """No page falls back to a word of another language; every state and every group of result codes has words."""
    assert len({frozenset(read_texts(language)) for language in LANGUAGES}) == 1
    states = {*map(str, Scan), "expired", "unknown"}
    assert states <= read_texts("en").keys()
    assert {f"{state}-help" for state in states - {"open", "scanning"}} <= read_texts("en").keys()
    for language in LANGUAGES:
        assert read_texts(language)["codes"].keys() == {str(group[0]) for group in CODE_GROUPS}


@pytest.mark.parametrize("code", [group[0] for group in CODE_GROUPS])
def test_a_public_code_ends_the_scan(url, server, session, code):
    """Contract §3: behind "more" there is a button for each code of a scan that does not pass."""
    assert f'name="code" value="{code}"' in page(url, session["H5Link"])[2]
    assert f"&resultCode={code}&" in press(url, session, code=code)
    assert server.control.state()["validations"][0]["state"] == ("cancelled" if code == 41000 else "failed")


@pytest.mark.parametrize("code", ["10000", "40000", "-41002", "٤١٠٠٢", "x"])
def test_another_code_ends_nothing(url, server, session, code):
    """A pass has no button with a number, and what is no code of the page is ignored."""
    assert press(url, session, code=code) is None
    assert server.control.state()["validations"][0]["state"] == "scanning"


def test_the_codes_are_all_that_the_control_plane_takes():
    """No code is left out, and none comes twice."""
    codes = [code for group in CODE_GROUPS for code in group]
    assert sorted(codes) == list(FAILURE_CODES)


@pytest.mark.parametrize("result", ["pass", "fail"])
def test_a_switch_leaves_the_token_out(url, session, result):
    """Contract §3: callbacks without `bytedToken` were seen; pressed again without the switch, it is there."""
    without = parse_qs(urlsplit(press(url, session, **{"result": result, "without-token": "on"})).query)
    assert "bytedToken" not in without
    assert {"order", "resultCode", "algorithmBaseRespCode", "reqMeasureInfoValue", "verify_type"} == without.keys()
    assert parse_qs(urlsplit(press(url, session)).query)["bytedToken"] == [session["BytedToken"]]


@pytest.mark.parametrize(
    ("callback", "expected"),
    [
        ("https://app.example", "https://app.example?bytedToken="),
        ("https://app.example/done", "https://app.example/done?bytedToken="),
        ("https://app.example/done?", "https://app.example/done?bytedToken="),
        ("https://app.example/done?a=1&b=%26", "https://app.example/done?a=1&b=%26&bytedToken="),
        ("https://app.example/done#part", "https://app.example/done?bytedToken="),
        ("https://app.example/done?a=1#/a?b=2", "https://app.example/done?a=1&bytedToken="),
        ("https://app.example/完成?n=名", "https://app.example/%E5%AE%8C%E6%88%90?n=%E5%90%8D&bytedToken="),
    ],
)
def test_the_parameters_are_appended_to_the_query(url, callback, expected):
    """Contract §3: by `&` where there is a query; a fragment stays at the end, and the header is ASCII."""
    created = call(url, "CreateVisualValidateSession", {"CallbackURL": callback})["Result"]
    location = press(url, created, result="pass")
    assert location.isascii()
    assert location.startswith(expected)
    assert location.partition("#")[2] == callback.partition("#")[2]


@pytest.mark.parametrize(
    "callback",
    ["javascript:alert(1)", "data:text/html,x", "//app.example/", "/done", "ftp://app.example/", "https://",
     "https:app", "https://app.example/\r\nSet-Cookie: a=b", "https://app.example/ space"],
)  # fmt: skip
def test_a_callback_that_is_no_web_address_has_no_page(url, callback):
    """Only http and https, and nothing that would end a header."""
    answer = call(url, "CreateVisualValidateSession", {"CallbackURL": callback})
    assert answer["ResponseMetadata"]["Error"]["Code"] == "InvalidParameter"


@pytest.mark.parametrize(
    ("clock", "rate", "still"), [("manual", "0.0", True), ("real", "1.0", False), ("scaled:10", "10.0", False)]
)
def test_the_countdown_is_of_the_emulators_clock(clock, rate, still):
    """The number is there without a script, which counts as fast as the clock; one that stands still is named."""
    with EmulatorServer(clock=clock) as server:
        created = call(server.url, "CreateVisualValidateSession", {"CallbackURL": CALLBACK})["Result"]
        text = page(server.url, created["H5Link"].replace("=zh", "=en"))[2]
    match = re.search(r'id="seconds" data-remaining="([0-9.]+)" data-rate="([0-9.]+)">([0-9]+)<', text)
    assert match[2] == rate
    assert 100 < float(match[1]) <= 120
    assert int(match[3]) == int(float(match[1]))
    assert (read_texts("en")["still"].replace("'", "&#39;") in text) is still


@pytest.mark.parametrize("result", ["pass", "fail", "cancel", "expired", "spent", "unknown"])
def test_a_link_that_is_over_has_a_page_of_its_own(url, server, session, result):
    """What has happened, and what to do; no button that ends a scan."""
    link, states = session["H5Link"], {"pass": "passed", "fail": "failed", "cancel": "cancelled"}
    if result == "expired":
        server.service.clock.advance(120)
    elif result == "unknown":
        link = "/h5/?bytedToken=x&lng=zh"
    else:
        press(url, session, result="pass" if result == "spent" else result)
        if result == "spent":
            call(url, "GetVisualValidateResult", {"BytedToken": session["BytedToken"]})
    state = states.get(result, result)
    text = page(url, link)[2]
    assert f'data-state="{state}"' in text
    assert read_texts("zh")[f"{state}-help"] in text
    assert 'name="result"' not in text
    assert (read_texts("zh")["complete"] in text) is (result not in {"expired", "unknown"})


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(url, session):
    """The policy allows files of the emulator only, and the page has no others; each is there with its type."""
    _, headers, text = page(url, session["H5Link"])
    policy = headers["content-security-policy"]
    assert "default-src 'none'; style-src 'self'; script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|style=|<script(?! src)|\son\w+=|https?://(?!127)", text)
    files = re.findall(r'(?:href|src)="([^"]+)"', text)
    kinds = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
    assert len(files) == 4
    for name in files:
        status, headers, body = ask(url, "GET", urljoin("/h5/", name), None, {})
        kind = kinds[name.rpartition(".")[2]]
        assert (status, headers["content-type"], headers["x-content-type-options"]) == (200, kind, "nosniff")
        assert not re.search(rb"(?<!xmlns=\")https?://|url\(|import", body)


def test_a_page_that_waits_says_what_comes_next(url, server):
    """Once the scan was ended from a terminal the page has to be loaded again; then the button is there."""
    for language, next_step in (("en", "load this page again"), ("zh", "刷新"), ("zh-Hant", "重新整理")):
        created = call(url, "CreateVisualValidateSession", {"CallbackURL": CALLBACK})["Result"]
        link = created["H5Link"].replace("lng=zh", f"lng={language}")
        assert next_step in page(url, link)[2]
        server.control.finish_validation(created["BytedToken"], result="fail")
        text = page(url, link)[2]
        assert next_step not in text
        assert read_texts(language)["complete"] in text


def test_what_the_page_shows_is_escaped():
    """A public URL with markup in it is shown, not run."""
    with EmulatorServer(Settings(public_url="http://x/<script>alert(1)</script>"), "manual") as server:
        session = call(server.url, "CreateVisualValidateSession", {"CallbackURL": CALLBACK})["Result"]
        _, _, text = page(server.url, "/h5/?" + session["H5Link"].partition("?")[2])
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
