"""With `respx`, which takes the place of httpx's transport."""

import httpx
from service import Application, Mock


def test_an_asset_becomes_active(respx_mock, number):
    mock = Mock()

    def answer(request):
        return httpx.Response(200, json=mock.answer(request.url.params["Action"], request.content))

    respx_mock.post("https://service.example/v1/portrait/").mock(side_effect=answer)
    with httpx.Client() as client:
        application = Application("https://service.example/v1", "key", lambda seconds: None, client.post)
        assert application.onboard(f"hosts-{number}") == "Active"
