"""The page of a check in a real browser: from the client through the page to the callback, and back."""

import asyncio
import queue
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import frozen
from playwright.sync_api import expect

from emulator.server import EmulatorServer
from emulator.testing import Emulator
from portrait import AssetFailed, AsyncPortraitClient, PortraitClient, TokenExpired, ValidatePending
from portrait.errors import ValidationFailed
from portrait.models import VisualValidateSession
from portrait.web import callback_handler
from tests.conformance.browser.helpers import Application, serious_findings

BUTTONS = {"zh": "完成核验", "en": "Complete the check", "zh-Hant": "完成核驗"}
EXPIRED = {"zh": "已过期，请重新发起核验", "en": "Expired: start a new check", "zh-Hant": "已過期，請重新發起核驗"}


def arrival(application):
    """The parameters of the only callback."""
    (path,) = application.arrivals
    return {name: value for name, (value,) in parse_qs(urlsplit(path).query).items()}


# --- the whole way ---------------------------------------------------------------------------------------------------


async def validate_with_callback(base_url, links):
    """An application: it shows the link, and has the callback confirmed by a handler on the same client."""
    arrived = asyncio.Event()

    async def on_result(_):
        arrived.set()

    async with AsyncPortraitClient(api_key="sk-app", base_url=base_url) as client:
        app = web.Application()
        app.add_routes([web.get("/done", callback_handler(client, on_result=on_result))])
        async with TestServer(app) as site:
            try:
                return await client.validate_person(
                    callback_url=str(site.make_url("/done")),
                    show=lambda session: links.put(session.link("en")),
                    attempts=1,
                    poll=0.01,  # so that the pass is read before the browser comes back
                )
            finally:
                await asyncio.wait_for(arrived.wait(), 10)


def test_the_asyncio_client_gets_the_person_who_pressed_complete(open_tab):
    """Client, link, page, button, CallbackURL, the client's own handler, GroupId: over sockets, on the real clock."""
    links = queue.Queue()
    with EmulatorServer() as server, ThreadPoolExecutor() as pool:
        app = pool.submit(asyncio.run, validate_with_callback(f"{server.url}/v1", links))
        page = open_tab()
        page.goto(links.get(timeout=10))
        page.get_by_role("button", name=BUTTONS["en"]).click()
        assert app.result(timeout=10).group_id.startswith("group-")
        assert "/done?" in page.url


def test_the_asyncio_client_hears_of_a_failed_scan_by_the_callback(open_tab):
    """The code that the page reports reaches the error of the wait, long before the link expires."""
    links = queue.Queue()
    with EmulatorServer() as server, ThreadPoolExecutor() as pool:
        app = pool.submit(asyncio.run, validate_with_callback(f"{server.url}/v1", links))
        page = open_tab()
        page.goto(links.get(timeout=10))
        page.get_by_text("More outcomes").click()
        page.get_by_role("button", name="41002").click()
        with pytest.raises(ValidationFailed, match="41002"):
            app.result(timeout=10)
        open_tab.complaints.clear()  # the handler's page has a status of its own


def test_the_blocking_client_gets_the_person_who_pressed_complete(open_tab, application):
    """The same with the blocking client, which polls; the callback is another program's."""
    links = queue.Queue()
    with (
        EmulatorServer() as server,
        PortraitClient(api_key="sk-app", base_url=f"{server.url}/v1") as client,
        ThreadPoolExecutor() as pool,
    ):
        app = pool.submit(
            client.validate_person,
            callback_url=application.url,
            show=lambda session: links.put(session.h5_link),
            language="en",
            poll=0.05,
        )
        page = open_tab()
        page.goto(links.get(timeout=10))
        page.get_by_role("button", name=BUTTONS["en"]).click()
        expect(page.get_by_role("heading")).to_have_text("Back in the app")
        group = client.get_asset_group(id=app.result(timeout=10).group_id)
    assert group.group_type == "LivenessFace"
    assert arrival(application)["resultCode"] == "10000"


# --- each way that a check ends --------------------------------------------------------------------------------------


@frozen
class Check:
    """A check whose callback comes to the application."""

    emulator: Emulator
    application: Application
    session: VisualValidateSession

    def result(self):
        """What the service says of it to the client."""
        return self.emulator.client().get_visual_validate_result(byted_token=self.session.byted_token)


