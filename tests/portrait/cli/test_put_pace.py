"""`put` where the service limits creates: the command waits, says for how long, and keeps to --pace."""

import pytest

CREATES = 10
URLS = [f"https://cdn.example.com/{number}.jpg" for number in range(CREATES)]


@pytest.fixture
def entry(portrait, emulator):
    """Runs `put` for a customer with three creates a minute.

    One create at a time: threads that sleep on one manual clock move it past each other's turns.
    """
    key = emulator.customer(tier="entry")
    words = ("--group", "brand", "--concurrency", "1")
    return lambda *more, **options: portrait("put", *more, *words, PORTRAIT_API_KEY=key, **options)


def test_a_limit_is_waited_out(entry, emulator):
    """pace-entry: 10 Active, exit code 0, in about three minutes; few refused; said once, with seconds."""
    started = emulator.clock.monotonic()
    ran = entry(*URLS)
    assert ran.code == 0, ran.err
    assert [row["status"] for row in ran.rows] == ["Active"] * CREATES
    assert emulator.calls.count("CreateAsset") <= CREATES + 2
    assert 120 <= emulator.clock.monotonic() - started <= 300
    assert ran.err.count("the service limits creates: the next one is sent in ") == 1
    assert "--pace" in ran.err


def test_a_pace_is_kept_from_the_beginning(entry, emulator):
    """pace-entry: with --pace nothing is refused, and people read how long it takes."""
    started = emulator.clock.monotonic()
    ran = entry(*URLS, "--pace", "2.5/min", terminal=True)
    assert ran.code == 0, ran.err
    assert emulator.calls.count("CreateAsset") == CREATES
    assert emulator.clock.monotonic() - started >= (CREATES - 1) / 2.5 * 60
    assert "this takes about 4 minutes" in ran.err
    assert "limits creates" not in ran.err


def test_the_display_says_how_long_it_waits(entry, emulator, monkeypatch):
    """pace-entry: beside the stage, until a create is sent again."""
    seen = []
    monkeypatch.setattr("portrait.cli.progress.Progress.describe", lambda _, stage, text: seen.append((stage, text)))
    assert entry(*URLS[:5]).code == 0
    assert {stage for stage, _ in seen} == {"created"}
    assert all(text.startswith("next in ") and text.endswith(" s") for _, text in seen)


@pytest.mark.parametrize("pace", ["0", "-1/min", "fast", "nan", "inf/min", "3/hour", ""])
def test_a_pace_is_a_number_per_minute(portrait, emulator, picture, pace):
    """Anything else is a mistake, and nothing is sent."""
    ran = portrait("put", picture("a.jpg"), "--group", "brand", "--pace", pace)
    assert ran.code == 2
    assert "--pace" in ran.err
    assert emulator.calls.all() == []
