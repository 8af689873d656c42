"""`put` of folders: every file is accounted for, by CreateAsset or by the upload, and the second run does nothing."""

import json
import os
from pathlib import Path

import pytest

from portrait.cli.report import overall_exit_code
from portrait.cli.select import ENDINGS
from portrait.ensure import FileOutcome, FileState, sources
from portrait.errors import AssetFailed, AuthError, ConnectFailed, UsageError, WaitTimeout
from portrait.media import MEDIA_TYPES
from portrait.models import Asset
from tests.media_samples import image
from tests.portrait.cli.sample_folders import GOOD, make_mixed, make_plain

CREATES = ("CreateAsset", "CreateAssetGroup")


@pytest.fixture(params=["gateway", "storage"])
def put(request, portrait, tmp_path):
    """Runs `put` through one of the two doors, with a manifest."""
    options = ["--manifest", str(tmp_path / "manifest.jsonl")]
    if request.param == "storage":
        stub = request.getfixturevalue("stub")
        options += ["--to", "s3://portraits/faces", "--endpoint-url", stub.url, "--public-base", stub.public_base]

    def put(*words, **more):
        return portrait("put", *words, *options, **more)

    put.stub = stub if request.param == "storage" else None
    return put


def counts(emulator, put):
    """What was written so far, on both sides."""
    return [emulator.calls.count(action) for action in CREATES] + [put.stub.count("PutObject") if put.stub else 0]


def manifest(tmp_path):
    """The lines that say what became of files."""
    lines = (tmp_path / "manifest.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["status"] != "Stored"]


def test_sixty_mixed_files(put, emulator, client, tmp_path):
    """Each has one outcome; the good ones are Active, the double shares an asset; again, nothing is written."""
    folder = tmp_path / "photos"
    bad = make_mixed(folder)
    ran = put(str(folder), "--group", "brand")
    assert ran.code == 1
    by_name = {Path(row["file"]).name: row for row in ran.rows}
    assert len(ran.rows) == len(by_name) == 60
    assert {name for name, row in by_name.items() if row["status"] == "Rejected"} == bad
    assert {row["status"] for name, row in by_name.items() if name not in bad} == {"Active"}
    assert by_name["00 again.jpeg"]["uri"] == by_name["00.jpeg"]["uri"]
    assert by_name["00.jpeg"]["same_as"] == str(folder / "00 again.jpeg")
    active = 60 - len(bad) - 1
    assert len(list(client.iter_assets())) == active
    assert all(f"{folder}/{name}" in ran.err for name in bad)
    added = dict.fromkeys(("time", "base_url", "project"))
    assert [row | added for row in manifest(tmp_path)] == [row | added for row in ran.rows]
    assert counts(emulator, put) == [active, 1, active if put.stub else 0]

    again = put(str(folder), "--group", "brand")
    assert again.code == 1
    assert {row["file"]: row["uri"] for row in again.rows} == {row["file"]: row["uri"] for row in ran.rows}
    assert counts(emulator, put) == [active, 1, active if put.stub else 0]
    assert active + ("secret.jpg" in bad) == GOOD


def test_a_file_that_vanishes_meanwhile_is_told(put, tmp_path, monkeypatch, client):
    """Looked at, and gone when its turn comes: the others go their way."""
    folder = make_plain(tmp_path / "photos", 4)
    identify = sources.identify

    def vanishing(source, *rest):
        found = identify(source, *rest)
        if str(source).endswith("01.jpg"):
            Path(source).unlink()
        return found

    monkeypatch.setattr("portrait.ensure.sources.identify", vanishing)
    ran = put(str(folder), "--group", "brand")
    assert ran.code == 1
    assert {Path(row["file"]).name: row["status"] for row in ran.rows}.pop("01.jpg") == "Rejected"
    assert [row["status"] for row in ran.rows].count("Active") == 3
    assert len(list(client.iter_assets())) == 3


def test_bad_files_alone_make_no_group(put, emulator, tmp_path):
    """Nothing is sent, not even a question."""
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "small.png").write_bytes(image("png", 10, 10))
    ran = put(str(tmp_path / "empty.jpg"), str(tmp_path / "small.png"), "--group", "brand")
    assert ran.code == 1
    assert [row["status"] for row in ran.rows] == ["Rejected", "Rejected"]
    assert emulator.calls.all() == []
    assert not put.stub or put.stub.calls == []