@pytest.fixture
def check(emulator, application):
    """A fresh one."""
    session = emulator.client().create_visual_validate_session(callback_url=f"{application.url}?order=7")
    return Check(emulator, application, session)


@pytest.mark.parametrize(("button", "code"), [("Fail", "41007"), ("Cancel", "41000"), ("41009", "41009")])
def test_a_check_that_did_not_pass_comes_back_so(open_tab, check, button, code):
    """The callback has the page's code; the service says no more than "not yet"."""
    page = open_tab()
    page.goto(check.session.link("en"))
    if button.isdecimal():
        page.get_by_text("More outcomes").click()
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("heading")).to_have_text("Back in the app")
    assert arrival(check.application) == {
        "order": "7", "bytedToken": check.session.byted_token, "resultCode": code, "algorithmBaseRespCode": "0",
        "reqMeasureInfoValue": "0", "verify_type": "real_time",
    }  # fmt: skip
    with pytest.raises(ValidatePending):
        check.result()


def test_another_person_passes_and_files_do_not_match(open_tab, check):
    """The group is made; a file fails with FaceMismatch unless it shows whoever scanned."""
    page = open_tab()
    page.goto(check.session.link("zh"))
    page.get_by_role("button", name="由他人核验").click()
    expect(page.get_by_role("heading")).to_have_text("Back in the app")
    assert arrival(check.application)["resultCode"] == "10000"
    client = check.emulator.client()
    group = check.result().group_id
    (scanned,) = [each["subject"] for each in check.emulator.service.control.state()["validations"]]
    meant = client.create_asset(group_id=group, url="https://magic.test/a.jpg?subject=alice", asset_type="Image")
    with pytest.raises(AssetFailed, match="FaceMismatch"):
        client.wait_until_active(meant.id)
    other = client.create_asset(group_id=group, url=f"https://magic.test/b.jpg?subject={scanned}", asset_type="Image")
    assert client.wait_until_active(other.id).status == "Active"


def test_a_reload_brings_the_callback_again(open_tab, check):
    """The callback comes once more by a reload, and by the button of the link that is used up."""
    page = open_tab()
    page.goto(check.session.link("en"))
    page.get_by_role("button", name=BUTTONS["en"]).click()
    expect(page.get_by_role("heading")).to_have_text("Back in the app")
    page.reload()
    page.goto(check.session.link("en"))
    expect(page.locator(".state")).to_have_text("Passed")
    page.get_by_role("button", name="Return to the application").click()
    expect(page.get_by_role("heading")).to_have_text("Back in the app")
    assert len(check.application.arrivals) == 3
    assert len(set(check.application.arrivals)) == 1


def test_the_switch_leaves_the_token_out(open_tab, check):
    """As callbacks of failed checks were seen."""
    page = open_tab()
    page.goto(check.session.link("en"))
    page.get_by_label("Leave bytedToken out of the callback").check()
    page.get_by_role("button", name="Fail", exact=True).click()
    expect(page.get_by_role("heading")).to_have_text("Back in the app")
    assert arrival(check.application).keys() == {
        "order", "resultCode", "algorithmBaseRespCode", "reqMeasureInfoValue", "verify_type",
    }  # fmt: skip


@pytest.mark.parametrize("language", EXPIRED)
def test_a_link_expires_with_the_clock(open_tab, check, language, take_picture):
    """A button that is pressed too late leads to the page that says so, and nowhere else."""
    page = open_tab()
    page.goto(check.session.link(language))
    expect(page.locator("#seconds")).to_have_text("120")
    check.emulator.clock.advance(119.5)
    page.reload()
    expect(page.locator("#seconds")).to_have_text("0")
    check.emulator.clock.advance(0.5)
    page.get_by_role("button", name=BUTTONS[language]).click()
    expect(page.locator(".state")).to_have_text(EXPIRED[language])
    assert page.get_by_role("button").count() == 0
    assert check.application.arrivals == []
    open_tab.complaints.clear()  # the console tells of the status 409
    take_picture(page, language)
    with pytest.raises(TokenExpired):
        check.result()


