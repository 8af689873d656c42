"""The context of a handler: transaction, time and settings; and the checks that handlers share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import define, evolve, field, frozen

from emulator.domain import lifecycle
from emulator.domain.ports import Transaction
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.records import Asset, AssetState, Customer, Group, Validation
from emulator.domain.verdicts import ReviewChange
from portrait.models import AssetType, GroupType
from portrait.video_models import VideoModel

DEFAULT_PROJECT = "default"
Handler = Callable[["Context", Any], Any]


class Ids(Protocol):
    """Makes identifiers in the forms of contract §1."""

    def group(self, now: float, number: int) -> str:
        """The id of the group with that number."""

    def asset(self, now: float, number: int) -> str:
        """The id of the asset with that number."""

    def byted_token(self, now: float, owner: str) -> str:
        """A BytedToken."""

    def is_old_token(self, token: str, owner: str, before: float) -> bool:
        """Was that token made for that owner, before that moment?"""

    def key(self) -> str:
        """The name of an uploaded file."""

    def job(self, form: str, now: float, number: int) -> str:
        """The id of the job with that number, in one of its forms."""


def _no_link(name: str, base: str, moment: float) -> str:
    raise TypeError("this context serves no videos")


@frozen(kw_only=True)
class ServiceConfig:
    """The settings of handlers: those of the emulator, and the limits and forms of the mount that was called.

    Attributes:
        image_review: Seconds, for images.
        clip_review: Seconds, for video and audio.
        generation: Seconds that a video takes, the queue included.
        second_same: Whether a token that was used up gives its group again. Contract §10.10.
        projects: The projects that exist; empty means any does.
        measurable: Whether the file behind an address may be fetched and measured.
        ids: Makes identifiers.
        link: Makes a signed link to an asset's file.
        page_ticket: Makes the query of the link to a validation's page.
        token_life: Seconds that a BytedToken lives.
        name_limit: Characters in a Name.
        description_limit: Characters in a Description; None means no limit.
        cursors: Whether lists can be read by cursor.
        list_items: How many items lists give a customer with a plan in a row.
        job_form: The form of the ids of jobs.
        models: The models of videos by name.
        resolution: Of a video for which none is named.
        video_link: Makes the signed address of a generation's file.
    """

    image_review: float
    clip_review: float
    second_same: bool
    generation: float
    projects: frozenset[str]
    measurable: Callable[[str], bool]
    ids: Ids
    link: Callable[[Asset, str, float], str]
    page_ticket: Callable[[Validation], str]
    token_life: float = 120.0
    name_limit: int = 50
    description_limit: int | None = None
    cursors: bool = False
    list_items: int | None = None
    job_form: str = "task"
    models: Mapping[str, VideoModel] = field(factory=dict)
    resolution: str = "720p"
    video_link: Callable[[str, str, float], str] = _no_link


@frozen
class Measured:
    """The result of measuring a file.

    Attributes:
        violations: (code, message) of everything that is wrong with it; the first one is reported.
        seconds: The length of a clip; None where it is not known.
    """

    violations: tuple[tuple[str, str], ...] = ()
    seconds: float | None = None


class NeedsMedia(Exception):
    """Raised by a handler that needs the file behind an address measured, and is then run again.

    Attributes:
        url: The address.
        kind: What the file is declared to be.
    """

    def __init__(self, url: str, kind: AssetType) -> None:
        super().__init__()
        self.url = url
        self.kind = kind


@define(kw_only=True)
class Context:
    """The context of one call.

    Attributes:
        tx: The customer's transaction.
        now: When the call is carried out, in seconds since 1970.
        config: The settings.
        owner: Who owns the BytedTokens of the call: the handle of its key, or its customer, by setting.
        base: The beginning of links in results, such as `http://127.0.0.1:8787`.
        review: What a rule changes about the review of the created asset.
        lag: Seconds by which a read is behind, or after which a created record is seen; None means no lag.
        page_size_max: Items that a page may have at most, whatever was asked for; None means no such limit.
        hidden_kind: The kind of group that lists do not show.
        measured: The measurements of files, by their addresses; that of an upload is "".
        settled: Whether everything that was due at `now` has been done for the customer.
        leaves_work: Set by a handler after which there is more to settle.
        unfinished_since: When the newest unfinished review, scan or job began that a handler has found; None for none.
        handle: What the call log calls the validation that the call was about; handlers set it.
    """

    tx: Transaction
    now: float
    config: ServiceConfig
    owner: str
    base: str
    review: ReviewChange | None = None
    lag: float | None = None
    page_size_max: int | None = None
    hidden_kind: GroupType | None = None
    measured: Mapping[str, Measured] = field(factory=dict)
    settled: bool = True
    leaves_work: bool = False
    unfinished_since: float | None = None
    handle: str = ""

    def note_unfinished(self, began: float) -> None:
        """Note that a read has found a review, a scan or a job unfinished which began then, in seconds since 1970."""
        self.unfinished_since = max(began, self.unfinished_since or began)

    def project(self, name: str | None) -> str:
        """The project that a call is about. Contract §2: default `default`, case-sensitive (D)."""
        if not name or name == DEFAULT_PROJECT:
            return DEFAULT_PROJECT
        if self.config.projects and name not in self.config.projects:
            raise Refusal(Reason.UNKNOWN_PROJECT, field="ProjectName", id=name)
        return name

    def group(self, group_id: str, project_name: str | None) -> Group:
        """A group of the customer in that project; any other is unknown. Contract §2, §10.11 (I)."""
        project = self.project(project_name)
        group = self.tx.group(group_id)
        if group is None or group.project != project or group.visible_from > self.now:
            raise Refusal(Reason.UNKNOWN_GROUP, id=group_id)
        return group

    def asset(self, asset_id: str, project_name: str | None) -> Asset:
        """An asset of the customer in that project; an expired one is refused as such. Contract §4, `NotFound` (D)."""
        project = self.project(project_name)
        asset = lifecycle.asset_at(self.tx, asset_id, self.now)
        if asset is None or asset.project != project or asset.visible_from > self.now:
            raise Refusal(Reason.UNKNOWN_ASSET, id=asset_id)
        if asset.status is AssetState.EXPIRED:
            raise Refusal(Reason.ASSET_EXPIRED, id=asset_id)
        return asset

    def require_account(self) -> Customer:
        """The customer, whose plan and balance allow a create. Contract §4, `SubscriptionRequired` (D)."""
        customer = self.tx.customer
        # Contract §1: 402 stands for the balance (D); that it hits what creates something is ours (I).
        if customer.balance is not None and customer.balance <= 0:
            raise Refusal(Reason.BALANCE_EMPTY)
        if not customer.subscription:
            raise Refusal(Reason.SUBSCRIPTION_REQUIRED)
        return customer

    @property
    def visible_until(self) -> float | None:
        """Reads see what was created up to this time; None means everything. Contract §2: reads may lag (M)."""
        return None if self.lag is None else self.now - self.lag

    @property
    def visible_at(self) -> float | None:
        """Lists leave out what is not visible at this time; None where everything is. A rule's `lag` (M)."""
        return self.now if self.now < self.tx.customer.hidden_until else None

    def visible_from(self) -> float:
        """When the record that is created becomes visible to reads and lists; the customer keeps the latest time."""
        if not self.lag:
            return 0.0
        visible = self.now + self.lag
        customer = self.tx.customer
        if visible > customer.hidden_until:
            self.tx.save_customer(evolve(customer, hidden_until=visible))
        return visible

    def clamp(self, size: int) -> int:
        """The largest size of a page for which `size` was asked: a rule may limit it."""
        return size if self.page_size_max is None else min(size, self.page_size_max)
