"""Two hundred creates at once, by threads and tasks, in-process and over HTTP: quotas hold, nothing gets lost."""

import asyncio
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from emulator.testing import Emulator
from portrait import AsyncPortraitClient, PortraitClient
from portrait.errors import ApiError, NotAccessible, QuotaExceeded
from tests.wire.media import png

pytestmark = pytest.mark.rotate("place")

MANY = 200
QUOTA = 50
URL = "https://cdn.example/a.jpg"


@pytest.fixture(autouse=True)
def hasty_threads():
    """Threads take turns a thousand times as often as usual, so that what can go wrong between two lines does."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 1000)
    yield
    sys.setswitchinterval(usual)


class InProcess:
    """Clients of an emulator in this process."""

    def __init__(self):
        self.controls = Emulator()

    def client(self, key, colour):
        """A client for a customer's key."""
        emulator = self.controls
        return (emulator.client if colour == "threads" else emulator.async_client)(api_key=key, retry=None)


class OverHttp:
    """Clients of the server that the test run shares."""

    def __init__(self, server):
        self.controls = server

    def client(self, key, colour):
        """A client for a customer's key."""
        kind = PortraitClient if colour == "threads" else AsyncPortraitClient
        return kind(api_key=key, base_url=self.controls.base_url, retry=None)


@pytest.fixture(params=["in-process", "http"])
def place(request):
    """Where the service is."""
    if request.param == "in-process":
        return InProcess()
    return OverHttp(request.getfixturevalue("portrait_emulator_server"))


@pytest.fixture(params=["threads", "tasks"])
def crowd(request, place):
    """Runs many calls at once for one customer: `crowd(key, [(method, fields), …])` gives results and errors."""

    def one(client, method, fields):
        try:
            return getattr(client, method)(**fields)
        except (QuotaExceeded, NotAccessible) as error:
            return error

    async def awaited(client, method, fields):
        try:
            return await getattr(client, method)(**fields)
        except (QuotaExceeded, NotAccessible) as error:
            return error

    async def tasks(key, calls):
        async with place.client(key, "tasks") as client:
            return await asyncio.gather(*(awaited(client, *call) for call in calls))

    def threads(key, calls):
        with place.client(key, "threads") as client, ThreadPoolExecutor(32) as pool:
            return list(pool.map(lambda call: one(client, *call), calls))

    if request.param == "threads":
        return threads
    return lambda key, calls: asyncio.run(tasks(key, calls))


@pytest.fixture
def plain(place):
    """A blocking client for looking at a customer afterwards."""
    clients = []

    def plain(key):
        clients.append(place.client(key, "threads"))
        return clients[-1]

    yield plain
    for client in clients:
        client.close()


def created_ids(results):
    """The ids of what was created, every other one having been refused because the quota was full."""
    ids = [result.id for result in results if not isinstance(result, Exception)]
    assert all(isinstance(result, QuotaExceeded) for result in results if isinstance(result, Exception))
    assert len(set(ids)) == len(ids), "an id was given twice"
    return set(ids)


def asset_in(group):
    """A CreateAsset."""
    return "create_asset", {"group_id": group, "url": URL, "asset_type": "Image"}


def upload_into(group):
    """The same by the upload."""
    return "upload_asset", {"group_id": group, "source": png(400, 400)}


def test_groups_stop_at_their_quota(place, crowd, plain):
    """Of 200 CreateAssetGroup at once exactly 50 succeed, and exactly those are there."""
    key = place.controls.customer()
    ids = created_ids(crowd(key, [("create_asset_group", {"name": f"group {number}"}) for number in range(MANY)]))
    assert len(ids) == QUOTA
    assert {group.id for group in plain(key).iter_asset_groups()} == ids


def test_assets_stop_at_the_quota_of_each_group(place, crowd, plain):
    """Of 200 assets for two groups at once, by address and by upload, exactly 50 get into each."""
    key = place.controls.customer()
    groups = [plain(key).create_asset_group(name=name).id for name in ("one", "two")]
    calls = [(upload_into if number % 5 == 0 else asset_in)(groups[number % 2]) for number in range(MANY)]
    ids = created_ids(crowd(key, calls))
    there = list(plain(key).iter_assets())
    assert {asset.id for asset in there} == ids
    assert Counter(asset.group_id for asset in there) == dict.fromkeys(groups, QUOTA)


def test_assets_stop_at_the_quota_of_the_customer(place, crowd, plain):
    """Of 200 assets for four groups at once exactly 50 succeed where the quota counts per customer."""
    key = place.controls.customer(assets_per="customer")
    groups = [plain(key).create_asset_group(name=f"{number}").id for number in range(4)]
    ids = created_ids(crowd(key, [asset_in(groups[number % 4]) for number in range(MANY)]))
    assert len(ids) == QUOTA
    assert {asset.id for asset in plain(key).iter_assets()} == ids


def test_a_slot_that_becomes_free_is_given_once(place, crowd, plain):
    """While 25 of 50 assets are deleted and 150 are created at once, never more than 50 are there, and all are told."""
    key = place.controls.customer()
    group = plain(key).create_asset_group(name="one").id
    first = created_ids(crowd(key, [asset_in(group)] * QUOTA))
    to_delete = sorted(first)[:25]
    calls = [call for id_ in to_delete for call in (("delete_asset", {"id": id_}), *[asset_in(group)] * 6)]
    results = crowd(key, calls)
    deleted = [result for (method, _), result in zip(calls, results, strict=True) if method == "delete_asset"]
    assert not any(isinstance(result, Exception) for result in deleted)
    new = created_ids([result for (method, _), result in zip(calls, results, strict=True) if method != "delete_asset"])
    there = {asset.id for asset in plain(key).iter_assets(group_ids=[group])}
    assert there == first - set(to_delete) | new
    assert len(there) <= QUOTA
    assert len(new) <= len(to_delete)
    more = created_ids(crowd(key, [asset_in(group)] * MANY))
    assert len(there | more) == QUOTA


def test_a_group_is_deleted_once_and_with_all_that_got_into_it(place, crowd, plain):
    """While a group is deleted from ten sides, one of them succeeds, and no asset created meanwhile outlives it."""
    key = place.controls.customer()
    group = plain(key).create_asset_group(name="doomed").id
    calls = [asset_in(group)] * 20 + [("delete_asset_group", {"id": group})] * 10 + [asset_in(group)] * 20
    results = crowd(key, calls)
    deletes = [result for (method, _), result in zip(calls, results, strict=True) if method == "delete_asset_group"]
    assert sum(not isinstance(result, Exception) for result in deletes) == 1
    assert list(plain(key).iter_assets()) == []
    place.controls.service.control.patch_customer(key, groups=1, assets=1, assets_per="customer")
    again = plain(key).create_asset_group(name="new").id
    assert plain(key).create_asset(group_id=again, url=URL, asset_type="Image").id


def test_a_token_is_used_up_once(place, plain):
    """Of forty who ask for one result at once one gets the group; the others hear that the token is used."""
    key = place.controls.customer()
    client = plain(key)
    token = client.create_visual_validate_session(callback_url="https://www.example.com/callback").byted_token
    place.controls.validations.finish(token)
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: result_of(client, token), range(40)))
    assert Counter(results)["InvalidToken"] == 39
    (group,) = {each for each in results if each != "InvalidToken"}
    assert client.get_asset_group(id=group).group_type == "LivenessFace"


def result_of(client, token):
    """A group's id, or the code of the refusal."""
    try:
        return client.get_visual_validate_result(byted_token=token).group_id
    except ApiError as error:
        return error.code
