"""A server of hand-written bytes on loopback: what real proxies, services and dead networks do to a connection."""

import contextlib
import socket
import struct
import threading

from tests.portrait.helpers import body

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


def ok(content=None):
    """A whole good answer as bytes."""
    content = body({"Id": "asset-1"}) if content is None else content
    return OK % (len(content), content)


def read_head(connection):
    """The head of a request, and what came along of its body; None if the client hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def read_request(connection):
    """Head and body of one request; None if the client hung up."""
    start = read_head(connection)
    if start is None:
        return None
    head, rest = start
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
    length = int(fields.get(b"content-length", b"0"))
    while len(rest) < length:
        part = connection.recv(65536)
        if not part:
            return None
        rest += part
    return head, rest


def reset(connection):
    """End the connection with RST in the place of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class RawServer:
    """Runs `behave(connection, server)` for each connection, in a thread of its own.

    Attributes:
        url: A base URL.
        requests: (head, body) of what was asked, once a behaviour has read it.
        connections: How many were accepted.
        over: Set when the test ends; a behaviour that waits, waits for this.
    """

    def __init__(self, behave, tls=None):
        self._behave = behave
        self._tls = tls
        self.requests = []
        self.connections = 0
        self.over = threading.Event()
        self._threads = []
        self._open = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._acceptor = threading.Thread(target=self._accept)

    def __enter__(self):
        self._acceptor.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._acceptor.join()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        connection.settimeout(5)  # a test that goes wrong ends all the same
        with connection, contextlib.suppress(OSError):
            if self._tls is None:
                self._open.append(connection)
                self._behave(connection, self)
                return
            with self._tls.wrap_socket(connection, server_side=True) as secure:
                self._open.append(secure)
                self._behave(secure, self)

    def take(self, connection):
        """Read one request and remember it; False if the client hung up."""
        request = read_request(connection)
        if request is not None:
            self.requests.append(request)
        return request is not None

    @property
    def heads(self):
        """The heads of the requests as lower-case text."""
        return [head.decode().lower() for head, _ in self.requests]


def respond_with(*contents):
    """Behaviour: answer each request on a kept connection, with the last content again and again."""
    queue = [ok()] if not contents else list(contents)

    def behave(connection, server):
        while server.take(connection):
            connection.sendall(queue.pop(0) if len(queue) > 1 else queue[0])

    return behave


def send_exactly(content, *, then="close"):
    """Behaviour: read a request, say exactly these bytes, then close, reset, or hold the line."""

    def behave(connection, server):
        server.take(connection)
        connection.sendall(content)
        if then == "hold":
            server.over.wait(5)
        elif then == "reset":
            reset(connection)

    return behave


def trickling(head, pieces, pause=0.01):
    """Behaviour: a head, then a byte now and then for as long as the client listens."""

    def behave(connection, server):
        server.take(connection)
        connection.sendall(head)
        for piece in pieces:
            connection.sendall(piece)
            server.over.wait(pause)

    return behave


def resetting(connection, _):
    """Behaviour: end the connection before anything is read."""
    reset(connection)


def silent(connection, server):
    """Behaviour: read the request and never answer."""
    server.take(connection)
    server.over.wait(5)


def blunt(connection, _):
    """Behaviour: answer whatever comes first, be it HTTP or not."""
    connection.recv(65536)
    connection.sendall(ok())


def closing(connection, server):
    """Behaviour: read the request and hang up."""
    server.take(connection)


def resetting_after(connection, server):
    """Behaviour: read the request and reset."""
    server.take(connection)
    reset(connection)


def deaf():
    """A port whose queue is full: a connection to it hangs. Returns the sockets that keep it so."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filler.connect(listening.getsockname())
        fillers.append(filler)
    return listening, fillers


def proxying(connection, server):
    """Behaviour: a forward proxy; passes plain requests on and tunnels CONNECT."""
    start = read_head(connection)
    if start is None:
        return
    head, rest = start
    server.requests.append((head, b""))
    target = head.split(b" ", 2)[1].decode()
    address = target.removeprefix("http://").partition("/")[0]
    _relay(connection, address, head, rest)


def _relay(connection, address, head, rest):
    """Pass on a request's beginning, then bytes both ways, ends of streams as well."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), 5) as upstream:
        if head.startswith(b"CONNECT"):
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            upstream.sendall(head.replace(f"http://{address}".encode(), b"", 1) + b"\r\n\r\n" + rest)
        pump = threading.Thread(target=_pump, args=(upstream, connection))
        pump.start()
        _pump(connection, upstream)
        pump.join()


def _pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
