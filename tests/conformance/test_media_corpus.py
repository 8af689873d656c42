"""Measuring against Pillow, and ffprobe where there is one, over the images that public packages bring along."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from portrait.media import Measurement, limits_for, measure
from portrait.models import AssetType

# Package → what pip needs to fetch a file with images in it: sdists have those of the tests.
PACKAGES = {"pillow": ["--no-binary", "pillow"], "scikit-image": []}
MAX_BYTES = 4_000_000
ACCEPTED = set(limits_for()[AssetType.IMAGE].formats)
PILLOW_NAMES = {"JPEG", "MPO", "PNG", "WEBP", "BMP", "TIFF", "GIF"}
# Pillow opens these, though their directory promises more bytes than the file has.
UNSOUND = {"tiff_wrong_bits_per_sample.tiff"}


@pytest.fixture(scope="module", params=PACKAGES)
def images(request) -> list[Path]:
    """The images of a package, kept for the next run; the test is skipped if no index is reachable."""
    folder = request.config.cache.mkdir(f"media-{request.param}")
    if not (folder / "complete").exists():
        download(request.param, folder)
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size < MAX_BYTES]


def download(package: str, folder: Path) -> None:
    """Fetch a package and unpack it."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, *PACKAGES[package], package]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    archive = next(iter([*folder.glob("*.tar.gz"), *folder.glob("*.whl")]), None)
    if done.returncode or archive is None:
        pytest.skip(f"{package} cannot be downloaded: {done.stderr.strip()[-200:]}")
    if archive.name.endswith(".whl"):
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    else:
        with tarfile.open(archive) as sdist:
            # Python 3.11 has the filter since 3.11.4.
            sdist.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    archive.unlink()
    (folder / "complete").touch()


def pillow_size(path: Path) -> tuple[str, tuple[int, int]] | None:
    """Pillow's name of the format and the size as displayed; None if it does not decode the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                picture.load()
                return str(picture.format), ImageOps.exif_transpose(picture).size
    except Exception:  # noqa: BLE001 - whatever it is, Pillow does not decode it
        return None


def compare(measured: Measurement, pillow: tuple[str, tuple[int, int]] | None) -> str:
    """How the two agree, in words."""
    if measured.format not in ACCEPTED:
        return "refused by name" if measured.format else "unknown to both" if pillow is None else "no format of ours"
    if pillow is None:
        return "both refuse" if measured.problem else "Pillow refuses"
    if measured.problem:
        return "we refuse"
    return "same" if (measured.width, measured.height) == pillow[1] else "another size"


def test_agreement_with_pillow(images, capsys):
    """No exception, no other size, and no picture that Pillow decodes is refused except by the name of its format."""
    results: Counter[tuple[str, str]] = Counter()
    disputed = []
    for path in images:
        measured, pillow = measure(path), pillow_size(path)
        if pillow is not None and measured.format is None and pillow[0] in PILLOW_NAMES:
            disputed.append((path.name, "in no known format"))
        result = compare(measured, pillow)
        results[measured.format or "-", result] += 1
        if result in {"we refuse", "another size"} and path.name not in UNSOUND:
            disputed.append((path.name, measured, pillow))
    with capsys.disabled():
        print()
        for (kind, result), count in sorted(results.items()):
            print(f"{kind:>10} {result:<18} {count:>5}")
    assert disputed == []
    assert results.total() > 20


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
def test_agreement_with_ffprobe(images):
    """The sizes of JPEG, PNG and BMP files, which ffprobe gives as they are stored, are the same."""
    for path in images:
        measured = measure(path)
        if measured.problem or measured.format not in {"jpeg", "png", "bmp"}:
            continue
        command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height"]
        done = subprocess.run(
            [*command, "-of", "csv=p=0", path], capture_output=True, text=True, check=False, timeout=600
        )
        sizes = {tuple(map(int, line.strip(",").split(","))) for line in done.stdout.split() if line[0].isdigit()}
        sizes.discard((0, 0))  # it cannot read a bitmap of several planes
        own = (measured.width, measured.height)
        assert not sizes or (own[::-1] if measured.rotated else own) in sizes, path.name
