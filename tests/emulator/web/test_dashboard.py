"""The dashboard: what it shows and keeps to itself, who may see it, and that its forms come from its own page."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from emulator.server import EmulatorServer
from emulator.settings import Settings
from emulator.testing import Emulator
from emulator.web import dashboard as module
from emulator.web import html
from emulator.web.dashboard import LIMIT
from emulator.web.html import _sentences
from portrait.errors import ApiError
from tests.emulator.web.wire import ask, call, exchange
from tests.media_samples import image

KEY = "sk-planted-key-0123456789"
REMOTE = {"Host": "emulator.example"}


def dashboard(url, headers=None):
    """Status, headers and text of the dashboard."""
    status, headers, body = ask(url, "GET", "/_emulator/", None, headers or {})
    return status, headers, body.decode()


def submit(url, headers=None, **fields):
    """Send a form as the dashboard's own page does: status, headers and text."""
    own = {"Origin": url, "Content-Type": "application/x-www-form-urlencoded"}
    status, headers, body = ask(url, "POST", "/_emulator/", urlencode(fields).encode(), own | (headers or {}))
    return status, headers, body.decode()


def row(text, element_id):
    """The words of one row."""
    found = re.search(rf'<tr id="{re.escape(element_id)}">(.*?)</tr>', text, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>|&nbsp;", " ", found[1]).split())


@pytest.fixture
def emulator():
    """An emulator with one customer's records of every kind."""
    with Emulator() as emulator:
        assert emulator.url
        yield emulator


def test_it_shows_what_is_in_the_emulator(emulator):
    """Groups, assets with picture and remaining time, validations with countdown, calls, rules, quotas, the clock."""
    client = emulator.client()
    group = client.create_asset_group(name="hosts")
    slow = client.create_asset(group_id=group.id, url="https://cdn.example/a.mp4?x=1", asset_type="Video", name="film")
    upload = client.upload_asset(image("PNG", 400, 500), group_id=group.id, name="Ann")
    emulator.assets.fail(upload.id, "FaceMismatch")
    client.create_visual_validate_session(callback_url="https://app.example/done")
    emulator.rules.add(id="lost", match={"action": "GetAsset"}, do={"error": "Throttled"})
    with pytest.raises(ApiError):
        client.with_options(retry=None).get_asset(id=slow.id)
    emulator.clock.advance(5)
    status, headers, text = dashboard(emulator.url)
    assert (status, headers["content-type"], headers["cache-control"]) == (200, "text/html; charset=utf-8", "no-store")
    assert "Processing" in row(text, slow.id)
    assert "15 s left" in row(text, slow.id)
    assert "https://cdn.example/a.mp4?***" in row(text, slow.id)
    assert "✕ Failed: FaceMismatch" in row(text, upload.id)
    picture = re.search(r'<img src="\.\.(/r2/[^"]+)" alt="Image of Ann"', text)[1]
    assert ask(emulator.url, "GET", picture, None, {})[1]["content-type"] == "image/png"
    assert row(text, group.id).startswith(f"hosts {group.id} ▣ AIGC 2 default")
    assert "○ open 115 s" in row(text, "val-1")
    assert "1, 1 Remove" in row(text, "rule-lost")
    assert "1 of 50" in text
    assert "2026-03-18 00:00:05" in text
    refused = emulator.calls.all("GetAsset")[0]
    assert row(text, f"call-{refused['request_id']}").endswith(f"✕ {refused['outcome']} Id {slow.id}")


def test_it_is_there_before_anything_is(emulator):
    """An emulator that nobody has called yet says so, in each section."""
    text = dashboard(emulator.url)[2]
    for words in ("No validations yet", "No assets yet", "No groups yet", "No calls yet", "No rules", "No customers"):
        assert words in text


def test_looking_changes_nothing(emulator):
    """A review that is over is shown as ended, and an expired check as expired; both are settled by a call only."""
    client = emulator.client()
    asset = client.create_asset(
        group_id=client.create_asset_group(name="g").id, url="https://a.example/a.jpg", asset_type="Image"
    )
    client.create_visual_validate_session(callback_url="https://app.example/done")
    emulator.clock.advance(200)
    before = emulator.service.store.find_asset(asset.id)
    text = dashboard(emulator.url)[2]
    assert "✓ Active –" in row(text, asset.id)
    assert "! expired" in row(text, "val-1")
    assert emulator.service.store.find_asset(asset.id) is before


def test_no_secret_is_in_it():
    """No key, token, link, query of an address or control token."""
    with EmulatorServer(Settings(control_token="T0KEN-of-control"), "manual") as server:
        headers = {"Authorization": f"Bearer {KEY}"}
        session = call(server.url, "CreateVisualValidateSession", {"CallbackURL": "https://a.example/?q=hid"}, headers)
        token = session["Result"]["BytedToken"]
        call(server.url, "GetVisualValidateResult", {"BytedToken": token}, headers)
        group = call(server.url, "CreateAssetGroup", {"Name": "g", "GroupType": "AIGC"}, headers)["Result"]["Id"]
        url = "https://user:pass@cdn.example/a.jpg?X-Amz-Signature=sesame"
        call(server.url, "CreateAsset", {"GroupId": group, "URL": url, "AssetType": "Image"}, headers)
        server.control.add_rule({"match": {"customer": KEY}, "do": {"delay": 1}})
        text = dashboard(server.url)[2]
    assert "val-1" in text
    for secret in (KEY, token, "ticket", "bytedToken=", "q=hid", "user:pass", "sesame", "T0KEN-of-control"):
        assert secret not in text


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'; alert(1)//"])
def test_names_are_text(emulator, name):
    """A name in a group, a rule, a customer or an Action that nobody has is shown, not run."""
    client = emulator.client()
    client.create_asset_group(name=name)
    emulator.rules.add(id=name, match={"name": name}, do={"delay": 1})
    call(emulator.url, name.replace(" ", ""), {name: name})
    text = dashboard(emulator.url)[2]
    assert name not in text
    assert "alert(1)" in text


# --- forms -----------------------------------------------------------------------------------------------------------


def test_the_clock_is_moved(emulator):
    """By a button or a number; then the page is loaded again, so that reloading it sends nothing twice."""
    now = emulator.clock.now()
    status, headers, _ = submit(emulator.url, advance="121")
    assert (status, headers["location"]) == (303, "./")
    submit(emulator.url, advance="0.5")
    assert emulator.clock.now() == now + 121.5


def test_a_review_is_ended(emulator):
    """Active, or failed as of another person."""
    client = emulator.client()
    group = client.create_asset_group(name="g").id
    new = {"group_id": group, "url": "https://a.example/a.jpg", "asset_type": "Image"}
    first, second = client.create_asset(**new), client.create_asset(**new)
    assert submit(emulator.url, activate=first.id)[0] == submit(emulator.url, fail=second.id)[0] == 303
    found = [emulator.service.store.find_asset(each.id) for each in (first, second)]
    assert [(str(each.status), each.code) for each in found] == [("Active", ""), ("Failed", "FaceMismatch")]


def test_a_rule_is_removed(emulator):
    """Only the one."""
    for name in ("one", "two"):
        emulator.rules.add(id=name, do={"delay": 1})
    assert submit(emulator.url, **{"delete-rule": "one"})[0] == 303
    assert [rule["id"] for rule in emulator.rules.all()["rules"]] == ["two"]


def test_a_page_is_opened_by_the_handle(emulator):
    """The link that the button leads to has a proof of the handle and no token; it opens the page."""
    session = emulator.client().create_visual_validate_session(callback_url="https://app.example/done")
    status, headers, _ = submit(emulator.url, open="val-1")
    assert status == 303
    assert session.byted_token not in headers["location"]
    status, _, body = ask(emulator.url, "GET", headers["location"].removeprefix(".."), None, {})
    assert (status, b'data-state="scanning"' in body) == (200, True)
    assert submit(emulator.url, open="val-2")[0] == 404


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"advance": "-1"}, 400, "seconds"),
        ({"advance": "nan"}, 400, "seconds"),
        ({"advance": "soon"}, 400, "seconds are a number"),
        ({"advance": "1e300"}, 400, "seconds"),
        ({"activate": "asset-x"}, 404, "no such asset"),
        ({"delete-rule": "<b>"}, 404, "no such rule"),
    ],
)
def test_what_cannot_be_done_is_said_on_the_page(emulator, fields, status, words):
    """With the status of the control plane, above what is shown."""
    replied, _, text = submit(emulator.url, **fields)
    assert replied == status
    assert re.search(rf'role="alert">.*{words}', text)


