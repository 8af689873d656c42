"""`client.library`: a task gateway's assets and groups, read, renamed and deleted; blocking and for asyncio.

apimart's (contract §8). Results are those of the Actions, which the dialect carries to the library's addresses.
"""

from __future__ import annotations

from portrait.actions import (
    CREATE_ASSET_GROUP,
    DELETE_ASSET,
    DELETE_ASSET_GROUP,
    GET_ASSET,
    GET_ASSET_GROUP,
    LIST_ASSET_GROUPS,
    LIST_ASSETS,
    UPDATE_ASSET,
    UPDATE_ASSET_GROUP,
)
from portrait.endpoint import Endpoint
from portrait.models import (
    Asset,
    AssetFilter,
    AssetGroup,
    AssetPage,
    AssetStatus,
    CreateAssetGroupRequest,
    Created,
    DeleteAssetGroupRequest,
    DeleteAssetRequest,
    Empty,
    GetAssetGroupRequest,
    GetAssetRequest,
    GroupFilter,
    GroupPage,
    GroupType,
    ListAssetGroupsRequest,
    ListAssetsRequest,
    UpdateAssetGroupRequest,
    UpdateAssetRequest,
    Updated,
)
from portrait.runners import Run, RunAsync


class Library:
    """The assets and groups that a gateway keeps. `client.library` is one; it lives as long as its client.

    Args:
        endpoint: The gateway.
        run: Runs a flow.
    """

    def __init__(self, endpoint: Endpoint, run: Run) -> None:
        self._endpoint = endpoint
        self._run = run

    def list_assets(
        self,
        *,
        group_id: str | None = None,
        group_type: GroupType | str = GroupType.AIGC,
        status: AssetStatus | str | None = None,
        name: str | None = None,
        page: int = 1,
        page_size: int = 10,
    ) -> AssetPage:
        """Read one page of assets, the newest first.

        Args:
            group_id: Only those of that group.
            group_type: Of groups of one kind at a time.
            status: Only those: Active, Processing or Failed.
            name: Part of the Name, without case.
            page: From 1.
            page_size: 1 to 100.

        Raises:
            PortraitError: The call failed.
        """
        return self._run(
            self._endpoint.call(LIST_ASSETS, _assets_request(group_id, group_type, status, name, page, page_size))
        )

    def get_asset(self, id: str) -> Asset:  # noqa: A002
        """Read an asset.

        Args:
            id: Its id, or its `asset://` address.

        Raises:
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return self._run(self._endpoint.call(GET_ASSET, GetAssetRequest(id=id)))

    def rename_asset(self, id: str, name: str) -> Updated:  # noqa: A002
        """Rename an asset.

        Args:
            id: Its id, or its `asset://` address.
            name: Its new Name.

        Raises:
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return self._run(self._endpoint.call(UPDATE_ASSET, UpdateAssetRequest(id=id, name=name)))

    def delete_asset(self, id: str) -> Empty:  # noqa: A002
        """Delete an asset, for good.

        Args:
            id: Its id, or its `asset://` address.

        Raises:
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return self._run(self._endpoint.call(DELETE_ASSET, DeleteAssetRequest(id=id)))

    def create_group(
        self,
        name: str,
        *,
        description: str | None = None,
    ) -> Created:
        """Create a group. `ensure_group` of the client uses one that is there.

        Args:
            name: Its name.
            description: For people.

        Raises:
            PortraitError: The call failed; after a lost answer the group may be there.
        """
        return self._run(
            self._endpoint.call(CREATE_ASSET_GROUP, CreateAssetGroupRequest(name=name, description=description))
        )

    def list_groups(
        self,
        *,
        group_type: GroupType | str = GroupType.AIGC,
        name: str | None = None,
        page: int = 1,
        page_size: int = 10,
    ) -> GroupPage:
        """Read one page of groups, the newest first.

        Args:
            group_type: One kind at a time.
            name: Part of the name, without case.
            page: From 1.
            page_size: 1 to 100.

        Raises:
            PortraitError: The call failed.
        """
        request = _groups_request(group_type, name, page, page_size)
        return self._run(self._endpoint.call(LIST_ASSET_GROUPS, request))

    def get_group(self, id: str) -> AssetGroup:  # noqa: A002
        """Read a group.

        Args:
            id: Its id.

        Raises:
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return self._run(self._endpoint.call(GET_ASSET_GROUP, GetAssetGroupRequest(id=id)))

    def rename_group(
        self,
        id: str,  # noqa: A002
        *,
        name: str | None = None,
        description: str | None = None,
    ) -> Updated:
        """Rename or describe a group.

        Args:
            id: Its id.
            name: Its new name; None keeps it.
            description: Its new description; None keeps it.

        Raises:
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return self._run(
            self._endpoint.call(UPDATE_ASSET_GROUP, UpdateAssetGroupRequest(id=id, name=name, description=description))
        )

    def delete_group(self, id: str) -> Empty:  # noqa: A002
        """Delete a group that has no assets.

        Args:
            id: Its id.

        Raises:
            InvalidRequest: It has assets: delete them first.
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return self._run(self._endpoint.call(DELETE_ASSET_GROUP, DeleteAssetGroupRequest(id=id)))


