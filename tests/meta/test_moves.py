"""How often a call moves between our own files: a flow reads downhill."""

import io
import sys
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

import emulator
import portrait
from emulator.messages import Call
from emulator.service import Service
from portrait import PortraitClient
from portrait.cli import main
from portrait.cli.console import Console
from portrait.clock import ManualClock, SystemClock
from tests.media_samples import image
from tests.portrait.helpers import KEY, body, good
from tests.portrait.raw_server import RawServer, ok, respond_with

OURS = tuple(str(Path(package.__file__).parent) for package in (portrait, emulator))


def trace(work):
    """The files of ours whose functions are called while `work` runs, in the order of the calls.

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
    return files


def moves(files):
    """How often a call goes to another file than the call before it."""
    return sum(before != after for before, after in pairwise(files))


class _Wire:
    """A transport that answers every request with an asset's id, and ends the trace."""

    def send(self, _):
        sys.setprofile(None)
        return good({"Id": "asset-1"})

    def close(self):
        pass


def test_a_call_passes_few_files_on_its_way_to_the_wire():
    """`create_asset`, from the method to the transport."""
    with PortraitClient(api_key=KEY, base_url="http://localhost:1/v1", transport=_Wire()) as client:

        def create():
            client.create_asset(group_id="group-1", url="https://cdn.example/a.jpg", asset_type="Image")

        create()  # what is prepared at first use is prepared
        files = trace(create)
    assert len(set(files)) <= 7
    assert moves(files) <= 8


@pytest.mark.parametrize(
    "credentials",
    [
        {"api_key": KEY, "provider": "alltoken"},
        {"access_key": KEY, "secret_key": KEY, "provider": "volcengine"},
    ],
    ids=["bearer", "signed"],
)
def test_a_call_passes_few_files_to_the_socket_and_back(credentials):
    """`get_asset` over the client's own transport, from the method to its result."""
    asset = {"Id": "asset-1", "AssetType": "Image", "Status": "Active", "URL": "https://cdn.example/a.jpg"}
    with (
        RawServer(respond_with(ok(body(asset)))) as server,
        PortraitClient(base_url=server.url, **credentials) as client,
    ):
        client.get_asset(id="asset-1")  # what is prepared at first use is prepared
        files = trace(lambda: client.get_asset(id="asset-1"))
    assert moves(files) <= 12


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
    assert moves(trace(lambda: call("CreateAsset", **asset))) <= 44


class _Hurried(SystemClock):
    """The clock of a user's program, which is read without a function of ours; pauses pass on a clock of a test."""

    def __init__(self, clock):
        self.sleep = clock.advance


def test_a_put_passes_no_more_files_than_before(portrait_emulator, tmp_path):
    """`portrait put one.jpg`, a new picture into a new group, piped; the bound may only go down."""
    for name, width in (("one.jpg", 400), ("two.jpg", 500)):
        (tmp_path / name).write_bytes(image("jpeg", width, 400))
    environ = {
        "PORTRAIT_BASE_URL": portrait_emulator.base_url,
        "PORTRAIT_API_KEY": portrait_emulator.api_key,
        "XDG_STATE_HOME": str(tmp_path),
    }
    console = Console(io.StringIO(), io.StringIO(), io.StringIO(), environ, _Hurried(portrait_emulator.clock))

    def put(name):
        assert main(["put", str(tmp_path / name), "--group", name], console) == 0

    put("one.jpg")  # what is imported and prepared at first use is
    # Seven calls over HTTP, and eight transactions of the state; 250 is the aim.
    assert moves(trace(lambda: put("two.jpg"))) <= 506
