"""Both clients against the emulator, without a socket and on its clock: every method, both flows, every error."""

import time

import pytest

from portrait import (
    AssetFailed,
    AuthError,
    Forbidden,
    InvalidToken,
    MediaRejected,
    NotFound,
    QuotaExceeded,
    Throttled,
    TokenExpired,
    ValidatePending,
    WaitTimeout,
    asset_uri,
)
from portrait.errors import (
    AIGCNotAvailable,
    AssetVanished,
    ConnectionLost,
    InvalidParameter,
    InvalidRequest,
    MissingParameter,
    ServerError,
    SubscriptionRequired,
)
from tests.wire.media import png

URL = "https://cdn.example/host.jpg"
BACK = "https://www.example.com/callback"


class Play:
    """A client of either colour whose methods are called plainly."""

    def __init__(self, colour, emulator, **options):
        self._colour, self.emulator = colour, emulator
        self._client = colour.client(emulator, **options)

    def __getattr__(self, name):
        method = getattr(self._client, name)
        return lambda *args, **fields: self._colour.run(method, *args, **fields)

    def group(self, **fields):
        """A new AIGC group's id."""
        return self.create_asset_group(**{"name": "brand-host", **fields}).id

    def asset(self, group_id=None, **fields):
        """A new asset's id."""
        group_id = group_id or self.group()
        return self.create_asset(**{"group_id": group_id, "url": URL, "asset_type": "Image", **fields}).id

    def session(self):
        """A new validation's token."""
        return self.create_visual_validate_session(callback_url=BACK).byted_token


@pytest.fixture
def play(colour, portrait_emulator):
    """A client of this colour."""
    return Play(colour, portrait_emulator)


# --- what works -----------------------------------------------------------------------------------------------------


def test_all_twelve_methods(play):
    """Each once, in an order that makes sense, with its answer in its class and its request id."""
    group = play.create_asset_group(name="brand-host", description="demo")
    assert play.get_asset_group(id=group.id).description == "demo"
    assert [item.id for item in play.list_asset_groups().items] == [group.id]
    assert play.update_asset_group(id=group.id, name="other").id is None
    assert play.get_asset_group(id=group.id).title == "other"
    asset = play.create_asset(group_id=group.id, url=URL, asset_type="Image", name="host-1")
    assert play.get_asset(id=asset_uri(asset.id)).status == "Processing"
    assert play.list_assets().total_count == 1
    play.update_asset(id=asset.id, name="host-2")
    assert play.list_assets().items[0].name == "host-2"
    session = play.create_visual_validate_session(callback_url=BACK)
    assert session.callback_url == BACK
    play.emulator.validations.finish(session.byted_token, "pass")
    person = play.get_visual_validate_result(byted_token=session.byted_token)
    assert play.get_asset_group(id=person.group_id).group_type == "LivenessFace"
    play.delete_asset(id=asset.id)
    answer = play.delete_asset_group(id=group.id)
    assert len(answer.response.request_id) == 34
    assert play.list_asset_groups().total_count == 0
    assert play.emulator.calls.count() == 16


def test_a_raw_call_gives_what_came(play):
    """By name: the mapping goes out as given, `Result` comes back as given."""
    created = play.call("CreateAssetGroup", {"Name": "raw", "GroupType": "AIGC"})
    assert set(created) == {"Id"}
    assert created.response.body["ResponseMetadata"]["Action"] == "CreateAssetGroup"


def test_walking_over_250_assets(colour, portrait_emulator):
    """Three pages: each asset once, newest first, and filters hold."""
    play = Play(colour, portrait_emulator, api_key=portrait_emulator.customer(assets=300))
    group = play.group()
    ids = [play.asset(group, name=f"host-{n}") for n in range(250)]
    portrait_emulator.assets.fail(ids[7])
    before = portrait_emulator.calls.count("ListAssets")
    assert [item.id for item in play.iter_assets()] == ids[::-1]
    assert portrait_emulator.calls.count("ListAssets") == before + 3
    assert [item.id for item in play.iter_assets(statuses=["Failed"])] == [ids[7]]
    assert len(play.iter_assets(name="HOST-24")) == 11
    assert [item.id for item in play.iter_asset_groups(group_ids=[group])] == [group]
    assert play.iter_assets(group_type="LivenessFace") == []


