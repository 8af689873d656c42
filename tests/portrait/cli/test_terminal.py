"""What a person sees on a terminal: on a real one, on a narrow one."""

import io
import re

import pytest

from portrait.cli.progress import Progress, create_display
from tests.portrait.cli.sample_folders import make_plain


def test_progress_comes_and_goes_on_a_terminal(portrait, picture):
    """The lines stay, the bar does not; what is left of it are erased lines."""
    code, seen = portrait.on_terminal("put", picture("a.jpg"), picture("b.jpg", 401), "--group", "brand")
    assert code == 0
    assert seen.count("asset://asset-") == 2
    assert "━" in seen
    assert seen.rindex("\x1b[2K") < seen.rindex("2 files Active")


def test_a_terminal_sees_a_table(portrait, group):
    """By being one."""
    code, seen = portrait.on_terminal("groups")
    assert code == 0
    assert "NAME" in seen
    assert group in seen


def test_a_narrow_terminal_goes_without_the_least_needed(portrait, asset, monkeypatch):
    """The address is never cut."""
    monkeypatch.setenv("COLUMNS", "150")
    wide = portrait("assets", terminal=True).out
    monkeypatch.setenv("COLUMNS", "55")
    narrow = portrait("assets", terminal=True).out
    assert all(title in wide for title in ("TYPE", "CREATED", "GROUP"))
    assert not any(title in narrow for title in ("TYPE", "CREATED", "GROUP"))
    assert f"asset://{asset}" in narrow


def test_colours_only_where_they_are_wanted(portrait, asset, monkeypatch):
    """`NO_COLOR` is obeyed."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert asset in portrait.on_terminal("assets")[1]
    assert "\x1b[33m" not in portrait.on_terminal("assets")[1]


@pytest.mark.parametrize(
    ("done", "total", "in_bytes", "text"),
    [
        (12, 40, False, "12/40  4.0/s 0:00:03 0:00:07"),
        (40, 40, False, "40/40  13.3/s 0:00:03 0:00:00"),
        (1_200_000, 8_000_000, True, "1.2/8.0 MB  400.0 kB/s 0:00:03 0:00:17"),
    ],
)
def test_a_stage_says_how_far_how_fast_and_how_long(done, total, in_bytes, text):
    """In files or in bytes, then the time that has passed and the time that is left."""
    screen, now = io.StringIO(), [0.0]
    display = create_display(screen, lambda: now[0])
    progress = Progress(display, {"sent": total}, {"sent"} if in_bytes else ())
    progress.advance("sent", 0)
    now[0] = 3.0
    progress.advance("sent", done)
    display.console.print(display)
    assert text in screen.getvalue()


def test_a_spinner_turns_while_something_is_under_way(portrait, picture):
    """Of characters that every terminal has."""
    _, seen = portrait.on_terminal("put", picture("a.jpg"), "--group", "brand")
    assert re.search(r"-(\x1b\[0m)? checked", seen)


def test_what_has_no_room_is_told_before_anything_is_sent(portrait, client, group, tmp_path):
    """There is time to stop; and what has no room is not pluralize as reviewed."""
    for number in range(48):
        client.create_asset(group_id=group, url=f"https://cdn.example.com/{number}.jpg", asset_type="Image")
    code, seen = portrait.on_terminal("put", str(make_plain(tmp_path / "photos", 5)), "--group", "hosts")
    assert code == 1
    position = seen.index("hosts: The group holds 48 of 50 assets, and 5 more are wanted.")
    assert position < seen.index("asset://asset-")
    assert "reviewed" in seen[position:]
    assert "5/5" not in seen[position:]
    assert "2 files Active in hosts (" in seen
    assert "2 created; 3 left out: the group is full." in seen


def test_each_stage_has_a_line_while_it_lasts(portrait, stub, picture):
    """Checked, stored, created, reviewed; none of them stays."""
    code, seen = portrait.on_terminal(
        "put", picture("a.jpg"), "--group", "brand", "--to", "s3://portraits", "--endpoint-url", stub.url
    )
    assert code == 0
    assert all(stage in seen for stage in ("checked", "stored", "created", "reviewed"))
    assert re.search(r"[0-9]+/[0-9]+ bytes|[0-9.]+/[0-9.]+ [kM]B", seen), "what is stored is measured in bytes"
    assert seen.rindex("\x1b[2K") < seen.rindex("1 file Active in brand (group-")
