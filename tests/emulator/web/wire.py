"""Raw sockets to a server: bytes out, everything until the end in; it knows no HTTP library."""

import http.client
import json
import socket
from contextlib import contextmanager
from urllib.parse import urlsplit

KEY = "sk-raw"
JSON = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}


def address(url):
    """Host and port of a URL."""
    parts = urlsplit(url)
    return parts.hostname, parts.port


@contextmanager
def connected(url):
    """A connected socket that gives up after ten seconds."""
    with socket.create_connection(address(url), timeout=10) as sock:
        yield sock


def exchange(url, data, *, end=False):
    """Sends bytes and reads until the server closes; `end` says that nothing more will be sent."""
    with connected(url) as sock:
        sock.sendall(data)
        if end:
            sock.shutdown(socket.SHUT_WR)
        return until_closed(sock)


def until_closed(sock):
    """Everything that still comes; a reset is an end too."""
    pieces = []
    try:
        while piece := sock.recv(65_536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def head(target="/v1/portrait/?Action=GetAsset", method="POST", **headers):
    """A request's head as bytes."""
    lines = {"Host": "127.0.0.1", "Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    text = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items() if v is not None)
    return text.encode("latin-1") + b"\r\n"


def ask(url, method, target, body=None, headers=None):
    """One request by http.client: status, headers with names in lower case, body."""
    connection = http.client.HTTPConnection(*address(url), timeout=10)
    try:
        connection.request(method, target, body, JSON if headers is None else headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def call(url, action, body, headers=None):
    """One Action by http.client: the answer as JSON."""
    target = f"/v1/portrait/?Action={action}&Version=2024-01-01"
    return json.loads(ask(url, "POST", target, json.dumps(body).encode(), {**JSON, **(headers or {})})[2])