def test_an_upload_becomes_an_asset(play):
    """A file goes in, an asset comes out."""
    uploaded = play.upload_asset(png(600, 600), group_id=play.group(), name="host")
    assert (uploaded.status, uploaded.name) == ("Processing", "host")
    assert play.wait_until_active(uploaded.id).url


def test_projects_are_apart(colour, portrait_emulator):
    """An id of one project is a foreign one in another."""
    mine, other = (Play(colour, portrait_emulator, project=name) for name in ("shop", "studio"))
    asset = mine.asset()
    assert mine.get_asset(id=asset).project_name == "shop"
    with pytest.raises(Forbidden):
        other.get_asset(id=asset)


# --- the two flows of the guide -------------------------------------------------------------------------------------


def test_a_virtual_portrait_from_group_to_address(play):
    """Group, asset, wait until Active, `asset://…`; the review's seconds pass on the emulator's clock."""
    asset = play.wait_until_active(play.asset())
    assert asset.status == "Active"
    assert "X-Tos-Expires=43200" in asset.url
    assert asset_uri(asset.id).startswith("asset://asset-")
    assert 4 <= play.emulator.clock.monotonic() <= 7


def test_a_real_person_from_link_to_address(play):
    """Session, scan, group, asset of that person, wait until Active."""
    session = play.create_visual_validate_session(callback_url=BACK)
    with pytest.raises(ValidatePending):
        play.get_visual_validate_result(byted_token=session.byted_token)
    play.emulator.validations.finish(session.byted_token, "pass", subject="alice")
    person = play.wait_until_validated(session)
    asset = play.asset(person.group_id, url="https://magic.test/a.jpg?subject=alice")
    assert play.wait_until_active(asset).status == "Active"
    stranger = play.asset(person.group_id, url="https://magic.test/b.jpg?subject=bob")
    with pytest.raises(AssetFailed) as info:
        play.wait_until_active(stranger)
    assert info.value.code == "FaceMismatch"


# --- every row of the error table -----------------------------------------------------------------------------------


def _used_token(play):
    token = play.session()
    play.emulator.validations.finish(token, "pass")
    play.get_visual_validate_result(byted_token=token)
    return token


def _late_token(play):
    token = play.session()
    play.emulator.validations.finish(token, "pass")
    play.emulator.clock.advance(121)
    return token


def _fill(play, method, **limits):
    play.emulator.service.control.patch_customer(play.emulator.api_key, **limits)
    group = play.group()
    while True:
        method(group)


def _expired(play):
    asset = play.asset()
    play.emulator.assets.expire(asset)
    return asset


def _denied(play, call, **limits):
    play.emulator.service.control.patch_customer(play.emulator.api_key, **limits)
    call()


def _ruled(play, reason, **options):
    play.emulator.rules.add(match={"action": "GetAsset"}, do={"error": reason})
    play.get_asset(id="asset-1")


