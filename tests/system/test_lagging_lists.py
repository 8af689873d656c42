"""Lists that lag behind creates, after a process was killed: the state makes the next run wait."""

import pytest

from portrait.events import CallFinished
from tests.media_samples import image

LAG = 10


class Killed(BaseException):
    """Ends a run at once, as SIGKILL would: nothing after it is carried out."""


def killed_after(action):
    """A listener that kills as soon as that Action was carried out, before anybody hears of it."""

    def listen(event):
        if isinstance(event, CallFinished) and event.action == action and event.error is None:
            raise Killed

    return listen


@pytest.fixture
def emulator(portrait_emulator):
    """An emulator whose lists do not see what is younger than some seconds."""
    for action in ("ListAssets", "ListAssetGroups"):
        portrait_emulator.rules.add(match={"action": action}, do={"lag": LAG})
    return portrait_emulator


@pytest.mark.parametrize(("remembers", "assets"), [(True, 1), (False, 2)], ids=["state", "no state"])
def test_a_create_that_is_hidden_is_waited_for(colour, emulator, tmp_path, *, remembers, assets):
    """With a state the second run finds the asset; without one it makes another, as a first run would."""
    state = {"state": tmp_path / "state.db"} if remembers else {}
    group = emulator.client().create_asset_group(name="hosts").id
    photo = image("jpeg", 400, 400)
    with pytest.raises(Killed):
        list(emulator.client(on_event=killed_after("upload"), **state).ensure_assets([photo], group_id=group))
    (outcome,) = colour.run(colour.client(emulator, **state).ensure_assets, [photo], group_id=group)
    assert outcome.state == "Active"
    emulator.clock.advance(LAG)
    assert len(list(emulator.client().iter_assets())) == assets


@pytest.mark.parametrize(("remembers", "groups"), [(True, 1), (False, 2)], ids=["state", "no state"])
def test_a_group_that_is_hidden_is_waited_for(colour, emulator, tmp_path, *, remembers, groups):
    """The same for a group and its name, which the state does not hold."""
    state = {"state": tmp_path / "state.db"} if remembers else {}
    with pytest.raises(Killed):
        emulator.client(on_event=killed_after("CreateAssetGroup"), **state).ensure_group("hosts")
    colour.run(colour.client(emulator, **state).ensure_group, "hosts")
    emulator.clock.advance(LAG)
    assert len(list(emulator.client().iter_asset_groups())) == groups
    assert not remembers or b"hosts" not in (tmp_path / "state.db").read_bytes()


def test_what_was_refused_is_not_waited_for(emulator, tmp_path):
    """A refusal is an answer: the next run begins at once."""
    state = {"state": tmp_path / "state.db"}
    client = emulator.client(**state)
    group = client.create_asset_group(name="hosts").id
    emulator.clock.advance(LAG)
    emulator.rules.add(match={"action": "CreateAsset"}, when={"first": 1}, do={"error": "AssetQuotaFull"})
    photo = image("jpeg", 400, 400)
    (full,) = client.ensure_assets([photo], group_id=group)
    assert full.state == "NoRoom"
    before = emulator.clock.now()
    (late,) = emulator.client(**state).ensure_assets([photo], group_id=group, wait=False)
    assert late.asset_id
    # Only what was created now has to be seen before it is agreed upon.
    assert emulator.calls.count("CreateAsset") == 2
    assert emulator.clock.now() - before <= LAG + 1


def test_what_the_next_run_does_not_want_is_not_waited_for(emulator, tmp_path):
    """Another file of the same group goes its way."""
    group = emulator.client().create_asset_group(name="hosts").id
    state = {"state": tmp_path / "state.db"}
    killer = emulator.client(on_event=killed_after("upload"), **state)
    with pytest.raises(Killed):
        list(killer.ensure_assets([image("jpeg", 400, 400)], group_id=group))
    started = emulator.clock.now()
    moments = []
    client = emulator.client(
        on_event=lambda event: moments.append((getattr(event, "action", ""), emulator.clock.now())), **state
    )
    list(client.ensure_assets([image("jpeg", 401, 400)], group_id=group))
    assert ("upload", started) in moments