class AsyncLibrary:
    """The same for asyncio.

    Args:
        endpoint: The gateway.
        run: Runs a flow.
    """

    def __init__(self, endpoint: Endpoint, run: RunAsync) -> None:
        self._endpoint = endpoint
        self._run = run

    async def list_assets(
        self,
        *,
        group_id: str | None = None,
        group_type: GroupType | str = GroupType.AIGC,
        status: AssetStatus | str | None = None,
        name: str | None = None,
        page: int = 1,
        page_size: int = 10,
    ) -> AssetPage:
        """Read one page of assets, the newest first.

        Args:
            group_id: Only those of that group.
            group_type: Of groups of one kind at a time.
            status: Only those: Active, Processing or Failed.
            name: Part of the Name, without case.
            page: From 1.
            page_size: 1 to 100.

        Raises:
            PortraitError: The call failed.
        """
        return await self._run(
            self._endpoint.call(LIST_ASSETS, _assets_request(group_id, group_type, status, name, page, page_size))
        )

    async def get_asset(self, id: str) -> Asset:  # noqa: A002
        """Read an asset.

        Args:
            id: Its id, or its `asset://` address.

        Raises:
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return await self._run(self._endpoint.call(GET_ASSET, GetAssetRequest(id=id)))

    async def rename_asset(self, id: str, name: str) -> Updated:  # noqa: A002
        """Rename an asset.

        Args:
            id: Its id, or its `asset://` address.
            name: Its new Name.

        Raises:
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return await self._run(self._endpoint.call(UPDATE_ASSET, UpdateAssetRequest(id=id, name=name)))

    async def delete_asset(self, id: str) -> Empty:  # noqa: A002
        """Delete an asset, for good.

        Args:
            id: Its id, or its `asset://` address.

        Raises:
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return await self._run(self._endpoint.call(DELETE_ASSET, DeleteAssetRequest(id=id)))

    async def create_group(
        self,
        name: str,
        *,
        description: str | None = None,
    ) -> Created:
        """Create a group. `ensure_group` of the client uses one that is there.

        Args:
            name: Its name.
            description: For people.

        Raises:
            PortraitError: The call failed; after a lost answer the group may be there.
        """
        return await self._run(
            self._endpoint.call(CREATE_ASSET_GROUP, CreateAssetGroupRequest(name=name, description=description))
        )

    async def list_groups(
        self,
        *,
        group_type: GroupType | str = GroupType.AIGC,
        name: str | None = None,
        page: int = 1,
        page_size: int = 10,
    ) -> GroupPage:
        """Read one page of groups, the newest first.

        Args:
            group_type: One kind at a time.
            name: Part of the name, without case.
            page: From 1.
            page_size: 1 to 100.

        Raises:
            PortraitError: The call failed.
        """
        return await self._run(
            self._endpoint.call(LIST_ASSET_GROUPS, _groups_request(group_type, name, page, page_size))
        )

    async def get_group(self, id: str) -> AssetGroup:  # noqa: A002
        """Read a group.

        Args:
            id: Its id.

        Raises:
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return await self._run(self._endpoint.call(GET_ASSET_GROUP, GetAssetGroupRequest(id=id)))

    async def rename_group(
        self,
        id: str,  # noqa: A002
        *,
        name: str | None = None,
        description: str | None = None,
    ) -> Updated:
        """Rename or describe a group.

        Args:
            id: Its id.
            name: Its new name; None keeps it.
            description: Its new description; None keeps it.

        Raises:
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return await self._run(
            self._endpoint.call(UPDATE_ASSET_GROUP, UpdateAssetGroupRequest(id=id, name=name, description=description))
        )

    async def delete_group(self, id: str) -> Empty:  # noqa: A002
        """Delete a group that has no assets.

        Args:
            id: Its id.

        Raises:
            InvalidRequest: It has assets: delete them first.
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return await self._run(self._endpoint.call(DELETE_ASSET_GROUP, DeleteAssetGroupRequest(id=id)))


def _assets_request(  # noqa: PLR0917
    group_id: str | None,
    group_type: GroupType | str,
    status: AssetStatus | str | None,
    name: str | None,
    page: int,
    page_size: int,
) -> ListAssetsRequest:
    criteria = AssetFilter(
        group_type=group_type,
        group_ids=None if group_id is None else (group_id,),
        statuses=None if status is None else (status,),
        name=name,
    )
    return ListAssetsRequest(filter=criteria, page_number=page, page_size=page_size)


def _groups_request(group_type: GroupType | str, name: str | None, page: int, page_size: int) -> ListAssetGroupsRequest:
    criteria = GroupFilter(group_type=group_type, name=name)
    return ListAssetGroupsRequest(filter=criteria, page_number=page, page_size=page_size)
