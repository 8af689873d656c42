"""`validate`: a person passes on a phone; what a terminal shows, what a pipe gets, and how each ending is reported."""

import json
import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from urllib.request import urlopen

import pytest
import segno

from portrait.cli.validate import QUIET_ZONE, qr_lines
from portrait.codes import SCAN_CODES
from portrait.validate import Validations

CALLBACK = ["--callback-url", "https://www.example.com/done"]


@pytest.fixture
def scans(emulator):
    """Ends the scan of each session by the next of some results, while the command waits for it."""

    def scans(*results):
        sleep, pending = emulator.clock.sleep, list(enumerate(results, 1))

        def sleep_after_a_scan(seconds):
            sessions = emulator.calls.count("CreateVisualValidateSession", outcome="ok")
            if pending and pending[0][0] == sessions:
                number, result = pending.pop(0)
                if result:
                    emulator.validations.finish(f"val-{number}", result)
            sleep(seconds)

        emulator.clock.sleep = sleep_after_a_scan

    return scans


@pytest.mark.parametrize("lang", ["zh", "en", "zh-Hant"])
@pytest.mark.parametrize("ending", [("pass", 0), ("wrong-person", 0), ("fail", 3), ("cancel", 3), (None, 3)])
def test_each_ending_has_its_exit_code(portrait, scans, client, lang, ending):
    """The service tells a failed or abandoned scan from an open one to nobody: the link runs out. Contract §3.

    Another person than was meant passes (§10.14); files of the one who was meant then fail with FaceMismatch.
    """
    result, code = ending
    scans(result)
    ran = portrait("validate", *CALLBACK, "--lang", lang)
    assert (ran.code, "The same command makes a new link." in ran.err) == (code, code != 0)
    assert ran.rows[0]["h5_link"].endswith(f"&lng={lang}")
    groups = [group.id for group in client.iter_asset_groups(group_type="LivenessFace")]
    assert [row["group_id"] for row in ran.rows[1:]] == groups
    assert len(groups) == (1 if code == 0 else 0)
    if result == "wrong-person":
        asset = client.create_asset(group_id=groups[0], url="https://cdn.example/a.jpg", asset_type="Image")
        assert portrait("wait", asset.id).code == 1


def test_another_link_follows_up_to_the_attempts(portrait, scans):
    """Each is a line of JSON; the group is the last one, and stderr is silent."""
    scans("fail", None, "pass")
    ran = portrait("validate", *CALLBACK, "--attempts", "3")
    assert (ran.code, ran.err) == (0, "")
    *links, group = ran.rows
    assert len({link["h5_link"] for link in links}) == 3
    assert {link["expires_in"] for link in links} == {120}
    assert group["group_id"].startswith("group-")


@pytest.fixture
def browser(emulator, monkeypatch):
    """Ends the scan of each session by the next of some results, and brings the browser to the callback.

    The command goes on when it has heard a failure, as if the browser had been quick.
    """
    validations, start, sleep = [], Validations.start, emulator.clock.sleep

    def start_and_remember(self, nonce):
        validations.append(start(self, nonce))
        return validations[-1]

    monkeypatch.setattr(Validations, "start", start_and_remember)
    with ThreadPoolExecutor() as pool:

        def browser(*results):
            pending, pages = list(enumerate(results, 1)), []

            def sleep_after_a_scan(seconds):
                if pending and pending[0][0] == len(validations):
                    number, result = pending.pop(0)
                    emulator.validations.finish(f"val-{number}", result)
                    url = emulator.validations.callback_url(f"val-{number}")
                    pages.append(pool.submit(lambda: urlopen(url).read().decode()))
                    while result != "pass" and validations[-1].failure is None:
                        Event().wait(0.001)
                elif pages:
                    wait(pages[-1:], timeout=5)  # the command waits for the browser
                sleep(seconds)

            emulator.clock.sleep = sleep_after_a_scan
            return pages

        yield browser


@pytest.mark.parametrize(("result", "code"), [("fail", 41007), ("cancel", 41000)])
def test_the_command_hears_by_its_own_callback_why_a_scan_failed(portrait, browser, emulator, result, code):
    """It ends at once, with the page's code and what it means; the person's page says that it did not pass."""
    pages, before = browser(result), emulator.clock.now()
    ran = portrait("validate")
    assert (ran.code, emulator.clock.now() - before < 10) == (3, True)
    assert f"({code}: {SCAN_CODES[code]})" in ran.err
    assert "The same command makes a new link." in ran.err
    assert "did not pass" in pages[0].result()


