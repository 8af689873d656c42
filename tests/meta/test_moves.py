"""How often a call moves between our own files: a flow reads downhill."""

import sys
from itertools import pairwise
from pathlib import Path

import orjson

import emulator
import portrait
from emulator.messages import Call
from emulator.service import Service
from portrait.clock import ManualClock

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
