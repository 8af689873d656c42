"""Every operation of a command fails once, or the process dies there: the next run puts everything right.

Nothing is there twice, nothing is lost, nothing goes unreported and nothing is left behind, whichever operation it
was. What is exempt: EINTR, since Python itself goes on after it (PEP 475), and failures of `close`, which nobody can
undo.
"""

import io
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from portrait.cli import main
from portrait.cli.console import Console
from portrait.clock import ManualClock
from portrait.ensure import parse_digest
from portrait.errors import PortraitError
from portrait.s3 import ObjectStore
from portrait.s3.parts import MIN_PART_BYTES
from tests.media_samples import image
from tests.portrait.s3.conftest import LARGE, _make_clients_quickly  # noqa: F401  (a fixture: botocore is slow)
from tests.s3_stub import ACCESS_KEY, SECRET_KEY, S3Stub
from tests.system.fault_points import FaultPoints, Killed, Kind

CODES = {0, 1, 2, 3, 4, 5}
CONTENTS = [image("jpeg", 400 + number, 400) for number in range(3)]


@pytest.fixture(scope="module")
def stub():
    """A strict storage."""
    with pytest.MonkeyPatch.context() as patch, S3Stub() as stub:
        patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        stub.bucket.write_pause = 0.0
        yield stub


class World:
    """A user with three files, who begins anew for each point.

    Args:
        emulator: The service.
        stub: The storage.
        folder: Of this user's own.
    """

    def __init__(self, emulator, stub, folder):
        self.emulator = emulator
        self.stub = stub
        self.folder = folder
        self.key = emulator.customer()
        self.client = emulator.client(api_key=self.key)
        self.manifest = folder / "work" / "manifest.jsonl"
        self.prefix = f"people-{folder.name}"
        self.files = []
        (folder / "work").mkdir(parents=True)
        for number, content in enumerate(CONTENTS):
            path = folder / "photos" / f"{number}.jpg"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            self.files.append(str(path))
        self.out = self.err = ""

    def run(self, *argv, points=None):
        """Run the command, with a point that fails; the exit code, None after a kill."""
        out, err = io.StringIO(), io.StringIO()
        environ = {
            "PORTRAIT_BASE_URL": self.emulator.base_url,
            "PORTRAIT_API_KEY": self.key,
            "XDG_STATE_HOME": str(self.folder / "work" / "state"),
        }
        console = Console(io.StringIO(), out, err, environ, self.emulator.clock)
        points = points or FaultPoints(self.folder / "work")
        try:
            with points.armed():
                code = main(argv, console)
        except Killed:
            code = None
        self.out, self.err = out.getvalue(), err.getvalue()
        return None if points.killed else code

    def put(self, *more, points=None):
        """Send the files into one group."""
        words = ["put", *self.files, "--group", "brand", "--manifest", str(self.manifest), "--concurrency", "1"]
        return self.run(*words, *more, points=points)

    @property
    def storage(self):
        """The options that name it."""
        public = ["--public-base", self.stub.public_base]
        return ["--to", f"s3://portraits/{self.prefix}", "--endpoint-url", self.stub.url, *public]

    def assets(self):
        """What the service has, as soon as lists show it."""
        self.emulator.clock.advance(10)
        return list(self.client.iter_assets())

    def objects(self):
        """What the storage has of this user."""
        return [key for key in self.stub.bucket.objects if key.startswith(self.prefix)]

    def assert_reported(self, code):
        """A run that came to its end has reported each asset, or that something is open."""
        assert code in CODES, (code, self.err)
        assert "unexpected" not in self.err
        if code == 0:
            uris = {json.loads(line)["uri"] for line in self.out.splitlines()}
            assert uris == {f"asset://{asset.id}" for asset in self.assets()}
        else:
            assert self.err

    def assert_done(self, code):
        """One group, one Active asset for each file, a manifest that names them, and nothing left behind."""
        assert code == 0, self.err
        assert [group.name for group in self.client.iter_asset_groups()] == ["brand"]
        assets = self.assets()
        assert set(Counter(parse_digest(asset.name) for asset in assets).values()) == {1}
        assert len(assets) == len(CONTENTS)
        assert {str(asset.status) for asset in assets} == {"Active"}
        self.assert_reported(code)
        last = {row["file"]: row for row in _rows(self.manifest)}
        assert {row["uri"] for row in last.values()} == {f"asset://{asset.id}" for asset in assets}
        assert leftovers(self.folder / "work") == []


