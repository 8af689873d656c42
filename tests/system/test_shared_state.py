"""Clients that share a state: what one has created, the others know, however lists lag and whoever is killed."""

import contextlib
import json
import subprocess
import sys
import threading

import pytest

from emulator.server import EmulatorServer
from portrait import PortraitClient
from portrait.ensure import FileState
from portrait.state.creates import Creates
from tests.media_samples import image
from tests.system.test_lagging_lists import Killed, killed_after
from tests.system.test_two_processes import ROOT
from tests.wire.media import png

LAG = 6
SPEED = 20


@pytest.fixture
def emulator(portrait_emulator):
    """An emulator whose lists and groups do not show what is younger than some seconds."""
    for action in ("ListAssets", "ListAssetGroups", "GetAssetGroup"):
        portrait_emulator.rules.add(match={"action": action}, do={"lag": LAG})
    return portrait_emulator


@pytest.fixture
def place(tmp_path):
    """Where the state is."""
    return tmp_path / "state.db"


def test_another_process_knows_the_group(colour, emulator, place):
    """once-restart: B asks for the group that A made a second before, and knows its id although no list shows it."""
    first = colour.run(colour.client(emulator, state=place).ensure_group, "brand")
    lists = emulator.calls.count("ListAssetGroups")
    emulator.clock.advance(1)
    second = colour.run(colour.client(emulator, state=place).ensure_group, "brand")
    assert (second.id, second.name) == (first.id, "brand")
    assert emulator.calls.count("ListAssetGroups") == lists
    assert emulator.calls.count("CreateAssetGroup") == 1


@pytest.mark.parametrize("by", ["this client", "somebody else", "renaming"])
def test_a_group_that_is_gone_is_forgotten(colour, emulator, place, by):
    """What was deleted or renamed is not the group of that name any more; a deletion of our own counts at once."""
    client = colour.client(emulator, state=place)
    first = colour.run(client.ensure_group, "brand").id
    if by == "this client":
        colour.run(client.delete_asset_group, id=first)
    elif by == "somebody else":
        emulator.client().delete_asset_group(id=first)
        emulator.clock.advance(180)
    else:
        emulator.client().update_asset_group(id=first, name="other")
        emulator.clock.advance(LAG)
    second = colour.run(colour.client(emulator, state=place).ensure_group, "brand").id
    assert second != first


def test_another_process_knows_the_asset(colour, emulator, place):
    """The same for an asset that no list shows."""
    group = emulator.client().create_asset_group(name="brand").id
    emulator.clock.advance(60)
    photo = image("jpeg", 400, 400)
    first = colour.run(colour.client(emulator, state=place).ensure_asset, photo, group_id=group, wait=False)
    second = colour.run(colour.client(emulator, state=place).ensure_asset, photo, group_id=group)
    assert (second.asset_id, second.state) == (first.asset_id, FileState.ACTIVE)
    assert emulator.calls.count("CreateAsset") == 1


@pytest.mark.parametrize("wait", ["wait_until_active", "watch_assets"])
def test_what_another_process_has_created_is_waited_for(colour, emulator, place, wait):
    """visible-asset: for as long as its own create would be, not for the ten seconds of an unknown id."""
    group = emulator.client().create_asset_group(name="brand").id
    emulator.clock.advance(60)
    emulator.rules.add(match={"action": "GetAsset"}, do={"lag": 30})
    emulator.rules.add(match={"action": "ListAssets"}, do={"lag": 30})
    first = colour.client(emulator, state=place)
    created = colour.run(first.ensure_assets, [image("jpeg", 400, 400)], group_id=group, wait=False)[0].asset_id
    second = colour.client(emulator, state=place)
    if wait == "wait_until_active":
        assert colour.run(second.wait_until_active, created).status == "Active"
    else:
        assert [end.state for end in colour.run(second.watch_assets, [created])] == ["Active"]


@pytest.fixture
def looked(monkeypatch):
    """Two processes meet between their looks and their creates: neither has seen anything of the other."""
    barrier, begin, waiting = threading.Barrier(2, timeout=10), Creates.begin, [None, None]

    def begin_together(state, *arguments):
        answer = begin(state, *arguments)
        if waiting:
            waiting.pop()
            barrier.wait()
        return answer

    monkeypatch.setattr(Creates, "begin", begin_together)


# Two states of their own show that this race makes two, so that one is the state's merit.
STATES = pytest.mark.parametrize(
    ("states", "creates"), [(("one", "one"), 1), (("one", "two"), 2)], ids=["shared", "own"]
)


@STATES
@pytest.mark.usefixtures("looked")
def test_of_two_that_want_the_same_asset_at_once_one_creates_it(colour, emulator, tmp_path, states, creates):
    """once-race-asset: both have looked and seen nothing; there is one create, and both get its asset."""
    group = emulator.client().create_asset_group(name="brand").id
    emulator.clock.advance(60)
    photo = image("jpeg", 400, 400)
    clients = [colour.client(emulator, state=tmp_path / name) for name in states]
    outcomes = colour.beside(
        *(lambda client=client: client.ensure_asset(photo, group_id=group, wait=False) for client in clients)
    )
    assert emulator.calls.count("CreateAsset") == creates
    assert len({outcome.asset_id for outcome in outcomes}) == 1
    assert sorted(outcome.origin for outcome in outcomes) == ["created", "existing"]


