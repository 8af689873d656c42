"""Keys, tokens, links and addresses stay out of everything that people read."""

import logging

import orjson
import pytest
from attrs import evolve

from emulator.auth import key_handle
from emulator.dialects import DIALECTS
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.records import Validation
from emulator.messages import Call
from emulator.response_encoder import ResponseEncoder
from emulator.service import Service
from emulator.settings import KeyPair, Settings
from portrait.clock import ManualClock
from portrait.providers import PROVIDERS
from tests.emulator.conftest import Endpoint

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def acme(start):
    """A customer whose key is not its name."""
    caller = start(api_keys={KEY: "acme"}, control_token="also-secret")
    caller.key = KEY
    return caller


def test_what_people_read_says_no_secret(acme, caplog):
    """State, call log, rules, logs and reprs name a validation by its handle and a customer by its name."""
    caplog.set_level(logging.DEBUG)
    control = acme.service.control
    token = acme.token()
    acme.error("GetVisualValidateResult", {"BytedToken": token})
    control.finish_validation(token, result="pass")
    acme.call("GetVisualValidateResult", {"BytedToken": token})
    acme.error("GetVisualValidateResult", {"BytedToken": token})
    acme.asset(acme.group(), "https://cdn.example/host.jpg?X-Amz-Signature=sesame")
    acme.error(
        "CreateAsset", {"GroupId": "x", "URL": "ftp://cdn.example/?X-Amz-Signature=sesame", "AssetType": "Image"}
    )
    validation = acme.service.store.find_validation(token)
    call = Call(action="GetAsset", key=KEY, body=orjson.dumps({"BytedToken": token}))
    read = [control.state(), control.calls(), control.rules(), control.health(), caplog.text, acme.service.settings,
            validation, evolve(validation), acme.service.store.find_asset("x"), call,
            acme.service.validation_page({"bytedToken": token})]  # fmt: skip
    text = " ".join(map(repr, read))
    for secret in (KEY, token, "also-secret", "sk-hidden", "sesame"):
        assert secret not in text
    handles = [each.get("validation") for each in control.calls(action="GetVisualValidateResult")["calls"]]
    assert handles == ["val-1"] * 3


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("reason", list(Reason))
def test_an_outcome_in_the_call_log_has_no_looked_up_value(dialect, reason):
    """Codes that end in the value that was asked for, as Ark's for tokens do, are cut there."""
    encoder = ResponseEncoder(dialect, key_in_envelope=False)
    _, outcome = encoder.refusal(Refusal(reason, id="T0KEN"), Call(action="X"), "R", PROVIDERS["alltoken"])
    assert "T0KEN" not in outcome
    assert outcome


def test_a_validation_hides_its_token():
    """The repr is safe to log."""
    text = repr(Validation(
        number=3, token="T0KEN", customer="acme", owner="acme", project="p", callback_url="u", created=0, expires=1
    ))  # fmt: skip
    assert "T0KEN" not in text


@pytest.mark.parametrize(("seed", "equal"), [(None, False), (0, True)])
def test_links_cannot_be_guessed_unless_a_seed_is_asked_for(seed, equal):
    """Two emulators sign the same link alike only where they were given the same seed."""
    clock = ManualClock()
    links = []
    for _ in range(2):
        caller = Endpoint(Service(Settings(seed=seed), clock))
        asset = caller.asset(caller.group())
        caller.service.control.set_asset(asset, status="Active")
        links.append(caller.call("GetAsset", {"Id": asset})["URL"])
    assert (links[0] == links[1]) is equal


@pytest.mark.parametrize("word", [KEY, key_handle(KEY), "acme"])
def test_a_customer_is_named_by_its_key_its_handle_or_its_name(start, word):
    """What a test says finds the customer, and no reply repeats a key: rules, limits and calls alike."""
    caller = start(access_keys={"AK": KeyPair("SK", "acme")})
    caller.key = word
    control = caller.service.control
    name = "acme" if word == "acme" else key_handle(KEY)
    assert control.patch_customer(word, groups=1)["name"] == name
    assert control.add_rule({"match": {"customer": word}, "do": {"delay": 1}})["match"] == {"customer": name}
    caller.group()
    assert caller.error("CreateAssetGroup", {"Name": "full", "GroupType": "AIGC"}) == "QuotaExceeded"
    assert control.calls(customer=word)["count"] == 2
    assert control.rules()["rules"][0]["fired"] == 2
    assert KEY not in repr([control.state(), control.calls(), control.rules()])


def test_a_configured_key_names_its_customer(start):
    """A key that was given a customer stands for that customer in the control plane too."""
    control = start(api_keys={KEY: "acme"}).service.control
    assert control.patch_customer(KEY, groups=1)["name"] == control.patch_customer("acme", assets=1)["name"] == "acme"
