"""The application is tested with the emulator in the service's place: nothing in it is changed or told of a clock."""

from fastapi.testclient import TestClient

from tests.examples.fastapi_app import app


def test_a_host_becomes_an_asset(portrait_env):
    """Active within a fraction of a second, although a review takes four."""
    with TestClient(app) as http:
        reply = http.post("/hosts", json={"group": "hosts", "url": "https://cdn.example/ann.jpg"})
    assert reply.json()["uri"].startswith("asset://")
    assert portrait_env.calls.count("CreateAsset") == 1


def test_a_refused_picture_is_a_502(portrait_env):
    """What the review says reaches the user."""
    with TestClient(app) as http:
        url = "https://magic.test/ann.jpg?status=Failed&code=FaceMismatch"
        reply = http.post("/hosts", json={"group": "hosts", "url": url})
    assert reply.status_code == 502
    assert "FaceMismatch" in reply.text