def test_other_files_in_a_folder_are_skipped_and_counted(put, client, tmp_path):
    """Nobody meant them: they fail nothing, and every file is accounted for."""
    folder = make_plain(tmp_path / "photos", 2)
    (folder / "notes.txt").write_text("words")
    (folder / "sub").mkdir()
    (folder / "sub" / "LIST.CSV").write_text("a,b")
    (folder / "no ending").write_bytes(image("jpeg", 900, 400))  # a picture all the same
    ran = put(str(folder), "--group", "brand")
    assert ran.code == 0
    assert ran.err == ""
    by_name = {Path(row["file"]).name: row["status"] for row in ran.rows}
    assert by_name == {
        "00.jpg": "Active", "01.jpg": "Active", "no ending": "Active", "notes.txt": "Skipped", "LIST.CSV": "Skipped"
    }  # fmt: skip
    assert {Path(row["file"]).name: row["status"] for row in manifest(tmp_path)} == by_name
    assert len(list(client.iter_assets())) == 3
    people = put(str(folder), "--group", "brand", terminal=True)
    lines = [line for line in people.out.splitlines() if line and line.isprintable()]  # beside the display
    assert all(line.startswith("asset://asset-") for line in lines)
    assert f"2 other files skipped: {folder}/notes.txt, {folder}/sub/LIST.CSV." in people.err
    plan = put(str(folder), "--group", "brand", "--dry-run")
    assert plan.code == 0
    assert [Path(one["file"]).name for one in plan.json["skipped"]] == ["notes.txt", "LIST.CSV"]


def test_hidden_items_and_linked_folders_are_named_when_they_are_left_out(portrait, client, tmp_path):
    """Whoever misses a person's pictures reads why; what is named by itself is sent."""
    folder = make_plain(tmp_path / "photos", 1)
    other = make_plain(tmp_path / "elsewhere", 2)
    (folder / ".thumbs").mkdir()
    (folder / ".thumbs" / "a.jpg").write_bytes(image("jpeg", 500, 500))
    (folder / ".hidden.jpg").write_bytes(image("jpeg", 501, 500))
    (folder / "bob").symlink_to(other)
    ran = portrait("put", str(folder), "--group", "brand")
    assert ran.code == 0
    skipped = {Path(row["file"]).name: row["reason"] for row in ran.rows if row["status"] == "Skipped"}
    assert skipped == {".thumbs": "hidden", ".hidden.jpg": "hidden", "bob": "linked folder"}
    assert len(list(client.iter_assets())) == 1
    for mode in (["--dry-run"], ["--subfolders"]):
        people = portrait("put", str(folder), "--group", "brand", *mode, terminal=True)
        assert f"2 hidden items skipped: {folder}/.hidden.jpg, {folder}/.thumbs." in people.out + people.err
        assert f"1 linked folder skipped: {folder}/bob." in people.out + people.err
    assert portrait("put", str(folder / "bob"), str(folder / ".hidden.jpg"), "--group", "brand").code == 0
    assert len(list(client.iter_assets())) == 3  # two folders have one picture in common


def test_a_folder_of_hidden_files_alone_says_so(portrait, tmp_path):
    """There is nothing to send, and the reason is not a riddle."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / ".a.jpg").write_bytes(image("jpeg", 500, 500))
    ran = portrait("put", str(tmp_path / "photos"), "--group", "brand")
    assert ran.code == 2
    assert f"1 hidden item skipped: {tmp_path}/photos/.a.jpg." in ran.err


def test_a_file_that_is_named_is_meant(portrait, tmp_path):
    """Whatever its name says, in a folder that is named as well; and a broken picture is meant too."""
    folder = make_plain(tmp_path / "photos", 1)
    (folder / "notes.txt").write_text("words")
    words = [str(folder), str(folder / "notes.txt")]
    for named in (words, words[::-1]):
        ran = portrait("put", *named, "--group", "brand")
        assert ran.code == 1
        assert {Path(row["file"]).name: row["status"] for row in ran.rows} == {
            "00.jpg": "Active", "notes.txt": "Rejected"
        }  # fmt: skip
    (folder / "notes.txt").rename(folder / "notes.HEIC")
    ran = portrait("put", str(folder), "--group", "brand")
    assert ran.code == 1
    assert [row["status"] for row in ran.rows].count("Rejected") == 1


def test_a_folder_without_media_is_a_mistake(portrait, emulator, tmp_path):
    """Exit code 2; it will be another folder that was meant."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("words")
    os.mkfifo(tmp_path / "notes" / "pipe")
    ran = portrait("put", str(tmp_path / "notes"), "--group", "brand")
    assert ran.code == 2
    assert "There are no images, video or audio in" in ran.err
    assert emulator.calls.all() == []


