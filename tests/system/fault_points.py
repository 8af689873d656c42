"""A shim under the files, the SQLite databases and the transports of this process: the N-th operation fails.

Only what lies under one folder counts, and what an HTTP client sends. An operation is a *point*; a run that reaches no
more points than N is untouched. After a kill nothing works any more: what a dying program would still like to clean up
is not done, as after a power cut or SIGKILL, and only locks and descriptors are given back.
"""

import errno
import io
import os
import sqlite3
import threading
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from sqlite3 import dbapi2
from unittest.mock import patch

from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from portrait.http import FailureKind, TransportFailure
from portrait.transports.urllib3_transport import Urllib3Transport


class Kind(StrEnum):
    """How a point fails."""

    FAILS = "fails"  # the disk is full or broken, the connection is lost
    SHORT = "short"  # half of the bytes are written, and that is said; a point of `os.write` alone
    KILLED = "killed"  # the process dies before it


class Killed(BaseException):
    """The process dies here; nothing may catch it and go on."""


# What a file's operation fails with; a database's are those of SQLite.
_ERRNO = {"fsync": errno.EIO, "open r": errno.EIO, "open rb": errno.EIO}
_SQLITE = {"commit": sqlite3.SQLITE_FULL}


class FaultPoints:
    """Counts points, and lets one of them fail.

    Args:
        folder: Operations on files under it count.
        number: The point that fails, from 1 on; 0 counts alone.
        kind: How it fails.

    Attributes:
        reached: The name of each point that was reached.
        killed: Whether the process is dead.
    """

    def __init__(self, folder, number=0, kind=Kind.KILLED):
        self.folder = str(folder)
        self.number = number
        self.kind = kind
        self.reached = []
        self.killed = False
        self._files = set()
        self._lock = threading.Lock()

    def fails(self, name):
        """Count a point; whether it is the one that fails.

        Raises:
            Killed: The process dies here, or died before.
        """
        with self._lock:
            if not self.killed:
                if self.kind is Kind.SHORT and name != "write":
                    return False
                self.reached.append(name)
                if len(self.reached) != self.number:
                    return False
                self.killed = self.kind is Kind.KILLED
        if self.killed:
            raise Killed
        return True

    def check_file(self, name):
        """A point of a file."""
        if self.fails(name) and self.kind is Kind.FAILS:
            code = _ERRNO.get(name, errno.ENOSPC)
            raise OSError(code, os.strerror(code))

    def check_database(self, name):
        """A point of a database."""
        if self.fails(name) and self.kind is Kind.FAILS:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = _SQLITE.get(name, sqlite3.SQLITE_IOERR)
            raise error

    def is_ours(self, path):
        """Whether operations on that path or descriptor count."""
        if isinstance(path, int):
            return path in self._files
        return os.fspath(path).startswith(self.folder) if isinstance(path, (str, os.PathLike)) else False

    def write(self, real, file, data):
        """`os.write`, of all or of half."""
        if file not in self._files:
            return real(file, data)
        self.check_file("write")
        is_short = self.kind is Kind.SHORT and len(self.reached) == self.number
        return real(file, data[: len(data) // 2] if is_short else data)

    @contextmanager
    def armed(self):
        """The shim is in place while the block runs."""
        with ExitStack() as stack:
            for name in ("mkdir", "unlink", "replace", "rename", "fsync"):
                real = getattr(os, name)
                stack.enter_context(patch.object(os, name, self._wrap(name, real)))
            real_open, real_close, real_write = os.open, os.close, os.write
            real_io, real_connect = io.open, dbapi2.connect

            def open_descriptor(path, flags, *rest, **named):
                if not self.is_ours(path):
                    return real_open(path, flags, *rest, **named)
                self.check_file("open")
                file = real_open(path, flags, *rest, **named)
                self._files.add(file)
                return file

            def close(file):
                self._files.discard(file)
                real_close(file)

            def open_stream(path, mode="r", *rest, **named):
                if not self.is_ours(path):
                    return real_io(path, mode, *rest, **named)
                self.check_file(f"open {mode}")
                file = real_io(path, mode, *rest, **named)
                return file if mode in {"r", "rb"} else _Stream(file, self)

            def connect(path, *rest, **named):
                if self.is_ours(path):
                    self.check_database("connect")
                    named["factory"] = _connection(self)
                return real_connect(path, *rest, **named)

            stack.enter_context(patch.object(os, "open", open_descriptor))
            stack.enter_context(patch.object(os, "close", close))
            stack.enter_context(patch.object(os, "write", lambda *args: self.write(real_write, *args)))
            stack.enter_context(patch.object(io, "open", open_stream))
            stack.enter_context(patch.object(dbapi2, "connect", connect))
            stack.enter_context(patch.object(sqlite3, "connect", connect))
            self._arm_transport(stack, Urllib3Transport, lambda _: TransportFailure(FailureKind.DISCONNECTED, "lost"))
            self._arm_transport(stack, URLLib3Session, lambda request: ConnectionClosedError(endpoint_url=request.url))
            yield self

    def _wrap(self, name, real):
        def operation(path, *rest, **named):
            if self.is_ours(path):
                self.check_file(name)
                if name == "fsync":  # tests need no disk
                    return None
            return real(path, *rest, **named)

        return operation

    def _arm_transport(self, stack, cls, lost):
        """Two points for each request: one before it is sent, one when the service has carried it out."""
        real = cls.send

        def send(transport, request):
            if self.fails("send") and self.kind is Kind.FAILS:
                raise lost(request)
            response = real(transport, request)
            if self.fails("receive") and self.kind is Kind.FAILS:
                raise lost(request)
            return response

        stack.enter_context(patch.object(cls, "send", send))


class _Stream:
    """A file that is written through Python's buffers: what counts is when they are handed to the system."""

    def __init__(self, file, points):
        self._file = file
        self._points = points
        points._files.add(file.fileno())

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, data):
        """Fill the buffer."""
        self._points.check_file("write")
        return self._file.write(data)

    def writelines(self, lines):
        """Likewise."""
        self._points.check_file("write")
        self._file.writelines(lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._points._files.discard(self._file.fileno())
        self._file.close()


def _connection(points):
    """A class of connections whose statements and commits are points."""

    class Cursor(sqlite3.Cursor):
        def execute(self, *args):
            points.check_database("execute")
            return super().execute(*args)

        def executemany(self, *args):
            points.check_database("execute")
            return super().executemany(*args)

    class Connection(sqlite3.Connection):
        def cursor(self, factory=Cursor):
            return super().cursor(factory)

        def execute(self, *args):
            return self.cursor().execute(*args)

        def commit(self):
            points.check_database("commit")
            super().commit()

    return Connection
