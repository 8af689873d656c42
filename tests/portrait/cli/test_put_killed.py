"""`put` as a process that is killed, interrupted, or loses its server: the next run puts everything right."""

import json
import signal
import threading

import pytest

from emulator.server import EmulatorServer
from emulator.settings import Settings
from portrait import PortraitClient
from tests.portrait.cli.kills import Victim, assert_one_each, kill_at_random
from tests.portrait.cli.sample_folders import make_plain
from tests.s3_stub import ACCESS_KEY, SECRET_KEY, S3Stub

pytestmark = pytest.mark.slow


@pytest.fixture
def server():
    """An emulator on a real socket and the machine's clock; reviews end at once."""
    with EmulatorServer(Settings(image_review=0.0)) as server:
        yield server


@pytest.fixture
def environ(server, tmp_path):
    """The environment of a user of it."""
    return {
        "PORTRAIT_BASE_URL": f"{server.url}/v1",
        "PORTRAIT_API_KEY": "me",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }


@pytest.fixture
def client(environ):
    """A client that looks at what is there."""
    with PortraitClient(base_url=environ["PORTRAIT_BASE_URL"], api_key="me") as client:
        yield client


def creates(server):
    """How many creates were carried out."""
    return len(server.control.calls(action="CreateAsset", outcome="ok")["calls"])


def test_killed_five_times(server, environ, client, tmp_path):
    """SIGKILL at random moments of 40 files: one asset each after the last run."""
    folder = make_plain(tmp_path / "photos", 40)
    words = ["put", str(folder), "--group", "brand", "--manifest", str(tmp_path / "manifest.jsonl")]
    kill_at_random(environ, words, lambda: creates(server), total=40, rounds=5, seed=7)
    assert_one_each(client, 40)
    assert creates(server) == 40
    lines = (tmp_path / "manifest.jsonl").read_text().splitlines()
    last = {row["file"]: row["status"] for row in map(json.loads, lines)}
    assert set(last.values()) == {"Active"}
    assert len(last) == 40


def test_killed_while_it_stores(server, environ, client, tmp_path):
    """The same through object storage: no object is written twice either."""
    folder = make_plain(tmp_path / "photos", 40)
    with S3Stub() as stub:
        words = ["put", str(folder), "--group", "brand", "--to", "s3://portraits/faces", "--endpoint-url", stub.url]
        words += ["--public-base", stub.public_base]
        kill_at_random(environ, words, lambda: len(stub.bucket.objects), total=40, rounds=3, seed=11)
        assert len(stub.bucket.objects) == 40
    assert_one_each(client, 40)
    assert creates(server) == 40


def test_ctrl_c_finishes_what_is_under_way(server, environ, client, tmp_path):
    """130, how far it got, a sentence that says how to go on, and the same command does; nothing is created twice."""
    folder = make_plain(tmp_path / "photos", 40)
    words = ["put", str(folder), "--group", "brand"]
    server.control.add_rule({"match": {"action": "CreateAsset"}, "do": {"delay": 0.02}})
    victim = Victim(environ, *words)
    while creates(server) < 5 and victim.process.poll() is None:
        threading.Event().wait(0.002)
    victim.process.send_signal(signal.SIGINT)
    code, _, err = victim.end()
    assert code == 130
    sent = creates(server)
    assert sent < 40
    assert err == (
        f"\nportrait: interrupted.\n  0 of 40 files Active, {sent} still in review, {40 - sent} still to be sent.\n"
        "  → The same command goes on where this one stopped; nothing is sent twice.\n"
    )
    assert Victim(environ, *words).end()[0] == 0
    assert_one_each(client, 40)
    assert creates(server) == 40


def test_a_second_ctrl_c_does_not_wait(server, environ, tmp_path):
    """A call that hangs does not hold the user."""
    server.control.add_rule({"match": {"action": "CreateAsset"}, "do": {"delay": 60}})
    victim = Victim(environ, "put", str(make_plain(tmp_path / "photos", 8)), "--group", "brand")
    while not server.control.calls(action="CreateAssetGroup", outcome="ok")["calls"]:
        threading.Event().wait(0.002)
    threading.Event().wait(0.05)
    while victim.process.poll() is None:
        victim.process.send_signal(signal.SIGINT)
        threading.Event().wait(0.05)
    # One more while Python takes itself down, which is long on a busy machine, kills it; a shell calls both 130.
    assert victim.end()[0] in {130, -signal.SIGINT}


def test_a_server_that_goes_away_and_comes_back(environ, server, client, tmp_path):
    """Exit code 4 and one sentence; when it is back, with what it had, the same command goes on."""
    folder = make_plain(tmp_path / "photos", 40)
    words = ["put", str(folder), "--group", "brand"]
    server.control.add_rule({"match": {"action": "CreateAsset"}, "do": {"delay": 0.02}})
    victim = Victim(environ, *words)
    while creates(server) < 5 and victim.process.poll() is None:
        threading.Event().wait(0.002)
    port = int(server.url.rpartition(":")[2])
    server.stop()
    code, out, err = victim.end()
    assert code == 4, err
    assert len(out.splitlines()) == 40
    assert "portrait doctor" in err
    with EmulatorServer(service=server.service, port=port):
        code, out, err = Victim(environ, *words).end()
        assert code == 0, err
        assert_one_each(client, 40)
        assert creates(server) == 40
