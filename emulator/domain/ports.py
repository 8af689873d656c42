"""The interface between the domain and a store: a transaction of one customer, the queries of lists, and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import field, frozen

from emulator.domain.jobs import Job
from emulator.domain.records import Asset, Customer, Group, Validation
from portrait.models import AssetStatus, GroupType, SortBy


@frozen(kw_only=True)
class StoredFile:
    """An uploaded file.

    Attributes:
        content: The bytes.
        content_type: From its content, not from its name or header.
        served_until: When its address dies, in seconds since 1970; None for never.
    """

    content: bytes = field(repr=False)
    content_type: str
    served_until: float | None = None

    def is_alive(self, now: float) -> bool:
        """Whether its address still leads to it."""
        return self.served_until is None or now < self.served_until


@frozen(kw_only=True)
class Position:
    """Where a record lies, in every order of lists; the record itself may be gone."""

    created: float
    updated: float
    number: int
    group_id: str = ""


@frozen(kw_only=True)
class ListQuery:
    """One page of a customer's groups or assets.

    Attributes:
        group_ids: Only these groups, or the assets of these; empty means all.
        name: Part of the name, without case; "" means any.
        before: Only what was created up to this moment; None means all.
        visible_at: Only what is visible at this moment; None means all.
        after: The page begins behind this position; None means at the start.
        offset: How many come before the page.
        limit: How many the page may hold.
    """

    project: str
    kind: GroupType
    group_ids: tuple[str, ...] = ()
    name: str = ""
    before: float | None = None
    visible_at: float | None = None
    sort: SortBy = SortBy.CREATE_TIME
    descending: bool = True
    after: Position | None = None
    offset: int = 0
    limit: int = 10


@frozen(kw_only=True)
class GroupQuery(ListQuery):
    """One page of groups."""


@frozen(kw_only=True)
class AssetQuery(ListQuery):
    """One page of assets.

    Attributes:
        statuses: Only in these states; empty means all that are shown.
    """

    statuses: tuple[AssetStatus, ...] = ()


class Unfinished(Exception):
    """Raised where a call has done a slice of its work: it is to be handled again, after other calls."""


class Transaction(Protocol):
    """One customer's records, changed together or not at all."""

    @property
    def customer(self) -> Customer:
        """The customer, with the changes of this transaction."""

    def save_customer(self, customer: Customer) -> None:
        """Keep changed limits or counters."""

    def number(self) -> int:
        """The next number for a group or an asset."""

    def group(self, group_id: str) -> Group | None:
        """A group of this customer; None for anybody else's and for one that never was."""

    def add_group(self, group: Group) -> None:
        """Keep a new group."""

    def save_group(self, group: Group) -> None:
        """Keep a changed group."""

    def remove_group(self, group: Group) -> None:
        """Forget a group and every asset in it; `drop_deleted` frees them."""

    def groups(self, query: GroupQuery) -> tuple[int, list[Group]]:
        """How many match in all, and one page of them.

        Raises:
            Unfinished: A search through many records goes on with the same query.
        """

    def count_groups(self) -> int:
        """How many groups the customer has, of both kinds and in all projects."""

    def asset(self, asset_id: str) -> Asset | None:
        """An asset of this customer; None for anybody else's and for one that never was."""

    def add_asset(self, asset: Asset) -> None:
        """Keep a new asset."""

    def save_asset(self, asset: Asset) -> None:
        """Keep a changed asset."""

    def remove_asset(self, asset: Asset) -> None:
        """Forget an asset and its file."""

    def assets(self, query: AssetQuery) -> tuple[int, list[Asset]]:
        """How many match in all, and one page of them.

        Raises:
            Unfinished: A search through many records goes on with the same query.
        """

    def count_assets(self, group_id: str | None = None) -> int:
        """How many assets a group has, or the customer; those that have expired take no place."""

    def due_assets(self, now: float, limit: int) -> Sequence[Asset]:
        """At most that many assets whose review has ended by `now`, in the order of the ends; each is to be saved."""

    def drop_deleted(self, limit: int) -> int:
        """Free at most that many assets of deleted groups; returns how many. Lists no longer show them."""

    def drop_validations(self, expired_by: float, limit: int) -> int:
        """Delete at most that many validations, of any customer, that had expired by then; returns how many."""

    def count_by_status(self) -> dict[str, int]:
        """How many assets the customer has in each state."""

    def commit(self) -> None:
        """Keep what was changed so far, even if the rest is undone."""

    def validation(self, token: str) -> Validation | None:
        """The validation with that token, of any customer."""

    def validation_by_handle(self, handle: str) -> Validation | None:
        """The validation `val-3`, of any customer."""

    def next_validation_number(self) -> int:
        """The next number for a validation."""

    def save_validation(self, validation: Validation) -> None:
        """Keep a new or changed validation."""

    def job(self, job_id: str) -> Job | None:
        """A task or generation of this customer; None for anybody else's and for one that never was."""

    def jobs(self) -> Sequence[Job]:
        """The customer's jobs, the newest first."""

    def due_jobs(self, now: float, limit: int) -> Sequence[Job]:
        """At most that many jobs that end by themselves by `now`, in the order of the ends; each is to be saved."""

    def remove_job(self, job: Job) -> None:
        """Forget a job."""

    def save_job(self, job: Job) -> None:
        """Keep a new or changed job."""

    def drop_jobs(self, created_by: float, limit: int) -> int:
        """Delete at most that many of the customer's jobs that were created by then; returns how many."""

    def add_file(self, key: str, file: StoredFile) -> None:
        """Keep an uploaded file."""

    def drop_files(self, expired_by: float) -> None:
        """Delete the files, of any customer, whose addresses had died by then."""
