"""Samples of Ark's answers (`fixtures/samples-ark`), decoded by the client and rendered by the server's dialect."""

import json
from pathlib import Path

import attrs
import orjson
import pytest

from emulator.dialects import ARK as SERVER
from emulator.dialects.dialect import wrap
from emulator.domain.reasons import FURTHER_REASONS, Reason, Refusal
from portrait import errors, models
from portrait.actions import ACTIONS
from portrait.dialects import ARK
from portrait.errors import ApiError
from portrait.results import decode_result
from tests.portrait.helpers import answer, decode

ROOT = Path(__file__).parents[2] / "fixtures" / "samples-ark"
SAMPLES = sorted(ROOT.rglob("*.json"))


def read(path):
    """A sample."""
    return json.loads(path.read_text(encoding="utf-8"))


def named(path):
    """Action and case."""
    return f"{path.parent.name}-{path.stem}"


def plain(value):
    """A decoded value as JSON shows it."""
    if attrs.has(type(value)):
        return {f.name: plain(getattr(value, f.name)) for f in attrs.fields(type(value)) if f.name != "response"}
    return [plain(each) for each in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("path", SAMPLES, ids=named)
def test_a_sample_is_read_as_it_says(path):
    """Decoded to the class and the fields of the sample, or raised as its error."""
    sample = read(path)
    action, wanted = ACTIONS[path.parent.name], sample["decoded"]
    response = answer(sample["response"]["body"], sample["response"]["status"])
    if "error" in wanted:
        with pytest.raises(ApiError) as info:
            decode(ARK, response, action.name)
        assert type(info.value) is getattr(errors, wanted["error"])
        found = {"code": info.value.code, "detail": info.value.detail, "retry": info.value.retry.value}
        assert found == {name: wanted[name] for name in found}
        assert info.value.http_status == sample["response"]["status"]
        assert info.value.request_id == sample["response"]["body"]["ResponseMetadata"]["RequestId"]
        return
    value = decode_result(action, *decode(ARK, response, action.name))
    assert type(value) is getattr(models, wanted["class"]) is action.result
    assert {name: plain(getattr(value, name)) for name in wanted["fields"]} == wanted["fields"]


@pytest.mark.parametrize("path", [p for p in SAMPLES if read(p)["presented"]], ids=named)
def test_a_sample_is_said_as_it_reads(path):
    """From the value that was read, or from the reason, the dialect makes the very bytes of the sample."""
    sample = read(path)
    body, name = sample["response"]["body"], path.parent.name
    metadata = body["ResponseMetadata"]
    envelope = {"request_id": metadata["RequestId"], "action": name, "version": metadata["Version"]}
    envelope["region"] = metadata["Region"]
    if "error" in sample["decoded"]:
        facts = dict(sample["presented"])
        row, error = SERVER.render_error(Refusal(Reason(facts.pop("reason")), **facts))
        status, rendered = row.status, wrap(**envelope, error=error)
    else:
        response = answer(body)
        value = decode_result(ACTIONS[name], *decode(ARK, response, name))
        status, rendered = 200, wrap(**envelope, result=SERVER.serialize(value))
    assert orjson.dumps(rendered) == orjson.dumps(body)
    assert status == sample["response"]["status"]


def test_the_samples_cover_the_actions_and_the_reasons():
    """Each Action has a good answer; each reason that ark has a word of its own for has a sample."""
    assert {path.parent.name for path in SAMPLES if "class" in read(path)["decoded"]} == set(ACTIONS)
    reasons = {read(path)["presented"]["reason"] for path in SAMPLES if isinstance(read(path)["presented"], dict)}
    # What has no sample in the contract for ark; the words are ours or AllToken's.
    unseen = {
        Reason.MISSING_ACTION,
        Reason.MALFORMED_AUTHORIZATION,
        Reason.MALFORMED_CREDENTIAL,
        Reason.MALFORMED_BODY,
        Reason.BODY_TOO_LARGE,
        Reason.FILE_TOO_LARGE,
        Reason.ASSET_EXPIRED,
        Reason.AIGC_NOT_AVAILABLE,
        Reason.BALANCE_EMPTY,
        *FURTHER_REASONS,
    }
    assert set(Reason) - {Reason(reason) for reason in reasons} == unseen


def test_a_sample_says_where_it_comes_from():
    """Mark, source and date; its name is its case."""
    for path in SAMPLES:
        sample = read(path)
        assert sample["mark"] in {"D", "M", "I"}, path
        assert sample["source"].startswith("protocol §"), path
        assert sample["case"] == path.stem
        assert sample["summary"].endswith("."), path
        assert sample["date"], path
