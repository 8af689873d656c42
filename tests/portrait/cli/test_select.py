"""What the words of a `put` stand for: files, folders and addresses, the group of each, and what is wrong with them."""

import json

import pytest

from tests.media_samples import image, sample
from tests.portrait.cli.sample_folders import make_plain


@pytest.fixture
def media(tmp_path, monkeypatch):
    """Folders of two people in the working folder."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("alice", "bob")):
        (tmp_path / "media" / name).mkdir(parents=True)
        (tmp_path / "media" / name / "a.jpg").write_bytes(image("jpeg", 400 + number, 400))
    return tmp_path / "media"


def groups_of(ran):
    """The groups of a dry run, with their numbers of files."""
    return {group["group"]: len(group["files"]) for group in ran.json["groups"]}


def test_each_of_several_folders_is_a_group(portrait, media):
    """advice-folders: the files of two people are not mixed, whatever --group says."""
    ran = portrait("put", "media/alice", "media/bob", "--subfolders", "--group", "others", "--dry-run")
    assert ran.code == 0, ran.err
    assert groups_of(ran) == {"alice": 1, "bob": 1}


def test_a_folder_beside_a_file_is_a_group(portrait, media, picture):
    """advice-folders: a file that is named goes into --group; a folder's files do not join it."""
    ran = portrait("put", "media/alice/", picture("x.jpg", 500), "--subfolders", "--group", "others", "--dry-run")
    assert groups_of(ran) == {"alice": 1, "others": 1}


def test_a_folder_of_folders_alone_is_no_group(portrait, media):
    """advice-folders: its own files go into --group, each subfolder is a group."""
    (media / "own.jpg").write_bytes(image("jpeg", 600, 400))
    ran = portrait("put", "media", "--subfolders", "--group", "others", "--dry-run")
    assert groups_of(ran) == {"others": 1, "alice": 1, "bob": 1}


@pytest.mark.parametrize("words", [["media/alice", "other/alice"], ["media", "other"]])
def test_two_folders_of_one_name_do_not_share_a_group(portrait, emulator, media, words):
    """advice-folders: two people may be called alike."""
    make_plain(media.parent / "other" / "alice", 1)
    ran = portrait("put", *words, "--subfolders", "--group", "others")
    assert ran.code == 2
    assert "would share the group alice" in ran.err
    assert emulator.calls.all() == []


@pytest.mark.parametrize("name", ["", " ", "x" * 51, "x" * 61, "好" * 51])
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_name_that_no_group_can_have_is_refused(portrait, emulator, picture, name, more):
    """advice-group: exit code 2 before anything is sent, in a dry run as well."""
    ran = portrait("put", picture("a.jpg"), "--group", name, *more)
    assert ran.code == 2
    assert "name" in ran.err
    assert emulator.calls.all() == []


def test_a_folder_whose_name_is_too_long_for_a_group_is_refused(portrait, emulator, media):
    """advice-group: the same for names that folders give."""
    make_plain(media / ("y" * 61), 1)
    assert portrait("put", "media", "--subfolders").code == 2
    assert emulator.calls.all() == []


def test_a_name_of_50_characters_is_taken(portrait, client, picture):
    """advice-group: the limit itself is within it."""
    assert portrait("put", picture("a.jpg"), "--group", "好" * 50).code == 0
    assert [group.name for group in client.iter_asset_groups()] == ["好" * 50]


@pytest.mark.parametrize(
    "argv", [["assets", "--group", ""], ["forget", "", "--yes"], ["show", ""], ["rm", "", "--yes"]]
)
def test_an_empty_name_means_no_group(portrait, emulator, argv):
    """advice-group: it would match every group by the service's own filter."""
    ran = portrait(*argv)
    assert ran.code == 2
    assert emulator.calls.count("ListAssetGroups") == 0


@pytest.mark.parametrize(
    "word",
    [
        "data:image/png;base64," + "A" * 300,
        "data:image/png;base64," + "A" * 100_000,
        "s3://bucket/key.jpg",
        "ftp://example.com/a.jpg",
        "x" * 5000,
        "a\0b",
    ],
)
def test_what_is_neither_file_nor_address_is_refused_shortly(portrait, emulator, word):
    """answer-data-uri: exit code 2, and the text is not repeated whole."""
    ran = portrait("put", word, "--group", "brand")
    assert ran.code == 2
    assert len(ran.err) < 400
    assert emulator.calls.all() == []


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.5/x.jpg",
        "https://192.168.1.2:8443/x.jpg",
        "http://[fd00::1]/x.jpg",
        "http://169.254.1.1/x.jpg",
        "http://nas.local/x.jpg",
    ],
)
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_an_address_that_the_service_cannot_fetch_is_rejected(portrait, emulator, url, more):
    """advice-private: the dry run says it, and the run creates nothing."""
    ran = portrait("put", url, "--group", "brand", *more)
    assert ran.code == 1
    assert "The service cannot fetch" in ran.err
    assert "private network" in ran.err
    assert emulator.calls.count("CreateAsset") == emulator.calls.count("CreateAssetGroup") == 0


