"""Webhooks: what is posted when, how often it is tried again, and to whom nothing is posted."""

import http.client
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest

from emulator.settings import Settings
from emulator.testing import Emulator

PRIVATE, REAL = "/v1/seedance2/private-avatar", "/v1/seedance2/real-avatar"
VIDEOS, ARK = "/v1/videos/generations", "/api/v3/contents/generations/tasks"
BATCH = {"group": {"name": "g"}, "assets": [{"url": "https://a.example/a.png", "name": "a"}]}
ARK_VIDEO = {"model": "doubao-seedance-2-0-260128", "content": [{"type": "text", "text": "x"}]}
GATEWAY_VIDEO = {"model": "doubao-seedance-2.0", "prompt": "x"}
NEVER = 0.15  # seconds in which nothing comes


class Receiver:
    """A server of this machine that answers posts with the statuses that it is given, the last one over and over."""

    def __init__(self):
        self.posts = queue.Queue()
        self.statuses = [204]
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                statuses = receiver.statuses
                self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
                self.end_headers()
                receiver.posts.put((self.path, orjson.loads(body)))

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def next(self):
        """The next post: path and body."""
        return self.posts.get(timeout=5)

    def is_silent(self):
        """Whether nothing comes any more."""
        try:
            self.posts.get(timeout=NEVER)
        except queue.Empty:
            return True
        return False

    def close(self):
        """Stops the server."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver():
    """A receiver of posts."""
    server = Receiver()
    yield server
    server.close()


@pytest.fixture
def emulator():
    """An emulator on a manual clock."""
    with Emulator() as found:
        yield found


def call(emulator, method, path, body=None):
    """The status and the JSON of a call over HTTP."""
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=5)
    try:
        headers = {"Authorization": f"Bearer {emulator.api_key}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else orjson.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, orjson.loads(answer.read())
    finally:
        connection.close()


def test_the_end_of_a_task_is_posted_as_a_read_shows_it(emulator, receiver):
    """At the end only, below the base address, with the body of `GET /v1/tasks/{id}`, and once."""
    _, answer = call(emulator, "POST", PRIVATE, BATCH | {"webhook": receiver.url})
    emulator.clock.advance(2)
    assert receiver.is_silent()
    emulator.clock.advance(3)
    path, body = receiver.next()
    assert path == "/callback"
    assert body == call(emulator, "GET", f"/v1/tasks/{answer['data']['id']}")[1]
    assert body["data"]["status"] == "completed"
    emulator.clock.advance(600)
    assert receiver.is_silent()


def test_an_address_beyond_ascii_is_posted_to(emulator, receiver):
    """As the address of a request line is written."""
    call(emulator, "POST", PRIVATE, BATCH | {"webhook": f"{receiver.url}/\u00fc"})
    emulator.clock.advance(5)
    assert receiver.next()[0] == "/%C3%BC/callback"


def test_a_post_without_success_is_sent_three_more_times(emulator, receiver):
    """About 10, 30 and 60 seconds later, by the emulator's clock; then never again."""
    receiver.statuses = [500]
    call(emulator, "POST", VIDEOS, GATEWAY_VIDEO | {"webhook": f"{receiver.url}/base/"})
    emulator.clock.advance(60)
    assert receiver.next()[0] == "/base/callback"
    for delay in (10, 30, 60):
        assert receiver.is_silent()
        emulator.clock.advance(delay)
        assert receiver.next()[1]["data"]["status"] == "completed"
    emulator.clock.advance(600)
    assert receiver.is_silent()


@pytest.mark.parametrize("statuses", [[404], [503, 200]])
def test_an_answer_ends_the_attempts(emulator, receiver, statuses):
    """A 4xx at once, a 2xx whenever it comes."""
    receiver.statuses = list(statuses)
    call(emulator, "POST", VIDEOS, GATEWAY_VIDEO | {"webhook": receiver.url})
    emulator.clock.advance(60)
    for _ in statuses:
        assert receiver.next()
        assert receiver.is_silent()
        emulator.clock.advance(10)
    assert receiver.is_silent()


