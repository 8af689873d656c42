"""`call`: raw JSON in, raw JSON out."""

import io
import os

import pytest

from portrait.cli import main


def test_a_result_is_printed_as_it_came(portrait, group):
    """With the wire's names."""
    ran = portrait("call", "GetAssetGroup", f'{{"Id": "{group}"}}')
    assert ran.code == 0
    assert ran.json["Id"] == group
    assert ran.json["GroupType"] == "AIGC"


def test_the_whole_envelope_by_wish(portrait, group):
    """`--full` shows the metadata too."""
    ran = portrait("call", "GetAssetGroup", f'{{"Id": "{group}"}}', "--full")
    assert ran.json["ResponseMetadata"]["Action"] == "GetAssetGroup"
    assert ran.json["Result"]["Id"] == group


def test_the_envelope_of_a_refusal_by_wish(portrait):
    """It is printed, and the exit code still says refused."""
    ran = portrait("call", "GetAsset", "{}", "--full")
    assert ran.code == 3
    assert ran.json["ResponseMetadata"]["Error"]["Code"] == "MissingParameter.Id"
    assert portrait("call", "GetAsset", "{}").out == ""


def test_a_dash_reads_stdin(portrait):
    """JSON from elsewhere."""
    ran = portrait("call", "ListAssetGroups", "-", stdin='{"Filter": {"GroupType": "AIGC"}}')
    assert ran.json["Items"] == []


@pytest.mark.parametrize("text", ['{"Filter": {"GroupType": "AIGC"}}', '\n {"Filter": {"GroupType": "AIGC"}}\n'])
def test_a_pipe_is_read_without_a_dash(portrait, text):
    """`echo … | portrait call …`."""
    read_end, write_end = os.pipe()
    os.write(write_end, text.encode())
    os.close(write_end)
    out = io.StringIO()
    with open(read_end) as stdin:  # noqa: PTH123  (a descriptor)
        code = main(["call", "ListAssetGroups"], portrait.console(stdin, out, io.StringIO()))
    assert code == 0
    assert '"TotalCount": 0' in out.getvalue()


def test_a_byte_order_mark_is_no_part_of_the_request(portrait, group):
    """As some shells put it before what they pipe."""
    assert portrait("call", "GetAssetGroup", "-", stdin=f'\ufeff{{"Id": "{group}"}}').code == 0


def test_nothing_to_read_is_an_empty_request(portrait):
    """Neither a terminal nor /dev/null is waited for."""
    with open(os.devnull) as stdin:  # noqa: PTH123
        err = io.StringIO()
        assert main(["call", "GetAsset"], portrait.console(stdin, io.StringIO(), err)) == 3
    assert "MissingParameter.Id" in err.getvalue()


@pytest.mark.parametrize("body", ["{", "nonsense-secret", "[]", '"x"', "1", '{"Id": NaN}'])
def test_what_is_no_json_object_is_not_sent(portrait, emulator, body):
    """Exit code 2; the text is not repeated."""
    ran = portrait("call", "GetAsset", body)
    assert ran.code == 2
    assert "JSON" in ran.err
    assert "secret" not in ran.err
    assert emulator.calls.all() == []


def test_an_unknown_action_is_the_services_to_refuse(portrait):
    """The table of Actions may be older than the service."""
    ran = portrait("call", "FlyToTheMoon", "{}")
    assert ran.code == 3
    assert "InvalidActionOrVersion" in ran.err


def test_quiet_prints_the_ids(portrait, group):
    """Of the result, or of a page's items."""
    assert portrait("call", "GetAssetGroup", f'{{"Id": "{group}"}}', "--quiet").out == f"{group}\n"
    page = '{"Filter": {"GroupType": "AIGC"}}'
    assert portrait("call", "ListAssetGroups", page, "--quiet").out == f"{group}\n"
    assert portrait("call", "UpdateAssetGroup", f'{{"Id": "{group}", "Name": "n"}}', "--quiet").out == ""
