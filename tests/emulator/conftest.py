"""The service without HTTP, on a manual clock, and a caller with a five-line driver, in either dialect."""

from collections.abc import Mapping
from urllib.parse import quote

import orjson
import pytest
from attrs import define, evolve, field

from emulator.domain.reasons import Refusal
from emulator.messages import Call
from emulator.service import Service
from emulator.settings import KeyPair, Settings
from portrait.clock import ManualClock, SystemClock
from portrait.flow import Sleep
from portrait.http import HttpRequest
from portrait.signing import Credentials, sign
from tests.databases import empty_schema

VERSION = "2024-01-01"
BASE = "http://emulator.test"
DIALECTS = ("alltoken", "ark")
# Each customer's pair signs where its name is the Bearer key.
PAIRS = {"AKALICE": KeyPair("SK-alice", "sk-alice"), "AKBOB": KeyPair("SK-bob", "sk-bob")}

both_dialects = pytest.mark.parametrize("dialect", DIALECTS)


@define
class Endpoint:
    """One customer's calls; what a call asked its driver for is in `effects`."""

    service: Service
    key: str | None = "sk-alice"
    dialect: str = "alltoken"
    measured: object = None
    effects: list = field(factory=list)

    @property
    def pipeline(self):
        """What answers the dialect's mount."""
        return next(each for each in self.service.pipelines if each.mount.dialect.name == self.dialect)

    def request(self, action, body=b"", *, version=VERSION, **fields):
        """A call with the customer's proof."""
        call = Call(action=action, version=version, body=body, base=BASE, **fields)
        return evolve(call, key=self.key) if self.dialect == "alltoken" else self._signed(call)

    def _signed(self, call):
        query = "&".join(
            f"{n}={quote(v, errors='replace')}" for n, v in (("Action", call.action), ("Version", call.version)) if v
        )
        if self.key is None:
            return evolve(call, path="/", query=query)
        nobody = ("AKNOBODY", KeyPair("SK-nobody", self.key))
        access_key, pair = next((each for each in PAIRS.items() if each[1].customer == self.key), nobody)
        request = HttpRequest(method="POST", url=f"{BASE}/?{query}", headers={}, body=call.body)
        request = sign(
            request,
            Credentials(access_key, pair.secret_key),
            region="cn-beijing",
            service="ark",
            now=SystemClock().now(),
        )
        headers = {name.lower(): value for name, value in request.headers.items()}
        return evolve(call, path="/", query=query, headers=headers)

    def code(self, reason, **values):
        """How the dialect calls a reason."""
        return self.pipeline.mount.dialect.render_error(Refusal(reason, **values))[1]["Code"]

    def reply(self, action, body=None, *, rule=None, version=VERSION, file=None):
        """Drives one answer to its end."""
        if not isinstance(body, bytes | Mapping) or file is None:
            body = body if isinstance(body, bytes) else orjson.dumps({} if body is None else body)
        rule = rule if rule is None or isinstance(rule, str) else orjson.dumps(rule).decode()
        reply_flow = self.pipeline.answer(self.request(action, body, version=version, rule=rule, file=file))
        effect, effect_result = None, None
        while True:
            try:
                effect = reply_flow.send(effect_result)
            except StopIteration as stop:
                return stop.value
            self.effects.append(effect)
            effect_result = None if isinstance(effect, Sleep) else self.measured

    def call(self, action, body=None, **options):
        """The `Result` of a call that has to succeed."""
        answer = orjson.loads(self.reply(action, body, **options).body)
        assert "Error" not in answer["ResponseMetadata"], answer
        return answer["Result"]

    def error(self, action, body=None, **options):
        """The code of a call that has to be refused."""
        return orjson.loads(self.reply(action, body, **options).body)["ResponseMetadata"]["Error"]["Code"]

    def refusal(self, action, body=None, **options):
        """HTTP status and code of a call that has to be refused, in either of the contract's forms."""
        reply = self.reply(action, body, **options)
        answer = orjson.loads(reply.body)
        assert "Result" not in answer, answer
        error = answer["error"] if "error" in answer else answer["ResponseMetadata"]["Error"]
        return reply.status, error.get("Code", error.get("code"))

    def upload(self, content, **fields):
        """The reply to an upload."""
        return self.reply("CreateAsset", fields, file=content)

    def group(self, name="a group", **fields):
        """A new AIGC group's id."""
        return self.call("CreateAssetGroup", {"Name": name, "GroupType": "AIGC", **fields})["Id"]

    def asset(self, group, url="https://cdn.example/host.jpg", **fields):
        """A new asset's id."""
        return self.call("CreateAsset", {"GroupId": group, "URL": url, "AssetType": "Image", **fields})["Id"]

    def status(self, asset):
        """How an asset's review stands."""
        return self.call("GetAsset", {"Id": asset})["Status"]

    def token(self):
        """A new validation's token."""
        return self.call("CreateVisualValidateSession", {"CallbackURL": "https://app.example/back"})["BytedToken"]

    def person(self, **how):
        """The group of a person who passed."""
        token = self.token()
        self.service.control.finish_validation(token, result="pass", **how)
        return self.call("GetVisualValidateResult", {"BytedToken": token})["GroupId"]


@pytest.fixture
def clock():
    """A clock that only moves when told to."""
    return ManualClock()


@pytest.fixture
def dialect():
    """How the caller calls; `both_dialects` tries each."""
    return "alltoken"


@pytest.fixture
def start(clock, dialect):
    """Makes a caller of a fresh service with settings of its own."""

    def start(**settings):
        pairs = PAIRS if dialect == "ark" else {}
        return Endpoint(Service(Settings(**{"access_keys": pairs, **settings}), clock), dialect=dialect)

    return start


@pytest.fixture
def alice(start):
    """A caller of a service with the default settings."""
    return start()


@pytest.fixture
def control(alice):
    """The control plane of the same service."""
    return alice.service.control


@pytest.fixture
def sqlite(tmp_path):
    """Where a store in a SQLite file is, which is not there yet."""
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def postgresql(postgres):
    """Where a store in a PostgreSQL database is, which is empty."""
    with empty_schema(postgres) as location:
        yield location
