"""With `pytest-httpserver`, a server in a thread, and requests."""

import json

from service import Application, Mock
from werkzeug import Response


def test_an_asset_becomes_active(httpserver, number):
    mock = Mock()

    def answer(request):
        return Response(json.dumps(mock.answer(request.args["Action"], request.data)), content_type="application/json")

    httpserver.expect_request("/v1/portrait/", method="POST").respond_with_handler(answer)
    application = Application(httpserver.url_for("/v1"), "key", lambda seconds: None)
    assert application.onboard(f"hosts-{number}") == "Active"
