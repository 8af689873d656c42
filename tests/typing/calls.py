"""Checked by mypy, never run: what the types of calls promise. An error that does not come is an error, too."""

from typing import assert_type

from portrait import AsyncPortraitClient, PortraitClient
from portrait.actions import CREATE_ASSET, DELETE_ASSET, GET_ASSET, LIST_ASSETS, Action
from portrait.models import (
    Asset,
    AssetGroup,
    AssetPage,
    CreateAssetRequest,
    Created,
    DeleteAssetRequest,
    Empty,
    GetAssetRequest,
    GroupPage,
    ListAssetsRequest,
    Updated,
    UploadedAsset,
    VisualValidateResult,
    VisualValidateSession,
)
from portrait.results import RawResult


def an_action_ties_request_and_result(client: PortraitClient) -> None:
    """A typed call answers the class of its Action."""
    assert_type(GET_ASSET, Action[GetAssetRequest, Asset])
    assert_type(client.call(GET_ASSET, GetAssetRequest(id="a")), Asset)
    assert_type(client.call(LIST_ASSETS, ListAssetsRequest()), AssetPage)
    assert_type(client.call(DELETE_ASSET, DeleteAssetRequest(id="a"), timeout=5), Empty)
    created = client.call(CREATE_ASSET, CreateAssetRequest(group_id="g", url="https://x.example", asset_type="Image"))
    assert_type(created, Created)


def a_request_of_another_action_is_an_error(client: PortraitClient) -> None:
    """The request must be the Action's own."""
    client.call(GET_ASSET, DeleteAssetRequest(id="a"))  # type: ignore[misc]
    client.call(GET_ASSET, {"Id": "a"})  # type: ignore[misc]
    client.call("GetAsset", GetAssetRequest(id="a"))  # type: ignore[call-overload]
    GetAssetRequest()  # type: ignore[call-arg]
    GetAssetRequest("a")  # type: ignore[call-arg]
    CreateAssetRequest(group_id="g", url="u", asset_type=5)  # type: ignore[arg-type]
    CreateAssetRequest(group_id="g", url="u", asset_type="Imgae")  # type: ignore[arg-type]
    client.create_asset(group_id="g", url="u", asset_type="Imgae")  # type: ignore[arg-type]
    client.upload_asset(b"", group_id="g", asset_type="Imgae")  # type: ignore[arg-type]
    client.iter_assets(sort_by="UpdatTime")  # type: ignore[arg-type]


def a_raw_call_answers_a_raw_result(client: PortraitClient) -> None:
    """By name: a mapping in, a dict out that knows where it came from."""
    raw = client.call("GetAsset", {"Id": "a"})
    assert_type(raw, RawResult)
    assert_type(raw.response.request_id, str)


def named_methods_answer_their_classes(client: PortraitClient) -> None:
    """All twelve, and what stands beside them."""
    assert_type(client.create_asset_group(name="n"), Created)
    assert_type(client.get_asset_group(id="g"), AssetGroup)
    assert_type(client.list_asset_groups(), GroupPage)
    assert_type(client.update_asset_group(id="g", name="n"), Updated)
    assert_type(client.delete_asset_group(id="g"), Empty)
    assert_type(client.create_asset(group_id="g", url="https://x.example", asset_type="Image"), Created)
    assert_type(client.get_asset(id="a"), Asset)
    assert_type(client.list_assets(), AssetPage)
    assert_type(client.update_asset(id="a", name="n"), Updated)
    assert_type(client.delete_asset(id="a"), Empty)
    assert_type(client.create_visual_validate_session(callback_url="https://x.example"), VisualValidateSession)
    assert_type(client.get_visual_validate_result(byted_token="t"), VisualValidateResult)
    assert_type(client.upload_asset(b"", group_id="g"), UploadedAsset)
    assert_type(client.wait_until_active("a"), Asset)
    assert_type(client.wait_until_validated("t"), VisualValidateResult)
    for asset in client.iter_assets(statuses=["Active"], sort_by="UpdateTime"):
        assert_type(asset, Asset)
    for group in client.iter_asset_groups():
        assert_type(group, AssetGroup)


def wrong_keywords_are_errors(client: PortraitClient) -> None:
    """Fields by their names, all of those that are required, and nothing else."""
    client.get_asset("a")  # type: ignore[call-arg]
    client.get_asset()  # type: ignore[call-arg]
    client.get_asset(id="a", colour="red")  # type: ignore[call-arg]
    client.list_assets(page_size="10")  # type: ignore[arg-type]
    client.iter_assets(nmae="n")  # type: ignore[call-arg]


async def the_asyncio_client_answers_the_same(client: AsyncPortraitClient) -> None:
    """Awaited, or iterated with `async for`."""
    assert_type(await client.call(GET_ASSET, GetAssetRequest(id="a")), Asset)
    assert_type(await client.call("GetAsset", {"Id": "a"}), RawResult)
    assert_type(await client.get_asset(id="a"), Asset)
    assert_type(await client.create_asset_group(name="n"), Created)
    assert_type(await client.wait_until_active("a"), Asset)
    async for asset in client.iter_assets():
        assert_type(asset, Asset)
    await client.call(GET_ASSET, DeleteAssetRequest(id="a"))  # type: ignore[misc]
    print(client.get_asset(id="a").id)  # type: ignore[attr-defined]


def clients_and_results_keep_their_classes(client: PortraitClient, other: AsyncPortraitClient) -> None:
    """Context managers and derived clients are of the same class; a result's fields have their types."""
    assert_type(client.with_options(project="shop"), PortraitClient)
    assert_type(other.with_options(project=None), AsyncPortraitClient)
    assert_type(PortraitClient.from_env(), PortraitClient)
    with client as same:
        assert_type(same, PortraitClient)
    asset = client.get_asset(id="a")
    assert_type(asset.url, str | None)
    assert_type(asset.id, str)
    asset.id = "b"  # type: ignore[misc]
