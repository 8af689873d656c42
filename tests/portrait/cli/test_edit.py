"""`rename` and `rm`: what changes, what is asked first, and what is refused."""

import pytest


def test_a_group_and_an_asset_get_new_names(portrait, client, group, asset):
    """Ids and addresses are both taken."""
    assert portrait("rename", group, "new hosts").rows == [{"id": group, "name": "new hosts"}]
    assert portrait("rename", f"asset://{asset}", "side").code == 0
    assert client.get_asset_group(id=group).name == "new hosts"
    assert client.get_asset(id=asset).name == "side"


def test_a_name_that_is_too_long_is_refused(portrait, group):
    """By the service: its limit is its own."""
    ran = portrait("rename", group, "x" * 51)
    assert ran.code == 3
    assert "Name" in ran.err


@pytest.mark.parametrize("argv", [["rm"], ["rm", "--quiet"]])
def test_nothing_is_deleted_unasked(portrait, client, asset, argv):
    """Without a terminal `--yes` is needed."""
    ran = portrait(*argv, asset)
    assert ran.code == 2
    assert "--yes" in ran.err
    assert client.get_asset(id=asset).id == asset


@pytest.mark.parametrize("answer", ["", "n\n", "what?\n"])
def test_anything_but_yes_deletes_nothing(portrait, client, group, asset, answer):
    """The question names what goes with a group."""
    ran = portrait("rm", group, stdin=answer, terminal=True, interactive=True)
    assert ran.code == 1
    assert f"{group} (hosts) with 1 asset" in ran.err
    assert "Nothing was deleted." in ran.err
    assert client.get_asset(id=asset).id == asset


def test_yes_deletes(portrait, client, group, asset):
    """A group goes with its assets."""
    assert asset
    ran = portrait("rm", group, stdin="y\n", terminal=True, interactive=True)
    assert ran.code == 0
    assert ran.out == f"deleted {group} (hosts) with 1 asset\n"
    assert list(client.iter_asset_groups()) == []


def test_an_asset_is_deleted_before_its_group(portrait, group, asset):
    """In whatever order they are named, both deletes succeed."""
    ran = portrait("rm", group, f"asset://{asset}", "--yes")
    assert ran.code == 0
    assert ran.rows == [{"id": asset, "deleted": True}, {"id": group, "deleted": True, "assets": 1}]


def test_what_is_not_there_does_not_keep_the_rest(portrait, client, asset):
    """Some failed: exit code 1, and JSON says which."""
    ran = portrait("rm", "group-20260518163348-xtzxl", asset, "--yes")
    assert ran.code == 1
    assert [row["deleted"] for row in ran.rows] == [False, True]
    assert list(client.iter_assets()) == []


def test_only_what_is_not_there_is_refused(portrait):
    """Exit code 3, as for any refusal."""
    assert portrait("rm", "asset-20260518163348-xtzxl", "--yes").code == 3


@pytest.mark.parametrize(("what", "code"), [("asset", 3), ("group", 3), ("hosts", 2)])
def test_what_was_deleted_before_may_be_deleted_already(portrait, request, group, what, code):
    """The service does not say whether an id was ever there; the same command twice is the likely reason."""
    word = what if what == "hosts" else request.getfixturevalue(what)
    assert portrait("rm", word, "--yes").code == 0
    ran = portrait("rm", word, "--yes")
    assert ran.code == code
    assert "or it is deleted already" in ran.err
    assert "or it is deleted already" in ran.rows[0]["error"]["advice"]


def test_a_dry_run_deletes_nothing_and_needs_no_terminal(portrait, client, group, asset):
    """It says what goes with a group, and what is not there."""
    ran = portrait("rm", "hosts", asset, "asset-20260518163348-xtzxl", "--dry-run")
    assert ran.code == 1
    assert [(row["id"], row["deleted"]) for row in ran.rows] == [
        ("asset-20260518163348-xtzxl", False),
        (asset, False),
        (group, False),
    ]
    assert ran.rows[2]["assets"] == 1
    assert [row.get("dry_run") for row in ran.rows] == [None, True, True]
    ran = portrait("rm", "hosts", "--dry-run", terminal=True)
    assert ran.code == 0
    assert ran.out == f"would delete {group} (hosts) with 1 asset\n"
    assert ran.err == "Nothing was deleted: this was a dry run.\n"
    assert client.get_asset(id=asset).id == asset


def test_an_id_of_unknown_form_is_looked_up(portrait, emulator):
    """Other vendors' ids look different: the service is asked before it is said, once, that there is no such name."""
    ran = portrait("rm", "something", "--yes")
    assert ran.code == 2
    assert ran.err.count("something") == 1
    assert "No group is named 'something'." in ran.err
    assert "`portrait groups` and `portrait assets` list what is there" in ran.err
    assert emulator.calls.count("GetAsset") == emulator.calls.count("GetAssetGroup") == 1


def test_a_group_is_renamed_and_deleted_by_its_name(portrait, client, group, asset):
    """As `put` and `forget` take it; named twice, it is deleted once."""
    assert asset
    assert portrait("rename", "hosts", "crew").rows == [{"id": group, "name": "crew"}]
    assert client.get_asset_group(id=group).name == "crew"
    ran = portrait("rm", "crew", group, "--yes")
    assert ran.code == 0
    assert ran.rows == [{"id": group, "deleted": True, "assets": 1}]
    assert list(client.iter_asset_groups()) == []


def test_a_name_that_several_groups_bear_changes_none(portrait, client, group):
    """The ids are listed; nothing is guessed."""
    twin = client.create_asset_group(name="hosts").id
    for argv in (["rename", "hosts", "crew"], ["rm", "hosts", "--yes"], ["show", "hosts"]):
        ran = portrait(*argv)
        assert ran.code == 2
        assert group in ran.err
        assert twin in ran.err
    assert len(list(client.iter_asset_groups(name="hosts"))) == 2


def test_the_question_names_the_asset(portrait, asset):
    """Nobody knows an asset by its id."""
    ran = portrait("rm", asset, stdin="n\n", terminal=True, interactive=True)
    assert f"{asset} (front)" in ran.err


def test_an_asset_that_is_not_there_is_not_asked_about(portrait):
    """It is looked at first."""
    ran = portrait("rm", "asset-20260518163348-xtzxl", stdin="y\n", terminal=True, interactive=True)
    assert ran.code == 3
    assert "Delete?" not in ran.err
