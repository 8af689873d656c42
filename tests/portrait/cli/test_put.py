"""`put`: files go in, addresses come out, and the same command again is harmless."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from portrait.cli.progress import Progress
from tests.media_samples import image
from tests.portrait.s3.conftest import count_uploads


def test_files_become_active_assets_of_a_new_group(portrait, client, picture):
    """One line of JSON for each, as soon as it is known."""
    files = [picture("a.jpg", 400), picture("b.jpg", 401)]
    ran = portrait("put", *files, "--group", "brand")
    assert ran.code == 0
    assert ran.err == ""
    assert sorted(row["file"] for row in ran.rows) == sorted(files)
    assert {row["status"] for row in ran.rows} == {"Active"}
    (group,) = client.iter_asset_groups()
    assert group.name == "brand"
    assert {row["group_id"] for row in ran.rows} == {group.id}
    assert {row["uri"] for row in ran.rows} == {f"asset://{asset.id}" for asset in client.iter_assets()}


def test_the_same_command_again_sends_nothing(portrait, emulator, picture):
    """Running it again is resuming."""
    file = picture("a.jpg")
    first = portrait("put", file, "--group", "brand").rows
    again = portrait("put", file, "--group", "brand").rows
    assert [row["uri"] for row in first] == [row["uri"] for row in again]
    assert again[0]["origin"] == "existing"
    assert emulator.calls.count("CreateAsset") == 1
    assert emulator.calls.count("CreateAssetGroup") == 1


def test_an_upload_in_parts_is_remembered_in_the_state(portrait, stub, picture, tmp_path, monkeypatch):
    """`--state` names it for the object storage as well: the next run goes on with the same upload."""
    monkeypatch.setattr("portrait.s3.uploader.IN_MEMORY", 0)
    monkeypatch.setattr("portrait.s3.uploader.SINGLE_PUT", 0)
    state = tmp_path / "here.db"
    command = ["put", picture("a.jpg"), "--group", "brand", "--to", "s3://portraits", "--endpoint-url", stub.url]
    fault = stub.fault("UploadPart", "cut", times=99)
    assert portrait(*command, "--state", str(state)).code != 0
    assert count_uploads(state) == len(stub.bucket.uploads) == 1
    stub.faults.remove(fault)
    assert portrait(*command, "--state", str(state)).code == 0
    assert count_uploads(state) == len(stub.bucket.uploads) == 0
    assert stub.count("CreateMultipartUpload") == 1


def test_a_group_is_named_by_its_id(portrait, group, picture):
    """An id is checked and used."""
    assert portrait("put", picture("a.jpg"), "--group", group).rows[0]["group_id"] == group


def test_an_unknown_id_is_not_taken_for_a_name(portrait, client, picture):
    """A mistyped id makes no group."""
    ran = portrait("put", picture("a.jpg"), "--group", "group-20260518163348-xtzxl")
    assert ran.code == 3
    assert list(client.iter_asset_groups()) == []


def test_a_name_may_begin_like_an_id(portrait, client, picture):
    """`group-photos` is a name."""
    assert portrait("put", picture("a.jpg"), "--group", "group-photos").code == 0
    assert [group.name for group in client.iter_asset_groups()] == ["group-photos"]


def test_of_two_groups_of_one_name_the_oldest_is_used(portrait, client, group, picture):
    """As `ensure_group` has it; what takes something away refuses to choose, and lists the ids."""
    twin = client.create_asset_group(name="hosts").id
    assert portrait("put", picture("a.jpg"), "--group", "hosts").code == 0
    assert {asset.group_id for asset in client.iter_assets()} == {group}
    ran = portrait("forget", "hosts", "--yes")
    assert ran.code == 2
    assert group in ran.err
    assert twin in ran.err


def test_people_see_a_line_for_each_file_and_a_sum(portrait, picture):
    """The address first: it is what is copied."""
    file = picture("a.jpg")
    ran = portrait("put", file, "--group", "brand", terminal=True)
    lines = [line for line in ran.out.splitlines() if "asset://" in line]
    assert len(lines) == 1
    assert lines[0].endswith(f"  {file}")
    assert "1 file Active in brand (group-" in ran.err


def test_people_are_told_once_that_a_group_is_full(portrait, picture, tmp_path):
    """As soon as it is known, beside each file's failure at the end; what is wrong with a file is not the group's."""
    (tmp_path / "small.png").write_bytes(image("png", 40, 40))
    files = [picture(f"{number}.jpg", 400 + number) for number in range(3)]
    ran = portrait("put", *files, str(tmp_path / "small.png"), "--group", "brand", "--quota", "1", terminal=True)
    assert (ran.out + ran.err).count("brand: ") == 1
    assert "brand: The group holds 0 of 1 assets, and 3 more are wanted.\n" in ran.out + ran.err


def test_quiet_prints_only_addresses(portrait, picture, tmp_path):
    """Failures still go to stderr."""
    (tmp_path / "notes.txt").write_text("words")
    ran = portrait("put", picture("a.jpg"), str(tmp_path / "notes.txt"), "--group", "brand", "--quiet")
    assert ran.code == 1
    assert len(ran.out.splitlines()) == 1
    assert ran.out.startswith("asset://asset-")
    assert "notes.txt" in ran.err


def test_a_file_that_does_not_fit_fails_alone(portrait, picture, tmp_path):
    """The others go their way; the exit code says that some failed."""
    small = tmp_path / "small.png"
    small.write_bytes(image("png", 40, 40))
    ran = portrait("put", picture("a.jpg"), str(small), "--group", "brand")
    assert ran.code == 1
    by_file = {row["file"]: row for row in ran.rows}
    assert by_file[str(small)]["status"] == "Rejected"
    assert by_file[str(small)]["error"]["kind"] == "MediaRejected"
    assert ran.err.startswith(f"portrait: {small}: ")


@pytest.mark.parametrize("name", ["ü 中文 😀.jpg", "a b\tc.jpg", "--json.jpg"])
def test_file_names_are_taken_as_they_are(portrait, picture, name):
    """Whatever the language."""
    path = picture(name)
    ran = portrait("put", "--group", "brand", "--", path)
    assert ran.code == 0
    assert ran.rows[0]["file"] == path


def test_a_name_that_is_no_text_is_taken(portrait, tmp_path):
    """File names are bytes; these are not UTF-8."""
    path = tmp_path / "\udcff.jpg"
    path.write_bytes(image("jpeg", 400, 400))
    ran = portrait("put", str(path), "--group", "brand")
    assert ran.code == 0, ran.err
    assert ran.rows[0]["file"] == str(path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-", "--group", "brand"], "it takes a file, not a standard stream; ./- is a file named -"),
        (["missing.jpg", "--group", "brand"], "missing.jpg does not exist"),
        (["", "--group", "brand"], "A file or an address is missing"),
        (["empty", "--group", "brand"], "no files in empty"),
        (["a.jpg"], "--group is missing"),
        (["a.jpg", "--subfolders"], "no group for a.jpg"),
        (["a.jpg", "--group", "brand", "--public-base", "https://cdn.example.com"], "--public-base needs --to"),
        (["a.jpg", "--group", "brand", "--to", "bucket"], "does not name a bucket"),
        (["a.jpg", "--group", "brand", "--manifest", "empty"], "The manifest empty is not a regular file"),
        (["a.jpg", "--group", "brand", "--state", "empty"], "empty is a folder"),
    ],
)
def test_what_cannot_be_right_ends_it_before_anything_is_sent(
    portrait, emulator, picture, tmp_path, *, monkeypatch, words, message
):
    """Exit code 2, and no half-done work."""
    picture("a.jpg")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    ran = portrait("put", *words)
    assert ran.code == 2
    assert message in ran.err
    assert emulator.calls.all() == []


def test_a_state_that_cannot_be_written_is_told_before_anything_is_created(portrait, emulator, picture):
    """What was begun must be remembered first."""
    ran = portrait("put", picture("a.jpg"), "--group", "brand", "--state", "/dev/null/state.db")
    assert ran.code == 2
    assert "cannot be used" in ran.err
    assert "--state" in ran.err
    assert emulator.calls.all() == []


def test_a_failed_review_is_told(portrait, emulator, picture):
    """Exit code 1: the service worked, the file did not pass."""
    emulator.rules.add(match={"action": "CreateAsset"}, do={"review": {"status": "Failed", "code": "FaceMismatch"}})
    ran = portrait("put", picture("a.jpg"), "--group", "brand")
    assert ran.code == 1
    assert ran.rows[0]["status"] == "Failed"
    assert ran.rows[0]["error"]["code"] == "FaceMismatch"


def test_a_review_that_takes_too_long_is_told(portrait, picture):
    """Exit code 5, and the address is not lost."""
    ran = portrait("put", picture("a.jpg"), "--group", "brand", "--timeout", "1")
    assert ran.code == 5
    assert ran.rows[0]["uri"].startswith("asset://")
    assert "portrait wait" in ran.err


def test_a_full_group_is_told(portrait, emulator, picture):
    """Exit code 3; what was there stays."""
    emulator.service.control.patch_customer(emulator.api_key, assets=1)
    assert portrait("put", picture("a.jpg"), "--group", "brand").code == 0
    ran = portrait("put", picture("b.jpg", 401), "--group", "brand")
    assert ran.code == 3
    assert ran.rows[0]["error"]["kind"] == "QuotaExceeded"


def test_addresses_that_differ_in_their_query_are_files_of_their_own(portrait, client):
    """They are told by one name, since a query may be a secret; each has its outcome and its asset."""
    urls = [f"https://cdn.example.com/a.jpg?id={number}" for number in (1, 2, 3)]
    ran = portrait("put", *urls, "--group", "brand")
    assert ran.code == 0, ran.err
    assert [row["file"] for row in ran.rows] == ["https://cdn.example.com/a.jpg"] * 3
    assert [row["sha256"] for row in ran.rows] == [None] * 3  # nobody here has read the contents
    assert {row["uri"] for row in ran.rows} == {f"asset://{asset.id}" for asset in client.iter_assets()}
    assert len({row["uri"] for row in ran.rows}) == 3
    assert not any("same_as" in row for row in ran.rows)


def test_addresses_that_differ_in_their_signature_share_an_asset(portrait, emulator):
    """Both have an outcome; the second one says whose asset it shares."""
    urls = [f"https://cdn.example.com/a.jpg?Expires={number}&Signature=x" for number in (1, 2)]
    ran = portrait("put", *urls, "--group", "brand")
    assert ran.code == 0, ran.err
    assert [row.get("same_as") for row in ran.rows] == [None, "https://cdn.example.com/a.jpg"]
    assert emulator.calls.count("CreateAsset") == 1


def test_what_an_error_leaves_undone_is_told_of_each_address(portrait, emulator, client):
    """The ones that were created are not told twice, the others are not lost."""
    client.create_asset(
        group_id=client.ensure_group("brand").id, url="https://cdn.example.com/x.jpg", asset_type="Image"
    )
    emulator.service.control.patch_customer(emulator.api_key, assets=2)
    urls = [f"https://cdn.example.com/a.jpg?id={number}" for number in (1, 2, 3)]
    ran = portrait("put", *urls, "--group", "brand", "--concurrency", "1")
    assert sorted(row["status"] for row in ran.rows) == ["Active", "NoRoom", "NoRoom"]


@pytest.fixture
def stages(monkeypatch):
    """What the lines of the display come to: what each stage has done, and what it had to do."""
    done, totals = Counter(), Counter()

    def start(self, display, planned, in_bytes=()):
        self.planned = planned
        totals.update(planned)

    def reduce_total(self, stage, by=1):
        totals.update({stage: -by} if stage in self.planned else {})

    def advance(self, stage, by=1):
        done.update({stage: by} if stage in self.planned else {})

    for method in (start, reduce_total, advance):
        monkeypatch.setattr(Progress, "__init__" if method is start else method.__name__, method)
    return lambda: {stage: (done[stage], total) for stage, total in totals.items()}


@pytest.mark.parametrize(
    ("names", "options", "created", "reviewed"),
    [
        (["a.jpg", "b.jpg", "c.jpg"], [], 2, 3),  # one is there already
        (["a.jpg?Expires=1&Signature=x", "b.jpg", "a.jpg?Expires=2&Signature=x"], [], 1, 2),  # two are one content
        (["b.jpg", "c.jpg", "d.jpg"], ["--quota", "3"], 2, 2),  # one has no room
        (["b.jpg", "c.jpg?code=FaceMismatch"], [], 2, 2),
        (["b.jpg", "c.jpg?reject=FpsTooLow"], [], 1, 1),
        (["b.jpg", "c.jpg"], ["--no-wait"], 2, 0),
    ],
    ids=["existing", "twice", "no room", "failed", "refused", "not awaited"],
)
def test_each_stage_of_the_display_comes_to_its_end(portrait, stages, *, names, options, created, reviewed):
    """Whatever became of the files: what need not be done is taken off, and nothing is counted twice."""
    portrait("put", "https://magic.test/a.jpg", "--group", "brand")
    before = stages()
    portrait("put", *(f"https://magic.test/{name}" for name in names), "--group", "brand", *options)
    after = {stage: (done - before[stage][0], total - before[stage][1]) for stage, (done, total) in stages().items()}
    counts = {"checked": len(names), "created": created, "reviewed": reviewed}
    assert after == {stage: (count, count) for stage, count in counts.items()}


@pytest.mark.parametrize("fails", ["nothing", "one create", "the storage", "the group"])
def test_the_bytes_of_the_display_come_to_their_end(portrait, emulator, stub, picture, *, stages, fails):
    """By object storage: what was stored counts, whatever becomes of it, and what was not is taken off."""
    files = [picture("a.jpg", 400), picture("b.jpg", 401), picture("again.jpg", 401)]
    storage = ["--to", "s3://portraits", "--endpoint-url", stub.url, "--public-base", stub.public_base]
    if fails == "one create":
        emulator.rules.add(
            match={"action": "CreateAsset"}, when={"nth": [1]}, do={"error": "MediaRejected.WidthTooSmall"}
        )
    elif fails == "the group":
        emulator.rules.add(match={"action": "ListAssetGroups"}, do={"error": "KeyUnknown"})
    elif fails == "the storage":
        stub.fault("PutObject", "status-before", status=403, code="AccessDenied", times=99)
    portrait("put", *files, "--group", "brand", *storage, "--concurrency", "1")
    nothing = fails in {"the storage", "the group"}
    size = 0 if nothing else sum(Path(file).stat().st_size for file in files[:2])
    count = 0 if nothing else 1 if fails == "one create" else 2
    assert stages() == {
        "checked": (3, 3),
        "stored": (size, size),
        "created": (count, count),
        "reviewed": (count, count),
    }


def test_a_customer_with_a_larger_quota_is_not_held_back(portrait, emulator):
    """The documented quota is only what is held against a group unless another is named."""
    emulator.service.control.patch_customer(emulator.api_key, assets=100)
    urls = [f"https://cdn.example.com/{number}.jpg" for number in range(51)]
    documented = portrait("put", *urls, "--group", "brand")
    assert documented.code == 1
    assert [row["status"] for row in documented.rows].count("NoRoom") == 1
    assert "--quota" in documented.err
    assert portrait("put", *urls, "--group", "brand", "--quota", "50").code == 1
    planned = portrait("put", *urls, "--group", "brand", "--quota", "100", "--dry-run")
    assert (planned.code, planned.json["groups"][0]["room"]) == (0, 50)
    assert portrait("put", *urls, "--group", "brand", "--dry-run").code == 1
    assert portrait("put", *urls, "--group", "brand", "--quota", "none", "--dry-run").json["groups"][0]["room"] is None
    for quota in ("none", "100"):
        assert portrait("put", *urls, "--group", "brand", "--quota", quota).code == 0


@pytest.mark.parametrize("quota", ["0", "-1", "many", "documented"])
def test_a_quota_is_a_number_or_none(portrait, emulator, picture, quota):
    """Anything else is a mistake, and nothing is sent."""
    ran = portrait("put", picture("a.jpg"), "--group", "brand", "--quota", quota)
    assert ran.code == 2
    assert "--quota" in ran.err
    assert emulator.calls.all() == []


def test_a_dry_run_says_what_the_run_does(portrait, emulator, picture):
    """once-dry-run: an asset that failed through no fault of the file is replaced, and the dry run says so."""
    path = picture("a.jpg")
    failed = portrait("put", path, "--group", "brand", "--no-wait").rows[0]["asset_id"]
    emulator.assets.fail(failed, "InternalError")
    plan = portrait("put", path, "--group", "brand", "--dry-run").json["groups"][0]
    assert (plan["new"], plan["replaced"], plan["failed"]) == (0, 1, 0)
    assert [file["would_be"] for file in plan["files"]] == ["Replace"]
    assert portrait("put", path, "--group", "brand").rows[0]["origin"] == "replaced"


def test_a_dry_run_says_what_will_have_no_room(portrait):
    """once-dry-room: of 55 addresses for a new group of 50, five are without room."""
    urls = [f"https://cdn.example.com/{number}.jpg" for number in range(55)]
    ran = portrait("put", *urls, "--group", "brand", "--dry-run")
    assert ran.code == 1
    assert (ran.json["groups"][0]["new"], ran.json["groups"][0]["no_room"]) == (50, 5)
    seen = portrait("put", *urls, "--group", "brand", "--dry-run", terminal=True).out
    assert "room for 50, needed 55: not enough" in seen


def test_a_group_is_not_read_for_its_type(portrait, emulator, picture):
    """A group that was just created or found by its name is AIGC, and one that is named by its id is read once."""
    assert portrait("put", picture("a.jpg"), "--group", "brand").code == 0
    assert emulator.calls.count("GetAssetGroup") == 0
    group_id = portrait("groups", "--quiet").out.strip()
    assert portrait("put", picture("b.jpg", 500), "--group", group_id).code == 0
    assert emulator.calls.count("GetAssetGroup") == 1


def test_a_state_that_cannot_be_understood_is_no_memory(portrait, emulator, picture):
    """answer-state: `zz` where times should be; the command goes on, nothing is there twice, and `doctor` is well."""
    argv = ["put", picture("a.jpg"), "--group", "brand"]
    assert portrait(*argv).code == 0
    emulator.clock.advance(60)
    path = Path(portrait.environ["XDG_STATE_HOME"], "portrait", "state.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, column in (("creates", "answered_at"), ("creates", "begun_at"), ("state", "replaced_at")):
            connection.execute(f"UPDATE portrait_{table} SET {column} = 'zz'")
    assert portrait("doctor").code == 0
    ran = portrait(*argv)
    assert ran.code == 0, ran.err
    assert ran.rows[0]["origin"] == "existing"
    assert emulator.calls.count("CreateAsset") == emulator.calls.count("CreateAssetGroup") == 1