def _rows(manifest):
    rows = []
    for line in manifest.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:  # a torn line of the run before
            continue
    return rows


def leftovers(folder):
    """Files that only a run in the middle of something needs; the one of an erasure's record has the record's name."""
    found = [path for path in Path(folder).rglob("*") if path.suffix in {".new", ".tmp", ".part", ".lock"}]
    return [str(path) for path in found if path.parent.name != "erasures"]


@pytest.fixture
def worlds(portrait_emulator, stub, tmp_path):
    """Makes a world for each point; lists lag by six seconds."""
    for action in ("ListAssets", "ListAssetGroups"):
        portrait_emulator.rules.add(match={"action": action}, do={"lag": 6})

    def make(name):
        return World(portrait_emulator, stub, tmp_path / name)

    return make


def enumerate_points(kind, attempt, capsys, step):
    """Let the N-th point fail, N = 1, 1 + step, …, until an attempt passes untouched; prints how many there are."""
    number = 1
    while len((points := attempt(f"{kind}-{number}", number)).reached) >= number:
        number += step
    names = ", ".join(f"{count} {name}" for name, count in Counter(points.reached).most_common())
    with capsys.disabled():
        print(f"\n{kind}: {len(points.reached)} points ({names}), each {step}. tried")
    return len(points.reached)


@pytest.fixture
def step():
    """How far tried points are apart; scripts/conformance tries every one."""
    return 47


@pytest.fixture(params=[Kind.FAILS, pytest.param(Kind.KILLED, marks=pytest.mark.slow)], ids=str)
def kind(request):
    """How each point fails."""
    return request.param


@pytest.mark.parametrize(("way", "kind"), [("gateway", Kind.FAILS), ("gateway", Kind.SHORT), ("storage", Kind.KILLED)])
def test_put(worlds, capsys, kind, way, step):
    """Three files into a new group, while lists lag; what the next run finds is used, and nothing is created twice."""

    def attempt(name, number):
        world = worlds(f"{way}-{name}")
        more = world.storage if way == "storage" else []
        points = FaultPoints(world.folder / "work", number, kind)
        code = world.put(*more, points=points)
        if not points.killed:
            world.assert_reported(code)
        world.assert_done(world.put(*more))
        if way == "storage":
            assert len(world.objects()) == len(CONTENTS)
        return points

    assert enumerate_points(kind, attempt, capsys, step) >= (3 if kind is Kind.SHORT else 10)


def test_forget(worlds, capsys, kind, step):
    """The group, its assets and its objects go; a run that failed says so, and the next one erases the rest."""

    def attempt(name, number):
        world = worlds(f"forget-{name}")
        assert world.put(*world.storage) == 0
        words = ["forget", "brand", "--yes", *world.storage[:4], "--manifest", str(world.manifest)]
        points = FaultPoints(world.folder / "work", number, kind)
        code = world.run(*words, points=points)
        if not points.killed:
            assert code in CODES, (code, world.err)
            assert "unexpected" not in world.err
            assert (code == 0) == (not world.assets() and not world.objects()), (code, world.err)
            assert code == 0 or world.err
        assert world.run(*words) == 0, world.err
        assert json.loads(world.out)["nothing_left"] is True
        assert (world.assets(), world.objects(), list(world.client.iter_asset_groups())) == ([], [], [])
        assert leftovers(world.folder / "work") == []
        return points

    assert enumerate_points(kind, attempt, capsys, step) >= 10


def test_upload_in_parts(worlds, stub, capsys, kind, step):
    """A file of two parts into object storage: one object, and no unfinished upload is left."""

    def attempt(name, number):
        world = worlds(f"parts-{name}")
        path = world.folder / "clip.bin"
        path.write_bytes(bytes([number % 256]) * LARGE)
        points = FaultPoints(world.folder / "work", number, kind)

        def store():
            with ObjectStore(
                f"s3://portraits/{world.prefix}",
                endpoint_url=stub.url,
                state=world.folder / "work" / "state.db",
                part_size=MIN_PART_BYTES,
                concurrency=1,
                clock=ManualClock(),
            ) as store:
                return store.put(path).key

        with suppress(Killed), points.armed():
            try:
                store()
            except PortraitError as error:
                assert error.advice  # noqa: PT017  (most points do not raise)
        key = store()
        assert world.objects() == [key]
        assert not [upload for upload in stub.bucket.uploads.values() if upload.key.startswith(world.prefix)]
        assert leftovers(world.folder / "work") == []
        return points

    assert enumerate_points(kind, attempt, capsys, step) >= 10
