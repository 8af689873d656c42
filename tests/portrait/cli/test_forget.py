"""`forget`: a group, its assets and their objects are erased; what others use stays; what fails can be taken up."""

import json
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from portrait.errors import UsageError
from portrait.state.erasures import Erasures
from portrait.transports.urllib3_transport import Urllib3Transport
from tests.media_samples import image
from tests.portrait.cli.sample_folders import make_plain


@pytest.fixture
def storage(stub):
    """The options that name it."""
    return ["--to", "s3://portraits/faces", "--endpoint-url", stub.url]


@pytest.fixture
def people(portrait, storage, stub, tmp_path):
    """Alice has three files, Bob two; they share one. Returns the options of a `forget`."""
    make_plain(tmp_path / "people" / "alice", 3)
    make_plain(tmp_path / "people" / "bob", 1)  # the same content as Alice's first
    (tmp_path / "people" / "bob" / "own.jpg").write_bytes(image("jpeg", 800, 400))
    manifest = ["--manifest", str(tmp_path / "people.jsonl")]
    put = portrait("put", str(tmp_path / "people"), "--subfolders", *storage, *manifest, "--public-base",
                   stub.public_base)  # fmt: skip
    assert put.code == 0, put.err
    assert len(stub.bucket.objects) == 4
    return [*storage, *manifest]


def group_ids(client):
    """Names and ids of what is there."""
    return {group.name: group.id for group in client.iter_asset_groups()}


def test_the_object_of_another_person_is_kept_while_the_lists_move(portrait, client, stub, tmp_path, storage):
    """once-forget: 101 assets, the other user of the object is the oldest; one is deleted between two pages."""
    emulator = portrait.emulator
    emulator.service.control.patch_customer(emulator.api_key, assets=200)
    make_plain(tmp_path / "people" / "bob", 1)
    make_plain(tmp_path / "people" / "alice", 1)
    put = ["put", str(tmp_path / "people"), "--subfolders", *storage, "--public-base", stub.public_base]
    assert portrait(*put).code == 0
    alice, bob = (group_ids(client)[name] for name in ("alice", "bob"))
    (url,) = (f"{stub.public_base}/{key}" for key in stub.bucket.objects)
    emulator.clock.advance(1000)  # nothing of this counts as just created
    for asset in list(client.iter_assets(group_ids=[alice])):  # so that Bob's is the oldest
        client.delete_asset(id=asset.id)
    more = [client.create_asset(group_id=bob, url=url, asset_type="Image").id for _ in range(99)]
    assert portrait("put", str(tmp_path / "people" / "alice"), "--group", "alice", *put[3:]).code == 0
    emulator.clock.advance(60)
    deleted, calls = [], emulator.calls

    def on_call(request):
        if calls.count("ListAssets") - before == 2 and not deleted:
            deleted.append(client.delete_asset(id=more[-1]))

    before = calls.count("ListAssets")
    with after_each_call(on_call):
        planned = portrait("forget", "alice", *storage, "--dry-run")
    assert deleted
    assert planned.json["would_erase"]["objects"] == []
    ran = portrait("forget", "alice", *storage, "--yes")
    assert ran.code == 0, ran.err
    assert len(stub.bucket.objects) == 1
    assert len(ran.json["kept"]) == 1


@contextmanager
def after_each_call(listen):
    """Call `listen` whenever an answer has come, but for the calls that it makes itself."""
    real, busy = Urllib3Transport.send, []

    def send(transport, request):
        response = real(transport, request)
        if not busy:
            busy.append(request)
            listen(request)
            busy.clear()
        return response

    with patch.object(Urllib3Transport, "send", send):
        yield


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_person_is_erased_and_others_are_not(portrait, client, stub, storage, people, *, by):
    """advice-forget: her assets and objects are gone; what Bob uses is kept, and said; nothing is left, then as now."""
    alice = group_ids(client)["alice"]
    (shared,) = [asset.id for asset in client.iter_assets() if asset.group_id != alice and asset.name.startswith("00")]
    wanted = "alice" if by == "name" else alice
    ran = portrait("forget", wanted, *storage, "--yes")
    assert ran.code == 0, ran.err
    erased = ran.json["erased"]
    assert (erased["group"], len(erased["assets"]), len(erased["objects"])) == (True, 3, 2)
    assert ran.json["nothing_left"] is True
    assert [row["used_by"] for row in ran.json["kept"]] == [[shared]]
    assert set(group_ids(client)) == {"bob"}
    assert len(stub.bucket.objects) == 2
    again = portrait("forget", wanted, *storage, "--yes")
    assert (again.code, again.json["nothing_left"]) == (0, True)
    assert portrait("forget", wanted, *storage, "--yes", terminal=True).out == f"Nothing is left of {wanted}.\n"


