"""The record of the vendor's models, and the comparison that says what a newer release has changed."""

import copy
import json
import re

import pytest

from tests.vendor import fingerprint
from tests.vendor.sdk_models import REQUESTS, RESULTS

SOURCE = '''
from enum import Enum
from typing import Annotated, Any
from pydantic import BaseModel, Field

class Error7(BaseModel):
    code: Annotated[str, Field(alias="Code")]
    """
    Why.
    """

class PortraitAssetStatus(Enum):
    active = "Active"

class PortraitEnvelope(BaseModel):
    error: Annotated[Error7 | None, Field(alias="Error")] = None
    status: Annotated[PortraitAssetStatus, Field(alias="Status")]
'''


@pytest.fixture
def changed(tmp_path):
    """What the comparison says of a module, and of the same with some text replaced."""

    def changed(old, new):
        paths = [tmp_path / "before.py", tmp_path / "after.py"]
        paths[0].write_text(SOURCE)
        assert old in SOURCE
        paths[1].write_text(SOURCE.replace(old, new))
        return fingerprint.differences(*map(fingerprint.fingerprint, paths))

    return changed


def test_the_record_names_its_version_and_every_model_that_is_used():
    """The stored fingerprint says of what it is and when it was taken, and has the models of all Actions."""
    record = fingerprint.record()
    assert record["package"] == "alltoken"
    assert re.fullmatch(r"\d+\.\d+\.\d+", record["version"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"])
    used = {*filter(None, RESULTS.values()), *REQUESTS.values(), *fingerprint.ENTRIES}
    assert used <= record["models"].keys()
    assert not any(re.search(r"\d$", name) for name in record["models"]), (
        "a name that the generator counts does not last"
    )


def test_the_recorded_version_is_what_was_recorded():
    """Where the recorded version is installed, its models are the recorded ones, so that the record is not stale."""
    path, version = fingerprint.installed()
    record = fingerprint.record()
    if version != record["version"]:
        pytest.skip(f"{version} is installed, {record['version']} is recorded: scripts/drift compares them")
    assert fingerprint.differences(record["models"], fingerprint.fingerprint(path)) == []


def test_no_change_is_no_difference(changed):
    """The comparison is quiet where only the order of classes, the generator's numbering or other parts changed."""
    assert changed("Error7", "Error12") == []
    assert (
        changed("class PortraitAssetStatus", "class Other(BaseModel):\n    x: int\n\nclass PortraitAssetStatus") == []
    )


@pytest.mark.parametrize(
    ("old", "new", "recorded"),
    [
        ('"Active"', '"Live"', "PortraitAssetStatus: the values were ['Active'] and are ['Live']"),
        ('alias="Status"', 'alias="State"', "PortraitEnvelope: Status is gone"),
        ('alias="Status"', 'alias="State"', "PortraitEnvelope: State is new"),
        ("code: Annotated[str, ", "code: Annotated[int, ", "PortraitEnvelope.Error: Code was required"),
        ('alias="Error")] = None', 'alias="Error")]', "PortraitEnvelope: Error was optional"),
        ("Why.", "Why it is so.", "PortraitEnvelope.Error: its documentation changed"),
        ("PortraitEnvelope(", "Envelope(", "PortraitEnvelope: gone"),
    ],
)
def test_a_change_is_told_by_model_and_field(changed, old, new, recorded):
    """Each kind of change gives a line that names the model and says what it was and is."""
    assert any(line.startswith(recorded) for line in changed(old, new)), changed(old, new)


def test_a_new_model_is_told():
    """A model that the record lacks is named with its fields."""
    models = fingerprint.record()["models"]
    fewer = copy.deepcopy(models)
    del fewer["AssetItem"]
    (line,) = fingerprint.differences(fewer, models)
    assert line.startswith("AssetItem: new, with Id, GroupId, Name")


def test_the_record_is_plain_json():
    """The fixture is written as the script writes it, so that a refresh shows only what changed."""
    text = fingerprint.RECORD.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