def test_the_machines_clock_has_no_buttons():
    """It cannot be moved, and the page says how to get one that can."""
    with EmulatorServer() as server:
        text = dashboard(server.url)[2]
        assert submit(server.url, advance="5")[0] == 400
    assert 'name="advance"' not in text
    assert "--clock manual" in text


def test_a_large_form_is_refused(emulator):
    """No field of it is as long."""
    assert submit(emulator.url, advance="1" * 5000)[0] == 413


# --- access ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1"])
def test_forms_of_other_pages_are_refused(emulator, origin):
    """A foreign page cannot move the clock, even of a browser on this machine."""
    now = emulator.clock.now()
    headers = {"Content-Type": "application/x-www-form-urlencoded", **({"Origin": origin} if origin else {})}
    assert ask(emulator.url, "POST", "/_emulator/", b"advance=5", headers)[0] == 403
    assert emulator.clock.now() == now


def test_nothing_of_it_can_be_framed_or_loaded_from_elsewhere(emulator):
    """The policy allows files of the emulator only, and forms lead nowhere else."""
    _, headers, text = dashboard(emulator.url)
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert {"form-action 'self'", "frame-ancestors 'none'"} <= {part.strip() for part in policy.split(";")}
    assert not re.search(r"<style|style=|<script(?! src)|\son\w+=|(?:src|href|action)=\"(?:https?:|//)", text)


