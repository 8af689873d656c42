"""What a further provider needs: a dialect, a way to authenticate, an Action. Nothing of the core is touched."""

import hashlib
from pathlib import Path

import orjson
from attrs import evolve, field, frozen

from portrait.actions import Action
from portrait.codes import api_error
from portrait.dialects import Dialect
from portrait.errors import Throttled
from portrait.models import Response, Result
from tests.portrait.helpers import KEY, answer, endpoint, play

# --- the extension


@frozen(kw_only=True)
class BlurRequest:
    """A request of its own."""

    id: str
    radius: int = 1
    project_name: str | None = None


@frozen(kw_only=True)
class Blurred(Result):
    """A result of its own."""

    url: str = field(repr=False)


BLUR = Action(name="BlurAsset", request=BlurRequest, result=Blurred, summary="Blur.", reads=True, asset_id_field="id")


@frozen
class StampAuth:
    """A proof that holds the time of the attempt."""

    secret: str = field(repr=False)

    def apply(self, request, now):
        """One header more."""
        stamp = hashlib.sha256(f"{self.secret}{now}".encode() + request.body).hexdigest()
        return evolve(request, headers={**request.headers, "X-Stamp": stamp})

    def secrets(self):
        """What no message may repeat."""
        return (self.secret,)


def decode_flat(response, action, dialect, secrets):
    """No envelope: the body is the result, or `{"code": …}`."""
    body = orjson.loads(response.body)
    if "code" in body:
        rule = dialect.rule(action, body["code"])
        raise api_error(body["code"], "", http_status=response.status, rule=rule, action=action)
    return body, Response(http_status=response.status, body=body)


FLAT = Dialect(name="flat", action_path="/do", name_limit=10, decoder=decode_flat)

# --- the extension


def blur(*answers):
    """One call, against these answers."""
    caller = endpoint(dialect=FLAT, auth=StampAuth(KEY))
    return play(caller.call(BLUR, BlurRequest(id="asset://asset-1")), *answers, clock=caller.clock)


def test_a_further_action_is_called():
    """By its own dialect and proof, with the fields' wire names, the id cut out of its address, the result typed."""
    played = blur(answer({"URL": "https://cdn.example/b.jpg"}))
    assert played.result == Blurred(url="https://cdn.example/b.jpg")
    (request,) = played.sent
    assert request.url == "http://localhost:1/v1/do?Action=BlurAsset&Version=2024-01-01"
    assert orjson.loads(request.body) == {"Id": "asset-1", "Radius": 1}


def test_retries_and_errors_come_with_it():
    """A throttled attempt is repeated after a pause, and each attempt has a proof of its own."""
    played = blur(answer({"code": "RateLimitExceeded"}, 429), answer({"URL": "u"}))
    assert played.result == Blurred(url="u")
    first, second = (request.headers["X-Stamp"] for request in played.sent)
    assert first != second
    assert isinstance(blur(answer({"code": "RateLimitExceeded"}, 429)).error, Throttled)


def test_the_extension_is_small():
    """At most 40 lines of code."""
    text = Path(__file__).read_text(encoding="utf-8").split("# --- the extension\n")[1]
    assert len([line for line in text.splitlines() if line.strip()]) <= 40


def test_its_secrets_are_the_auths():
    """Redaction asks it."""
    assert endpoint(auth=StampAuth(KEY))._redactions(BLUR, {}) == (KEY,)


def test_only_its_own_request_fits():
    """As for every Action."""
    played = play(endpoint(dialect=FLAT, auth=StampAuth(KEY)).call(BLUR, {"Id": "asset-1"}))
    assert "takes a BlurRequest" in str(played.error)
