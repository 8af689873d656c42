"""The child process that opens video, audio and HEIC files: how it starts, ends, fails and is replaced."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest

from portrait.errors import UsageError
from portrait.media import measure
from portrait.media._bytes import InvalidMedia
from portrait.media._worker import WORKER, Worker, WorkerUnavailable
from tests import media_samples as samples

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture
def worker():
    """A worker of the test's own."""
    one = Worker()
    yield one
    one.close()


def seconds(worker: Worker, data: bytes = b"", format_name: str = "wav") -> float:
    """The duration of a file, measured by a worker."""
    return worker.measure(BytesIO(data or samples.audio(format_name)), format_name)["duration"]


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def await_end(pid: int) -> bool:
    """Whether a process ends within five seconds."""
    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    return not is_alive(pid)


def script(code: str, **options) -> subprocess.CompletedProcess:
    """Run code in a Python of its own, in which no warning is silent."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False, **options)


def test_a_worker_serves_many_files(worker):
    """The process is started by the first file, and serves the next ones."""
    assert worker.pid is None
    assert seconds(worker) == pytest.approx(3)
    first = worker.pid
    assert seconds(worker, format_name="mp3") == pytest.approx(3)
    assert worker.pid == first


@pytest.mark.parametrize(
    "format_name", ["mp4", *(pytest.param(name, marks=pytest.mark.slow) for name in ("mp3", "heic"))]
)
def test_a_worker_lasts(worker, format_name):
    """Good files leave no memory behind, for which the process would have to be replaced."""
    data = samples.sample(format_name)
    worker.measure(BytesIO(data), format_name)
    first = worker.pid
    for _ in range(60):
        worker.measure(BytesIO(data), format_name)
    assert worker.pid == first


@pytest.mark.parametrize("name", ["SIGKILL", pytest.param("SIGTERM", marks=pytest.mark.slow)])
def test_a_worker_that_somebody_ends_is_replaced(worker, name):
    """It says nothing about the next file."""
    seconds(worker)
    pid = worker.pid
    os.kill(pid, getattr(signal, name))
    assert seconds(worker) == pytest.approx(3)
    assert worker.pid != pid
    assert not is_alive(pid)


class Killer(BytesIO):
    """A file that ends the process that reads it, as often as it is told."""

    def __init__(self, data: bytes, worker: Worker, number: int, times: int) -> None:
        super().__init__(data)
        self.worker, self.number, self.times = worker, number, times

    def read(self, count: int = -1) -> bytes:
        """Send the signal, then read."""
        if self.times:
            self.times -= 1
            os.kill(self.worker.pid, self.number)
        return super().read(count)


def test_a_worker_that_is_killed_at_work_tries_the_file_again(worker):
    """Somebody else's signal is no fault of the file, unless it comes each time."""
    file = Killer(samples.audio(), worker, signal.SIGKILL, 1)
    assert worker.measure(file, "wav")["duration"] == pytest.approx(3)
    with pytest.raises(InvalidMedia, match="crashes"):
        worker.measure(Killer(samples.audio(), worker, signal.SIGKILL, 99), "wav")
    assert seconds(worker) == pytest.approx(3)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("SIGSEGV", "crashes"),
        pytest.param("SIGABRT", "crashes", marks=pytest.mark.slow),
        pytest.param("SIGBUS", "crashes", marks=pytest.mark.slow),
        ("SIGPROF", "takes longer than"),
        pytest.param("SIGALRM", "takes longer than", marks=pytest.mark.slow),
    ],
)
def test_a_library_that_crashes_is_a_fault_of_the_file(worker, name, problem):
    """The file is refused once, and the next one is measured."""
    with pytest.raises(InvalidMedia, match=problem):
        worker.measure(Killer(samples.audio(), worker, getattr(signal, name), 1), "wav")
    assert seconds(worker) == pytest.approx(3)


class Unreadable(BytesIO):
    """A file whose disk fails."""

    def read(self, *_):
        """Fail."""
        raise OSError("disk")


