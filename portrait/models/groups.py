"""Groups: what the five group Actions take and answer (contract §2). Values only."""

from __future__ import annotations

from attrs import field, frozen

from portrait.enums import GroupType, SortBy, SortOrder
from portrait.models.common import Page, Result, as_group_type, as_many, as_sort_by, as_sort_order


@frozen(kw_only=True)
class CreateAssetGroupRequest:
    """Make an AIGC group.

    Attributes:
        name: Shown name; at most 50 characters on AllToken, 64 on Ark.
        group_type: Only `AIGC`: LivenessFace groups come from a passed validation.
        description: Free text.
        title: Deprecated alias of `name`; fills an absent one.
        project_name: Default `default`, case-sensitive.
    """

    name: str | None = None
    group_type: GroupType = field(default=GroupType.AIGC, converter=as_group_type)
    description: str | None = None
    title: str | None = None
    project_name: str | None = None


@frozen(kw_only=True)
class GetAssetGroupRequest:
    """Read a group.

    Attributes:
        id: The group's id.
        project_name: Default `default`; a wrong one makes the id a foreign one.
    """

    id: str
    project_name: str | None = None


@frozen(kw_only=True)
class GroupFilter:
    """Which groups to list.

    Attributes:
        group_type: One kind at a time.
        group_ids: Only these; empty means all.
        name: Part of the name, without case.
    """

    group_type: GroupType = field(default=GroupType.AIGC, converter=as_group_type)
    group_ids: tuple[str, ...] | None = field(default=None, converter=as_many)
    name: str | None = None


@frozen(kw_only=True)
class ListAssetGroupsRequest:
    """Read one page of groups.

    Attributes:
        filter: Which groups.
        page_number: From 1, default 1.
        page_size: 1 to 100, default 10.
        max_results: Items of a page that is read by cursor, 1 to 100; Ark only, without number and size.
        next_token: The cursor that the page before gave; Ark only.
        sort_by: `CreateTime` or `UpdateTime`; Ark only.
        sort_order: Default `Desc`; Ark only.
        project_name: Default `default`.
    """

    filter: GroupFilter = field(factory=GroupFilter)
    page_number: int | None = None
    page_size: int | None = None
    max_results: int | None = None
    next_token: str | None = None
    sort_by: SortBy | None = field(default=None, converter=as_sort_by)
    sort_order: SortOrder | None = field(default=None, converter=as_sort_order)
    project_name: str | None = None


@frozen(kw_only=True)
class UpdateAssetGroupRequest:
    """Rename or describe a group; what is left out stays.

    Attributes:
        id: The group's id.
        name: New name.
        description: New description.
        project_name: Default `default`.
    """

    id: str
    name: str | None = None
    description: str | None = None
    project_name: str | None = None


@frozen(kw_only=True)
class DeleteAssetGroupRequest:
    """Delete a group **and every asset in it**. Irreversible; frees the quota at once.

    Attributes:
        id: The group's id.
        project_name: Default `default`.
    """

    id: str
    project_name: str | None = None


@frozen(kw_only=True)
class AssetGroup(Result):
    """A group.

    Attributes:
        id: For example `group-20260518163348-xtzxl`.
        name: The caller's own name.
        title: The same as `name`.
        description: Free text, "" if none.
        group_type: `AIGC` or `LivenessFace`.
        project_name: The project it lives in.
        create_time: UTC, as on the wire: `2026-03-18T03:57:10Z`.
        update_time: UTC, as on the wire.
    """

    id: str
    name: str = ""
    title: str = ""
    description: str = ""
    group_type: GroupType | str = GroupType.AIGC
    project_name: str = "default"
    create_time: str = ""
    update_time: str = ""


@frozen(kw_only=True)
class GroupPage(Page[AssetGroup]):
    """One page of groups."""

    items: tuple[AssetGroup, ...]
