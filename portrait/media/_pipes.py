"""Messages between a process and its worker: a length of four bytes, then so many bytes. Used on both sides."""

from __future__ import annotations

import os
from typing import Final

MAX_MESSAGE: Final = 1 << 20
"""The most bytes in one message."""


def send(pipe: int, message: bytes) -> None:
    """Write one message.

    Args:
        pipe: A file descriptor.
        message: At most `MAX_MESSAGE` bytes.

    Raises:
        BrokenPipeError: The other side has ended.
    """
    data = memoryview(len(message).to_bytes(4, "big") + message)
    while data:
        data = data[os.write(pipe, data) :]


def receive(pipe: int) -> bytes:
    """Read one message.

    Args:
        pipe: A file descriptor.

    Raises:
        EOFError: The other side has ended.
    """
    return _read(pipe, int.from_bytes(_read(pipe, 4), "big"))


def _read(pipe: int, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = os.read(pipe, count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