def test_a_bucket_that_only_hides_objects_is_told(portrait, stub, people):
    """A withdrawn consent asks for more."""
    stub.bucket.versioned = True
    ran = portrait("forget", "alice", *people, "--yes")
    assert ran.code == 0
    assert "portrait: The bucket keeps versions: deleted objects are only hidden." in ran.err


def test_a_dry_run_erases_nothing(portrait, emulator, client, stub, people):
    """It says the same as the report."""
    ran = portrait("forget", "alice", *people, "--dry-run")
    assert ran.code == 0
    assert ran.json["erased"] == {"group": False, "assets": [], "objects": []}
    would = ran.json["would_erase"]
    assert (would["group"], len(would["assets"]), len(would["objects"])) == (True, 3, 2)
    assert ran.json["nothing_left"] is False
    assert emulator.calls.count("DeleteAssetGroup") == stub.count("DeleteObject") == 0
    seen = portrait("forget", "alice", *people, "--dry-run", terminal=True)
    assert "with 3 assets" in seen.out
    assert "2 stored objects" in seen.out


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_a_person_at_a_terminal_is_asked(portrait, client, people, answer, code):
    """Only a clear yes is one."""
    ran = portrait("forget", "alice", *people, stdin=answer, terminal=True, interactive=True)
    assert ran.code == code
    assert "To be erased, for good:" in ran.err
    assert ("alice" in group_ids(client)) == (code == 1)


def test_nobody_to_ask_needs_yes(portrait, emulator, people):
    """Exit code 2, and nothing is read."""
    before = emulator.calls.count()
    assert portrait("forget", "alice", *people).code == 2
    assert emulator.calls.count() == before


def test_a_group_that_nobody_knows_is_not_taken_for_erased(portrait, people):
    """A mistyped name must not look like a withdrawn consent."""
    ran = portrait("forget", "alicia", *people, "--yes")
    assert ran.code == 2
    assert "nothing says that there was one" in ran.err


def test_renamed_assets_and_orphans_are_found_by_the_manifest(portrait, client, stub, people, storage):
    """An object whose asset has another name by now, on either side, is known from what put wrote."""
    ids = group_ids(client)
    for asset in client.iter_assets():
        client.update_asset(id=asset.id, name="renamed")
    ran = portrait("forget", ids["alice"], *people, "--yes")
    assert ran.code == 0, ran.err
    assert len(ran.json["erased"]["objects"]) == 2
    assert len(ran.json["kept"]) == 1
    assert len(stub.bucket.objects) == 2


def test_a_manifest_begins_with_what_was_never_sent(portrait, client, people, tmp_path):
    """Files that were skipped or did not fit have no group's id: it is found further down."""
    alice = group_ids(client)["alice"]
    (tmp_path / "people" / "alice" / "small.png").write_bytes(image("png", 10, 10))
    (tmp_path / "people" / "alice" / "notes.txt").write_text("words")
    path = tmp_path / "new.jsonl"
    portrait("put", str(tmp_path / "people"), "--subfolders", "--manifest", str(path))
    assert [json.loads(line)["status"] for line in path.read_text().splitlines()[:2]] == ["Rejected", "Skipped"]
    client.delete_asset_group(id=alice)
    ran = portrait("forget", "alice", "--manifest", str(path), "--yes")
    assert ran.code == 0, ran.err
    assert (ran.json["group_id"], ran.json["nothing_left"]) == (alice, True)


