"""A real browser, Debian's Chromium, whose tabs may log no error and ask no other machine."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from emulator.testing import Emulator
from tests.conformance.browser.helpers import Application, Tabs

CHROMIUM = Path("/usr/bin/chromium")
PICTURES = Path(__file__).resolve().parents[3] / "build" / "screenshots"
# Another machine's name for this one: the control plane asks for its token there.
HOSTS = "--host-resolver-rules=MAP emulator.example 127.0.0.1"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window. A missing one is a failure where `REQUIRE_BROWSER` is set, as CI does."""
    if not CHROMIUM.exists():
        reason = f"there is no {CHROMIUM}: apt-get install chromium fonts-noto-cjk"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", HOSTS])
        yield browser
        browser.close()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A fresh emulator on a manual clock, and on a port."""
    with Emulator() as emulator:
        assert emulator.url
        yield emulator


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Tabs]:
    """Opens tabs; none may have complained at the end, unless the test has looked at it and cleared it."""
    tabs = Tabs(browser)
    yield tabs
    tabs.close()
    assert tabs.complaints == []


@pytest.fixture
def application() -> Iterator[Application]:
    """A web application with a callback."""
    application = Application()
    yield application
    application.close()


@pytest.fixture
def take_picture(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keeps a screenshot in build/screenshots, by the test's name and some words."""

    def take_picture(page: Page, *words: str) -> None:
        name = "-".join([request.node.originalname.removeprefix("test_"), *words])
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    return take_picture