RESULT = "get_visual_validate_result"
# Contract §4, "alltoken": what is done, the class, the code.
ROWS = {
    "wrong group type": (lambda p: p.group(group_type="LivenessFace"), InvalidParameter, "InvalidParameter"),
    "long name": (lambda p: p.group(name="n" * 51), InvalidParameter, "InvalidParameter"),
    "malformed": (lambda p: p.call("GetAsset", ["x"]), InvalidParameter, "InvalidParameter"),
    "missing field": (lambda p: p.call("GetAsset", {}), MissingParameter, "MissingParameter.Id"),
    "missing filter": (lambda p: p.call("ListAssets", {}), MissingParameter, "MissingParameter.Filter"),
    "unknown action": (lambda p: p.call("MakeCoffee", {}), InvalidRequest, "InvalidActionOrVersion"),
    "file refused": (
        lambda p: p.asset(url="https://magic.test/a.jpg?reject=WidthTooSmall"),
        MediaRejected,
        "InvalidParameter.WidthTooSmall",
    ),
    "no AIGC": (lambda p: _denied(p, p.group, aigc=False), AIGCNotAvailable, "AIGCNotAvailable"),
    "no plan": (lambda p: _denied(p, p.group, subscription=False), SubscriptionRequired, "SubscriptionRequired"),
    "not scanned": (lambda p: getattr(p, RESULT)(byted_token=p.session()), ValidatePending, "ValidatePending"),
    "unknown token": (lambda p: getattr(p, RESULT)(byted_token="t" * 34), InvalidToken, "InvalidToken"),
    "used token": (lambda p: getattr(p, RESULT)(byted_token=_used_token(p)), InvalidToken, "InvalidToken"),
    "late token": (lambda p: getattr(p, RESULT)(byted_token=_late_token(p)), TokenExpired, "TokenExpired"),
    "groups full": (lambda p: _fill(p, lambda _: p.group(), groups=3), QuotaExceeded, "QuotaExceeded"),
    "assets full": (lambda p: _fill(p, p.asset, assets=3), QuotaExceeded, "QuotaExceeded"),
    "unknown id": (lambda p: p.get_asset(id="asset-20260318035710-xxxxx"), Forbidden, "Forbidden"),
    "expired asset": (lambda p: p.get_asset(id=_expired(p)), NotFound, "NotFound"),
    "throttled": (lambda p: _ruled(p, "Throttled"), Throttled, "RateLimitExceeded"),
    "upstream away": (lambda p: _ruled(p, "UpstreamUnavailable"), ServerError, "UpstreamUnavailable"),
    "internal": (lambda p: _ruled(p, "Internal"), ServerError, "internal_error"),
    "wrong key": (lambda p: _ruled(p, "KeyUnknown"), AuthError, "Unauthorized"),
}


@pytest.mark.parametrize("name", ROWS)
def test_each_row_of_the_error_table_is_caught_as_its_class(play, name):
    """Produced by the emulator, heard as the class of the contract, with code, advice and request id."""
    act, error, code = ROWS[name]
    with pytest.raises(error) as info:
        act(play)
    assert type(info.value) is error
    assert info.value.code == code
    assert info.value.advice
    assert info.value.action
    if info.value.http_status == 200:
        assert len(info.value.request_id) == 34
    assert info.value.may_have_executed is (error is ServerError)


def test_somebody_elses_id_is_forbidden(colour, portrait_emulator):
    """Two customers: what is one's own is nobody else's, and hidden alike."""
    mine = Play(colour, portrait_emulator)
    other = Play(colour, portrait_emulator, api_key=portrait_emulator.customer())
    asset = mine.asset()
    with pytest.raises(Forbidden) as foreign:
        other.get_asset(id=asset)
    with pytest.raises(Forbidden) as unknown:
        other.get_asset(id="asset-20260318035710-xxxxx")
    assert foreign.value.message == unknown.value.message


# --- time -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def soon():
    """However much time passes on the emulator's clock, this process does little, and does not sleep for it."""
    began, worked = time.perf_counter(), time.process_time()
    yield
    assert time.process_time() - worked < 1.0
    assert time.perf_counter() - began < 30.0  # half of the shortest wait: a busy machine is no reason to fail


@pytest.mark.usefixtures("soon")
def test_a_token_lives_120_seconds(play):
    """Passed at the end of its life it is good, a second later it is not; nobody waits for it."""
    in_time, late = play.session(), play.session()
    for token in (in_time, late):
        play.emulator.validations.finish(token, "pass")
    play.emulator.clock.advance(119)
    assert play.wait_until_validated(in_time).group_id
    play.emulator.clock.advance(2)
    with pytest.raises(TokenExpired):
        play.wait_until_validated(late)