@STATES
@pytest.mark.usefixtures("looked")
def test_of_two_that_want_the_same_group_at_once_one_creates_it(colour, emulator, tmp_path, states, creates):
    """once-race: the same for a group; where there is one, none has to make way."""
    clients = [colour.client(emulator, state=tmp_path / name) for name in states]
    groups = colour.beside(*(lambda client=client: client.ensure_group("brand") for client in clients))
    assert emulator.calls.count("CreateAssetGroup") == creates
    assert groups[0].id == groups[1].id


@pytest.mark.parametrize("action", ["CreateAssetGroup", "upload"])
def test_whoever_is_killed_leaves_nothing_twice(colour, emulator, place, action):
    """once-kill: killed right after a create was carried out, before anybody read its answer; then to the end."""
    photos = [image("jpeg", 400, 400 + number) for number in range(4)]
    for _ in range(2):
        client = emulator.client(state=place, on_event=killed_after(action))
        with contextlib.suppress(Killed):  # a group that was found is not created again
            list(client.ensure_assets(photos, group_id=client.ensure_group("brand").id))
    client = colour.client(emulator, state=place)
    group = colour.run(client.ensure_group, "brand").id
    outcomes = colour.run(client.ensure_assets, photos, group_id=group)
    assert {outcome.state for outcome in outcomes} == {FileState.ACTIVE}
    emulator.rules.clear()
    assert len(list(emulator.client().iter_asset_groups())) == 1
    assert len(list(emulator.client().iter_assets())) == 4


def test_a_claim_of_the_dead_is_taken_over(emulator, place, colour):
    """Nobody waits for longer than a call of the dead one might have taken."""
    client = colour.client(emulator, state=place, timeout=5)
    memory = client._shared.memory
    group = emulator.client().create_asset_group(name="brand").id
    emulator.clock.advance(60)
    photo = image("jpeg", 400, 400)
    first = colour.run(client.ensure_asset, photo, group_id=group, wait=False)
    create = memory.open_state().creates.recent(memory.account, group, 60)[0][0]
    memory.open_state().creates.forget(memory.account, first.asset_id)
    emulator.client().delete_asset(id=first.asset_id)
    emulator.clock.advance(20)
    memory.open_state().claims.acquire(create.key, 25)
    started = emulator.clock.now()
    outcome = colour.run(client.ensure_asset, photo, group_id=group, wait=False)
    assert outcome.asset_id != first.asset_id
    assert 25 <= emulator.clock.now() - started < 60


@pytest.mark.parametrize("damaged", [False, True], ids=["new", "damaged"])
def test_a_state_makes_a_first_run_wait_only_if_it_was_damaged(colour, emulator, place, damaged):
    """What a lost one knew may be missing from lists: they are believed after the lag. A new one has lost nothing."""
    if damaged:
        place.write_bytes(b"SQLite format 3\0" + b"no more" * 1000)
    moments = {}
    client = colour.client(
        emulator,
        state=place,
        on_event=lambda event: moments.setdefault(getattr(event, "action", ""), emulator.clock.now()),
    )
    started = emulator.clock.now()
    group = colour.run(client.ensure_group, "brand")
    assert moments["CreateAssetGroup"] - started == pytest.approx(11 if damaged else 0, abs=0.5)
    if not damaged:
        started = emulator.clock.now()
        colour.run(client.ensure_asset, image("jpeg", 400, 400), group_id=group.id, wait=False)
        assert moments["upload"] - started < 1


@pytest.mark.slow
def test_processes_of_which_one_is_killed_create_each_file_once(tmp_path):
    """once-race-asset, once-kill: three processes, twelve files, lists that lag, a SIGKILL: twelve assets."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.png").write_bytes(png(400, 400 + number))
    with (
        EmulatorServer(clock=f"scaled:{SPEED}") as server,
        PortraitClient(api_key="sk-two-processes", base_url=f"{server.url}/v1") as client,
    ):
        group = client.create_asset_group(name="shared").id
        server.control.add_rule({"match": {"action": "ListAssets"}, "do": {"lag": LAG}})
        words = [f"{server.url}/v1", group, str(folder), str(SPEED), str(tmp_path / "state.db")]
        command = [sys.executable, "-m", "tests.system.ensure_process", *words]

        def start():
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
            assert process.stdout.readline() == "ready\n"
            process.stdin.write("go\n")
            process.stdin.flush()
            return process

        victim, *others = [start() for _ in range(3)]
        while not server.control.calls(action="CreateAsset", outcome="ok")["calls"]:
            threading.Event().wait(0.005)
        victim.kill()
        victim.communicate(timeout=60)
        outputs = [process.communicate(timeout=90)[0] for process in (*others, start())]
        server.control.delete_rules()
        assets = list(client.iter_assets(group_ids=[group]))
    assert len(assets) == len({asset.name for asset in assets}) == 12
    ids = {asset.id for asset in assets}
    for output in outputs:
        outcomes = [json.loads(line) for line in output.splitlines()]
        assert {outcome["state"] for outcome in outcomes} == {"Active"}
        assert {outcome["id"] for outcome in outcomes} == ids