def test_a_file_that_cannot_be_read_is_an_error_of_the_system(worker):
    """It goes to the caller, and the next file is measured."""
    with pytest.raises(OSError, match="disk"):
        worker.measure(Unreadable(samples.audio()), "wav")
    assert seconds(worker) == pytest.approx(3)


class Interrupted(BytesIO):
    """A file during whose reading somebody presses Ctrl-C."""

    def read(self, *_):
        """Be interrupted."""
        raise KeyboardInterrupt


def test_an_interrupt_leaves_no_half_of_an_exchange(worker):
    """The next file gets an answer of its own."""
    with pytest.raises(KeyboardInterrupt):
        worker.measure(Interrupted(samples.audio()), "wav")
    assert seconds(worker) == pytest.approx(3)


def test_an_interrupt_of_the_terminal_does_not_end_the_worker(worker):
    """Ctrl-C reaches the whole process group; what to do about it is this process's business."""
    seconds(worker)
    pid = worker.pid
    os.kill(pid, signal.SIGINT)
    assert seconds(worker) == pytest.approx(3)
    assert worker.pid == pid


STUB = """
__version__ = "99.0.0"
def open(*args, **options):
    raise TypeError("'metadata_errors' is an invalid keyword argument")
open_heif = open
"""


@pytest.mark.parametrize(("format_name", "library"), [("mp4", "av"), ("mp3", "av"), ("heic", "pillow_heif")])
def test_an_unknown_library_is_no_fault_of_the_file(format_name, library, worker, tmp_path, monkeypatch):
    """Case matrix-new: a library whose interface is another one is reported as such, and no file is refused for it."""
    (tmp_path / f"{library}.py").write_text(STUB)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WorkerUnavailable, match=f"no fault of its own: {library}: TypeError"):
        worker.measure(BytesIO(samples.sample(format_name)), format_name)
    monkeypatch.setattr(sys.modules["portrait.media.measure"], "WORKER", worker)
    with pytest.raises(UsageError, match="no fault of its own"):
        measure(samples.sample(format_name))


@pytest.mark.parametrize("state", [{"frozen": True}, {"executable": ""}, {"executable": None}], ids=str)
def test_a_frozen_program_is_not_started_again(worker, monkeypatch, state):
    """`sys.executable` is the program itself there; pictures are measured as ever, and the rest says what to do."""
    for name, value in state.items():
        monkeypatch.setattr(sys, name, value, raising=False)
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a process is started"))
    monkeypatch.setattr(sys.modules["portrait.media.measure"], "WORKER", worker)
    assert measure(samples.image("png")).width == 640
    with pytest.raises(UsageError, match="which a frozen program cannot start"):
        measure(samples.audio())


UNEXPECTED = """
from types import SimpleNamespace
__version__ = "99.0.0"
time_base = 1
class open:
    streams = SimpleNamespace(video=(), audio=(1,))
    duration = 10**400
    def __init__(self, *args, **options): pass
    def __enter__(self): return self
    def __exit__(self, *error): pass
"""
OWN = "no fault of its own: av: OverflowError"


def test_an_exception_of_our_own_is_no_fault_of_the_file(worker, tmp_path, monkeypatch):
    """Case matrix-new: also where our code raises it between two calls of a library, of a type that libraries raise."""
    (tmp_path / "av.py").write_text(UNEXPECTED)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WorkerUnavailable, match=OWN):
        worker.measure(BytesIO(samples.audio()), "wav")
    (tmp_path / "av.py").write_text(UNEXPECTED + "    def __enter__(self): raise OverflowError")
    worker.close()
    with pytest.raises(InvalidMedia, match=r"FFmpeg does not open it \(OverflowError"):
        worker.measure(BytesIO(samples.audio()), "wav")


def test_an_exception_of_a_parser_is_no_fault_of_the_picture(monkeypatch):
    """Pictures are measured without a library: there every exception is our own."""

    def broken(file):
        raise IndexError("string index out of range")

    monkeypatch.setattr(sys.modules["portrait.media.measure"], "PARSERS", {"png": broken})
    with pytest.raises(IndexError):
        measure(samples.image("png"))


