"""The dashboard in a real browser: its controls, its updates, who may see it, and that nothing of it runs a script."""

import pytest
from playwright.sync_api import expect

from emulator.server import EmulatorServer
from emulator.settings import Settings
from tests.conformance.browser.helpers import serious_findings
from tests.media_samples import image

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}"]


@pytest.fixture
def records(emulator):
    """An emulator with something of every kind in it."""
    client = emulator.client()
    group = client.create_asset_group(name="brand hosts")
    client.upload_asset(image("PNG", 400, 500), group_id=group.id, name="Ann")
    failed = client.create_asset(group_id=group.id, url="https://cdn.example/a.jpg?x=1", asset_type="Image", name="Bob")
    emulator.assets.fail(failed.id, "FaceMismatch")
    emulator.clock.advance(5)
    client.create_asset(group_id=group.id, url="https://cdn.example/a.mp4", asset_type="Video", name="film")
    for result in ("pass", "fail", None):
        session = client.create_visual_validate_session(callback_url="https://app.example/done")
        if result:
            emulator.validations.finish(session, result)
    emulator.rules.add(id="lost", match={"action": "CreateAsset", "name": "bad-*"}, do={"close": "after-commit"})
    emulator.customer(groups=2, tier="entry")
    return emulator


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_everybody_can_use_it(open_tab, records, size, scheme, take_picture):
    """On a phone and a desk, light and dark: axe-core has no serious finding, and nothing is too wide."""
    page = open_tab(size, color_scheme=scheme)
    page.goto(f"{records.url}/_emulator/")
    expect(page.get_by_role("img", name="Image of Ann")).to_be_visible()
    take_picture(page, size, scheme)
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.locator("section").evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth).length") == 0


@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW"])
def test_a_chinese_browser_is_shown_chinese(open_tab, records, locale, take_picture):
    """Words and controls; its buttons work, and a page that it opens is Chinese as well."""
    page = open_tab("desktop", locale=locale)
    page.goto(f"{records.url}/_emulator/")
    titles = {"zh-CN": ("核验", "素材组", "规则", "打开页面"), "zh-TW": ("核驗", "素材組", "規則", "開啟頁面")}
    *headings, button = titles[locale]
    for heading in headings:
        expect(page.get_by_role("heading", name=heading).first).to_be_visible()
    take_picture(page, locale)
    assert serious_findings(page) == []
    with page.expect_popup() as popup:
        page.locator("#val-3").get_by_role("button", name=button).click()
    expect(popup.value.get_by_role("button").first).to_have_text({"zh-CN": "完成核验", "zh-TW": "完成核驗"}[locale])


def test_the_clock_is_moved_by_buttons(open_tab, records):
    """A review ends by it, and a check expires."""
    page = open_tab("desktop")
    page.goto(f"{records.url}/_emulator/")
    film = page.get_by_role("row").filter(has_text="film").first
    expect(film).to_contain_text("20 s left")
    page.get_by_role("button", name="Advance by 5 s").click()
    expect(film).to_contain_text("15 s left")
    page.get_by_label("Seconds").fill("115")
    page.get_by_role("button", name="Advance", exact=True).click()
    expect(film).to_contain_text("Active")
    expect(page.locator("#val-3")).to_contain_text("expired")


def test_a_page_is_opened_finished_and_seen_as_passed(open_tab, records):
    """In a tab of its own, by a link without the token; the dashboard shows the end without being loaded again."""
    page = open_tab("desktop")
    page.goto(f"{records.url}/_emulator/")
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Open page of val-3").click()
    assert "bytedToken" not in popup.value.url
    popup.value.route("https://app.example/**", lambda route: route.fulfill(body="Back", content_type="text/plain"))
    popup.value.get_by_role("button", name="Complete the check").click()
    expect(page.locator("#val-3")).to_contain_text("passed")
    open_tab.complaints.clear()  # the callback is another machine's, which the route stands in for


