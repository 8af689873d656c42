"""`groups`, `assets` and `show`: what is there, for people, programs and pipes."""

import io
import json

import pytest

from portrait.cli import main
from portrait.dialects import DIALECTS


def test_groups_of_both_kinds_are_one_json_array(portrait, client, emulator, group):
    """Piped output is one document."""
    session = client.create_visual_validate_session(callback_url="https://example.com/")
    emulator.validations.finish(session.byted_token)
    ran = portrait("groups")
    assert ran.code == 0
    assert ran.err == ""
    assert [one["group_type"] for one in ran.json] == ["AIGC", "LivenessFace"]
    assert ran.json[0]["id"] == group
    assert ran.json[0]["name"] == "hosts"
    assert len(portrait("groups", "--type", "aigc").json) == 1


def test_groups_are_found_by_a_part_of_their_name(portrait, client, group):
    """In any case."""
    client.create_asset_group(name="extras")
    assert [one["id"] for one in portrait("groups", "--name", "HOS").json] == [group]


def test_more_than_a_page_is_listed(portrait, emulator, client):
    """Nobody has to know of pages."""
    emulator.service.control.patch_customer(emulator.api_key, groups=200)
    for number in range(120):
        client.create_asset_group(name=f"g{number}")
    assert len(portrait("groups", "--quiet").out.split()) == 120


def test_assets_are_filtered_by_group_state_and_name(portrait, client, group, asset):
    """Filters may be repeated."""
    other = client.create_asset_group(name="other").id
    assert [one["uri"] for one in portrait("assets").json] == [f"asset://{asset}"]
    assert portrait("assets", "--group", other).json == []
    assert len(portrait("assets", "--group", other, "--group", group).json) == 1
    assert portrait("assets", "--status", "failed", "--status", "active").json == []
    assert len(portrait("assets", "--status", "processing", "--name", "FRO").json) == 1
    assert portrait("assets", "--type", "LivenessFace").json == []


def test_a_group_is_meant_by_its_name_wherever_it_is_named(portrait, client, group, asset):
    """Exactly that name, not a part of it."""
    client.create_asset_group(name="hosts 2")
    assert [one["uri"] for one in portrait("assets", "--group", "hosts").json] == [f"asset://{asset}"]
    assert portrait("assets", "--group", "hosts 2").json == []
    assert portrait("show", "hosts").json["id"] == group


@pytest.mark.parametrize("argv", [["assets", "--group", "host"], ["show", "host"]])
def test_a_name_that_nobody_bears_is_not_an_empty_list(portrait, group, argv):
    """Exit code 2, and where the names are."""
    ran = portrait(*argv)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err == "portrait: No group is named 'host'.\n  → `portrait groups` lists them.\n"


def test_assets_of_a_group_that_is_not_there_are_refused(portrait):
    """A mistyped id is not an empty group."""
    assert portrait("assets", "--group", "group-20260518163348-xtzxl").code == 3


def test_the_newest_are_first_and_a_limit_reads_no_more_than_it_prints(portrait, client, emulator, group):
    """Of both types in one order; the service sorts by the time of a change, too."""
    session = client.create_visual_validate_session(callback_url="https://example.com/")
    emulator.validations.finish(session.byted_token)
    emulator.service.control.patch_customer(emulator.api_key, assets=300)
    person = client.get_visual_validate_result(byted_token=session.byted_token).group_id
    ids = []
    for number in range(240):
        emulator.clock.advance(1)
        of = person if number == 237 else group
        url = f"https://example.com/{number}.jpg"
        ids.append(client.create_asset(group_id=of, url=url, asset_type="Image", name=f"n{number}").id)
    before = emulator.calls.count("ListAssets")
    assert [one["id"] for one in portrait("assets", "--limit", "4").json] == ids[:-5:-1]
    assert emulator.calls.count("ListAssets") == before + 2
    emulator.clock.advance(60)
    client.update_asset(id=ids[0], name="A first")
    changed = portrait("assets", "--limit", "2", "--sort", "updated").json
    assert [one["id"] for one in changed] == [ids[0], ids[-1]]
    assert [one["name"] for one in portrait("assets", "--sort", "name", "--limit", "2").json] == ["A first", "n1"]
    assert portrait("assets", "--limit", "1", "--quiet").out == f"asset://{ids[-1]}\n"


def test_groups_are_sorted_and_limited_alike(portrait, client, emulator, group):
    """Names in any case."""
    emulator.clock.advance(1)
    extras = client.create_asset_group(name="Extras").id
    assert [one["id"] for one in portrait("groups", "--limit", "1").json] == [extras]
    assert [one["name"] for one in portrait("groups", "--sort", "name").json] == ["Extras", "hosts"]
    emulator.clock.advance(1)
    client.update_asset_group(id=group, name="hosts!")
    assert [one["id"] for one in portrait("groups", "--sort", "updated", "--limit", "1").json] == [group]


def test_a_name_is_never_broken(portrait, client, group, monkeypatch):
    """What is copied from a narrow terminal is whole: a line may be longer than the terminal is wide."""
    name = "the quick brown fox jumps over the lazy dog again"
    client.create_asset_group(name=name)
    monkeypatch.setenv("COLUMNS", "40")
    assert name in portrait("groups", terminal=True).out
    assert group in portrait("groups", terminal=True).out


