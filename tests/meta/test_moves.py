"""How often a call moves between our own files: a flow reads downhill."""

import io
import sys
from itertools import pairwise
from pathlib import Path

import orjson

import emulator
import portrait
from emulator.messages import Call
from emulator.service import Service
from portrait.cli import main
from portrait.cli.console import Console
from portrait.clock import ManualClock
from tests.media_samples import image

OURS = tuple(str(Path(package.__file__).parent) for package in (portrait, emulator))


def moves(work):
    """How often, while `work` runs, a function of another of our files is called than the one before.

    Args:
        work: Is called once.
    """
    files = []

    def profile(frame, event, _):
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(OURS):
            files.append(file)

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return sum(before != after for before, after in pairwise(files))


def test_a_create_passes_few_files():
    """CreateAsset through a pipeline, from bytes to bytes."""
    pipeline = Service(clock=ManualClock()).pipelines[0]

    def call(action, **fields):
        flow = pipeline.answer(
            Call(action=action, key="sk-alice", body=orjson.dumps(fields), base="http://emulator.test")
        )
        try:
            next(flow)
        except StopIteration as stop:
            return orjson.loads(stop.value.body)["Result"]
        raise AssertionError("nothing has to be waited for")

    group = call("CreateAssetGroup", Name="a group", GroupType="AIGC")["Id"]
    asset = {"GroupId": group, "URL": "https://cdn.example/a.jpg", "AssetType": "Image"}
    call("CreateAsset", **asset)  # what is prepared at first use is prepared
    assert moves(lambda: call("CreateAsset", **asset)) <= 45


def test_a_put_passes_no_more_files_than_before(portrait_emulator, tmp_path):
    """`portrait put one.jpg`, a new picture into a new group, piped; the bound may only go down."""
    for name, width in (("one.jpg", 400), ("two.jpg", 500)):
        (tmp_path / name).write_bytes(image("jpeg", width, 400))
    environ = {
        "PORTRAIT_BASE_URL": portrait_emulator.base_url,
        "PORTRAIT_API_KEY": portrait_emulator.api_key,
        "XDG_STATE_HOME": str(tmp_path),
    }
    console = Console(io.StringIO(), io.StringIO(), io.StringIO(), environ, portrait_emulator.clock)

    def put(name):
        assert main(["put", str(tmp_path / name), "--group", name], console) == 0

    put("one.jpg")  # what is imported and prepared at first use is
    assert moves(lambda: put("two.jpg")) <= 860  # eleven calls over HTTP; 250 is the aim