def test_the_countdown_runs_and_ends_by_itself(open_tab):
    """On a clock that runs 30 times as fast the page counts down, and turns into that of an expired link."""
    with (
        EmulatorServer(clock="scaled:30") as server,
        PortraitClient(base_url=f"{server.url}/v1", api_key="k") as client,
    ):
        session = client.create_visual_validate_session(callback_url="https://app.example/done")
        page = open_tab()
        page.goto(session.link("en"))
        expect(page.locator("#seconds")).not_to_have_text("120")
        expect(page.locator(".state")).to_have_text(EXPIRED["en"], timeout=20_000)
        page.goto("about:blank")  # it asks for nothing more when the server goes


# --- whoever opens it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", BUTTONS)
def test_everybody_can_use_it(open_tab, check, language, scheme, take_picture):
    """In each language, light and dark: axe-core has no serious finding, and nothing is wider than the phone."""
    page = open_tab(color_scheme=scheme)
    page.goto(check.session.link(language))
    expect(page.get_by_role("button", name=BUTTONS[language])).to_be_visible()
    take_picture(page, language, scheme)
    assert serious_findings(page) == []
    page.locator("summary").click()
    take_picture(page, language, scheme, "more")
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("result", ["pass", "fail", "cancel"])
def test_everybody_can_read_how_it_ended(open_tab, check, result, take_picture):
    """The pages of links that are over, on a phone and on a desk."""
    check.emulator.validations.finish(check.session, result)
    for size in ("phone", "desktop"):
        page = open_tab(size)
        page.goto(check.session.link("en"))
        take_picture(page, result, size)
        assert serious_findings(page) == []


def test_an_unknown_link_has_a_page(open_tab, emulator, take_picture):
    """With words, and nothing to press."""
    page = open_tab()
    assert page.goto(f"{emulator.url}/h5/?bytedToken=x&lng=en").status == 404
    expect(page.locator(".state")).to_have_text("There is no such check")
    take_picture(page)
    assert serious_findings(page) == []
    assert page.get_by_role("button").count() == 0
    open_tab.complaints.clear()  # the console tells of the status


def test_it_works_without_scripts(open_tab, check):
    """The number of seconds is there, "more" opens, and the buttons lead back."""
    page = open_tab(java_script_enabled=False)
    page.goto(check.session.link("en"))
    assert page.locator("#seconds").inner_text() == "120"
    page.locator("summary").click()
    page.get_by_role("button", name="40002").click()
    assert "resultCode=40002" in page.url
    assert len(check.application.arrivals) == 1


def test_it_works_by_keyboard(open_tab, check):
    """The first stop is "complete", and Enter presses it."""
    page = open_tab()
    page.goto(check.session.link("en"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=BUTTONS["en"])).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("Back in the app")
    assert arrival(check.application)["resultCode"] == "10000"


# --- hostile ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tail",
    ["?next=javascript:alert(1)", "?x=<script>alert(1)</script>", "?x=%22%3E%3Cscript%3Ealert(1)%3C/script%3E#<b>",
     "?a=1&resultCode=10000#part", "?名=值#片"],
)  # fmt: skip
def test_a_hostile_callback_runs_nothing_and_keeps_its_parts(open_tab, emulator, application, tail):
    """The browser arrives at the application with the caller's query first and the fragment last; no script runs."""
    session = emulator.client().create_visual_validate_session(callback_url=application.url + tail)
    page = open_tab()
    page.goto(session.link("en"))
    page.get_by_role("button", name="Fail", exact=True).click()
    expect(page.get_by_role("heading")).to_have_text("Back in the app")
    (path,) = application.arrivals
    assert path.startswith("/done?")
    assert parse_qs(urlsplit(path).query)["resultCode"][-1] == "41007"
    assert bool(urlsplit(page.url).fragment) is ("#" in tail)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}"])
def test_a_hostile_name_runs_nothing(open_tab, check, name):
    """As the language of the link, and as the person who scanned."""
    page = open_tab()
    page.goto(check.session.link("en").replace("lng=en", "lng=") + name)
    expect(page.locator(".state")).to_have_text("等待扫描")
    check.emulator.validations.finish(check.session, subject=name)
    page.reload()
    expect(page.locator(".state")).to_have_text("核验通过")
    assert "alert" not in page.content()
