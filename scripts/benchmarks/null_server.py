"""A server that costs next to nothing: it answers every request with the same bytes, so that clients can be compared.

Run as a process: the argument is the body of the answer; it prints its port.
"""

from __future__ import annotations

import asyncio
import sys


class Same(asyncio.Protocol):
    """One connection.

    Args:
        answer: The bytes of every answer.
    """

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole."""
        self._came += data
        head, blank, body = self._came.partition(b"\r\n\r\n")
        length = head.lower().rpartition(b"content-length:")[2].partition(b"\r\n")[0]
        if blank and len(body) >= int(length):
            self._came = b""
            self._transport.write(self._answer)


async def serve(body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Same(head.encode() + body), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1].encode()))
