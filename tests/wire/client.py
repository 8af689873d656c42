"""Raw HTTP to a server under test: its process, a customer with a key of its own, an answer; no code of ours in it."""

import http.client
import itertools
import json
import os
import secrets
import select
import subprocess
import sys
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

UPLOAD = "/v1/portrait/upload"
VERSION = "2024-01-01"
CONTROL_TOKEN = "T"
READY = "portrait-emulator ready on "
MODULE = os.environ.get("PORTRAIT_TEST_SERVER", "emulator")  # that serves; tests/conformance has another one
MB = 1_048_576


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `body` is its JSON, or None where it holds none."""

    status: int
    headers: dict
    raw: bytes

    @property
    def body(self):
        """The JSON of the answer, or None."""
        try:
            return json.loads(self.raw)
        except ValueError:
            return None

    @property
    def result(self):
        """The envelope's result; an assertion error when the answer is not a success."""
        assert self.status == 200, (self.status, self.raw[:500])
        assert "Error" not in self.body["ResponseMetadata"], self.body
        return self.body["Result"]

    @property
    def error(self):
        """The envelope's error code; an assertion error when the answer is a success."""
        assert self.status == 200, (self.status, self.raw[:500])
        assert "Result" not in self.body, self.body
        return self.body["ResponseMetadata"]["Error"]["Code"]

    @property
    def message(self):
        """The envelope's error message."""
        return self.body["ResponseMetadata"]["Error"]["Message"]


class Server:
    """A server process on a free port, on a manual clock, and the raw requests one can send to it."""

    def __init__(self, log, *options, module=MODULE):
        self._log = log.open("wb")
        command = [sys.executable, "-m", module, "serve", "--port", "0", "--clock", "manual"]
        command += ["--control-token", CONTROL_TOKEN, "--fetch", "loopback", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log)
        ready, _, _ = select.select([self.process.stdout], [], [], 30)
        line = self.process.stdout.readline().decode() if ready else ""
        if not line.startswith(READY):
            self.close()
            raise AssertionError(f"no ready line but {line!r}; log: {log.read_text()[-2000:]}")
        self.url = line.removeprefix(READY).strip()
        self.address = (urlsplit(self.url).hostname, urlsplit(self.url).port)

    def close(self):
        """Ends the process."""
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()
        self._log.close()

    def request(self, method, target, body=None, headers=None):
        """Sends one request and reads the whole answer, as an ordinary client does."""
        connection = http.client.HTTPConnection(*self.address, timeout=15)
        try:
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, fields, response.read())
        finally:
            connection.close()

    def fetch(self, url):
        """GETs an address that the server handed out, which has to be its own."""
        parts = urlsplit(url)
        assert (parts.hostname, parts.port) == self.address, url
        return self.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))

    def control(self, method, path, value=None):
        """One request to the control plane."""
        headers = {"X-Emulator-Token": CONTROL_TOKEN, "Content-Type": "application/json"}
        body = None if value is None else json.dumps(value)
        return self.request(method, f"/_emulator/{path}", body, headers)

    def advance(self, seconds):
        """Moves the clock forward."""
        assert self.control("POST", "clock", {"advance": seconds}).status == 200

    def customer(self):
        """A customer that nobody knows yet."""
        return self.customer_of(f"wire-{secrets.token_hex(8)}")

    def customer_of(self, key):
        """The customer of a key."""
        return Customer(self, key)


@dataclass(frozen=True)
class Customer:
    """A Bearer key that nobody else uses, which without configured keys is a customer of its own."""

    server: Server
    key: str
    _names: itertools.count = field(default_factory=itertools.count)

    @property
    def headers(self):
        """What an Action request of this customer carries."""
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}

    def call(self, action, body=None, *, version=VERSION):
        """One Action with a JSON body."""
        return self.send(json.dumps({} if body is None else body), action=action, version=version)

    def send(self, payload, *, action="GetAssetGroup", version=VERSION, headers=None):
        """One Action with a body as given: bytes, text or (sent in chunks) an iterable."""
        query = {"Action": action, "Version": version}
        target = "/v1/portrait/?" + urlencode({name: value for name, value in query.items() if value is not None})
        payload = payload.encode() if isinstance(payload, str) else payload
        return self.server.request("POST", target, payload, self.headers | (headers or {}))

    def json(self, method, path, body=None):
        """One request with this key, with a JSON body where there is one."""
        payload = None if body is None else json.dumps(body).encode()
        return self.server.request(method, path, payload, self.headers)

    def upload(self, *parts, path=UPLOAD):
        """`multipart/form-data` of `part(...)`s."""
        body, content_type = multipart(parts)
        return self.upload_raw(body, content_type, path)

    def upload_raw(self, body, content_type, path=UPLOAD):
        """An upload with a body as given."""
        return self.server.request("POST", path, body, self.headers | {"Content-Type": content_type})

    def control(self, **changes):
        """Changes the customer's own limits and switches."""
        answer = self.server.control("PATCH", f"customers/{quote(self.key)}", changes)
        assert answer.status == 200, answer.raw

    def group(self, name=None, **fields):
        """Makes an AIGC group and gives its id."""
        body = {"GroupType": "AIGC", "Name": name or f"group {next(self._names)}"} | fields
        return self.call("CreateAssetGroup", body).result["Id"]

    def asset(self, group, *, url="https://cdn.example/host.jpg", kind="Image", **fields):
        """Registers an asset and gives its id."""
        body = {"GroupId": group, "URL": url, "AssetType": kind} | fields
        return self.call("CreateAsset", body).result["Id"]

    def token(self, **fields):
        """Makes a validation and gives its token."""
        body = {"CallbackURL": "https://www.example.com/callback"} | fields
        return self.call("CreateVisualValidateSession", body).result["BytedToken"]

    def scan(self, token, result="pass", **fields):
        """Plays the phone: ends the validation with the given outcome."""
        return self.server.control("POST", f"validations/{token}", {"result": result} | fields)

    def person(self, **fields):
        """A LivenessFace group, made the only way there is."""
        token = self.token(**fields)
        assert self.scan(token).status == 200
        return self.call("GetVisualValidateResult", {"BytedToken": token} | fields).result["GroupId"]


@dataclass(frozen=True)
class Part:
    """One part of a form: its raw header line and content."""

    disposition: bytes
    content: bytes
    content_type: bytes | None = None


def part(name, content, filename=None, content_type=None):
    """A well-formed part."""
    disposition = f'form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    content = content.encode() if isinstance(content, str) else content
    return Part(disposition.encode(), content, content_type.encode() if content_type else None)


def multipart(parts, boundary=b"wire-boundary-7d1f"):
    """The body and Content-Type of a form."""
    lines = []
    for each in parts:
        lines += [b"--" + boundary, b"Content-Disposition: " + each.disposition]
        if each.content_type:
            lines.append(b"Content-Type: " + each.content_type)
        lines += [b"", each.content]
    lines += [b"--" + boundary + b"--", b""]
    return b"\r\n".join(lines), f"multipart/form-data; boundary={boundary.decode()}"
