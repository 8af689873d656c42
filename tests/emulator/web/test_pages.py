"""The H5 page: what it shows in each state and language, that it keeps secrets, and that it escapes."""

import html
import re
import shlex

import pytest

from emulator.domain.records import Scan
from emulator.server import EmulatorServer
from emulator.settings import Settings
from emulator.web.pages import LANGUAGES, read_texts
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
    assert page(url, session["H5Link"], "POST")[0] == 200
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


@pytest.mark.parametrize(("body", "status"), [(b"result=maybe", 200), (b"\xff=&&", 200), (b"result=pass" * 200, 413)])
def test_a_form_that_says_something_else_ends_nothing(url, session, body, status):
    """The page is shown again, or the body refused."""
    assert ask(url, "POST", session["H5Link"].removeprefix(url), body, {})[0] == status
    assert 'data-state="scanning"' in page(url, session["H5Link"])[2]


def test_an_expired_and_an_unknown_check(url, server, session):
    """The page says so, and offers nothing."""
    server.service.clock.advance(121)
    status, _, text = page(url, session["H5Link"])
    assert (status, 'data-state="expired"' in text, "curl" in text) == (200, True, False)
    status, _, text = page(url, "/h5/?bytedToken=20260318000000ABCDEFABCDEFABCDEFABCDEF&lng=en")
    assert (status, read_texts("en")["unknown"] in text, "curl" in text) == (404, True, False)


@pytest.mark.parametrize(
    ("lng", "language"), [("zh", "zh"), ("en", "en"), ("zh-Hant", "zh-Hant"), ("fr", "zh"), ('"><b>', "zh")]
)
def test_the_language_is_the_links(url, session, lng, language):
    """Contract §3: `lng` is zh by default, en or zh-Hant."""
    text = page(url, session["H5Link"].replace("lng=zh", f"lng={lng}".replace('"><b>', "%22%3E%3Cb%3E")))[2]
    assert f'<html lang="{language}">' in text
    assert read_texts(language)["title"] in text
    assert "<b>" not in text


def test_all_languages_have_all_words():
    """No page falls back to a word of another language, and every state has one."""
    assert len({frozenset(read_texts(language)) for language in LANGUAGES}) == 1
    assert {*map(str, Scan), "expired", "unknown"} <= read_texts("en").keys()


def test_a_page_that_waits_says_what_comes_next(url, server):
    """Once the scan was ended from a terminal the page has to be loaded again; then the button is there."""
    for language, next_step in (("en", "load this page again"), ("zh", "刷新"), ("zh-Hant", "重新整理")):
        created = call(url, "CreateVisualValidateSession", {"CallbackURL": CALLBACK})["Result"]
        link = created["H5Link"].replace("lng=zh", f"lng={language}")
        assert next_step in page(url, link)[2]
        server.control.finish_validation(created["BytedToken"], result="fail")
        text = page(url, link)[2]
        assert next_step not in text
        assert "<button>" in text


def test_what_the_page_shows_is_escaped():
    """A public URL with markup in it is shown, not run."""
    with EmulatorServer(Settings(public_url="http://x/<script>alert(1)</script>"), "manual") as server:
        session = call(server.url, "CreateVisualValidateSession", {"CallbackURL": CALLBACK})["Result"]
        _, _, text = page(server.url, "/h5/?" + session["H5Link"].partition("?")[2])
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
