"""The 12 Actions as methods. Generated from `portrait.actions` by `scripts/generate`; do not edit.

Each takes the request's fields as keywords and `timeout=`, seconds for one attempt or `Timeouts`; what a field means is
said in the request's class. Each raises `UsageError`, `TransportError` or `ApiError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from portrait import actions, models
from portrait.actions import Action
from portrait.http import TimeoutTypes

Req = TypeVar("Req")
R = TypeVar("R", bound=models.Result)


class Methods:
    """The named methods of the blocking client."""

    if TYPE_CHECKING:

        def call(self, action: Action[Req, R], request: Req, *, timeout: TimeoutTypes = None) -> R: ...

    def create_asset_group(
        self,
        *,
        name: str | None = None,
        group_type: models.GroupType | str = models.GroupType.AIGC,
        description: str | None = None,
        title: str | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Created:
        """Make an AIGC group.

        Takes the fields of `CreateAssetGroupRequest`.
        """
        request = models.CreateAssetGroupRequest(
            name=name, group_type=group_type, description=description, title=title, project_name=project_name
        )
        return self.call(actions.CREATE_ASSET_GROUP, request, timeout=timeout)

    def get_asset_group(
        self,
        *,
        id: str,  # noqa: A002
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.AssetGroup:
        """Read a group.

        Takes the fields of `GetAssetGroupRequest`.
        """
        request = models.GetAssetGroupRequest(id=id, project_name=project_name)
        return self.call(actions.GET_ASSET_GROUP, request, timeout=timeout)

    def list_asset_groups(
        self,
        *,
        filter: models.GroupFilter = models.GroupFilter(),  # noqa: A002
        page_number: int | None = None,
        page_size: int | None = None,
        sort_by: models.SortBy | str | None = None,
        sort_order: models.SortOrder | str | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.GroupPage:
        """Read one page of groups.

        Takes the fields of `ListAssetGroupsRequest`.
        """
        request = models.ListAssetGroupsRequest(
            filter=filter,
            page_number=page_number,
            page_size=page_size,
            sort_by=sort_by,
            sort_order=sort_order,
            project_name=project_name,
        )
        return self.call(actions.LIST_ASSET_GROUPS, request, timeout=timeout)

    def update_asset_group(
        self,
        *,
        id: str,  # noqa: A002
        name: str | None = None,
        description: str | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Updated:
        """Rename or describe a group.

        Takes the fields of `UpdateAssetGroupRequest`.
        """
        request = models.UpdateAssetGroupRequest(id=id, name=name, description=description, project_name=project_name)
        return self.call(actions.UPDATE_ASSET_GROUP, request, timeout=timeout)

    def delete_asset_group(
        self,
        *,
        id: str,  # noqa: A002
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Empty:
        """Delete a group and every asset in it.

        Takes the fields of `DeleteAssetGroupRequest`.
        """
        request = models.DeleteAssetGroupRequest(id=id, project_name=project_name)
        return self.call(actions.DELETE_ASSET_GROUP, request, timeout=timeout)

    def create_asset(
        self,
        *,
        group_id: str,
        url: str,
        asset_type: models.AssetType | str,
        name: str | None = None,
        moderation: models.Moderation | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Created:
        """Register a file by its public address.

        Takes the fields of `CreateAssetRequest`.
        """
        request = models.CreateAssetRequest(
            group_id=group_id,
            url=url,
            asset_type=asset_type,
            name=name,
            moderation=moderation,
            project_name=project_name,
        )
        return self.call(actions.CREATE_ASSET, request, timeout=timeout)

    def get_asset(
        self,
        *,
        id: str,  # noqa: A002
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Asset:
        """Read an asset and its status.

        Takes the fields of `GetAssetRequest`.
        """
        request = models.GetAssetRequest(id=id, project_name=project_name)
        return self.call(actions.GET_ASSET, request, timeout=timeout)

    def list_assets(
        self,
        *,
        filter: models.AssetFilter = models.AssetFilter(),  # noqa: A002
        page_number: int | None = None,
        page_size: int | None = None,
        sort_by: models.SortBy | str | None = None,
        sort_order: models.SortOrder | str | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.AssetPage:
        """Read one page of assets.

        Takes the fields of `ListAssetsRequest`.
        """
        request = models.ListAssetsRequest(
            filter=filter,
            page_number=page_number,
            page_size=page_size,
            sort_by=sort_by,
            sort_order=sort_order,
            project_name=project_name,
        )
        return self.call(actions.LIST_ASSETS, request, timeout=timeout)

    def update_asset(
        self,
        *,
        id: str,  # noqa: A002
        name: str | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Updated:
        """Rename an asset.

        Takes the fields of `UpdateAssetRequest`.
        """
        request = models.UpdateAssetRequest(id=id, name=name, project_name=project_name)
        return self.call(actions.UPDATE_ASSET, request, timeout=timeout)

    def delete_asset(
        self,
        *,
        id: str,  # noqa: A002
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Empty:
        """Delete an asset.

        Takes the fields of `DeleteAssetRequest`.
        """
        request = models.DeleteAssetRequest(id=id, project_name=project_name)
        return self.call(actions.DELETE_ASSET, request, timeout=timeout)

    def create_visual_validate_session(
        self,
        *,
        callback_url: str,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.VisualValidateSession:
        """Open a liveness check for one person.

        Takes the fields of `CreateVisualValidateSessionRequest`.
        """
        request = models.CreateVisualValidateSessionRequest(callback_url=callback_url, project_name=project_name)
        return self.call(actions.CREATE_VISUAL_VALIDATE_SESSION, request, timeout=timeout)

    def get_visual_validate_result(
        self,
        *,
        byted_token: str,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.VisualValidateResult:
        """Exchange the token of a passed liveness check for its group.

        Takes the fields of `GetVisualValidateResultRequest`.
        """
        request = models.GetVisualValidateResultRequest(byted_token=byted_token, project_name=project_name)
        return self.call(actions.GET_VISUAL_VALIDATE_RESULT, request, timeout=timeout)


class AsyncMethods:
    """The named methods of the asyncio client."""

    if TYPE_CHECKING:

        async def call(self, action: Action[Req, R], request: Req, *, timeout: TimeoutTypes = None) -> R: ...

    async def create_asset_group(
        self,
        *,
        name: str | None = None,
        group_type: models.GroupType | str = models.GroupType.AIGC,
        description: str | None = None,
        title: str | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Created:
        """Make an AIGC group.

        Takes the fields of `CreateAssetGroupRequest`.
        """
        request = models.CreateAssetGroupRequest(
            name=name, group_type=group_type, description=description, title=title, project_name=project_name
        )
        return await self.call(actions.CREATE_ASSET_GROUP, request, timeout=timeout)

    async def get_asset_group(
        self,
        *,
        id: str,  # noqa: A002
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.AssetGroup:
        """Read a group.

        Takes the fields of `GetAssetGroupRequest`.
        """
        request = models.GetAssetGroupRequest(id=id, project_name=project_name)
        return await self.call(actions.GET_ASSET_GROUP, request, timeout=timeout)

    async def list_asset_groups(
        self,
        *,
        filter: models.GroupFilter = models.GroupFilter(),  # noqa: A002
        page_number: int | None = None,
        page_size: int | None = None,
        sort_by: models.SortBy | str | None = None,
        sort_order: models.SortOrder | str | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.GroupPage:
        """Read one page of groups.

        Takes the fields of `ListAssetGroupsRequest`.
        """
        request = models.ListAssetGroupsRequest(
            filter=filter,
            page_number=page_number,
            page_size=page_size,
            sort_by=sort_by,
            sort_order=sort_order,
            project_name=project_name,
        )
        return await self.call(actions.LIST_ASSET_GROUPS, request, timeout=timeout)

    async def update_asset_group(
        self,
        *,
        id: str,  # noqa: A002
        name: str | None = None,
        description: str | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Updated:
        """Rename or describe a group.

        Takes the fields of `UpdateAssetGroupRequest`.
        """
        request = models.UpdateAssetGroupRequest(id=id, name=name, description=description, project_name=project_name)
        return await self.call(actions.UPDATE_ASSET_GROUP, request, timeout=timeout)

    async def delete_asset_group(
        self,
        *,
        id: str,  # noqa: A002
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Empty:
        """Delete a group and every asset in it.

        Takes the fields of `DeleteAssetGroupRequest`.
        """
        request = models.DeleteAssetGroupRequest(id=id, project_name=project_name)
        return await self.call(actions.DELETE_ASSET_GROUP, request, timeout=timeout)

    async def create_asset(
        self,
        *,
        group_id: str,
        url: str,
        asset_type: models.AssetType | str,
        name: str | None = None,
        moderation: models.Moderation | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Created:
        """Register a file by its public address.

        Takes the fields of `CreateAssetRequest`.
        """
        request = models.CreateAssetRequest(
            group_id=group_id,
            url=url,
            asset_type=asset_type,
            name=name,
            moderation=moderation,
            project_name=project_name,
        )
        return await self.call(actions.CREATE_ASSET, request, timeout=timeout)

    async def get_asset(
        self,
        *,
        id: str,  # noqa: A002
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Asset:
        """Read an asset and its status.

        Takes the fields of `GetAssetRequest`.
        """
        request = models.GetAssetRequest(id=id, project_name=project_name)
        return await self.call(actions.GET_ASSET, request, timeout=timeout)

    async def list_assets(
        self,
        *,
        filter: models.AssetFilter = models.AssetFilter(),  # noqa: A002
        page_number: int | None = None,
        page_size: int | None = None,
        sort_by: models.SortBy | str | None = None,
        sort_order: models.SortOrder | str | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.AssetPage:
        """Read one page of assets.

        Takes the fields of `ListAssetsRequest`.
        """
        request = models.ListAssetsRequest(
            filter=filter,
            page_number=page_number,
            page_size=page_size,
            sort_by=sort_by,
            sort_order=sort_order,
            project_name=project_name,
        )
        return await self.call(actions.LIST_ASSETS, request, timeout=timeout)

    async def update_asset(
        self,
        *,
        id: str,  # noqa: A002
        name: str | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Updated:
        """Rename an asset.

        Takes the fields of `UpdateAssetRequest`.
        """
        request = models.UpdateAssetRequest(id=id, name=name, project_name=project_name)
        return await self.call(actions.UPDATE_ASSET, request, timeout=timeout)

    async def delete_asset(
        self,
        *,
        id: str,  # noqa: A002
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Empty:
        """Delete an asset.

        Takes the fields of `DeleteAssetRequest`.
        """
        request = models.DeleteAssetRequest(id=id, project_name=project_name)
        return await self.call(actions.DELETE_ASSET, request, timeout=timeout)

    async def create_visual_validate_session(
        self,
        *,
        callback_url: str,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.VisualValidateSession:
        """Open a liveness check for one person.

        Takes the fields of `CreateVisualValidateSessionRequest`.
        """
        request = models.CreateVisualValidateSessionRequest(callback_url=callback_url, project_name=project_name)
        return await self.call(actions.CREATE_VISUAL_VALIDATE_SESSION, request, timeout=timeout)

    async def get_visual_validate_result(
        self,
        *,
        byted_token: str,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.VisualValidateResult:
        """Exchange the token of a passed liveness check for its group.

        Takes the fields of `GetVisualValidateResultRequest`.
        """
        request = models.GetVisualValidateResultRequest(byted_token=byted_token, project_name=project_name)
        return await self.call(actions.GET_VISUAL_VALIDATE_RESULT, request, timeout=timeout)
