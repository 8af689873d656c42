"""`wait` and `validate`: until something is over, one way or the other."""

import io
import threading

import pytest

from portrait.cli import main


def test_an_asset_becomes_active(portrait, asset):
    """One line of JSON each; the same id twice is one."""
    ran = portrait("wait", asset, f"asset://{asset}")
    assert ran.code == 0
    assert ran.rows == [{"uri": f"asset://{asset}", "status": "Active"}]
    assert portrait("wait", asset, "--quiet").out == f"asset://{asset}\n"
    assert f"asset://{asset}  Active" in portrait("wait", asset, terminal=True).out


def test_each_asset_ends_for_itself(portrait, client, emulator, picture, asset):
    """Some failed: exit code 1."""
    bad = client.upload_asset(picture("b.jpg", 401), group_id=client.get_asset(id=asset).group_id).id
    emulator.assets.fail(bad, "FaceMismatch")
    ran = portrait("wait", asset, bad)
    assert ran.code == 1
    assert {row["uri"].removeprefix("asset://"): row["status"] for row in ran.rows} == {asset: "Active", bad: "Failed"}
    assert "FaceMismatch" in ran.err


def test_the_deadline_has_its_own_exit_code(portrait, asset):
    """5, and what to do."""
    ran = portrait("wait", asset, "--timeout", "1")
    assert ran.code == 5
    assert ran.rows[0]["status"] == "Late"
    assert "`portrait wait`" in ran.err


def test_an_asset_that_is_not_there_has_vanished(portrait):
    """After the time in which a read may lag."""
    ran = portrait("wait", "asset-20260518163348-xtzxl")
    assert ran.code == 1
    assert ran.rows[0]["error"]["kind"] == "AssetVanished"


def test_a_group_is_not_waited_for(portrait, group):
    """Exit code 2."""
    assert portrait("wait", group).code == 2


CALLBACK = ["--callback-url", "https://example.com/done"]


class Reader(io.StringIO):
    """Tells as soon as a line was written."""

    def __init__(self):
        super().__init__()
        self.written = threading.Event()

    def flush(self):
        """A line is there."""
        if self.getvalue().endswith("\n"):
            self.written.set()


def test_a_person_passes(portrait, emulator, client):
    """The link is told at once, the group when the person has passed."""
    out, err = Reader(), io.StringIO()
    passed = threading.Thread(target=lambda: (out.written.wait(10), emulator.validations.finish("val-1")))
    sleep = emulator.clock.sleep

    def sleep_after_the_scan(seconds):
        passed.join()
        sleep(seconds)

    emulator.clock.sleep = sleep_after_the_scan
    passed.start()
    assert main(["validate", *CALLBACK], portrait.console(io.StringIO(), out, err)) == 0
    link, group = out.getvalue().splitlines()
    assert '"h5_link": "http://' in link
    (found,) = client.iter_asset_groups(group_type="LivenessFace")
    assert found.id in group


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [([], 3, "TokenExpired"), (["--timeout", "5"], 5, "makes a new link")],
)
def test_nobody_comes(portrait, more, code, words):
    """The window closes, or patience ends."""
    ran = portrait("validate", *CALLBACK, *more)
    assert ran.code == code
    assert words in ran.err


def test_the_token_is_told_only_within_the_link(portrait):
    """The link must be opened, so it is shown; on stderr with `--quiet`, whose stdout is for ids."""
    ran = portrait("validate", *CALLBACK, "--timeout", "1", "--quiet")
    assert ran.out == ""
    assert ran.err.startswith("http://")
    assert ran.err.count("http://") == 1


def test_a_callback_that_is_no_address_is_refused(portrait):
    """By the service, before anything is waited for."""
    assert portrait("validate", "--callback-url", "nowhere").code == 3


@pytest.mark.parametrize(("quota", "code"), [("1", 3), ("2", 5), ("none", 5)])
def test_nobody_is_sent_to_scan_for_a_full_account(portrait, group, quota, code):
    """No link is shown where the person's group would have no room."""
    ran = portrait("validate", *CALLBACK, "--timeout", "0", "--quota", quota)
    assert ran.code == code
    assert ("h5_link" in ran.out, "1 of 1 groups" in ran.err, "--quota" in ran.err) == (code == 5, code == 3, code == 3)
