"""Remembers unfinished uploads for the next run: one small file per source and destination, and its lock.

A file is replaced by a synced temporary one; parts are appended, and a torn last line is ignored. Which parts exist is
known from the storage's own list, never from here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from portrait.s3.errors import StateUnwritable
from portrait.s3.files import Digest, FileStat
from portrait.s3.locks import locked
from portrait.s3.parts import Plan
from portrait.s3.pool import Context

_VERSION = 1


@frozen(kw_only=True)
class Entry:
    """An unfinished upload as it is remembered.

    Attributes:
        source: The file's path.
        stat: The file's stat when it was hashed.
        plan: Its parts.
        digest: Its hashes.
        key: The object's key.
        upload_id: The storage's id, None where the run ended before it was known.
        foreign: True where the upload was found on the storage with parts in it that this journal knows nothing of.
        etags: The storage's ETag by part number, for parts whose answer arrived.
    """

    source: str
    stat: FileStat
    plan: Plan
    digest: Digest
    key: str
    upload_id: str | None = None
    foreign: bool = False
    etags: dict[int, str] = field(factory=dict)


def state_folder(environ: dict[str, str] | os._Environ[str]) -> Path:
    """`$XDG_STATE_HOME/portrait`, by default `~/.local/state/portrait`."""
    base = environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "portrait"


class Journal:
    """The journal of one source and one destination; use it inside `lock`."""

    def __init__(self, folder: Path, destination: str, source: Path) -> None:
        name = hashlib.sha256(f"{destination}\n{source.absolute()}".encode()).hexdigest()[:32]
        self.path = folder / "uploads" / f"{name}.jsonl"

    @contextlib.contextmanager
    def lock(self, context: Context, waiting: Callable[[], object]) -> Iterator[None]:
        """Keep other processes, and other threads, out of it; `waiting` is called once if one is in it now."""
        with _writing(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.path.with_suffix(".lock"), context, waiting):
            yield

    def read(self) -> Entry | None:
        """The entry of the last run; None if there is none that can be read."""
        return read_entry(self.path)

    def begin(self, entry: Entry) -> None:
        """Write everything anew, synced to the disk before it is in place."""
        lines = [_header(entry)]
        if entry.upload_id is not None:
            lines.append({"upload_id": entry.upload_id, "foreign": entry.foreign})
        lines += [{"part": number, "etag": etag} for number, etag in sorted(entry.etags.items())]
        temporary = self.path.with_suffix(".new")
        with _writing(self.path.parent):
            with temporary.open("w", encoding="utf-8") as file:
                file.writelines(_line(line) for line in lines)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
            _sync_directory(self.path.parent)

    def record_upload(self, entry: Entry, upload_id: str | None, *, foreign: bool = False) -> Entry:
        """Remember the storage's id of the upload; parts of another upload are forgotten."""
        updated = evolve(entry, upload_id=upload_id, foreign=foreign, etags={})
        self.begin(updated)
        return updated

    def record_part(self, number: int, etag: str) -> None:
        """Remember one part. Not synced: if it is lost, the storage's list says the same."""
        with _writing(self.path.parent), self.path.open("a", encoding="utf-8") as file:
            file.write(_line({"part": number, "etag": etag}))

    def clear(self) -> None:
        """Forget it all: the upload was completed or aborted."""
        with _writing(self.path.parent):
            self.path.unlink(missing_ok=True)


def forget_uploads(folder: Path, upload_ids: set[str]) -> None:
    """Drop what is remembered of uploads that no longer exist."""
    for path in (folder / "uploads").glob("*.jsonl"):
        entry = read_entry(path)
        if entry is not None and entry.upload_id in upload_ids:
            with _writing(folder):
                path.unlink(missing_ok=True)


def read_entry(path: Path) -> Entry | None:
    """Read a journal file; a torn line at the end is what a crash leaves, and is dropped."""
    try:
        first, *rest = path.read_text(encoding="utf-8").split("\n")
        entry = _entry(json.loads(first))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateUnwritable(f"{path.parent} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError):
        return None
    for line in rest:
        try:
            fact = json.loads(line)
            entry = _with_fact(entry, fact)
        except (ValueError, KeyError, TypeError):
            continue
    return entry


def _with_fact(entry: Entry, fact: dict[str, Any]) -> Entry:
    if "upload_id" in fact:
        return evolve(entry, upload_id=str(fact["upload_id"]), foreign=bool(fact["foreign"]))
    entry.etags[int(fact["part"])] = str(fact["etag"])
    return entry


def _header(entry: Entry) -> dict[str, Any]:
    return {
        "form": _VERSION,
        "source": entry.source,
        "seen": [entry.stat.size, entry.stat.mtime_ns, entry.stat.ctime_ns, entry.stat.inode],
        "part_size": entry.plan.part_size,
        "sha256": entry.digest.sha256,
        "parts": list(entry.digest.parts),
        "key": entry.key,
    }


def _entry(header: dict[str, Any]) -> Entry:
    if header["form"] != _VERSION:
        raise ValueError("another form")
    stat = FileStat(*map(int, header["seen"]))
    plan = Plan(stat.size, int(header["part_size"]))
    parts = tuple(map(str, header["parts"]))
    if len(parts) != plan.count:
        raise ValueError("parts do not fit the size")
    return Entry(
        source=str(header["source"]),
        stat=stat,
        plan=plan,
        digest=Digest(str(header["sha256"]), parts),
        key=str(header["key"]),
    )


def _line(fact: dict[str, Any]) -> str:
    return json.dumps(fact, separators=(",", ":")) + "\n"


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateUnwritable(f"The state folder {folder} cannot be written: {error.strerror}.") from error


def _sync_directory(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened, and need not be
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
