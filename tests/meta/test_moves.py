"""How often one task moves between our own files: a flow that goes down through the layers is read more easily."""

import io
import sys
import threading
from contextlib import contextmanager
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from pathlib import Path

from portrait.cli import main
from portrait.cli.console import Console
from tests.media_samples import image

ROOT = Path(__file__).resolve().parents[2]
MOST_OF_PUT = 780  # 759 when it was measured, for eleven calls over HTTP: it is to go down, never up


@contextmanager
def count_moves(package):
    """Count the moves inside of a package while the block runs; they are in the list that it gives, by thread.

    A move is a pair of consecutive calls, among the calls in one thread to functions that stand in files of the
    package, whose files differ. Neither returns nor resumptions of generators are calls.
    """
    folder, last, moves = f"{ROOT / package}/", threading.local(), []
    running = set()  # generators, whose every resumption is a `call` event too

    def profile(frame, event, argument):
        path = frame.f_code.co_filename
        if event != "call" or not path.startswith(folder) or frame in running:
            return
        if frame.f_code.co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR):
            running.add(frame)
        if getattr(last, "path", path) != path:
            moves.append((last.path, path))
        last.path = path

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        yield moves
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def test_a_put_of_one_picture_moves_rarely(portrait_emulator, tmp_path):
    """`portrait put one.jpg`, a new picture into a new group, with piped output."""
    picture = tmp_path / "one.jpg"
    picture.write_bytes(image("jpeg", 400, 400))
    environ = {
        "PORTRAIT_BASE_URL": portrait_emulator.base_url,
        "PORTRAIT_API_KEY": portrait_emulator.api_key,
        "XDG_STATE_HOME": str(tmp_path),
    }
    argv = ["put", str(picture), "--group", "brand"]
    console = Console(io.StringIO(), io.StringIO(), io.StringIO(), environ, portrait_emulator.clock)
    assert main(["put", "--help"], console) == 0  # what is imported is not counted
    with count_moves("portrait") as moves:
        assert main(argv, console) == 0
    assert len(moves) <= MOST_OF_PUT