def test_from_elsewhere_it_asks_for_the_control_token(url):
    """Without it there is a form and nothing else; with it a strict cookie opens the page, and its forms."""
    status, _, text = dashboard(url, REMOTE)
    assert (status, 'name="token"' in text, "Validations" in text) == (401, True, False)
    own = REMOTE | {"Origin": "http://emulator.example"}
    assert submit(url, own, advance="5")[0] == 401
    status, headers, text = submit(url, own, token="wrong")
    assert (status, "set-cookie" in headers, "not the emulator&#39;s control token" in text) == (401, False, True)
    status, headers, _ = submit(url, own, token="T")
    assert (status, headers["location"]) == (303, "./")
    cookie, *attributes = headers["set-cookie"].split("; ")
    assert set(attributes) == {"Path=/_emulator/", "HttpOnly", "SameSite=Strict"}
    assert dashboard(url, REMOTE | {"Cookie": cookie})[0] == 200
    assert submit(url, own | {"Cookie": cookie}, advance="5")[0] == 303
    assert submit(url, REMOTE | {"Origin": "http://evil.example", "Cookie": cookie}, advance="5")[0] == 403


def test_the_cookie_is_not_the_token_and_opens_no_control_plane(url):
    """It belongs to the dashboard of this process; the JSON below wants the header."""
    _, headers, _ = submit(url, REMOTE | {"Origin": "http://emulator.example"}, token="T")
    cookie = headers["set-cookie"].partition(";")[0]
    assert ask(url, "GET", "/_emulator/state", None, REMOTE | {"Cookie": cookie})[0] == 403
    for other in ("portrait-emulator=T", "portrait-emulator=", "portrait-emulator=é", 'x="', "portrait-emulator"):
        assert dashboard(url, REMOTE | {"Cookie": other.encode()})[0] == 401


