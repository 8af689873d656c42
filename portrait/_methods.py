"""The 12 Actions as methods. Generated from `portrait.actions` by `scripts/generate`; do not edit."""

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

        Args:
            name: Shown name; at most 50 characters on AllToken, 64 on Ark.
            group_type: Only `AIGC`: LivenessFace groups come from a passed validation.
            description: Free text.
            title: Deprecated alias of `name`; fills an absent one.
            project_name: Default `default`, case-sensitive.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            ApiError: The service refused.
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

        Args:
            id: The group's id.
            project_name: Default `default`; a wrong one makes the id a foreign one.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
        """
        request = models.GetAssetGroupRequest(id=id, project_name=project_name)
        return self.call(actions.GET_ASSET_GROUP, request, timeout=timeout)

    def list_asset_groups(
        self,
        *,
        filter: models.GroupFilter = models.GroupFilter(),  # noqa: A002
        page_number: int | None = None,
        page_size: int | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
        sort_by: models.SortBy | models.SortByName | None = None,
        sort_order: models.SortOrder | models.SortOrderName | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.GroupPage:
        """Read one page of groups.

        Args:
            filter: Which groups.
            page_number: From 1, default 1.
            page_size: 1 to 100, default 10.
            max_results: Items of a page that is read by cursor, 1 to 100; Ark only, without number and size.
            next_token: The cursor that the page before gave; Ark only.
            sort_by: `CreateTime` or `UpdateTime`; Ark only.
            sort_order: Default `Desc`; Ark only.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            ApiError: The service refused.
        """
        request = models.ListAssetGroupsRequest(
            filter=filter,
            page_number=page_number,
            page_size=page_size,
            max_results=max_results,
            next_token=next_token,
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

        Args:
            id: The group's id.
            name: New name.
            description: New description.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
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

        Args:
            id: The group's id.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
        """
        request = models.DeleteAssetGroupRequest(id=id, project_name=project_name)
        return self.call(actions.DELETE_ASSET_GROUP, request, timeout=timeout)

    def create_asset(
        self,
        *,
        group_id: str,
        url: str,
        asset_type: models.AssetType | models.AssetTypeName,
        name: str | None = None,
        moderation: models.Moderation | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Created:
        """Register a file by its public address.

        Args:
            group_id: The group it goes into.
            url: A public http or https address; no data URI.
            asset_type: What the file is.
            name: Shown name; at most 50 characters on AllToken, 64 on Ark.
            moderation: Ark only.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
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

        Args:
            id: The asset's id.
            project_name: Default `default`; a wrong one makes the id a foreign one.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
        """
        request = models.GetAssetRequest(id=id, project_name=project_name)
        return self.call(actions.GET_ASSET, request, timeout=timeout)

    def list_assets(
        self,
        *,
        filter: models.AssetFilter = models.AssetFilter(),  # noqa: A002
        page_number: int | None = None,
        page_size: int | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
        sort_by: models.SortBy | models.SortByName | None = None,
        sort_order: models.SortOrder | models.SortOrderName | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.AssetPage:
        """Read one page of assets.

        Args:
            filter: Which assets.
            page_number: From 1, default 1.
            page_size: 1 to 100, default 10.
            max_results: Items of a page that is read by cursor, 1 to 100; Ark only, without number and size.
            next_token: The cursor that the page before gave; Ark only.
            sort_by: Default `CreateTime`.
            sort_order: Default `Desc`.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            ApiError: The service refused.
        """
        request = models.ListAssetsRequest(
            filter=filter,
            page_number=page_number,
            page_size=page_size,
            max_results=max_results,
            next_token=next_token,
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

        Args:
            id: The asset's id.
            name: New name; left out, it stays.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
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

        Args:
            id: The asset's id.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
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

        Args:
            callback_url: Where the person's browser goes afterwards; absolute, http or https.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            ApiError: The service refused.
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

        Args:
            byted_token: From CreateVisualValidateSession.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            ApiError: The service refused.
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

        Args:
            name: Shown name; at most 50 characters on AllToken, 64 on Ark.
            group_type: Only `AIGC`: LivenessFace groups come from a passed validation.
            description: Free text.
            title: Deprecated alias of `name`; fills an absent one.
            project_name: Default `default`, case-sensitive.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            ApiError: The service refused.
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

        Args:
            id: The group's id.
            project_name: Default `default`; a wrong one makes the id a foreign one.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
        """
        request = models.GetAssetGroupRequest(id=id, project_name=project_name)
        return await self.call(actions.GET_ASSET_GROUP, request, timeout=timeout)

    async def list_asset_groups(
        self,
        *,
        filter: models.GroupFilter = models.GroupFilter(),  # noqa: A002
        page_number: int | None = None,
        page_size: int | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
        sort_by: models.SortBy | models.SortByName | None = None,
        sort_order: models.SortOrder | models.SortOrderName | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.GroupPage:
        """Read one page of groups.

        Args:
            filter: Which groups.
            page_number: From 1, default 1.
            page_size: 1 to 100, default 10.
            max_results: Items of a page that is read by cursor, 1 to 100; Ark only, without number and size.
            next_token: The cursor that the page before gave; Ark only.
            sort_by: `CreateTime` or `UpdateTime`; Ark only.
            sort_order: Default `Desc`; Ark only.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            ApiError: The service refused.
        """
        request = models.ListAssetGroupsRequest(
            filter=filter,
            page_number=page_number,
            page_size=page_size,
            max_results=max_results,
            next_token=next_token,
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

        Args:
            id: The group's id.
            name: New name.
            description: New description.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
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

        Args:
            id: The group's id.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
        """
        request = models.DeleteAssetGroupRequest(id=id, project_name=project_name)
        return await self.call(actions.DELETE_ASSET_GROUP, request, timeout=timeout)

    async def create_asset(
        self,
        *,
        group_id: str,
        url: str,
        asset_type: models.AssetType | models.AssetTypeName,
        name: str | None = None,
        moderation: models.Moderation | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.Created:
        """Register a file by its public address.

        Args:
            group_id: The group it goes into.
            url: A public http or https address; no data URI.
            asset_type: What the file is.
            name: Shown name; at most 50 characters on AllToken, 64 on Ark.
            moderation: Ark only.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
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

        Args:
            id: The asset's id.
            project_name: Default `default`; a wrong one makes the id a foreign one.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
        """
        request = models.GetAssetRequest(id=id, project_name=project_name)
        return await self.call(actions.GET_ASSET, request, timeout=timeout)

    async def list_assets(
        self,
        *,
        filter: models.AssetFilter = models.AssetFilter(),  # noqa: A002
        page_number: int | None = None,
        page_size: int | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
        sort_by: models.SortBy | models.SortByName | None = None,
        sort_order: models.SortOrder | models.SortOrderName | None = None,
        project_name: str | None = None,
        timeout: TimeoutTypes = None,
    ) -> models.AssetPage:
        """Read one page of assets.

        Args:
            filter: Which assets.
            page_number: From 1, default 1.
            page_size: 1 to 100, default 10.
            max_results: Items of a page that is read by cursor, 1 to 100; Ark only, without number and size.
            next_token: The cursor that the page before gave; Ark only.
            sort_by: Default `CreateTime`.
            sort_order: Default `Desc`.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            ApiError: The service refused.
        """
        request = models.ListAssetsRequest(
            filter=filter,
            page_number=page_number,
            page_size=page_size,
            max_results=max_results,
            next_token=next_token,
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

        Args:
            id: The asset's id.
            name: New name; left out, it stays.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
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

        Args:
            id: The asset's id.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            NotAccessible: The id is not yours, or does not exist.
            ApiError: The service refused.
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

        Args:
            callback_url: Where the person's browser goes afterwards; absolute, http or https.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            ApiError: The service refused.
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

        Args:
            byted_token: From CreateVisualValidateSession.
            project_name: Default `default`.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The request does not fit; nothing was sent.
            TransportError: No usable answer; `may_have_executed` says whether it was carried out.
            ApiError: The service refused.
        """
        request = models.GetVisualValidateResultRequest(byted_token=byted_token, project_name=project_name)
        return await self.call(actions.GET_VISUAL_VALIDATE_RESULT, request, timeout=timeout)
