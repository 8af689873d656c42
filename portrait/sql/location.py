"""Where records are: a file of this machine, or a PostgreSQL database. Checks what a user names before it is opened."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qsl, urlsplit

from attrs import field, frozen

from portrait.errors import UsageError

_MOUNTS = Path("/proc/mounts")

# File systems on which SQLite's locks and shared memory do not hold between machines (sqlite.org/wal.html: "WAL does
# not work over a network filesystem").
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "ceph", "lustre", "gpfs", "beegfs"}
    | {"glusterfs", "sshfs", "davfs", "fuse.glusterfs", "fuse.sshfs", "fuse.davfs2", "fuse.cephfs", "fuse.juicefs"}
    | {"fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.goofys", "fuse.mount-s3", "fuse.blobfuse2"}
)
_EXAMPLES = "Write sqlite:///PATH or postgresql://user:password@host/database."


@frozen
class SqliteFile:
    """A SQLite file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@frozen
class PostgresUrl:
    """A PostgreSQL database; its `url` may hold a password and is shown nowhere."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2] or dict(parse_qsl(parts.query)).get("host", "localhost")
        return f"postgresql://{host}{parts.path}"


# What each needs: the extra, and the modules that it brings.
_EXTRAS: dict[type, tuple[str, tuple[str, ...]]] = {
    SqliteFile: ("state", ("sqlalchemy",)),
    PostgresUrl: ("postgres", ("sqlalchemy", "psycopg")),
}


def parse(location: str | os.PathLike[str], what: str) -> SqliteFile | PostgresUrl:
    """A path, `sqlite:///path` or `postgresql://…`.

    Args:
        location: As a user names it.
        what: What is kept there, for messages: `state`.

    Raises:
        UsageError: It is none of them, or a library that it needs is not installed.
    """
    text = os.fspath(location)
    scheme = re.match(r"([a-z0-9+]{2,}):/", text)  # one letter is a drive
    if scheme is None:
        where: SqliteFile | PostgresUrl = SqliteFile(_path(text, what))
    elif scheme[1] == "sqlite":
        where = SqliteFile(_path(_after_slashes(text, what), what))
    elif re.fullmatch(r"postgres(ql)?(\+psycopg)?", scheme[1]):
        where = PostgresUrl(f"postgresql{text[len(scheme[1]) :]}")
    else:
        raise UsageError(f"A {what} cannot be kept in {scheme[1]}.", advice=_EXAMPLES)
    extra, modules = _EXTRAS[type(where)]
    if missing := [module for module in modules if find_spec(module) is None]:
        raise UsageError(
            f"This {what} needs {' and '.join(missing)}, not installed here.",
            advice=f"pip install 'portrait-actions[{extra}]'",
        )
    return where


def _path(text: str, what: str) -> Path:
    if not text or text == ":memory:" or "\0" in text:
        raise UsageError(f"The {what} names no file.", advice=_EXAMPLES)
    return Path(text).expanduser().absolute()


def _after_slashes(text: str, what: str) -> str:
    rest = text.removeprefix("sqlite:///")
    if rest == text or "?" in rest:
        raise UsageError(f"A SQLite {what} is named by sqlite:///path, without options.", advice=_EXAMPLES)
    return rest


def require_local(path: Path, what: str) -> None:
    """Check that a file is on a disk of this machine.

    Args:
        path: The file.
        what: What it keeps, for messages.

    Raises:
        UsageError: It is on a network file system. Without /proc/mounts none is recognized.
    """
    kind = _file_system(path)
    if kind in _NETWORK:
        raise UsageError(
            f"The {what} {path} is on a network file system ({kind}), where SQLite can lose what was committed.",
            advice="Name a file on a local disk, or use PostgreSQL: postgresql://user:password@host/database.",
        )


def _file_system(path: Path) -> str:
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        here = PurePosixPath(path.resolve())
    except OSError:
        return ""
    found, kind = PurePosixPath(), ""
    for line in lines:
        _, where, this_kind, *_ = line.split(" ")
        # Spaces and the like stand there as octal numbers.
        mount = PurePosixPath(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), where))
        if here.is_relative_to(mount) and len(mount.parts) >= len(found.parts):  # of equal ones the last is on top
            found, kind = mount, this_kind
    return kind
