"""What each effect of a rule does to a client of either colour; the table of effects is complete."""

import pytest

from emulator.rules.clauses import _DO
from emulator.testing import Emulator
from portrait.errors import (
    AssetFailed,
    BadResponse,
    ConnectionLost,
    NotAccessible,
    PortraitError,
    QuotaExceeded,
    ServerError,
    Throttled,
)

URL = "https://h.example/a.jpg"


class Client:
    """A client without retries, one call at a time."""

    def __init__(self, colour, emulator):
        self._run = colour.run
        self.emulator = emulator
        self.client = colour.client(emulator, retry=None)

    def __call__(self, method, *args, **fields):
        """The result of a call, or its error."""
        try:
            return self._run(getattr(self.client, method), *args, **fields)
        except PortraitError as error:
            return error

    def group(self, name="g"):
        """A new group's id."""
        return self("create_asset_group", name=name).id

    def create(self, group):
        """A new asset."""
        return self("create_asset", group_id=group, url=URL, asset_type="Image")

    def rule(self, action, do, **more):
        """Add a rule for an Action."""
        self.emulator.rules.add(match={"action": action}, do=do, **more)


@pytest.fixture
def client(colour):
    """A client of a fresh emulator."""
    with Emulator() as emulator:
        yield Client(colour, emulator)


def error(client):
    """A reason or a code is the error; the call is not carried out."""
    client.rule("CreateAssetGroup", {"error": "GroupQuotaFull"}, when={"first": 1})
    assert isinstance(client("create_asset_group", name="g"), QuotaExceeded)
    client.rule("CreateAssetGroup", {"error": "RateLimitExceeded"}, when={"first": 1})
    assert isinstance(client("create_asset_group", name="g"), Throttled)
    assert client("list_asset_groups").items == ()


def http(client):
    """A page in the answer's place; its headers are obeyed."""
    client.rule("ListAssetGroups", {"http": {"status": 503}}, when={"first": 1})
    assert isinstance(client("list_asset_groups"), BadResponse)
    client.rule("ListAssetGroups", {"http": {"status": 429, "body": "empty", "headers": {"Retry-After": 20}}})
    found = client("list_asset_groups")
    assert (type(found), found.retry_after) == (Throttled, 20)


def close(client):
    """Before the call nothing happens, after the commit it has."""
    for point, count in (("before", 0), ("after-commit", 1)):
        client.rule("CreateAssetGroup", {"close": point}, when={"first": 1})
        assert isinstance(client("create_asset_group", name="g"), ConnectionLost)
        assert len(client("list_asset_groups").items) == count


def truncate(client):
    """The call was carried out, and its answer is no JSON."""
    client.rule("CreateAssetGroup", {"truncate": 30}, when={"first": 1})
    assert isinstance(client("create_asset_group", name="g"), BadResponse)
    assert len(client("list_asset_groups").items) == 1


def review(client):
    """A verdict, and when it falls."""
    client.rule("CreateAsset", {"review": {"status": "Failed", "code": "FaceMismatch", "after": 30}})
    asset = client.create(client.group())
    started = client.emulator.clock.now()
    failed = client("wait_until_active", asset.id)
    assert (type(failed), failed.code) == (AssetFailed, "FaceMismatch")
    assert 30 <= client.emulator.clock.now() - started < 35


def lag(client):
    """What is younger is not there yet; a create that is late is unknown to everything."""
    client.rule("GetAssetGroup", {"lag": 10})
    group = client.emulator.client().create_asset_group(name="g").id
    assert isinstance(client("get_asset_group", id=group), NotAccessible)
    client.emulator.clock.advance(10)
    assert client("get_asset_group", id=group).id == group


def limit(client):
    """Calls beyond it are throttled, until its seconds are over."""
    client.rule("ListAssetGroups", {"limit": {"calls": 2, "seconds": 5}})
    assert [type(client("list_asset_groups")) is Throttled for _ in range(3)] == [False, False, True]
    client.emulator.clock.advance(5)
    assert client("list_asset_groups").items == ()


def page_size_max(client):
    """Pages are shorter than was asked for; a list is read to its end all the same."""
    groups = {client.group(str(number)) for number in range(7)}
    client.rule("ListAssetGroups", {"page_size_max": 2})
    page = client("list_asset_groups", page_size=5)
    assert (len(page.items), page.page_size, page.total_count) == (2, 5, 7)
    assert {group.id for group in client("iter_asset_groups")} == groups


def hide(client):
    """Groups of persons are in no list, and can be read."""
    session = client("create_visual_validate_session", callback_url="https://app.example/")
    client.emulator.validations.finish(session.byted_token)
    group = client("get_visual_validate_result", byted_token=session.byted_token).group_id
    client.rule("ListAssetGroups", {"hide": "LivenessFace"})
    assert client("iter_asset_groups", group_type="LivenessFace") == []
    assert client("get_asset_group", id=group).id == group


def delay(client):
    """Time passes before the call is carried out; beside an error too."""
    client.rule("CreateAssetGroup", {"delay": 30}, when={"first": 1})
    started = client.emulator.clock.now()
    client.group()
    assert client.emulator.clock.now() - started == 30
    client.rule("CreateAssetGroup", {"delay": 5, "error": "Internal"})
    assert isinstance(client("create_asset_group", name="g"), ServerError)
    assert client.emulator.clock.now() - started == 35


EFFECTS = {
    each.__name__: each for each in (error, http, close, truncate, review, lag, limit, page_size_max, hide, delay)
}


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_is_seen_by_either_client(client, effect):
    """As its docstring says."""
    EFFECTS[effect](client)


def test_no_effect_is_left_out():
    """Each word of `do` has its scenario."""
    assert EFFECTS.keys() == {*_DO, "delay"}
