"""What one more provider of a known dialect needs: a `Provider` for clients, a mount for the emulator, no code."""

from pathlib import Path

import pytest

from emulator.auth import SignatureAuth
from emulator.dialects import ARK
from emulator.mounts import Mount
from emulator.service import Service
from emulator.settings import KeyPair
from emulator.transports import AsyncInProcessTransport, InProcessTransport
from portrait import AsyncPortraitClient, AuthError, NotFound, PortraitClient, UsageError
from portrait.clock import ManualClock
from portrait.providers import Credential, Provider

# --- the extension

NIMBUS = Provider(
    name="nimbus",
    title="Nimbus",
    dialect="ark",
    base_url="https://ark.eu-1.nimbus.example",
    credential=Credential.SIGNED,
    region="eu-1",
    service="portrait",
    token_life=600.0,
    rates={"GetAsset": 50.0},
    tiers={"basic": 6},
)
PAIRS = {"AKNIMBUS": KeyPair("nimbus-secret", "acme")}
MOUNT = Mount(dialect=ARK, auth=SignatureAuth(PAIRS, (NIMBUS,)), path="/")

# --- the extension


@pytest.fixture
def service():
    """An emulator of the provider."""
    return Service(clock=ManualClock(), mounts=(MOUNT,))


def client_of(colour, service, **options):
    """A client of the provider, which `provider=` and the keys alone say."""
    kind, transport = {
        "sync": (PortraitClient, InProcessTransport),
        "async": (AsyncPortraitClient, AsyncInProcessTransport),
    }[colour.name]
    options = {"provider": NIMBUS, "access_key": "AKNIMBUS", "secret_key": "nimbus-secret", **options}
    return kind(transport=transport(service), clock=service.clock, **options)


def test_every_call_works_by_the_provider_alone(colour, service):
    """From the group to the pages, with the region of its scope in each answer."""
    client = client_of(colour, service)
    group = colour.run(client.ensure_group, "hosts")
    asset = colour.run(client.ensure_asset, "https://cdn.example/a.jpg", group_id=group.id)
    assert [each.id for each in colour.run(client.iter_assets)] == [asset.asset_id]
    found = colour.run(client.get_asset, id=asset.asset_id)
    assert found.response.body["ResponseMetadata"]["Region"] == "eu-1"
    with pytest.raises(NotFound):
        colour.run(client.get_asset_group, id="group-1")


def test_its_own_numbers_hold(colour, service):
    """The life of its token, and the creates a minute of its plan."""
    client = client_of(colour, service, pace="basic")
    session = colour.run(client.create_visual_validate_session, callback_url="https://app.example/back")
    service.control.finish_validation(session.byted_token, result="pass")
    service.clock.advance(599)
    group = colour.run(client.get_visual_validate_result, byted_token=session.byted_token).group_id
    started = service.clock.monotonic()
    for _ in range(2):
        colour.run(client.create_asset, group_id=group, url="https://cdn.example/a.jpg", asset_type="Image")
    assert service.clock.monotonic() - started == pytest.approx(10, abs=1)
    with pytest.raises(UsageError, match="basic"):
        client_of(colour, service, pace="entry")


@pytest.mark.parametrize(
    ("options", "code"),
    [({"secret_key": "wrong"}, "SignatureDoesNotMatch"), ({"provider": "volcengine"}, "InvalidCredential")],
)
def test_other_keys_and_regions_are_refused(colour, service, options, code):
    """A wrong secret, and the region of another provider."""
    base_url = {"base_url": NIMBUS.base_url} if "provider" in options else {}
    with pytest.raises(AuthError, match=code):
        colour.run(client_of(colour, service, **options, **base_url).list_assets)


def test_the_registration_is_small():
    """At most 25 lines."""
    text = Path(__file__).read_text(encoding="utf-8").split("# --- the extension\n")[1]
    assert len([line for line in text.splitlines() if line.strip()]) <= 25