def test_quiet_lists_only_addresses(portrait, asset, group):
    """What `xargs` and generation take."""
    assert portrait("assets", "--quiet").out == f"asset://{asset}\n"
    assert portrait("--quiet", "groups").out == f"{group}\n"


@pytest.mark.parametrize("form", ["{}", "asset://{}", "Asset://{}"])
def test_an_asset_is_shown_by_id_or_address(portrait, asset, form):
    """People paste what they have."""
    ran = portrait("show", form.format(asset))
    assert ran.json["id"] == asset
    assert ran.json["status"] == "Processing"


def test_the_signed_link_of_an_asset_is_not_shown(portrait, client, asset):
    """It opens the file to whoever reads the log."""
    client.wait_until_active(asset)
    assert "X-Tos" not in portrait("show", asset).out + portrait("assets").out


def test_a_group_is_shown_with_the_number_of_its_assets(portrait, group, asset):
    """What a quota counts."""
    assert asset
    assert portrait("show", group).json["assets"] == 1
    assert portrait("show", group, "--quiet").out == f"{group}\n"


def test_what_is_not_there_is_refused(portrait):
    """Exit code 3, with the request id."""
    ran = portrait("show", "group-20260518163348-xtzxl")
    assert ran.code == 3
    assert "Forbidden" in ran.err
    assert "request id " in ran.err
    assert ran.out == ""


def test_a_table_is_for_people(portrait, group, asset):
    """Headings, the address to copy, and no JSON."""
    ran = portrait("assets", terminal=True)
    assert "STATUS" in ran.out
    assert f"asset://{asset}" in ran.out
    assert group in portrait("groups", terminal=True).out
    assert "status        Processing" in portrait("show", asset, terminal=True).out


def test_an_empty_list_says_so(portrait):
    """To people; programs get an empty array."""
    ran = portrait("groups", terminal=True)
    assert ran.out == ""
    assert ran.err == "There are no such groups.\n"
    assert portrait("groups").json == []


def test_json_on_a_terminal_by_wish(portrait, group):
    """`--json` is for looking at what a script would get."""
    assert json.loads(portrait("groups", "--json", terminal=True).out)[0]["id"] == group


def test_tables_go_into_a_pipe_by_wish(portrait, group, asset, monkeypatch):
    """`--table | less` shows every column whole, whatever the width of a terminal is."""
    monkeypatch.setenv("COLUMNS", "40")
    header, row = portrait("assets", "--table").out.splitlines()
    assert header.split() == ["ASSET", "STATUS", "TYPE", "NAME", "CREATED", "GROUP"]
    assert row.split()[0] == f"asset://{asset}"
    assert row.split()[-1] == group
    assert "status        Processing" in portrait("show", asset, "--table").out


@pytest.mark.parametrize("argv", [["--json", "--table"], ["--table", "-q"], ["--quiet", "--json"]])
def test_only_one_format_can_be_had(portrait, argv):
    """The two that exclude each other are named."""
    ran = portrait("groups", *argv)
    assert ran.code == 2
    assert "exclude each other" in ran.err


def test_a_name_cannot_steer_the_terminal(portrait, client):
    """Names are other people's text."""
    client.create_asset_group(name="a\x1b[2Jb")
    ran = portrait("groups", terminal=True)
    assert "\\x1b[2Jb" in ran.out


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_any_text_gets_through_any_encoding_as_json(portrait, client, encoding):
    """A pipe on another system, or a locale of yesteryear."""
    client.create_asset_group(name="ü 中文 😀")
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace") as stdout:
        assert main(["groups"], portrait.console(io.StringIO(), stdout, io.StringIO())) == 0
        assert json.loads(raw.getvalue().decode(encoding))[0]["name"] == "ü 中文 😀"


def test_a_group_that_made_way_is_named_with_what_can_be_done(portrait, client):
    """once-race: whoever created the younger one renamed it; `groups` and `doctor` say so, and a person decides."""
    limit = DIALECTS["alltoken"].name_limit
    for name in ("brand", "b" * limit):
        older, younger = (client.create_asset_group(name=name).id for _ in range(2))
        client.update_asset_group(id=younger, name=f"{name[: limit - 6]}~{younger[-5:]}")
        note = f"{younger} made way for {older}"
        groups = portrait("groups", "--name", name[:5])
        assert groups.code == 0
        assert f"portrait: {note}" in groups.err
        assert f"`portrait rm {younger}` removes it" in groups.err
        assert portrait("groups", "--quiet").err == ""
        notes = [row["what"] for row in portrait("doctor").json if row["check"] == "groups"]
        assert any(what.startswith(note) for what in notes)
        assert portrait("rm", younger, "--yes").code == 0
        assert portrait("groups").err == ""


def test_a_tilde_alone_does_not_make_a_leftover(portrait, client):
    """The name must end in the group's own id, and an older group must have the rest of it."""
    lonely = client.create_asset_group(name="x").id
    client.update_asset_group(id=lonely, name=f"nobody~{lonely[-5:]}")
    client.create_asset_group(name="brand")
    client.create_asset_group(name="brand~abcde")
    assert portrait("groups").err == ""