def test_objects_in_no_place_that_was_named_are_told(portrait, client, stub, people):
    """Without --to the group goes, the objects stay, and the exit code says that this is not all."""
    manifest = people[-2:]
    ran = portrait("forget", "alice", *manifest, "--yes")
    assert ran.code == 1
    assert "Name the place with --to" in ran.err
    assert len(ran.json["elsewhere"]) == 3
    assert "alice" not in group_ids(client)
    later = portrait("forget", "alice", *people, "--yes")
    assert later.code == 0, later.err
    assert len(later.json["erased"]["objects"]) == 2
    assert len(stub.bucket.objects) == 2


@pytest.mark.parametrize("count", [3, 4])
def test_the_first_of_many_objects_elsewhere_are_named(portrait, group, tmp_path, count):
    """Up to three; --json has them all."""
    addresses = [f"s3://elsewhere/{number}.jpg" for number in range(count)]
    rows = [{"group_id": group, "stored_in": "elsewhere", "stored_key": f"{number}.jpg"} for number in range(count)]
    rows[0] |= {"group_id": "", "group": "hosts"}  # was stored before there was a group
    rows.append({"group_id": "", "group": "crew", "stored_in": "elsewhere", "stored_key": "another person's.jpg"})
    (tmp_path / "m.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ran = portrait("forget", "hosts", "--manifest", str(tmp_path / "m.jsonl"), "--yes")
    assert (ran.code, sorted(ran.json["elsewhere"])) == (1, addresses)
    addresses = ran.json["elsewhere"]
    assert f"{count} stored objects of the group: " in ran.err
    assert f"given: {', '.join(addresses[:3])}{' …' if count == 4 else ''}\n" in ran.err


@pytest.mark.parametrize("count", [5, 6])
def test_the_first_of_many_lines_and_objects_are_told_to_people(portrait, client, stub, storage, tmp_path, *, count):
    """Up to five: of a manifest that cannot be read, and of objects that stay, each with who uses it."""
    people, manifest = tmp_path / "people", tmp_path / "m.jsonl"
    for name in ("alice", "bob"):
        make_plain(people / name, count)
    put = ["put", str(people), "--subfolders", *storage, "--public-base", stub.public_base]
    assert portrait(*put).code == 0
    users = {asset.name[:2]: asset.id for asset in client.iter_assets(group_ids=[group_ids(client)["bob"]])}
    manifest.write_text("torn\n" * count)
    ran = portrait("forget", "alice", *storage, "--manifest", str(manifest), "--yes", terminal=True)
    assert ran.code == 0
    more = count - 5
    numbers = ", ".join(map(str, range(1, 6))) + " …" * more
    assert f"{manifest}: {count} lines cannot be read: {numbers}.\n" in ran.err
    erased, objects, in_use, *lines = ran.out.splitlines()
    assert erased.startswith("Erased group-")
    assert erased.endswith(f" with {count} assets.")
    assert objects == "Erased 0 stored objects."
    assert in_use == f"Kept {count} stored objects that other groups use:"
    assert {line.rpartition(": ")[2] for line in lines[:5]} <= set(users.values())
    assert lines[5:] == ["  and 1 more; --json lists them all."] * more


def test_a_group_that_bore_the_name_before_keeps_its_objects(portrait, client, stub, storage, tmp_path):
    """It is gone, and may have been another person's: whoever means it names its id."""
    manifest = ["--manifest", str(tmp_path / "m.jsonl")]
    for number in (0, 1):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(image("jpeg", 500 + number, 400))
        assert portrait("put", str(path), "--group", "alice", *storage, *manifest).code == 0
        if number == 0:
            (before,) = stub.bucket.objects
            client.delete_asset_group(id=group_ids(client)["alice"])
            portrait.emulator.clock.advance(1000)  # a group of a moment ago would be waited for
    ran = portrait("forget", "alice", *storage, *manifest, "--yes")
    assert ran.code == 0, ran.err
    assert list(stub.bucket.objects) == [before]


def test_an_object_that_cannot_be_deleted_is_taken_up_later(portrait, client, stub, storage, people):
    """The group goes all the same: what is left is noted, without any manifest."""
    stub.fault("DeleteObject", "status-before", status=403, code="AccessDenied", times=1000)
    ran = portrait("forget", "alice", *storage, "--yes")
    assert ran.code == 3
    assert "Allow the key" in ran.err
    failed = {row["what"]: row["error"]["kind"] for row in ran.json["failed"]}
    assert failed == dict.fromkeys(noted_objects(portrait), "AccessDenied")
    assert len(failed) == 2
    assert "alice" not in group_ids(client)
    stub.faults.clear()
    later = portrait("forget", "alice", *storage, "--yes")
    assert later.code == 0
    assert len(later.json["erased"]["objects"]) == 2
    assert len(stub.bucket.objects) == 2


@pytest.mark.parametrize("moment", ["first object", "all objects", "group"])
def test_stopped_in_the_middle_it_is_taken_up(portrait, client, stub, storage, people, *, monkeypatch, moment):
    """Whatever was done by then, the same command does the rest."""

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if moment == "first object":
            done = []
            patch.setattr("portrait.s3.ObjectStore.delete", lambda *_: killed() if done else done.append(1))
        elif moment == "all objects":
            patch.setattr("portrait.ensure.erase.DeleteAssetGroupRequest", killed)
        else:
            patch.setattr(Erasures, "record", _once(Erasures.record, then=killed))
        code = portrait("forget", "alice", *storage, "--yes").code
    assert code == 130
    later = portrait("forget", "alice", *storage, "--yes")
    assert later.code == 0, later.err
    assert "alice" not in group_ids(client)
    assert len(stub.bucket.objects) == 2


def _once(work, then):
    """The work at the first call, something else at the next ones."""
    calls = []

    def call(*args):
        calls.append(args)
        return work(*args) if len(calls) == 1 else then()

    return call


def test_the_state_holds_no_name(portrait, people):
    """A name is personal; its digest is not shown either way."""
    assert portrait("forget", "alice", *people, "--yes").code == 0
    files = [path for path in state_file(portrait).parent.iterdir() if path.is_file()]
    assert state_file(portrait) in files
    assert all(b"alice" not in path.read_bytes() for path in files)


def test_a_state_that_cannot_be_written_ends_it_before_anything_is_erased(portrait, client, stub, people):
    """What is begun must be noted."""
    ran = portrait("forget", "alice", *people, "--yes", "--state", "/dev/null/state.db")
    assert ran.code == 2
    assert "--state" in ran.err
    assert "alice" in group_ids(client)
    assert len(stub.bucket.objects) == 4


def test_a_verified_person_is_erased_too(portrait, emulator, client):
    """A group of a liveness check, without any object."""
    session = client.create_visual_validate_session(callback_url="https://example.com/done")
    emulator.validations.finish(session.byted_token, "pass")
    group = client.wait_until_validated(session).group_id
    ran = portrait("forget", group, "--yes")
    assert ran.code == 0
    assert ran.json["erased"]["group"] is True
    assert list(client.iter_asset_groups(group_type="LivenessFace")) == []


def state_file(portrait):
    """Where the command remembers."""
    return Path(portrait.environ["XDG_STATE_HOME"]) / "portrait" / "state.db"


def noted_objects(portrait):
    """What the state says is still to be erased."""
    with closing(sqlite3.connect(state_file(portrait))) as connection:
        return [
            row
            for (row,) in connection.execute("SELECT DISTINCT address FROM portrait_erased_objects ORDER BY address")
        ]


@pytest.mark.parametrize("elsewhere", [[], ["--to", "s3://portraits/other"]])
def test_noted_objects_that_a_run_cannot_reach_stay_noted(portrait, client, stub, storage, people, *, elsewhere):
    """The storage fails, then a run elsewhere erases the group: a run with the place still finds the objects."""
    endpoint = storage[2:] if elsewhere else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("portrait.ensure.erase.DeleteAssetGroupRequest", _refused)
        stub.fault("DeleteObject", "status-before", status=403, code="AccessDenied", times=1000)
        assert portrait("forget", "alice", *storage, "--yes").code != 0
    stub.faults.clear()
    remaining = noted_objects(portrait)
    assert len(remaining) == 2
    blind = portrait("forget", "alice", *elsewhere, *endpoint, "--yes")
    assert (blind.code, blind.json["nothing_left"]) == (1, False)
    assert "alice" not in group_ids(client)
    assert noted_objects(portrait) == blind.json["elsewhere"] == remaining
    again = portrait("forget", "alice", *elsewhere, *endpoint, terminal=True, interactive=True)  # nothing is asked
    assert again.code == 1
    assert again.out == "Nothing is left of alice but 2 stored objects.\n"
    assert "?" not in again.err
    assert noted_objects(portrait) == remaining
    later = portrait("forget", "alice", *storage, "--yes")
    assert later.code == 0, later.err
    assert later.json["erased"]["objects"] == remaining
    assert (noted_objects(portrait), len(stub.bucket.objects)) == ([], 2)
    assert portrait("forget", "alice", "--yes").json["nothing_left"] is True


def _refused(*_, **__):
    raise UsageError("Not now.")


def test_a_run_that_is_killed_forgets_no_object_that_it_cannot_reach(portrait, stub, people, monkeypatch):
    """What only the manifest names is noted before anything is erased."""
    monkeypatch.setattr("portrait.ensure.erase.DeleteAssetGroupRequest", _interrupted)
    ran = portrait("forget", "alice", *people[-2:], "--yes")
    assert ran.code == 130
    assert "with --dry-run it says what is left" in ran.err
    assert len(noted_objects(portrait)) == 3


def _interrupted(*_, **__):
    raise KeyboardInterrupt


@pytest.fixture
def two_alices(portrait, client, storage, stub, tmp_path):
    """Groups of one name in two projects, each with an object of its own, in one manifest; their ids and options."""
    manifest = ["--manifest", str(tmp_path / "people.jsonl")]
    ids = []
    for number, project in enumerate(("default", "other")):
        path = tmp_path / f"{project}.jpg"
        path.write_bytes(image("jpeg", 500 + number, 400))
        put = portrait("put", str(path), "--group", "alice", *storage, *manifest, "--public-base", stub.public_base,
                       "--project", project)  # fmt: skip
        assert put.code == 0, put.err
        ids.append(put.rows[0]["group_id"])
    return ids, [*storage, *manifest]


def test_another_group_of_the_same_name_keeps_its_objects(portrait, stub, two_alices):
    """A line of the manifest that names another group's id is another person's."""
    ids, options = two_alices
    ran = portrait("forget", "alice", *options, "--project", "other", "--yes")
    assert ran.code == 0, ran.err
    assert ran.json["group_id"] == ids[1]
    assert len(ran.json["erased"]["objects"]) == 1
    assert len(stub.bucket.objects) == 1


def strip_places(path):
    """As an older release wrote it."""
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    for row in rows:
        row.pop("project", None)
        row.pop("base_url", None)
    Path(path).write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def test_a_name_that_the_manifest_gives_to_several_groups_that_are_gone(portrait, emulator, stub, two_alices):
    """Which of them is meant must be said; by its id each is erased alone."""
    ids, options = two_alices
    for group_id, project in zip(ids, ("default", "other"), strict=True):
        emulator.client(project=project).delete_asset_group(id=group_id)
    strip_places(options[-1])
    ran = portrait("forget", "alice", *options, "--yes")
    assert ran.code == 2
    assert all(group_id in ran.err for group_id in ids)
    assert len(stub.bucket.objects) == 2
    one = portrait("forget", ids[0], *options, "--yes")
    assert one.code == 0, one.err
    assert len(one.json["erased"]["objects"]) == len(stub.bucket.objects) == 1


def test_a_manifest_says_in_which_project_a_group_was(portrait, emulator, stub, two_alices):
    """So that of two groups that are gone the one of this project is meant; and it tells no secret."""
    ids, options = two_alices
    for group_id, project in zip(ids, ("default", "other"), strict=True):
        emulator.client(project=project).delete_asset_group(id=group_id)
    text = Path(options[-1]).read_text()
    assert {json.loads(line)["project"] for line in text.splitlines()} == {"default", "other"}
    assert {json.loads(line)["base_url"] for line in text.splitlines()} == {emulator.base_url}
    assert emulator.api_key not in text
    ran = portrait("forget", "alice", *options, "--project", "other", "--yes")
    assert ran.code == 0, ran.err
    assert ran.json["group_id"] == ids[1]
    assert len(ran.json["erased"]["objects"]) == len(stub.bucket.objects) == 1
    first = portrait("forget", "alice", *options, "--yes")  # no project is the one called default
    assert (first.code, first.json["group_id"]) == (0, ids[0])
    assert stub.bucket.objects == {}
