"""The command in this process, against an emulator behind a real socket, on a clock that only sleeping moves."""

import io
import json
import os
import threading
from dataclasses import dataclass

import pytest

from portrait.cli import main
from portrait.cli.console import Console
from tests.media_samples import image
from tests.portrait.s3.conftest import _make_clients_quickly  # noqa: F401  (a fixture: botocore is slow)
from tests.s3_stub import ACCESS_KEY, SECRET_KEY, S3Stub


class Terminal(io.StringIO):
    """A stream that says that a person sits at it."""

    def isatty(self):
        """Yes."""
        return True


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def rows(self):
        """The lines of JSON on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


class Command:
    """Runs `portrait` with the environment of a user of this emulator."""

    def __init__(self, emulator, state):
        self.emulator = emulator
        self.environ = {
            "PORTRAIT_BASE_URL": emulator.base_url,
            "PORTRAIT_API_KEY": emulator.api_key,
            "XDG_STATE_HOME": str(state),
        }

    def __call__(self, *argv, stdin="", terminal=False, interactive=False, **environ):
        """Run it; `terminal` makes stdout and stderr one, `interactive` stdin too."""
        stream = Terminal if terminal else io.StringIO
        in_ = (Terminal if interactive else io.StringIO)(stdin)
        out, err = stream(), stream()
        code = main(argv, self.console(in_, out, err, **environ))
        return Ran(code, out.getvalue(), err.getvalue())

    def console(self, stdin, stdout, stderr, **environ):
        """Streams of the caller's choice, everything else as for a user; an empty variable is one that is not set."""
        return Console(stdin, stdout, stderr, self.environ | environ, self.emulator.clock)

    def on_terminal(self, *argv):
        """Run it on a pseudo-terminal: the exit code, and all that came out of it."""
        master, slave = os.openpty()
        got = []

        def read():
            while True:
                try:
                    piece = os.read(master, 65536)
                except OSError:  # Linux: the other end is closed
                    return
                if not piece:
                    return
                got.append(piece)

        reader = threading.Thread(target=read)
        reader.start()
        with open(slave, "w", encoding="utf-8") as screen:  # noqa: PTH123  (a descriptor)
            code = main(argv, self.console(io.StringIO(), screen, screen))
        reader.join()
        os.close(master)
        return code, b"".join(got).decode()


@pytest.fixture
def emulator(portrait_emulator):
    """An emulator of this test's own."""
    return portrait_emulator


@pytest.fixture
def client(emulator):
    """A client of the same customer, for looking behind the command's back."""
    return emulator.client()


@pytest.fixture
def portrait(emulator, tmp_path_factory):
    """Runs the command."""
    return Command(emulator, tmp_path_factory.mktemp("state"))


@pytest.fixture
def group(client):
    """The id of a group named `hosts`."""
    return client.create_asset_group(name="hosts").id


@pytest.fixture
def stub(monkeypatch):
    """A strict storage; its key is in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    with S3Stub() as stub:
        yield stub


@pytest.fixture
def picture(tmp_path):
    """Makes image files that differ in content."""

    def make(name, width=400):
        path = tmp_path / name
        path.write_bytes(image("jpeg", width, 400))
        return str(path)

    return make


@pytest.fixture
def asset(client, group, picture):
    """The id of an asset named `front` that is still in review."""
    return client.upload_asset(picture("front.jpg"), group_id=group, name="front").id
