"""Measuring files: pictures in this process, clips in the worker, and the start of the worker.

Pictures are compared with reading them into memory and a CRC-32, which goes through all of their bytes once.
"""

from __future__ import annotations

import random
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from statistics import median

from PIL import Image

from portrait.media import measure as measure_file
from portrait.media._worker import WORKER
from scripts.benchmarks.report import Figure
from tests import media_samples

_PICTURES = 1000


def measure(rounds: int) -> Iterator[Figure]:
    """Figure media."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.jpg"
        path.write_bytes(_picture())
        what = f"measuring {_PICTURES:,} pictures of {path.stat().st_size // 1000} KB"
        seconds = median(_seconds(lambda: measure_file(path), _PICTURES) for _ in range(rounds))
        floor = median(_seconds(lambda: zlib.crc32(path.read_bytes()), _PICTURES) for _ in range(rounds))
    yield Figure("media", what, seconds, 0.3, 1, unit="s", higher=False)
    yield Figure("media", "the same, read and summed up by CRC-32", floor, unit="s", higher=False)
    yield Figure("media", "the first clip, for which the worker starts", _start(rounds), 0.3, 0.6, "s", higher=False)
    for name in ("mp4", "mp3", "heic"):
        data = media_samples.sample(name)
        measure_file(data)
        each = median(_seconds(lambda data=data: measure_file(data), 10) / 10 for _ in range(rounds))
        yield Figure("media", f"each further {name} of {len(data) // 1000} KB", each * 1000, 10, 50, "ms", higher=False)


def _start(rounds: int) -> float:
    data = media_samples.audio()

    def first() -> float:
        WORKER.close()
        return _seconds(lambda: measure_file(data), 1)

    return median(first() for _ in range(rounds))


def _picture() -> bytes:
    """A JPEG of noise, so that it has about 200 KB."""
    out = BytesIO()
    noise = random.Random(1).randbytes(600 * 500 * 3)  # noqa: S311 - not a secret
    Image.frombytes("RGB", (600, 500), noise).save(out, "JPEG", quality=80)
    return out.getvalue()


def _seconds(call: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - started