def test_a_python_that_does_not_start(worker, monkeypatch, tmp_path):
    """What is missing is said, and the file is not blamed."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    with pytest.raises(WorkerUnavailable, match="cannot be started"):
        seconds(worker)
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(WorkerUnavailable, match="ended at once, with status 0"):
        seconds(worker)
    assert worker.pid is None


def test_no_descriptor_and_no_process_stays_behind(worker):
    """However often the process is replaced."""
    seconds(worker)
    worker.close()
    gc.collect()  # what earlier tests left open
    before = set(Path("/proc/self/fd").iterdir())
    for _ in range(2):
        seconds(worker)
        pid = worker.pid
        os.kill(pid, signal.SIGKILL)
        await_end(pid)
        seconds(worker)
        worker.close()
        worker.close()
    gc.collect()
    assert set(Path("/proc/self/fd").iterdir()) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def test_threads_and_tasks_share_a_worker(worker):
    """Files that come at once are measured one after the other."""
    lengths = [1, 2, 3, 4] * 3
    files = [samples.audio(seconds=length) for length in lengths]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda data: seconds(worker, data), files)) == pytest.approx(lengths)

    async def tasks():
        return await asyncio.gather(*(asyncio.to_thread(seconds, worker, data) for data in files))

    assert asyncio.run(tasks()) == pytest.approx(lengths)


MEASURE = "from portrait.media import measure; from tests.media_samples import audio; "


@pytest.mark.parametrize("stdin", ["closed", pytest.param("a script", marks=pytest.mark.slow)])
def test_a_process_leaves_nothing_behind(stdin):
    """It ends without a warning and without its child, whatever its standard input is."""
    code = (
        MEASURE + "from portrait.media._worker import WORKER\nassert measure(audio()).duration == 3; print(WORKER.pid)"
    )
    if stdin == "closed":
        done = script("import os; os.close(0)\n" + code)
    else:
        command = [sys.executable, "-W", "error", "-"]
        done = subprocess.run(command, input=code, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert await_end(int(done.stdout))


def test_a_killed_process_takes_its_worker_along():
    """Kill -9 lets nobody tidy up; the child sees its standard input end."""
    code = MEASURE + (
        "from portrait.media._worker import WORKER; import os, signal\n"
        "measure(audio()); print(WORKER.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = script(code)
    assert done.returncode == -signal.SIGKILL
    assert await_end(int(done.stdout))


def test_a_fork_starts_a_worker_of_its_own():
    """The two do not read each other's answers, and the first still ends with its process."""
    code = MEASURE + (
        "from portrait.media._worker import WORKER; import os, warnings\n"
        "measure(audio()); first = WORKER.pid\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    assert WORKER.pid is None\n"
        "    assert measure(audio()).duration == 3\n"
        "    assert WORKER.pid != first\n"
        "    WORKER.close()\n"
        "    os._exit(7)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7\n"
        "assert measure(audio()).duration == 3\n"
        "assert WORKER.pid == first"
    )
    done = script(code)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_spawned_pool_measures():
    """Processes of multiprocessing's spawn method have workers of their own."""
    code = MEASURE + (
        "import multiprocessing\n"
        "with multiprocessing.get_context('spawn').Pool(2) as pool:\n"
        "    assert [each.duration for each in pool.map(measure, [audio(), audio()])] == [3, 3]"
    )
    done = script(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_worker_of_this_process_starts_quickly():
    """At most 0.3 s on an idle machine, once; the machine of a test is seldom idle."""
    WORKER.close()
    started = time.perf_counter()
    measure(samples.audio())
    first = time.perf_counter() - started
    started = time.perf_counter()
    measure(samples.audio())
    assert time.perf_counter() - started < first < 3


def test_images_need_no_process():
    """A picture is measured by this process, without any library."""
    code = MEASURE.replace("audio", "image") + (
        "from portrait.media._worker import WORKER\nassert measure(image()).width == 640; assert WORKER.pid is None"
    )
    assert script(code).returncode == 0