def test_every_change_of_arks_is_posted(emulator, receiver):
    """Running and the end, to the address itself, as a read shows them."""
    _, answer = call(emulator, "POST", ARK, ARK_VIDEO | {"callback_url": f"{receiver.url}/done?nonce=1"})
    assert receiver.is_silent()
    emulator.clock.advance(12)
    assert receiver.next() == ("/done?nonce=1", call(emulator, "GET", f"{ARK}/{answer['id']}")[1])
    emulator.clock.advance(48)
    path, body = receiver.next()
    assert (path, body["status"], body["id"]) == ("/done?nonce=1", "succeeded", answer["id"])
    assert receiver.is_silent()


def test_a_change_before_the_end_is_posted_once(emulator, receiver):
    """Only the end is tried again."""
    receiver.statuses = [500]
    call(emulator, "POST", ARK, ARK_VIDEO | {"callback_url": receiver.url})
    emulator.clock.advance(12)
    assert receiver.next()[1]["status"] == "running"
    emulator.clock.advance(20)
    assert receiver.is_silent()


def test_nothing_is_posted_to_other_machines(emulator, monkeypatch):
    """Such an address is taken, and no connection is made."""
    monkeypatch.setattr("emulator.webhooks._send", lambda *_: pytest.fail("a post"))
    status, _ = call(emulator, "POST", ARK, ARK_VIDEO | {"callback_url": "https://app.example/done"})
    assert status == 200
    emulator.clock.advance(61)
    assert emulator.calls.count("CreateVideo") == 1


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/", "nothing", 7])
def test_what_is_no_address_is_refused(emulator, address):
    """400, in each form."""
    assert call(emulator, "POST", ARK, ARK_VIDEO | {"callback_url": address})[0] == 400
    assert call(emulator, "POST", PRIVATE, BATCH | {"webhook": address})[0] == 400


def test_a_reset_ends_what_was_pending(emulator, receiver):
    """Nothing is posted about what is not there any more."""
    call(emulator, "POST", VIDEOS, GATEWAY_VIDEO | {"webhook": receiver.url})
    emulator.service.control.reset()
    emulator.clock.advance(61)
    assert receiver.is_silent()


def test_a_post_is_no_call(emulator, receiver):
    """Neither the log nor a rule knows of the reads behind posts."""
    emulator.rules.add(match={"action": "GetTask"}, do={"error": "Internal"})
    call(emulator, "POST", VIDEOS, GATEWAY_VIDEO | {"webhook": receiver.url})
    emulator.clock.advance(61)
    assert receiver.next()[1]["data"]["status"] == "completed"
    assert emulator.calls.count("GetTask") == 0


def test_a_review_that_takes_no_time_is_posted(receiver):
    """What has ended with its create is posted as well."""
    with Emulator(Settings(image_review=0.0)) as emulator:
        call(emulator, "POST", PRIVATE, BATCH | {"webhook": receiver.url})
        assert receiver.next()[1]["data"]["status"] == "completed"


@pytest.mark.parametrize(("outcome", "status"), [("pass", "completed"), ("fail", "failed"), (None, "failed")])
def test_the_end_of_a_persons_check_is_posted_by_setting(receiver, outcome, status):
    """To `callback_url`, once: the task and its status, nothing else; one that nobody opens ends with its token."""
    with Emulator(Settings(person_callback="post")) as emulator:
        _, answer = call(emulator, "POST", REAL, {"callback_url": f"{receiver.url}/back?nonce=1"})
        assert receiver.is_silent()
        if outcome is None:
            emulator.clock.advance(121)
        else:
            emulator.validations.finish("val-1", outcome)
        body = {"code": 200, "data": {"id": answer["data"]["id"], "status": status}}
        assert receiver.next() == ("/back?nonce=1", body)
        token = call(emulator, "GET", f"/v1/tasks/{answer['data']['id']}")[1]["data"]["result"]["byted_token"]
        found = call(emulator, "POST", REAL, {"byted_token": token})[1]["data"]
        assert (found["status"], "GroupId" in found.get("result", {})) == (status, outcome == "pass")
        assert receiver.is_silent()


def test_without_the_setting_the_browser_alone_comes(emulator, receiver):
    """Nothing is posted."""
    call(emulator, "POST", REAL, {"callback_url": f"{receiver.url}/back"})
    emulator.validations.finish("val-1", "pass")
    assert receiver.is_silent()