def test_every_format_is_known_by_its_ending():
    """Whatever `sniff` knows is meant when its name says so, if only to be refused by name."""
    known = {ending for endings in ENDINGS.values() for ending in endings.split()}
    assert {kind.extension[1:] for kind in MEDIA_TYPES.values()} <= known


def test_files_that_do_not_fit_do_not_hide_why_nothing_was_sent(portrait, emulator, tmp_path):
    """Exit code 3 for a refused key, whatever else is in the folder; and it is known which group was meant."""
    make_mixed(tmp_path / "photos")
    emulator.rules.add(match={"action": "ListAssetGroups"}, do={"error": "KeyUnknown"})
    ran = portrait("put", str(tmp_path / "photos"), "--group", "brand")
    assert ran.code == 3
    assert {row["status"] for row in ran.rows} == {"Rejected", "Refused"}
    assert {row["group"] for row in ran.rows} == {"brand"}
    people = portrait("put", str(tmp_path / "photos"), "--group", "brand", terminal=True)
    assert people.err.splitlines()[-1] == "brand: 9 rejected, 51 refused."


REJECTED, FAILED, REFUSED, TIMED_OUT, DONE, LOST = (
    FileOutcome(source="a", state=state, error=error)
    for state, error in (
        (FileState.REJECTED, UsageError("x")),
        (FileState.FAILED, AssetFailed("x", asset=Asset(id="asset-1"))),
        (FileState.REFUSED, AuthError("x")),
        (FileState.TIMED_OUT, WaitTimeout("x", waited=1.0)),
        (FileState.ACTIVE, None),
        (FileState.STOPPED, ConnectFailed("x")),
    )
)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([DONE, DONE], 0),
        ([DONE, REJECTED], 1),
        ([DONE, REFUSED], 1),
        ([DONE, TIMED_OUT], 1),
        ([REJECTED, REJECTED], 1),
        ([REFUSED, REFUSED], 3),
        ([REFUSED, REJECTED], 3),
        ([REFUSED, FAILED], 1),
        ([TIMED_OUT, TIMED_OUT], 5),
        ([TIMED_OUT, REJECTED], 5),
        ([TIMED_OUT, REFUSED], 1),
        ([DONE, REJECTED, LOST], 4),
        ([LOST, REJECTED], 4),
    ],
)
def test_the_exit_code_of_many_files(outcomes, code):
    """What all have in common that could be sent; the network before all, since the same command then goes on."""
    assert overall_exit_code(outcomes) == code


def test_two_files_of_one_content_say_so(portrait, client, tmp_path):
    """`origin` is how their asset came to be, as the library says; `same_as` names the file that it came from."""
    folder = make_plain(tmp_path / "photos", 1)
    (folder / "again.jpg").write_bytes((folder / "00.jpg").read_bytes())
    rows = portrait("put", str(folder), "--group", "brand").rows
    (group,) = client.iter_asset_groups()
    assert [row["origin"] for row in rows] == ["created", "created"]
    assert [row.get("same_as") for row in rows] == [None, rows[0]["file"]]
    people = portrait("put", str(folder), "--group", "other", terminal=True)
    assert "1 created, 1 duplicate." in people.err
    outcomes = list(client.ensure_assets(str(folder), group_id=group.id))
    again = portrait("put", str(folder), "--group", "brand").rows
    assert {one.source: str(one.origin) for one in outcomes} == {row["file"]: row["origin"] for row in again}


