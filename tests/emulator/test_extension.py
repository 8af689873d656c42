"""What a further provider needs of the emulator: a dialect, an auth, an Action. Nothing of the core is touched."""

from pathlib import Path

import orjson
import pytest
from attrs import frozen

from emulator.auth import Caller, key_handle
from emulator.domain.reasons import Reason, Refusal
from emulator.messages import Reply
from emulator.mounts import Format, default_mounts
from emulator.service import Service
from emulator.settings import Settings
from emulator.transports import InProcessTransport
from portrait import PortraitClient
from portrait.clock import ManualClock
from portrait.codec import decode_strict
from portrait.http import HttpRequest, Timeouts
from portrait.providers import PROVIDERS

# --- the extension


@frozen(kw_only=True)
class _BlurRequest:
    id: str
    radius: int = 1


def _blur(ctx, request):
    """A further Action: it reads the customer's records."""
    return f"{ctx.asset(request.id, None).url}?blur={request.radius}"


class _HeaderAuth:
    """The key in a header of its own."""

    def authenticate(self, call):
        if "x-key" not in call.headers:
            raise Refusal(Reason.KEY_MISSING)
        handle = key_handle(call.headers["x-key"])
        return Caller(handle, handle, self.provider_of(call))

    def provider_of(self, call):
        return PROVIDERS["alltoken"]


class _Flat:
    """No envelope: the body is the result, or `{"code": …}`."""

    def handler(self, call):
        return _blur

    def request(self, call, body):
        return decode_strict(_BlurRequest, body), {}

    def result(self, result, call, request_id, provider):
        return Reply(body=orjson.dumps({"url": result}))

    def refusal(self, refusal, call, request_id, provider):
        return Reply(status=400, body=orjson.dumps({"code": refusal.reason})), refusal.reason


class _Mount:
    path, upload_path, auth = "/blur", None, _HeaderAuth()

    def format(self, settings):
        return Format(decoder=_Flat(), encoder=_Flat(), name_limit=10)


# --- the extension


@pytest.fixture
def service():
    """An emulator with one mount more."""
    settings = Settings()
    return Service(settings, ManualClock(), mounts=(*default_mounts(settings), _Mount()))


@pytest.fixture
def asset(service):
    """An asset that was created at another mount."""
    client = PortraitClient(
        api_key="sk-alice", base_url="http://localhost/v1", transport=InProcessTransport(service), clock=service.clock
    )
    group = client.create_asset_group(name="hosts")
    return client.create_asset(group_id=group.id, url="https://cdn.example/a.jpg", asset_type="Image").id


def post(service, fields, **headers):
    """What the mount answers, and its HTTP status."""
    request = HttpRequest(
        method="POST",
        url="http://localhost/blur?Action=BlurAsset",
        headers={
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
        body=orjson.dumps(fields),
        timeouts=Timeouts(),
    )
    response = InProcessTransport(service).send(request)
    return response.status, orjson.loads(response.body)


def test_a_further_action_is_answered(service, asset):
    """In its own form, about the records that the customer has at every mount."""
    assert post(service, {"Id": asset, "Radius": 3}, x_key="sk-alice") == (
        200,
        {"url": "https://cdn.example/a.jpg?blur=3"},
    )


def test_it_is_refused_in_its_own_words(service, asset):
    """Without credentials, and to another customer."""
    assert post(service, {"Id": asset}) == (400, {"code": "KeyMissing"})
    assert post(service, {"Id": asset}, x_key="sk-bob") == (400, {"code": "UnknownAsset"})


def test_its_calls_are_in_the_call_log(service, asset):
    """By the Action's own name, with its fields."""
    post(service, {"Id": asset}, x_key="sk-alice")
    (call,) = service.control.calls(action="BlurAsset")["calls"]
    assert (call["customer"], call["outcome"], call["request"]) == (key_handle("sk-alice"), "ok", {"Id": asset})


def test_the_extension_is_small():
    """At most 40 lines of code."""
    text = Path(__file__).read_text(encoding="utf-8").split("# --- the extension\n")[1]
    assert len([line for line in text.splitlines() if line.strip()]) <= 40
