"""Media files as bytes, made without an imaging library; it knows nothing of the service that judges them."""

import base64
import struct
import zlib


def png(width=400, height=400, *, size=None):
    """A valid grey PNG of the given pixels; `size` pads it with zero bytes to that many bytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x7f" * width) * height, 9)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)
    return data if size is None else data.ljust(size, b"\0")


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# 400 x 400 grey, compressed once more because most of it is zeros.
JPEG = zlib.decompress(
    base64.b64decode(
        "eNr7f+P/AwYBLzdPNwZGRgYGRiBk+H+bwZnhP6XgAAM3B+MEIGQUZPh/hEEUbD4KYAYKiwigizL8v8XAAVJrzzCDYRSMAjoC/v83AaB/UjQ="
    )
)
WEBP = base64.b64decode("UklGRiYAAABXRUJQVlA4TBoAAAAvj8FjAAcQEf0PACjS//8U0f/U//73v/9FBA==")
TEXT = b"This is not a picture.\n"