def test_each_subfolder_is_a_group(portrait, put, client, emulator, tmp_path):
    """Files of the folder itself go to --group; all groups are waited for together."""
    for name, count in (("alice", 2), ("bob", 1)):
        make_plain(tmp_path / "people" / name, count)
    (tmp_path / "people" / "other.jpg").write_bytes(image("jpeg", 777, 400))
    (tmp_path / "people" / "carol").mkdir()
    assert portrait("doctor").code == 0  # begins the state, which believes no list that lacks something at first
    emulator.clock.advance(11)
    before = emulator.clock.now()
    ran = put(str(tmp_path / "people"), "--subfolders", "--group", "others")
    assert ran.code == 0, ran.err
    named = {group.id: group.name for group in client.iter_asset_groups()}
    assert sorted(named.values()) == ["alice", "bob", "others"]
    assert sorted(row["group"] for row in ran.rows) == ["alice", "alice", "bob", "others"]
    assert all(named[row["group_id"]] == row["group"] for row in ran.rows)
    assert emulator.clock.now() - before < 10


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_subfolder_whose_name_is_no_text_is_refused(portrait, emulator, tmp_path, dry):
    """Its group could not be named; exit code 2, and nothing was sent."""
    folder = tmp_path / os.fsdecode(b"people/a\xff")
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(image("jpeg", 400, 400))
    ran = portrait("put", str(folder.parent), "--subfolders", *dry)
    assert (ran.code, emulator.calls.count()) == (2, 0)
    assert r"The group's name is no valid UTF-8: 'a\udcff'." in ran.err


@pytest.mark.parametrize(
    ("rule", "calls"),
    [
        ({"match": {"action": "ListAssets"}, "do": {"error": "KeyUnknown"}}, 1),
        ({"match": {"action": "CreateAsset"}, "when": {"first": 1}, "do": {"error": "KeyUnknown"}}, 1),
        ({"match": {"action": "ListAssets"}, "when": {"first": 1}, "do": {"error": "UnknownGroup"}}, 2),
        ({"match": {"action": "CreateAsset"}, "when": {"first": 1}, "do": {"error": "AssetQuotaFull"}}, 2),
    ],
    ids=["key, before", "key, under way", "group, before", "full, under way"],
)
def test_what_stops_one_group_may_stop_the_others(portrait, emulator, tmp_path, rule, calls):
    """A key does, whenever it is refused; a group that is full or gone says nothing of others."""
    for name in ("alice", "bob"):
        make_plain(tmp_path / "people" / name, 1)
    for name in ("alice", "bob"):
        emulator.client().create_asset_group(name=name)
    emulator.rules.add(**rule)
    ran = portrait("put", str(tmp_path / "people"), "--subfolders", "--no-wait")
    assert emulator.calls.count("ListAssetGroups") == calls
    assert {row["group"]: row["status"] for row in ran.rows}["bob"] == ("Late" if calls == 2 else "Refused")


def test_other_assets_with_the_content_are_named(portrait, client, group, tmp_path):
    """In the record, and for people at the end; nothing is made of them."""
    folder = make_plain(tmp_path / "photos", 1)
    assert portrait("put", str(folder), "--group", "hosts").code == 0
    (asset,) = client.iter_assets()
    twin = client.create_asset(group_id=group, url="https://cdn.example/a.jpg", asset_type="Image", name=asset.name).id
    ran = portrait("put", str(folder), "--group", "hosts")
    assert [(row["asset_id"], row["duplicates"]) for row in ran.rows] == [(asset.id, [twin])]
    people = portrait("put", str(folder), "--group", "hosts", terminal=True)
    assert f"Other assets with the same content: {twin}. `portrait rm` deletes them." in people.err


def test_a_dry_run_writes_nothing(put, emulator, client, tmp_path):
    """It says what is new, what is there, how much it is, and whether there is room."""
    folder = make_plain(tmp_path / "photos", 3)
    assert put(str(folder), "--group", "brand").code == 0
    (folder / "new.jpg").write_bytes(image("jpeg", 900, 400))
    (folder / "new again.jpg").write_bytes(image("jpeg", 900, 400))
    before = counts(emulator, put)
    ran = put(str(folder), "--group", "brand", "--dry-run")
    assert ran.code == 0
    (plan,) = ran.json["groups"]
    assert (plan["new"], plan["existing"], plan["duplicates"], plan["room"]) == (1, 3, 1, 47)
    assert plan["bytes"] == (folder / "new.jpg").stat().st_size
    other = put(str(folder), "--group", "elsewhere", "--dry-run").json
    assert (other["groups"][0]["group_id"], other["groups_to_make"], other["groups_free"]) == (None, 1, 49)
    to_send = ["new.jpg"] if put.stub else ["new.jpg", "00.jpg", "01.jpg", "02.jpg"]  # the bucket has the others
    assert other["groups"][0]["bytes"] == sum((folder / name).stat().st_size for name in to_send)
    assert counts(emulator, put) == before
    assert len(manifest(tmp_path)) == 3


