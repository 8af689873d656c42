"""`portrait validate` in a terminal, and its page in a real browser: each ending, in Chinese and English."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from portrait.codes import SCAN_CODES

TITLES = {"zh": "真人核验", "en": "Liveness check"}
NEXT = "The same command makes a new link."


@pytest.fixture
def command(emulator, tmp_path, language) -> Iterator[subprocess.Popen]:
    """The command, which waits for a person; its link is the first line of JSON."""
    command = subprocess.Popen(
        [Path(sys.executable).with_name("portrait"), "validate", "--lang", language],
        env=os.environ
        | {"PORTRAIT_BASE_URL": emulator.base_url, "PORTRAIT_API_KEY": emulator.api_key, "XDG_STATE_HOME": tmp_path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with command:
        yield command
        command.kill()


@pytest.fixture
def page(open_tab, command, language):
    """The page behind the link that the command shows."""
    page = open_tab()
    page.goto(json.loads(command.stdout.readline())["h5_link"])
    expect(page.get_by_role("heading").first).to_have_text(TITLES[language])
    return page


@pytest.mark.parametrize("language", TITLES)
@pytest.mark.parametrize("button", ["pass", "wrong-person"])
def test_who_passes_has_a_group(emulator, command, page, button):
    """The command prints its id; another person than was meant passes as well (contract §10.14)."""
    page.locator(f"button[value={button}]").click()
    expect(page.get_by_text("The check is passed.")).to_be_visible()
    out, err = command.communicate(timeout=10)
    (group,) = emulator.client().iter_asset_groups(group_type="LivenessFace")
    assert (command.returncode, json.loads(out), err) == (0, {"group_id": group.id}, "")


@pytest.mark.parametrize("language", TITLES)
@pytest.mark.parametrize(("button", "code"), [("fail", 41007), ("cancel", 41000)])
def test_who_does_not_pass_has_none(command, page, button, code):
    """The command names the page's code and what it means, long before the link expires."""
    page.locator(f"button[value={button}]").click()
    expect(page.get_by_text("The check did not pass.")).to_be_visible()
    out, err = command.communicate(timeout=10)
    assert (command.returncode, out) == (3, "")
    assert f"({code}: {SCAN_CODES[code]})" in err
    assert NEXT in err


@pytest.mark.parametrize("language", TITLES)
def test_a_link_that_expires_ends_the_command(emulator, command, page):
    """The service says so; the page says it when it is loaded again."""
    emulator.clock.advance(121)
    out, err = command.communicate(timeout=10)
    assert (command.returncode, out) == (3, "")
    assert "TokenExpired" in err
    assert NEXT in err
    page.reload()
    assert page.get_by_role("button").count() == 0
