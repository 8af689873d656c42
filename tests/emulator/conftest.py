"""The service without HTTP, on a manual clock, and a caller with a five-line driver."""

from collections.abc import Mapping

import orjson
import pytest
from attrs import define, field

from emulator.messages import Call
from emulator.service import Service
from emulator.settings import Settings
from portrait.clock import ManualClock
from portrait.flow import Sleep

VERSION = "2024-01-01"
BASE = "http://emulator.test"


@define
class Endpoint:
    """One key's calls; what a call asked its driver for is in `effects`."""

    service: Service
    key: str | None = "sk-alice"
    measured: object = None
    effects: list = field(factory=list)

    def reply(self, action, body=None, *, rule=None, version=VERSION, file=None):
        """Drives one answer to its end."""
        if not isinstance(body, bytes | Mapping) or file is None:
            body = body if isinstance(body, bytes) else orjson.dumps({} if body is None else body)
        rule = rule if rule is None or isinstance(rule, str) else orjson.dumps(rule).decode()
        answering = self.service.pipelines[0].answer(
            Call(action=action, version=version, key=self.key, body=body, base=BASE, rule=rule, file=file)
        )
        effect, effect_result = None, None
        while True:
            try:
                effect = answering.send(effect_result)
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
        self.service.control.finish_validation(token, "pass", **how)
        return self.call("GetVisualValidateResult", {"BytedToken": token})["GroupId"]


@pytest.fixture
def clock():
    """A clock that only moves when told to."""
    return ManualClock()


@pytest.fixture
def start(clock):
    """Makes a caller of a fresh service with settings of its own."""

    def start(**settings):
        return Endpoint(Service(Settings(**settings), clock))

    return start


@pytest.fixture
def alice(start):
    """A caller of a service with the default settings."""
    return start()


@pytest.fixture
def control(alice):
    """The control plane of the same service."""
    return alice.service.control
