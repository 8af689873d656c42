"""Rules of the task gateways that are checked before anything is sent (contract §8)."""

import json

import pytest

from portrait.errors import InvalidRequest, UsageError
from portrait.http import HttpResponse
from portrait.tasks import NewAsset, TaskClient, batches

URL = "https://cdn.example/a.png"
SECRET = "0123456789abcdef"
ONE = [NewAsset(URL, "a")]


class NeverSent:
    """A transport that nothing may reach."""

    def send(self, request):
        """Refuse."""
        raise AssertionError(request)

    def close(self):
        """Nothing is open."""


def client(provider="xcompute", transport=None):
    """A client whose calls go nowhere."""
    base_url = "https://gateway.example/v1"
    return TaskClient(api_key="sk-1", provider=provider, base_url=base_url, transport=transport or NeverSent())


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ({"assets": ONE}, "one of them"),
        ({"assets": ONE, "group": "g", "group_id": "i"}, "one of them"),
        ({"assets": ONE, "group": " "}, "blank"),
        ({"assets": ONE, "group_id": "i", "description": "d"}, "description= is that of a new group"),
        ({"group": "g"}, "a list of assets, or url= and name="),
        ({"group": "g", "url": URL}, "a list of assets, or url= and name="),
        ({"group": "g", "assets": ONE, "url": URL, "name": "a"}, "a list of assets, or url= and name="),
        ({"group": "g", "assets": []}, "1 to 20 assets, not 0"),
        ({"group": "g", "assets": ONE * 21}, "1 to 20 assets, not 21"),
        ({"group": "g", "assets": ONE, "asset_type": "Text"}, "one of Image, Video, Audio"),
        ({"group": "g", "assets": ONE, "webhook": "https://a.example"}, "xcompute cannot report the end of a task"),
        ({"group": "g", "assets": ONE, "model": "seedance-2.5"}, "xcompute cannot limit the length"),
    ],
)
def test_a_private_avatar_that_breaks_a_rule(call, sentence):
    """Each is refused by itself, and nothing is sent."""
    with pytest.raises(UsageError, match=sentence):
        client().create_private_avatar(**call)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ({"group_id": "", "assets": ONE}, "blank"),
        ({"group_id": "g", "assets": ONE * 21}, "not 21"),
        ({"group_id": "g", "assets": ONE, "asset_type": "Audio"}, "takes Video or Image, not Audio"),
    ],
)
def test_a_real_avatar_that_breaks_a_rule(call, sentence):
    """No sound, which has no face."""
    with pytest.raises(UsageError, match=sentence):
        client().create_real_avatar(**call)


@pytest.mark.parametrize(("url", "name"), [("ftp://a.example/a", "a"), ("a.png", "a"), (URL, ""), (URL, " ")])
def test_an_asset_that_is_none(url, name):
    """Its address or its name; the address is not repeated whole."""
    with pytest.raises(UsageError):
        NewAsset(url, name)


def test_a_longer_list_is_split():
    """In order, 20 at a time."""
    assets = [NewAsset(URL, str(number)) for number in range(45)]
    parts = list(batches(assets))
    assert ([len(part) for part in parts], [each for part in parts for each in part]) == ([20, 20, 5], assets)
    with pytest.raises(UsageError, match="not 21"):
        batches(assets, 21)


def test_a_client_of_tasks_is_not_one_of_actions():
    """It says which providers it takes, and who takes the other ones."""
    with pytest.raises(UsageError, match="cannot call AllToken") as caught:
        TaskClient(api_key="sk-1")
    assert "xcompute, apimart, gccai" in caught.value.advice


def test_what_the_wire_carries_of_a_single_asset():
    """`url` and `name` at the top, as the documents have it."""

    class Keep(NeverSent):
        def send(self, request):
            self.body = request.body
            return HttpResponse(status=200, headers={}, body=b'{"code":200,"data":{"id":"t","status":"processing"}}')

    transport = Keep()
    client(transport=transport).create_private_avatar(group_id="group_xxx", url=URL, name="avatar-1")
    assert transport.body == (
        b'{"group_id":"group_xxx","asset_type":"Image","url":"https://cdn.example/a.png","name":"avatar-1"}'
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.create_private_avatar([NewAsset(f"{URL}?sig={SECRET}", "a")], group="g"),
        lambda client: client.create_real_avatar([NewAsset(f"{URL}?sig={SECRET}", "a")], group_id="g"),
        lambda client: client.get_visual_validate_result(byted_token=SECRET),
        lambda client: client.create_visual_validate_session(callback_url=f"https://a.example/?t={SECRET}"),
    ],
)
def test_an_error_repeats_no_secret(call):
    """The signature of an address, a token and the key are blanked in what a gateway says."""

    class Echo(NeverSent):
        def send(self, request):
            text = f"{request.body.decode()} {request.headers['Authorization']}"
            body = json.dumps({"error": {"code": 400, "message": text, "type": "invalid_request_error"}})
            return HttpResponse(status=400, headers={}, body=body.encode())

    with pytest.raises(InvalidRequest) as caught:
        call(client(transport=Echo()))
    assert SECRET not in f"{caught.value!r} {caught.value} {caught.value.response}"
    assert "sk-1" not in f"{caught.value!r} {caught.value} {caught.value.response}".replace("sk-1…", "")