def test_without_a_control_token_it_is_for_this_machine_only(emulator):
    """And says how to open it to others."""
    status, _, text = dashboard(emulator.url, REMOTE)
    assert (status, "--control-token" in text) == (403, True)
    assert submit(emulator.url, REMOTE | {"Origin": "http://emulator.example"}, token="x")[0] == 403


def test_only_get_and_post_are_taken(url):
    """The rest is refused as everywhere."""
    reply = exchange(url, b"DELETE /_emulator/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 405 ")
    assert b"Allow: GET, POST, HEAD, OPTIONS" in reply


# --- much of it ------------------------------------------------------------------------------------------------------


def test_of_many_it_shows_the_newest_and_says_so(emulator):
    """A bound for each kind, with the number in all."""
    client = emulator.client()
    group = client.create_asset_group(name="g").id
    emulator.service.control.patch_customer(emulator.api_key, assets=1000)
    for number in range(LIMIT + 1):
        client.create_asset(group_id=group, url="https://a.example/", asset_type="Image", name=f"n{number}")
        client.create_visual_validate_session(callback_url="https://app.example/")
        emulator.rules.add(id=f"r{number}", match={"action": "ListAssets"}, do={"delay": 1})
    text = dashboard(emulator.url)[2]
    for part, words in (
        ("assets", f"the newest {LIMIT} of {LIMIT + 1}"),
        ("rules", f"the first {LIMIT} of {LIMIT + 1}"),
    ):
        assert re.search(rf'id="{part}-count">([^<]+)<', text)[1] == words
    assert text.count('<tr id="asset-') == text.count('<tr id="val-') == text.count('<tr id="call-') == LIMIT
    assert ">n50 <" in text
    assert ">n0 <" not in text


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("zh-TW", "zh-Hant"), ("zh-Hant-MO, en", "zh-Hant"),
        ("en-US,zh;q=0.5", "en"), ("en;q=0.4,zh;q=0.5", "zh"), ("fr, zh;q=0.1", "zh"), ("zh;q=x", "en"),
        ("fr", "en"), ("ZH", "zh"), (";;,,=,*;q=0", "en"),
    ],
)  # fmt: skip
def test_it_speaks_the_language_that_the_browser_prefers(emulator, accepted, language):
    """English, or Chinese in one of two scripts; ids, codes and states stay as programs know them."""
    emulator.client().create_visual_validate_session(callback_url="https://app.example/done")
    headers = {"Accept-Language": accepted}
    _, _, text = dashboard(emulator.url, headers)
    title = {"en": "Validations", "zh": "核验", "zh-Hant": "核驗"}[language]
    assert f'<html lang="{language}">' in text
    assert re.search(rf'id="validations-title">{title} ', text)
    assert "open" in row(text, "val-1")
    _, headers, _ = submit(emulator.url, headers, open="val-1")
    assert headers["location"].endswith(f"&lng={language}")


@pytest.mark.parametrize("language", ["zh", "zh-Hant"])
def test_every_sentence_has_its_translation(language):
    """And no translation lacks a gap that the sentence has, or is of a sentence that is no longer there."""
    sources = [html.FOLDER / "templates" / "dashboard.html", html.FOLDER / "templates" / "message.html"]
    text = " ".join(path.read_text(encoding="utf-8") for path in sources) + Path(module.__file__).read_text("utf-8")
    sentences = _sentences(language)
    assert {found[2] for found in re.finditer(r"""_\((["'])(.*?)\1""", text)} <= sentences.keys()
    text = re.sub(r'"\s+"', "", text)
    sections = {"Validations", "Assets", "Groups", "Calls", "Rules", "Customers"}
    assert {sentence for sentence in sentences if sentence not in text} <= sections
    for sentence, translation in sentences.items():
        assert set(re.findall(r"{\w+}", sentence)) == set(re.findall(r"{\w+}", translation))
