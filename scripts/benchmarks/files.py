"""Files into a bucket: many small ones against `aws s3 cp`, a large one against boto3's `upload_file`, and the memory.

The storage is a process that checks and keeps nothing. awscli lives in a venv of its own, made when this is measured.
The processes that are measured are of this module too (`python -m scripts.benchmarks.files WORK URL …`).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from scripts.benchmarks.processes import PYTHON, ROOT, environment
from scripts.benchmarks.report import Figure, ratio

_KEY = {"AWS_ACCESS_KEY_ID": "AKIDSTUB", "AWS_SECRET_ACCESS_KEY": "stub-secret", "AWS_EC2_METADATA_DISABLED": "true"}
_AWS = str(ROOT / ".venv-aws" / "bin" / "aws")
_MIB = 1024 * 1024
_FILES, _SMALL = 1000, 200_000
_LARGE, _HUGE = 512 * _MIB, 2048 * _MIB
_AT_ONCE = 8
_CONFIG = f"""
[default]
region = us-east-1
request_checksum_calculation = when_required
response_checksum_validation = when_required
s3 =
  addressing_style = path
  max_concurrent_requests = {_AT_ONCE}
"""

# Runs a command from a small process: what a child has resident counts from what its parent had when it forked.
_PEAK = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(json.dumps([time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def measure(rounds: int) -> Iterator[Figure]:
    """Figure files."""
    subprocess.run([PYTHON, str(ROOT / "scripts" / "setup"), "--venv", ".venv-aws", "aws"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as created, _storage() as url:
        folder = Path(created)
        _fill(folder)
        yield from _small(_Runs(folder, url), rounds)
        yield from _large(_Runs(folder, url), rounds)


def _small(runs: _Runs, rounds: int) -> Iterator[Figure]:
    folder = runs.folder / "small"
    found = [(runs.ours("many", folder), runs.aws(folder)) for _ in range(rounds + 1)][1:]
    what = f"put_many of {_FILES:,} files of {_SMALL // 1000} KB"
    speed = ratio([(theirs[0], ours[0]) for ours, theirs in found])
    yield Figure("files", f"{what} against `aws s3 cp`, whole processes", speed, 1.5)
    yield _memory(what, median(ours[1] for ours, _ in found) - runs.ours("idle")[1], 64)
    yield _memory("`aws s3 cp` of the same", median(theirs[1] for _, theirs in found) - runs.aws(folder / "0.jpg")[1])


def _large(runs: _Runs, rounds: int) -> Iterator[Figure]:
    what = f"put of a file of {_LARGE // _MIB} MiB, named by its SHA-256,"
    found = json.loads(runs.work("compare", runs.folder / "large", rounds))
    # The key is made of the hash of the whole, so nothing can be sent before all is read.
    yield Figure("files", f"{what} against upload_file, which needs no hash", found["plain"])
    yield Figure("files", f"{what} against sha256 and upload_file", found["hashed"], 0.95)
    for words, work, limit in (("put", "put", 64), ("upload_file", "upload", None)):
        used = runs.ours(work, runs.folder / "huge")[1] - runs.ours("idle")[1]
        yield _memory(f"{words} of a file of {_HUGE // _MIB:,} MiB", used, limit)


def _memory(what: str, used: float, limit: float | None = None) -> Figure:
    return Figure("files", f"memory over idle, {what}", used, limit, unit="MiB", higher=False)


@contextmanager
def _storage() -> Iterator[str]:
    command = [PYTHON, "-m", "tests.s3_stub", "--fast"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


def _fill(folder: Path) -> None:
    """Make the files; no two are equal, and the huge one is a hole."""
    noise = os.urandom(_MIB)
    (folder / "small").mkdir()
    for number in range(_FILES):
        (folder / "small" / f"{number}.jpg").write_bytes(number.to_bytes(4) + noise[: _SMALL - 4])
    with (folder / "large").open("wb") as file:
        for number in range(_LARGE // _MIB):
            file.write(number.to_bytes(4) + noise[4:])
    (folder / "huge").touch()
    os.truncate(folder / "huge", _HUGE)
    (folder / "config").write_text(_CONFIG)


class _Runs:
    """Runs processes against a storage, each at a place of its own.

    Args:
        folder: Where the files are.
        url: The storage.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self._url = url
        self._places = itertools.count()

    def ours(self, work: str, *words: object) -> tuple[float, float]:
        """Do a piece of this module's work; gives its seconds and its peak of memory in MiB."""
        return self._run(PYTHON, "-m", "scripts.benchmarks.files", *self._words(work, words))

    def aws(self, path: Path) -> tuple[float, float]:
        """The same for awscli copying a folder or a file."""
        more = ["--recursive"] if path.is_dir() else []
        place = f"s3://portraits/{self._place()}/"
        return self._run(_AWS, "--endpoint-url", self._url, "s3", "cp", str(path), place, "--only-show-errors", *more)

    def work(self, work: str, *words: object) -> str:
        """Do a piece of this module's work; gives what it prints."""
        command = [PYTHON, "-m", "scripts.benchmarks.files", *self._words(work, words)]
        return subprocess.check_output(command, cwd=ROOT, env=self._environment(), text=True)

    def _run(self, *command: str) -> tuple[float, float]:
        found = subprocess.check_output([PYTHON, "-c", _PEAK, *command], cwd=ROOT, env=self._environment(), text=True)
        seconds, kilobytes = json.loads(found)
        return seconds, kilobytes / 1024

    def _words(self, work: str, words: tuple[object, ...]) -> list[str]:
        return [work, self._url, self._place(), *map(str, words)]

    def _place(self) -> str:
        return f"{os.getpid()}-{next(self._places)}"

    def _environment(self) -> dict[str, str]:
        return environment() | _KEY | {"AWS_CONFIG_FILE": str(self.folder / "config")}


