"""With `responses`, which takes the place of requests' adapter."""

import json

import responses
from service import Application, Mock


@responses.activate
def test_an_asset_becomes_active(number):
    mock = Mock()

    def answer(request):
        return (
            200,
            {"Content-Type": "application/json"},
            json.dumps(mock.answer(request.params["Action"], request.body)),
        )

    responses.add_callback(responses.POST, "https://service.example/v1/portrait/", answer)
    application = Application("https://service.example/v1", "key", lambda seconds: None)
    assert application.onboard(f"hosts-{number}") == "Active"