def test_what_happens_appears_while_it_is_live(open_tab, records):
    """Calls, groups and rules without a reload; with "Live" off nothing moves; the focus stays where it was."""
    page = open_tab("desktop")
    page.goto(f"{records.url}/_emulator/")
    button = page.get_by_role("button", name="Remove lost")
    button.focus()
    client = records.client()
    client.create_asset_group(name="appears by itself")
    expect(page.locator("#groups")).to_contain_text("appears by itself")
    expect(page.locator("#calls tr").first).to_contain_text("CreateAssetGroup")
    records.clock.advance(7)
    expect(page.locator("#now")).to_contain_text("00:00:12")
    expect(button).to_be_focused()
    page.get_by_label("Live").uncheck()
    client.create_asset_group(name="later")
    page.wait_for_timeout(1500)  # longer than the page waits between two updates
    assert "later" not in page.locator("#groups").inner_text()


def test_a_rule_and_a_review_end_by_a_button(open_tab, records):
    """Each button says of what it is, and does it."""
    page = open_tab("desktop")
    page.goto(f"{records.url}/_emulator/")
    page.get_by_role("button", name="Remove lost").click()
    expect(page.locator("#rules")).to_contain_text("No rules")
    page.get_by_role("row").filter(has_text="film").first.get_by_role("button", name="FaceMismatch").click()
    expect(page.get_by_role("row").filter(has_text="film").first).to_contain_text("Failed: FaceMismatch")


def test_it_works_without_scripts(open_tab, records):
    """What is there is in the page, it asks to be loaded again, and its forms are sent."""
    page = open_tab("phone", java_script_enabled=False)
    page.goto(f"{records.url}/_emulator/")
    assert page.locator("meta[http-equiv=refresh]").count() == 1
    page.get_by_role("button", name="Advance by 121 s").click()
    assert "expired" in page.locator("#val-3").inner_text()


def test_from_elsewhere_it_asks_for_the_token(open_tab, take_picture):
    """A wrong one is refused; with the right one the page and its forms work, and no address has it."""
    with EmulatorServer(Settings(control_token="T0KEN"), "manual") as server:
        page = open_tab()
        address = server.url.replace("127.0.0.1", "emulator.example") + "/_emulator/"
        page.goto(address)
        take_picture(page)
        assert serious_findings(page) == []
        for token in ("wrong", "T0KEN"):
            page.get_by_label("Control token").fill(token)
            page.get_by_role("button", name="Open the dashboard").click()
        expect(page.get_by_role("heading", name="Validations")).to_be_visible()
        before = page.locator("#now").inner_text()
        page.get_by_role("button", name="Advance by 1 min").click()
        expect(page.locator("#now")).not_to_have_text(before)
        assert page.url == address
        page.goto("about:blank")  # it asks for nothing more when the server goes
    open_tab.complaints.clear()  # the console tells of the status 401


def test_another_site_cannot_use_it(open_tab, emulator, application):
    """A form of a foreign page is refused, though the browser is on this machine."""
    now = emulator.clock.now()
    application.page = (
        f'<!doctype html><form method="post" action="{emulator.url}/_emulator/">'
        '<input name="advance" value="60"><button>Win</button></form>'
    )
    page = open_tab()
    page.goto(application.url.replace("127.0.0.1", "localhost"))
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("forms of its own page only")
    assert emulator.clock.now() == now
    page.goto("about:blank")  # it asks for nothing more when the server goes
    open_tab.complaints.clear()  # the console tells of the status 403


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_runs_nothing(open_tab, emulator, name):
    """Of a group, an asset, a rule, a person and a project, with what is loaded later too."""
    page = open_tab("desktop")
    page.goto(f"{emulator.url}/_emulator/")
    client = emulator.client()
    group = client.create_asset_group(name=name)
    client.upload_asset(image("PNG", 400, 500), group_id=group.id, name=name)
    emulator.rules.add(id=name, match={"name": name}, do={"delay": 1})
    session = client.create_visual_validate_session(callback_url="https://app.example/done")
    emulator.validations.finish(session, subject=name)
    expect(page.locator("#groups")).to_contain_text(name)
    expect(page.locator("#rules")).to_contain_text(name)
    page.reload()
    expect(page.locator("#validations")).to_contain_text(name)
    assert page.locator("img[src=x], main script").count() == 0