def test_check_public_looks_at_addresses(portrait, emulator, stub):
    """advice-private: an address that leads to nothing is told before it is registered; --to is not needed for it."""
    ran = portrait("put", f"{stub.public_base}/nothing.jpg", "--group", "brand", "--check-public")
    assert ran.code == 3
    assert ran.rows[0]["error"]["kind"] == "NotPublic"
    assert emulator.calls.count("CreateAsset") == 0
    stub.bucket.objects.clear()


@pytest.mark.parametrize("kind", ["mp4", "mov", "wav", "mp3"])
def test_a_clip_needs_another_way(portrait, emulator, tmp_path, kind):
    """advice-route: `put clip.mp4` without --to; nothing is sent, and with --to it is what the service takes."""
    path = tmp_path / f"clip.{kind}"
    path.write_bytes(sample(kind))
    ran = portrait("put", str(path), "--group", "brand")
    assert ran.code == 1
    assert "The file is fine" in ran.err
    assert "--to s3://" in ran.err
    assert "limits" not in ran.err
    assert emulator.calls.count("CreateAsset") == emulator.calls.count("CreateAssetGroup") == 0


@pytest.mark.parametrize("kind", ["bmp", "gif"])
def test_a_file_that_only_the_upload_refuses_is_fine(portrait, tmp_path, kind):
    """advice-route: the way is wrong, not the file, and the way to take is named."""
    path = tmp_path / f"a.{kind}"
    path.write_bytes(image(kind, 400, 400))
    ran = portrait("put", str(path), "--group", "brand")
    assert ran.code == 1
    assert "The file is fine" in ran.err
    assert "--to s3://" in ran.err
    path.write_bytes(image(kind, 100, 100))
    assert "The file is fine" not in portrait("put", str(path), "--group", "brand").err


@pytest.mark.parametrize("failure", ["at once", "in review"])
def test_a_file_that_could_not_be_fetched_is_not_at_fault(portrait, emulator, failure):
    """advice-download: a public domain, and the option that looks from outside."""
    if failure == "at once":
        emulator.rules.add(match={"action": "CreateAsset"}, do={"error": "InvalidParameter.DownloadFailed"})
    else:
        review = {"status": "Failed", "code": "DownloadFailed"}
        emulator.rules.add(match={"action": "CreateAsset"}, do={"review": review})
    ran = portrait("put", "https://cdn.example.com/a.jpg", "--group", "brand")
    assert ran.code in {1, 3}
    assert "public domain" in ran.err
    assert "--check-public" in ran.err
    assert "limits" not in ran.err


@pytest.mark.parametrize("depth", [300, 5_000, 100_000])
@pytest.mark.parametrize("form", ["[{}]", '{{"a": {}}}'])
def test_json_that_is_nested_deeply_is_refused(portrait, emulator, form, depth):
    """answer-deep: exit code 2, whether Python or the encoder cannot take it."""
    begin, end = form.format("\0").split("\0")
    ran = portrait("call", "X", f"{begin * depth}1{end * depth}")
    assert ran.code == 2
    assert len(ran.err) < 400
    assert emulator.calls.all() == []


@pytest.mark.parametrize("body", ['{"a": "\\ud800"}', '{"a": 1e999}', f'{{"a": {10**30}}}', '{"a": NaN}', "9" * 5000])
def test_json_that_the_wire_cannot_hold_is_refused(portrait, body):
    """answer-deep: never an unexpected exception."""
    ran = portrait("call", "X", body)
    assert ran.code in {2, 3}
    assert "unexpected" not in ran.err


@pytest.mark.parametrize("language", ["zh", "en", "zh-Hant", "EN"])
def test_the_link_is_in_the_language_that_was_chosen(portrait, language):
    """lang: the link ends in lng=, once."""
    ran = portrait("validate", "--callback-url", "https://example.com/done", "--lang", language, "--timeout", "0")
    link = json.loads(ran.out.splitlines()[0])["h5_link"]
    assert link.endswith({"EN": "lng=en"}.get(language, f"lng={language}"))
    assert link.count("lng=") == 1


def test_a_language_that_the_page_does_not_have_is_refused(portrait, emulator):
    """lang: exit code 2 before a session is opened."""
    ran = portrait("validate", "--callback-url", "https://example.com/done", "--lang", "fr")
    assert ran.code == 2
    assert emulator.calls.all() == []