def test_a_failed_scan_is_followed_by_another_link_at_once(portrait, browser, emulator):
    """No link runs out; the browser of who passes finds its page before the command ends."""
    pages, before = browser("fail", "pass"), emulator.clock.now()
    ran = portrait("validate", "--attempts", "2")
    assert (ran.code, len(ran.rows), emulator.clock.now() - before < 20) == (0, 3, True)
    assert "is passed" in pages[1].result()


def test_a_browser_that_does_not_come_back_is_not_waited_for(portrait, scans):
    """The group counts, not the page."""
    scans("pass")
    assert portrait("validate").code == 0


def test_a_tunnel_may_bring_the_callback(portrait, browser, scans, emulator):
    """The public address stands in the session, the port of this machine answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        busy = portrait("validate", "--listen", str(port))
        assert (busy.code, "--listen" in busy.err) == (2, True)
    scans("pass")
    assert portrait("validate", "--listen", str(port), "--callback-url", "https://tunnel.example/x?y=1").code == 0
    assert emulator.validations.callback_url("val-1").startswith("https://tunnel.example/x?y=1&portrait_nonce=")


def test_a_service_elsewhere_needs_a_callback_that_a_phone_can_reach(portrait):
    """Nothing is sent to it."""
    ran = portrait("validate", "--base-url", "https://api.example/v1")
    assert ran.code == 2
    assert "--callback-url" in ran.err


@pytest.mark.parametrize("attempts", ["0", "-1", "x"])
def test_no_attempt_is_an_error_of_the_command_line(portrait, emulator, attempts):
    """Nothing is sent."""
    assert portrait("validate", *CALLBACK, "--attempts", attempts).code == 2
    assert emulator.calls.count() == 0


def test_a_terminal_shows_a_code_and_the_seconds_left(portrait, scans):
    """The code is that of the link below it; the seconds are gone at the end, where the group stands."""
    scans("pass")
    code, seen = portrait.on_terminal("validate", *CALLBACK, "--lang", "en")
    assert code == 0
    (link,) = set(re.findall(r"http://\S+lng=en", seen))
    assert all(line in seen for line in qr_lines(link))
    assert "waiting for the person, 120 s left" in seen
    assert re.search(r"group-\d{14}-\w{5}\s*$", seen)
    assert seen.rindex("\x1b[2K") < seen.rindex("group-")


def test_a_terminal_without_the_library_shows_the_link_alone(portrait, scans, monkeypatch):
    """It says which extra brings the code."""
    monkeypatch.setitem(sys.modules, "segno", None)
    scans("pass")
    ran = portrait("validate", *CALLBACK, terminal=True)
    assert ran.code == 0
    assert "portrait-actions[cli]" in ran.err
    assert "lng=zh" in ran.out


def test_a_pipe_gets_json_and_nothing_else(portrait, scans):
    """Neither a code nor seconds."""
    scans("pass")
    ran = portrait("validate", *CALLBACK)
    assert ran.err == ""
    assert [sorted(json.loads(line)) for line in ran.out.splitlines()] == [["expires_in", "h5_link"], ["group_id"]]


@pytest.mark.parametrize("text", ["x", "https://h5.example/?bytedToken=" + "A" * 300])
def test_a_code_is_drawn_module_by_module(text):
    """Two rows of modules on a line, dark on light, with a quiet zone; read back they are the code."""
    lines = qr_lines(text)
    rows = []
    for line in lines:
        drawn = line.removeprefix("\x1b[30;107m").removesuffix("\x1b[0m")
        rows += [[character in "▀█" for character in drawn], [character in "▄█" for character in drawn]]
    expected = [[bool(module) for module in row] for row in segno.make_qr(text, error="l").matrix]
    size = len(expected)
    assert [row[QUIET_ZONE : QUIET_ZONE + size] for row in rows[QUIET_ZONE : QUIET_ZONE + size]] == expected
    assert not any(map(any, (*rows[:QUIET_ZONE], *rows[QUIET_ZONE + size :])))
    assert len({len(row) for row in rows}) == 1
