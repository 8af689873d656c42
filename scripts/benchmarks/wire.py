"""Requests as bytes and answers off a socket, with as little parsing as possible: the load generator is made of it."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

KEY = "bench"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


def action(name: str, body: dict[str, Any], key: str = KEY) -> bytes:
    """An Action of the portrait service."""
    return post(f"/v1/portrait/?Action={name}&Version=2024-01-01", body, {"Authorization": f"Bearer {key}"})


def parameter(name: str, body: dict[str, Any]) -> bytes:
    """An operation of AWS's parameter store, as moto knows it."""
    headers = {
        "X-Amz-Target": f"AmazonSSM.{name}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/ssm/aws4_request, "
        "SignedHeaders=host, Signature=0",
    }
    return post("/", body, headers)


def post(target: str, body: Any, headers: dict[str, str], method: str = "POST") -> bytes:
    """A request with a JSON body."""
    content = json.dumps(body).encode()
    lines = {"Host": "127.0.0.1", "Content-Type": "application/json", **headers, "Content-Length": str(len(content))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + content


class Connection:
    """A connection that is kept open as long as the server allows.

    Args:
        port: Of this machine.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = self._open()

    def send(self, request: bytes) -> None:
        """Send a request as it is."""
        self._socket.sendall(request)

    def receive(self) -> bytes:
        """The body of one answer.

        Raises:
            AssertionError: It is not a good one.
        """
        data = self._socket.recv(262_144)
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        length = _LENGTH.search(data, 0, end + 2)
        assert data.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")), data[:1000]
        assert length is not None, data[:1000]
        whole = end + 4 + int(length[1])
        while len(data) < whole:
            data += self._more()
        body = data[end + 4 : whole]
        assert b'"Error"' not in body, body
        if _CLOSE.search(data, 0, end + 2):
            self.close()
            self._socket = self._open()
        return body

    def ask(self, request: bytes) -> Any:
        """Send and receive one; gives the JSON."""
        self.send(request)
        return json.loads(self.receive())

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()

    def _open(self) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self._port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _more(self) -> bytes:
        data = self._socket.recv(262_144)
        assert data, "the server closed the connection in the middle of an answer"
        return data
