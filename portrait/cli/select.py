"""Which files are meant, and which group each goes into. Owns folders, `--subfolders` and what the name of a file says;
reads no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from portrait.ensure import is_url, list_files
from portrait.errors import UsageError

# Endings of images, video and audio, whether the service takes them or not.
ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        "image": "apng arw avif bmp cr2 cr3 dib dng gif heic heics heif hif ico j2k jfif jp2 jpe jpeg jpg jxl nef orf "
        "png psd raf raw rw2 svg tga tif tiff webp",
        "video": "3g2 3gp asf avi f4v flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv qt vob webm wmv",
        "audio": "aac aif aifc aiff amr caf flac m4a m4b mka mp2 mp3 oga ogg opus wav wma",
    }
)
_ENDINGS = frozenset(f".{ending}" for endings in ENDINGS.values() for ending in endings.split())


class Chosen(NamedTuple):
    """What goes into one group.

    Attributes:
        group: Its name or id, as given.
        sources: Files and addresses.
        doubtful: Those of them that only a folder brought, and whose names are those of no media.
    """

    group: str
    sources: Sequence[str]
    doubtful: frozenset[str] = frozenset()


def choose(words: Sequence[str], group: str | None, *, subfolders: bool) -> list[Chosen]:
    """What goes where, in the order given.

    Args:
        words: Files, folders and addresses.
        group: The group of everything that no subfolder claims.
        subfolders: Whether each subfolder of a folder is a group of its name.

    Raises:
        UsageError: Something is not there, there is no file at all, or no group for one. Nothing was sent.
    """
    by_group: dict[str, dict[str, bool]] = {}  # source → whether it is doubtful
    for word in words:
        for target, sources in _of_word(word, group, subfolders=subfolders):
            if target is None:
                raise UsageError(f"There is no group for {sources[0]}.", advice="Name one with --group.")
            known = by_group.setdefault(target, {})
            for source in sources:
                doubtful = source != word and Path(source).suffix.lower() not in _ENDINGS
                known[source] = doubtful and known.get(source, True)
    if not by_group:
        raise UsageError(f"There are no files in {', '.join(words)}.", advice="Nothing was sent.")
    return [
        Chosen(name, list(sources), frozenset(source for source, doubtful in sources.items() if doubtful))
        for name, sources in by_group.items()
    ]


def _of_word(word: str, group: str | None, *, subfolders: bool) -> Iterator[tuple[str | None, list[str]]]:
    if is_url(word):
        yield group, [word]
        return
    if word == "-":
        raise UsageError("put takes files, not standard input.", advice="A file of that name is ./- to put.")
    path = Path(word)
    if not path.is_dir():
        if not path.exists():
            raise UsageError(f"{word} is not there.", advice="Nothing was sent.")
        yield group, [word]
        return
    for target, files in _split(path, group) if subfolders else [(group, list_files(path))]:
        if files:
            yield target, [str(file) for file in files]


def _split(folder: Path, group: str | None) -> Iterator[tuple[str | None, list[Path]]]:
    """A folder's own files, then each subfolder under its name."""
    folders = {path for path in _entries(folder) if path.is_dir()}
    yield group, [path for path in _entries(folder) if path not in folders]
    for path in _entries(folder):
        if path in folders and not path.is_symlink():
            yield path.name, list_files(path)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}.") from error
