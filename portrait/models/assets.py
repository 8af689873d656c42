"""Assets: what the five asset Actions and the gateway's upload take and answer (contract §2, §5). Values only."""

from __future__ import annotations

from attrs import evolve, field, frozen

from portrait.enums import AssetStatus, AssetType, GroupType, SortBy, SortOrder
from portrait.models.common import (
    Page,
    Response,
    Result,
    as_asset_type,
    as_group_type,
    as_many,
    as_sort_by,
    as_sort_order,
    as_statuses,
)
from portrait.uri import asset_uri


@frozen(kw_only=True)
class Moderation:
    """How an asset is moderated. Ark only.

    Attributes:
        strategy: `Default` or `Skip`.
    """

    strategy: str = "Default"


@frozen(kw_only=True)
class CreateAssetRequest:
    """Register a file that has a public address.

    Attributes:
        group_id: The group it goes into.
        url: A public http or https address; no data URI.
        asset_type: What the file is.
        name: Shown name; at most 50 characters on AllToken, 64 on Ark.
        moderation: Ark only.
        project_name: Default `default`.
    """

    group_id: str
    url: str = field(repr=False)  # may be presigned
    asset_type: AssetType = field(converter=as_asset_type)
    name: str | None = None
    moderation: Moderation | None = None
    project_name: str | None = None


@frozen(kw_only=True)
class GetAssetRequest:
    """Read an asset.

    Attributes:
        id: The asset's id.
        project_name: Default `default`; a wrong one makes the id a foreign one.
    """

    id: str
    project_name: str | None = None


@frozen(kw_only=True)
class AssetFilter:
    """Which assets to list.

    Attributes:
        group_type: One kind of group at a time.
        group_ids: Only of these groups; empty means all.
        statuses: Only in these states; empty means all.
        name: Part of the name, without case.
    """

    group_type: GroupType = field(default=GroupType.AIGC, converter=as_group_type)
    group_ids: tuple[str, ...] | None = field(default=None, converter=as_many)
    statuses: tuple[AssetStatus, ...] | None = field(default=None, converter=as_statuses)
    name: str | None = None


@frozen(kw_only=True)
class ListAssetsRequest:
    """Read one page of assets.

    Attributes:
        filter: Which assets.
        page_number: From 1, default 1.
        page_size: 1 to 100, default 10.
        max_results: Items of a page that is read by cursor, 1 to 100; Ark only, without number and size.
        next_token: The cursor that the page before gave; Ark only.
        sort_by: Default `CreateTime`.
        sort_order: Default `Desc`.
        project_name: Default `default`.
    """

    filter: AssetFilter = field(factory=AssetFilter)
    page_number: int | None = None
    page_size: int | None = None
    max_results: int | None = None
    next_token: str | None = None
    sort_by: SortBy | None = field(default=None, converter=as_sort_by)
    sort_order: SortOrder | None = field(default=None, converter=as_sort_order)
    project_name: str | None = None


@frozen(kw_only=True)
class UpdateAssetRequest:
    """Rename an asset.

    Attributes:
        id: The asset's id.
        name: New name; left out, it stays.
        project_name: Default `default`.
    """

    id: str
    name: str | None = None
    project_name: str | None = None


@frozen(kw_only=True)
class DeleteAssetRequest:
    """Delete an asset; frees its quota slot at once.

    Attributes:
        id: The asset's id.
        project_name: Default `default`.
    """

    id: str
    project_name: str | None = None


@frozen(kw_only=True)
class Failure:
    """Why a review ended in Failed, from `FailedReason` or `Error` (contract §10.2).

    Attributes:
        code: Such as `FaceMismatch`; "" where the provider gives only a text.
        message: The provider's text.
    """

    code: str = ""
    message: str = ""


@frozen(kw_only=True)
class Asset(Result):
    """An asset.

    Attributes:
        id: For example `asset-20260318035710-xxxxx`; `asset://<id>` is what Seedance takes.
        group_id: Its group; may be "" in a list of AllToken's.
        name: The caller's own name, "" if none was given.
        asset_type: What the file is.
        status: `UpstreamStatus` where it is sent, else `Status`; without case (contract §10.1).
        url: A signed link to the file that lives 12 hours, made anew at each read; None while Processing.
        failure: Why it failed; None unless it did.
        moderation: Ark only.
        project_name: The project it lives in.
        create_time: UTC, as on the wire: `2026-03-18T03:57:10Z`.
        update_time: UTC, as on the wire.
        last_inference_time: When it was last used to generate; Ark only.
    """

    id: str
    group_id: str = ""
    name: str = ""
    asset_type: AssetType | str = AssetType.IMAGE
    status: AssetStatus | str = AssetStatus.PROCESSING
    url: str | None = field(default=None, repr=False)  # signed: a secret
    failure: Failure | None = None
    moderation: Moderation | None = None
    project_name: str = "default"
    create_time: str = ""
    update_time: str = ""
    last_inference_time: str | None = None

    @property
    def uri(self) -> str:
        """`asset://<id>`: what a video takes; "" without an id."""
        return asset_uri(self.id) if self.id else ""

    def without_link(self) -> Asset:
        """The asset without what opens its file: the signed link, and the answer that holds it."""
        return evolve(self, url=None, response=Response())


@frozen(kw_only=True)
class AssetPage(Page[Asset]):
    """One page of assets."""

    items: tuple[Asset, ...]


@frozen(kw_only=True)
class UploadedAsset(Result):
    """What the gateway's upload answers (contract §5).

    Attributes:
        id: The new asset's id; it is still to be reviewed.
        group_id: Its group.
        name: The given name, or `uploaded-<unix time>`.
        asset_type: What the file is.
        status: `processing`, read as Processing.
        uploaded_url: Where the gateway keeps the file.
        r2_key: Its key in the gateway's store.
    """

    id: str
    group_id: str = ""
    name: str = ""
    asset_type: AssetType | str = AssetType.IMAGE
    status: AssetStatus | str = AssetStatus.PROCESSING
    uploaded_url: str = field(default="", repr=False)
    r2_key: str = ""