def test_people_read_the_plan_of_a_dry_run(portrait, tmp_path):
    """A few lines for each group, and that nothing was sent."""
    folder = make_plain(tmp_path / "photos", 2)
    ran = portrait("put", str(folder), "--group", "brand", "--dry-run", terminal=True)
    assert "brand: a new group" in ran.out
    assert "2 new, " in ran.out
    assert "room for 50, needed 2" in ran.out
    assert "Nothing was sent" in ran.err


def test_addresses_go_as_they_are(portrait, client):
    """The service fetches them; their type is told by the ending, or said."""
    ran = portrait("put", "https://cdn.example.com/host.jpg", "https://cdn.example.com/voice", "--asset-type", "audio",
                   "--group", "brand", "--no-wait")  # fmt: skip
    assert ran.code == 0, ran.err
    assert {row["status"] for row in ran.rows} == {"Late"}
    assert {str(asset.asset_type) for asset in client.iter_assets()} == {"Audio"}


def test_a_full_group_ends_creating_and_not_waiting(put, emulator, tmp_path):
    """What was created is Active; the rest is told once; after room was made the same command goes on."""
    folder = make_plain(tmp_path / "photos", 6)
    emulator.service.control.patch_customer(emulator.api_key, assets=4)
    ran = put(str(folder), "--group", "brand", "--concurrency", "1")
    assert ran.code == 1
    assert sorted(row["status"] for row in ran.rows) == ["Active"] * 4 + ["NoRoom"] * 2
    assert emulator.calls.count("CreateAsset") == 5
    assert ran.err.count("portrait: ") == 1
    emulator.service.control.patch_customer(emulator.api_key, assets=50)
    assert put(str(folder), "--group", "brand").code == 0


def test_the_same_fault_of_many_is_told_once(portrait, emulator, tmp_path):
    """Three names, and how many more."""
    emulator.rules.add(match={"action": "CreateAsset"}, do={"error": "SubscriptionRequired"})
    ran = portrait("put", str(make_plain(tmp_path / "photos", 9)), "--group", "brand")
    assert ran.code == 3
    assert len(ran.rows) == 9
    assert ran.err.count("portrait: ") == 1
    assert "and 6 more" in ran.err


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (("PutObject", 403, "AccessDenied"), 3, "Allow the key"),
        (("PutObject", 403, "InvalidAccessKeyId"), 3, "AWS_ACCESS_KEY_ID"),
        (("ListObjectsV2", 404, "NoSuchBucket"), 3, "buckets are not created"),
    ],
)
def test_a_storage_that_refuses_ends_it_at_once(portrait, emulator, stub, tmp_path, *, fault, code, message):
    """One sentence for all files; nothing is created, nothing is tried 40 times."""
    operation, status, name = fault
    stub.fault(operation, "status-before", status=status, code=name, times=1000)
    folder = make_plain(tmp_path / "photos", 20)
    ran = portrait("put", str(folder), "--group", "brand", "--to", "s3://portraits", "--endpoint-url", stub.url)
    assert ran.code == code
    assert len(ran.rows) == 20
    assert message in ran.err
    assert ran.err.count("portrait: ") == 1
    assert emulator.calls.count("CreateAsset") == 0
    assert stub.count(operation) < 20


def test_an_address_that_is_not_public_is_told_before_it_is_registered(portrait, emulator, stub, tmp_path):
    """`--check-public` looks as the service would."""
    folder = make_plain(tmp_path / "photos", 2)
    ran = portrait("put", str(folder), "--group", "brand", "--to", "s3://portraits", "--endpoint-url", stub.url,
                   "--public-base", f"{stub.url}/wrong", "--check-public")  # fmt: skip
    assert ran.code == 3
    assert emulator.calls.count("CreateAsset") == 0


def test_the_endpoint_may_stand_in_the_environment(portrait, stub, tmp_path):
    """As boto3 has it."""
    folder = make_plain(tmp_path / "photos", 1)
    ran = portrait("put", str(folder), "--group", "brand", "--to", "s3://portraits", AWS_ENDPOINT_URL=stub.url)
    assert ran.code == 0, ran.err
    assert stub.count("PutObject") == 1
