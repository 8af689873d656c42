"""Selects the files that `put` sends, by group, and checks them.

Every file is checked before anything is sent. What belongs to no media in a folder is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from portrait.cli.report import format_skipped
from portrait.ensure import (
    Content,
    EnsureQuery,
    FileOutcome,
    PlanEntry,
    display_name,
    is_url,
    list_files,
    list_skipped,
    rejection,
)
from portrait.errors import UsageError
from portrait.media import HEAD_BYTES, sniff

if TYPE_CHECKING:
    from portrait.client import PortraitClient
    from portrait.tasks import TaskClient

# Endings of images, video and audio, whether the service takes them or not.
ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        "image": "apng arw avif bmp cr2 cr3 crw dib dng gif heic heics heif hif ico j2k jfif jp2 jpe jpeg jpg jxl mrw "
        "nef orf pef png psd raf raw rw2 srw svg tga tif tiff webp x3f",
        "video": "3g2 3gp asf avi f4v flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv qt vob webm wmv",
        "audio": "aac aif aifc aiff amr caf flac m4a m4b mka mp2 mp3 oga ogg opus wav wma",
    }
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)  # one letter is a drive
_SOURCES = "put takes files, folders and http(s) addresses."
_ENDINGS = frozenset(f".{ending}" for endings in ENDINGS.values() for ending in endings.split())


class Selection(NamedTuple):
    """The sources for one group.

    Attributes:
        group: Its name or id, as given.
        sources: Files and addresses.
        unrecognized: Those of them that were found in a folder and whose endings are those of no media.
    """

    group: str
    sources: Sequence[str]
    unrecognized: frozenset[str] = frozenset()


def select(words: Sequence[str], group: str | None, *, subfolders: bool) -> list[Selection]:
    """The sources by group, in the order given.

    Args:
        words: Files, folders and addresses.
        group: The group of everything that no subfolder claims.
        subfolders: Whether each subfolder of a folder is a group of its name.

    Raises:
        UsageError: Something is not there, there is no file at all, no group for one, or one group for two folders of
            the same name. Nothing was sent.
    """
    by_group: dict[str, dict[str, bool]] = {}  # source → whether it is unrecognized
    folders: dict[str, Path] = {}
    for word in words:
        for part in _expand(word, group, subfolders=subfolders, alone=len(words) == 1):
            if part.group is None:
                raise UsageError(f"There is no group for {part.sources[0]}.", advice="Name one with --group.")
            if part.folder is not None and folders.setdefault(part.group, part.folder) != part.folder:
                raise UsageError(
                    f"{folders[part.group]} and {part.folder} would share the group {part.group}.",
                    advice="Rename one of the folders, or send them by two commands.",
                )
            known = by_group.setdefault(part.group, {})
            for source in part.sources:
                # A folder among the files is one that cannot be read.
                is_media = Path(source).suffix.lower() in _ENDINGS or Path(source).is_dir()
                unrecognized = source != word and not is_media
                known[source] = unrecognized and known.get(source, True)
    if not by_group:
        skipped = " ".join(format_skipped(left_out(words).items()))
        raise UsageError(f"There are no files in {', '.join(words)}.", advice=f"Nothing was sent. {skipped}".strip())
    return [
        Selection(name, list(sources), frozenset(source for source, unrecognized in sources.items() if unrecognized))
        for name, sources in by_group.items()
    ]


def left_out(words: Sequence[str]) -> dict[str, str]:
    """The files and folders that are skipped in the folders among these sources, with the reason: hidden, or links."""
    folders = [Path(word) for word in words if not is_url(word) and Path(word).is_dir()]
    return {str(path): reason for folder in folders for path, reason in list_skipped(folder).items()}


class _Part(NamedTuple):
    """Sources that go into one group.

    Attributes:
        group: None where none is named.
        sources: Files, or an address.
        folder: The folder that gave the group its name; None where the command line did.
    """

    group: str | None
    sources: Sequence[str]
    folder: Path | None = None


def _expand(word: str, group: str | None, *, subfolders: bool, alone: bool) -> Iterator[_Part]:
    if is_url(word):
        yield _Part(group, [word])
        return
    if not word:  # such as a variable that is not set; Path("") is the folder that one is in
        raise UsageError("A file or an address is missing: its name is empty.", advice=_SOURCES)
    path = Path(word)
    if not _is_there(path):
        scheme = _SCHEME.match(word)
        if scheme is not None:
            raise UsageError(f"{word:.40} is no http or https address, and no file.", advice=_SOURCES)
        raise UsageError(f"{word:.200} does not exist.", advice="Nothing was sent.")
    if not path.is_dir():
        yield _Part(group, [word])
        return
    parts = _split(path, group, alone=alone) if subfolders else [(group, list_files(path), None)]
    for target, files, folder in parts:
        if files:
            yield _Part(target, [str(file) for file in files], folder)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # such as a name that is too long, or has a NUL
        return False


def _split(folder: Path, group: str | None, *, alone: bool) -> Iterator[tuple[str | None, list[Path], Path | None]]:
    """A folder's own files, then each subfolder under its name.

    Where several things are named, the own files of a folder go into a group of its name: in `group` they would be
    mixed with those of other people.
    """
    entries = _entries(folder)
    folders = {path for path in entries if path.is_dir()}
    own = [path for path in entries if path not in folders]
    yield (group, own, None) if alone else (folder.resolve().name, own, folder)
    for path in entries:
        if path in folders and not path.is_symlink():
            yield path.name, list_files(path), path


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}.") from error


class Checked(NamedTuple):
    """The sources of one group after the check.

    Attributes:
        group: Its name or id, as given.
        valid: What can be sent.
        rejected: What cannot, with the reasons.
        skipped: Files of a folder that are no media, neither by their endings nor by their first bytes.
    """

    group: str
    valid: list[Content]
    rejected: list[FileOutcome]
    skipped: list[str]


def check(client: PortraitClient | TaskClient, selections: Sequence[Selection], options: EnsureQuery) -> list[Checked]:
    """Read every source, and sort the sources of each group by what the library says of them."""
    media = [[source for source in one.sources if not _is_skipped(source, one)] for one in selections]
    # A plan without a group reads the sources alone; what has no room is known when the group is.
    query: EnsureQuery = {**options, "quota": None}
    plan = client.plan_assets([source for sources in media for source in sources], **query)
    entries = iter(plan.entries)
    return [
        _sort(one, [entry for _, entry in zip(sources, entries, strict=False)])
        for one, sources in zip(selections, media, strict=True)
    ]


def _sort(selection: Selection, entries: Sequence[PlanEntry]) -> Checked:
    return Checked(
        group=selection.group,
        valid=[entry.content for entry in entries if entry.content is not None and entry.error is None],
        rejected=[rejection(entry.source, entry.error, entry.content) for entry in entries if entry.error is not None],
        skipped=[display_name(source) for source in selection.sources if _is_skipped(source, selection)],
    )


def _is_skipped(source: str, selection: Selection) -> bool:
    return source in selection.unrecognized and not _begins_as_media(Path(source))


def _begins_as_media(path: Path) -> bool:
    """Whether the first bytes are those of an image, a video or audio; False where the file cannot be read."""
    try:
        if not path.is_file():  # opening a pipe would wait
            return False
        with path.open("rb") as file:
            return sniff(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False