def _work(work: str, url: str, place: str, *words: str) -> None:
    """Do one piece of work in this process."""
    path = Path(words[0]) if words else Path(__file__)
    if work == "compare":
        print(json.dumps(_compare(url, place, path, int(words[1]))))
    elif work == "upload":
        _client(url).upload_file(str(path), "portraits", place, Config=_transfer())
    else:
        with tempfile.TemporaryDirectory() as folder, _store(url, place, folder) as store:
            store.put_many(sorted(path.iterdir())) if work == "many" else store.put(path)


def _compare(url: str, place: str, path: Path, rounds: int) -> dict[str, float]:
    """How the rate of `put` compares with the rate of `upload_file`, plain and after a hash of the file."""
    client, transfer = _client(url), _transfer()
    numbers = itertools.count()

    def plain() -> None:
        client.upload_file(str(path), "portraits", f"{place}-{next(numbers)}", Config=transfer)

    def hashed() -> None:
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")
        plain()

    def ours() -> None:
        assert not store.put(path).existed

    found = []
    with tempfile.TemporaryDirectory() as folder, _store(url, place, folder) as store:
        for number in range(rounds + 1):
            with path.open("r+b") as file:  # another content, so that it goes again
                file.write(number.to_bytes(4))
            found.append((_rate(plain), _rate(ours), _rate(hashed)))
    return {
        "plain": ratio([(ours, plain) for plain, ours, _ in found[1:]]),
        "hashed": ratio([(ours, hashed) for _, ours, hashed in found[1:]]),
    }


def _rate(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return 1 / (time.perf_counter() - started)


def _store(url: str, place: str, folder: str) -> Any:
    from portrait.s3 import ObjectStore  # noqa: PLC0415 - loaded only where it is measured

    return ObjectStore(
        f"s3://portraits/{place}", endpoint_url=url, public_base=url, state=f"{folder}/state.db", concurrency=_AT_ONCE
    )


def _client(url: str) -> Any:
    import boto3  # noqa: PLC0415 - loaded only where it is measured

    return boto3.client("s3", endpoint_url=url)


def _transfer() -> Any:
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - loaded only where it is measured

    return TransferConfig(max_concurrency=_AT_ONCE)


if __name__ == "__main__":
    _work(*sys.argv[1:])