@pytest.mark.usefixtures("soon")
def test_a_scan_that_never_ends_is_given_up_when_the_token_dies(play):
    """Polled every two seconds for two minutes."""
    with pytest.raises((TokenExpired, WaitTimeout)):
        play.wait_until_validated(play.session())
    assert 120 <= play.emulator.clock.monotonic() <= 122
    assert play.emulator.calls.count("GetVisualValidateResult") >= 60


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(("kind", "deadline"), [("Image", 60), ("Video", 180), ("Audio", 180)])
def test_a_review_that_takes_too_long_is_given_up(play, kind, deadline):
    """A minute for an image, three for a clip; waiting again with the same id goes on."""
    asset = play.asset(asset_type=kind, url=f"https://magic.test/a.jpg?after={deadline + 9}")
    with pytest.raises(WaitTimeout) as info:
        play.wait_until_active(asset)
    assert play.emulator.clock.monotonic() == info.value.waited == deadline
    assert play.wait_until_active(asset).status == "Active"


def test_a_failed_review_says_why(play):
    """The code of the contract, and whether the same file may be tried again."""
    asset = play.asset(url="https://magic.test/a.jpg?status=Failed&code=DownloadFailed&after=10")
    with pytest.raises(AssetFailed) as info:
        play.wait_until_active(asset)
    assert (info.value.code, info.value.retryable) == ("DownloadFailed", True)


def test_an_asset_that_is_deleted_meanwhile_has_vanished(play):
    """Not at once: reads may lag."""
    asset = play.asset(url="https://magic.test/a.jpg?after=30")
    play.delete_asset(id=asset)
    with pytest.raises(AssetVanished):
        play.wait_until_active(asset)
    assert play.emulator.clock.monotonic() >= 10


# --- lost answers ---------------------------------------------------------------------------------------------------


def lose(play, action, do, times=1):
    """The next answers to an Action are lost."""
    play.emulator.rules.add(match={"action": action}, when={"first": times}, do=do)


def test_a_create_whose_answer_is_lost_is_not_repeated(play):
    """It happened once, and the error says that it may have."""
    lose(play, "CreateAssetGroup", {"close": "after-commit"})
    with pytest.raises(ConnectionLost) as info:
        play.group()
    assert info.value.may_have_executed
    assert play.list_asset_groups().total_count == 1


@pytest.mark.parametrize("do", [{"close": "after-commit"}, {"close": "before"}, {"truncate": 9}], ids=str)
def test_a_delete_whose_answer_is_lost_is_done(play, do):
    """Sent again: "not accessible" means that the first one did it."""
    asset = play.asset()
    lose(play, "DeleteAsset", do)
    play.delete_asset(id=asset)
    with pytest.raises(Forbidden):
        play.delete_asset(id=asset)


def test_the_group_of_a_lost_answer_is_found_again(play):
    """The token was pending, then used up by a call whose answer was lost: the new LivenessFace group is it."""
    token = play.session()
    play.emulator.validations.finish(token, "pass")
    match = {"action": "GetVisualValidateResult"}
    play.emulator.rules.add(match=match, when={"nth": [1]}, do={"error": "ValidationOpen"})
    play.emulator.rules.add(match=match, when={"nth": [2]}, do={"close": "after-commit"})
    found = play.wait_until_validated(token)
    assert [group.id for group in play.iter_asset_groups(group_type="LivenessFace")] == [found.group_id]


@pytest.mark.usefixtures("soon")
def test_throttled_calls_are_sent_again_after_growing_pauses(play):
    """Three refusals, then the answer; the pauses pass on the emulator's clock."""
    lose(play, "CreateAssetGroup", {"error": "Throttled"}, times=3)
    assert play.group()
    assert 1.75 <= play.emulator.clock.monotonic() <= 3.5
    assert play.list_asset_groups().total_count == 1
