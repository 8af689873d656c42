"""Webhooks over raw HTTP: a server of this machine hears of the end of a task, and of every change of Ark's."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@pytest.fixture
def posts():
    """What is posted, as path and body; `posts.url` is where to."""
    received = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.put((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    received.url = f"http://127.0.0.1:{server.server_port}"
    yield received
    server.shutdown()
    server.server_close()


def test_the_end_of_a_task_is_posted(server, me, posts):
    """Below the base address of `webhook`, with the body of a read."""
    assets = [{"url": "https://a.example/a.png", "name": "a"}]
    body = {"group": {"name": "g"}, "assets": assets, "webhook": posts.url}
    task = me.json("POST", "/v1/seedance2/private-avatar", body).body["data"]["id"]
    server.advance(5)
    assert posts.get(timeout=5) == ("/callback", me.json("GET", f"/v1/tasks/{task}").body)


def test_every_change_of_arks_is_posted(server, me, posts):
    """To `callback_url` itself, with the body of a read."""
    path = "/api/v3/contents/generations/tasks"
    content = [{"type": "text", "text": "x"}]
    body = {"model": "doubao-seedance-2-0-260128", "content": content, "callback_url": f"{posts.url}/done"}
    video = me.json("POST", path, body).body["id"]
    for seconds, status in ((12, "running"), (49, "succeeded")):
        server.advance(seconds)
        where, found = posts.get(timeout=5)
        assert (where, found["status"]) == ("/done", status)
        assert found == me.json("GET", f"{path}/{video}").body
