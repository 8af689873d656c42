"""What a person sees on a terminal: on a real one, on a narrow one, and without rich."""

import re
import sys

import pytest
from rich.progress import Progress as RichProgress

from portrait.cli.stages import StageProgress, format_progress
from portrait.cli.tables import display_width
from tests.portrait.cli.sample_folders import make_plain


@pytest.fixture
def no_rich(monkeypatch):
    """As after a plain `pip install portrait-actions`."""
    for name in ("rich", "rich.console", "rich.table", "rich.text", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)


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


def test_without_rich_there_are_plain_lines(portrait, no_rich, group, picture):
    """No crash, no bar, the same facts."""
    code, seen = portrait.on_terminal("put", picture("a.jpg"), "--group", "hosts")
    assert code == 0
    assert "\x1b" not in seen
    assert "asset://asset-" in seen
    assert portrait("groups", terminal=True).out.splitlines()[1].split()[:3] == [group, "AIGC", "hosts"]


@pytest.mark.parametrize("rich", [True, False], ids=["rich", "plain"])
def test_a_narrow_terminal_goes_without_the_least_needed(portrait, asset, monkeypatch, request, rich):
    """The address is never cut."""
    if not rich:
        request.getfixturevalue("no_rich")
    monkeypatch.setenv("COLUMNS", "150")
    wide = portrait("assets", terminal=True).out
    monkeypatch.setenv("COLUMNS", "55")
    narrow = portrait("assets", terminal=True).out
    assert all(title in wide for title in ("TYPE", "CREATED", "GROUP"))
    assert not any(title in narrow for title in ("TYPE", "CREATED", "GROUP"))
    assert f"asset://{asset}" in narrow


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("中文", 4), ("é", 1), ("e\u0301", 1), ("", 0)])
def test_wide_characters_take_two_places(text, width):
    """So that columns stand under each other."""
    assert display_width(text) == width


def test_colours_only_where_they_are_wanted(portrait, asset, monkeypatch):
    """`NO_COLOR` is obeyed."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert asset in portrait.on_terminal("assets")[1]
    assert "\x1b[33m" not in portrait.on_terminal("assets")[1]


@pytest.mark.parametrize(
    ("done", "total", "rate", "in_bytes", "words"),
    [
        (0, 40, 0.0, False, "0/40"),
        (12, 40, 3.1, False, "12/40  3.1/s  9 s left"),
        (40, 40, 3.1, False, "40/40"),
        (10, 4000, 2.0, False, "10/4000  2.0/s  33 min left"),
        (1_200_000, 8_000_000, 400_000.0, True, "1.2/8.0 MB  0.4 MB/s  17 s left"),
        (100_000, 400_000, 30_000.0, True, "0.1/0.4 MB  30 kB/s  10 s left"),
    ],
)
def test_a_stage_says_how_far_how_fast_and_how_long(done, total, rate, in_bytes, words):
    """In as few words as a narrow terminal holds."""
    assert format_progress(done, total, rate, in_bytes=in_bytes) == words


@pytest.mark.parametrize(("still", "words"), [(0.4, "0/1"), (12.3, "0/1  12 s")])
def test_a_stage_that_stands_still_says_for_how_long(still, words):
    """A single review gives no rate: the seconds show that somebody waits."""
    assert format_progress(0, 1, 0.0, in_bytes=False, still=still) == words
    assert format_progress(1, 1, 0.0, in_bytes=False, still=still) == "1/1"


def test_only_the_line_that_the_others_wait_for_counts_seconds():
    """The rest has not begun, or is done."""
    shown = RichProgress(get_time=iter(range(100)).__next__, auto_refresh=False)
    lines = StageProgress(shown, {"created": 1, "reviewed": 1}, frozenset())
    created, reviewed = shown.tasks
    life = created.fields["life"]
    assert life.still(created) > 0
    assert life.still(reviewed) == 0
    lines.advance("created")
    assert life.still(created) == 0
    assert life.still(reviewed) > 0


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
    told = seen.index("hosts: The group holds 48 of 50 assets, and 5 more are wanted.")
    assert told < seen.index("asset://asset-")
    assert "reviewed" in seen[told:]
    assert "5/5" not in seen[told:]
    assert "2 files Active in hosts (" in seen
    assert "2 created; 3 left out: the group is full." in seen


def test_each_stage_has_a_line_while_it_lasts(portrait, stub, picture):
    """Checked, stored, created, reviewed; none of them stays."""
    code, seen = portrait.on_terminal(
        "put", picture("a.jpg"), "--group", "brand", "--to", "s3://portraits", "--endpoint-url", stub.url
    )
    assert code == 0
    assert all(stage in seen for stage in ("checked", "stored", "created", "reviewed"))
    assert seen.rindex("\x1b[2K") < seen.rindex("1 file Active in brand (group-")
