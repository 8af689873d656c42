"""How failures are reported: every error of the tree has an exit code, calm lines and JSON, and none tells a secret."""

import json
import re

import pytest

from portrait import errors
from portrait.cli import errors as cli_errors
from portrait.codes import CODES, api_error
from portrait.models import Asset
from portrait.s3 import errors as s3_errors


def tree(base):
    """A class and all below it."""
    return [base, *(below for child in base.__subclasses__() for below in tree(child))]


TREE = [kind for kind in tree(errors.PortraitError) if kind.__module__ == "portrait.errors"]
ADVICE = {kind.advice for kind in tree(errors.PortraitError)} | {
    *(rule.advice for rule in CODES.values() if rule.advice),
    *s3_errors._CODE_ADVICE.values(),
}
OPTIONS = {"--base-url", "--check-public", "--concurrency", "--endpoint-url", "--region", "--state"}
BASES = {errors.PortraitError, errors.OutcomeError}

EXPECTED = {
    errors.UsageError: 2,
    errors.StateError: 2,
    errors.ConnectFailed: 4,
    errors.ConnectionLost: 4,
    errors.Timeout: 4,
    errors.BadResponse: 4,
    errors.MediaRejected: 3,
    errors.AuthError: 3,
    errors.Forbidden: 3,
    errors.NotFound: 3,
    errors.TokenExpired: 3,
    errors.QuotaExceeded: 3,
    errors.Throttled: 3,
    errors.ServerError: 4,
    errors.AssetFailed: 1,
    errors.AssetVanished: 1,
    errors.ValidationFailed: 3,
    errors.WaitTimeout: 5,
    errors.NoFreeSlot: 5,
    errors.AmbiguousGroup: 2,
    errors.UnknownOutcome: 4,
}


def example_of(kind):
    """One of that kind."""
    facts = {
        errors.AssetFailed: {"asset": Asset(id="asset-1")},
        errors.WaitTimeout: {"waited": 60.0},
        errors.AssetVanished: {"asset_id": "asset-1"},
        errors.AmbiguousGroup: {"group_ids": ("group-1", "group-2")},
    }.get(kind, {})
    return kind("Something happened.", **facts)


@pytest.mark.parametrize("kind", [kind for kind in TREE if kind not in BASES], ids=lambda kind: kind.__name__)
def test_every_error_has_an_exit_code_of_its_own_family(kind):
    """The table covers the tree: nothing but the bases falls to the last row."""
    nearest = next(row for row in kind.__mro__ if row in cli_errors.EXIT_CODES)
    assert nearest not in {BaseException, *BASES}
    assert cli_errors.exit_code(example_of(kind)) in {1, 2, 3, 4, 5}


@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: kind.__name__)
def test_the_exit_code_says_what_a_script_may_do_next(kind):
    """Refused is not the same as unknown: only one of them may have changed something."""
    assert cli_errors.exit_code(example_of(kind)) == EXPECTED[kind]


@pytest.mark.parametrize("kind", [*TREE, RuntimeError], ids=lambda kind: kind.__name__)
def test_every_error_is_told_in_calm_lines_and_as_json(kind):
    """At most what, advice and request id; each a line."""
    error = example_of(kind) if kind is not RuntimeError else kind("sk-secret")
    text = cli_errors.format_error(error)
    assert text.startswith("portrait: ")
    assert text.endswith("\n")
    assert len(text.splitlines()) <= 3
    assert "secret" not in text
    assert json.loads(json.dumps(cli_errors.error_record(error)))["kind"] == kind.__name__


def test_a_refusal_names_action_code_and_request_id():
    """All that a support team asks for."""
    error = api_error("QuotaExceeded", "Full.", http_status=200, action="CreateAsset", request_id="R1")
    assert cli_errors.format_error(error, "a.jpg") == (
        "portrait: a.jpg: CreateAsset was refused: Full (QuotaExceeded).\n"
        "  → Delete groups or assets that are no longer used (`portrait rm`), then try again.\n"
        "  request id R1\n"
    )


@pytest.mark.parametrize("advice", sorted(ADVICE))
def test_advice_names_options_of_the_command(advice):
    """One text for the library and the command: arguments become options, or their sentences go."""
    text = cli_errors.format_error(errors.PortraitError("No.", advice=advice))
    assert not re.search(r"\b[a-z_]+=(?![\w'])", text)
    assert set(re.findall(r"--[a-z-]+", text)) <= OPTIONS


@pytest.mark.parametrize(
    ("advice", "text"),
    [
        ("Check base_url=, then go on.", "Check --base-url, then go on."),
        ("Wait. pace= limits the calls.", "Wait."),
        ("Wait. store= and pace= go together.", "Wait."),
        ("pace= limits the calls.", "pace= limits the calls."),
        ("Set Config(region=1, x='y').", "Set Config(region=1, x='y')."),
    ],
)
def test_sentences_about_arguments_without_an_option_are_left_out(advice, text):
    """Unless nothing would be left; Python in an advice stays as it is."""
    assert f"  → {text}\n" in cli_errors.format_error(errors.PortraitError("No.", advice=advice))


def test_a_code_does_not_tell_the_token_that_was_looked_up():
    """Ark's `NotFound.<token>` holds a secret (contract §1)."""
    token = "2026070223064318B4CC874F89A1B2C3D4"
    error = api_error(f"NotFound.{token}", "Not found.", http_status=404, action="GetVisualValidateResult")
    assert token not in cli_errors.format_error(error)
    assert token not in str(cli_errors.error_record(error))
    assert cli_errors.code_of(error) == "NotFound"


def test_a_field_in_a_code_is_told():
    """`MissingParameter.Filter.GroupType` helps."""
    error = api_error("MissingParameter.Filter.GroupType", "Missing.", http_status=200)
    assert "(MissingParameter.Filter.GroupType)" in cli_errors.format_error(error)


@pytest.mark.parametrize(("action", "doubtful"), [("CreateAsset", True), ("upload", True), ("GetAsset", False)])
def test_doubt_is_told_where_there_is_any(action, doubtful):
    """A lost answer to a read changes nothing."""
    error = errors.ConnectionLost("Lost.", action=action, may_have_executed=True)
    assert ("may have been carried out" in cli_errors.format_error(error)) is doubtful


def test_words_from_elsewhere_do_not_steer_the_terminal():
    """A service's message may hold anything."""
    error = api_error("Forbidden", "no\x1b[2Jway\nreally", http_status=200)
    assert "no\\x1b[2Jway\\nreally" in cli_errors.format_error(error)


@pytest.mark.parametrize(
    ("codes", "whole"), [([], 0), ([0, 0], 0), ([0, 3], 1), ([3, 3], 3), ([3, 4], 1), ([5], 5), ([0, 1], 1)]
)
def test_many_outcomes_have_what_they_share(codes, whole):
    """All alike: that code. Otherwise some failed."""
    assert cli_errors.merge_exit_codes(codes) == whole
