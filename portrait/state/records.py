"""What the state holds, as values: keys, creates, claims, uploads, erasures, pools. They need no database library."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from attrs import field, frozen

from portrait.urls import parse_http_url


class Key(NamedTuple):
    """What a row is about. All three are digests or ids of the service, never names.

    Attributes:
        account: From `account_digest`.
        scope: Where: a group's id, or a digest of a project.
        item: What: a digest of a content, or of a group's name.
    """

    account: str
    scope: str
    item: str


def account_digest(base_url: str, credential: str) -> str:
    """The account that a credential opens at a host: 32 hex digits from which neither can be read.

    Args:
        base_url: The service's base URL; only its host and port count.
        credential: The API key, or the access key id.
    """
    return short_digest(parse_http_url(base_url).netloc, credential)


def short_digest(*parts: str) -> str:
    """32 hex digits for some texts in their order."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def read_id(value: object) -> str | None:
    """An id as a row has it; None for none.

    Raises:
        ValueError: It is none, so that the row cannot be read.
    """
    if value is not None and not (isinstance(value, str) and value.isprintable() and value.strip()):
        raise ValueError("this is no id")
    return value


@frozen(kw_only=True)
class Create:
    """One create that was sent, or was about to be.

    Attributes:
        id: Of this attempt.
        key: What was created, and where.
        begun_at: When it was recorded, in seconds since 1970 by the state's clock.
        answered_at: When its answer was recorded; None while there is none.
        result_id: The asset's or the group's id; None while it is not known.
        age: Seconds since the answer, or since the begin where there is none, at the moment of reading. A read of the
            service may lag by some seconds: what was created less than that ago may be missing from a list.
    """

    id: str
    key: Key
    begun_at: float
    answered_at: float | None = None
    result_id: str | None = None
    age: float = 0.0


@frozen(kw_only=True)
class Claim:
    """The right to create one thing now; it ends by itself.

    Attributes:
        key: What may be created.
        token: Distinguishes this claim from others of the same key.
    """

    key: Key
    token: str


@frozen(kw_only=True)
class ClaimedCreate:
    """A create that may be sent now.

    Attributes:
        claim: Nobody else may send it.
        create: As it is recorded.
        is_new: False where it is one of somebody else who never recorded an answer: it may have been carried out.
    """

    claim: Claim
    create: Create
    is_new: bool


@frozen(kw_only=True)
class Holder:
    """Somebody else has the claim.

    Attributes:
        seconds: Until it ends, unless it is renewed.
    """

    seconds: float


@frozen(kw_only=True)
class Upload:
    """An unfinished upload in parts.

    Attributes:
        size: Of the file, in bytes.
        fingerprint: What the file looked like when it was hashed; compared, never read.
        part_size: In bytes.
        sha256: Of the file, in hex.
        parts: The SHA-256 of each part, in hex.
        key: The object's key.
        upload_id: The storage's id; None where the run ended before it was known.
        foreign: True where the upload was found on the storage, with parts that nobody here has recorded.
        etags: The storage's ETag by part number, counted from 1.
    """

    size: int
    fingerprint: str
    part_size: int
    sha256: str
    parts: tuple[str, ...]
    key: str
    upload_id: str | None = None
    foreign: bool = False
    etags: Mapping[int, str] = field(factory=dict)


@frozen(kw_only=True)
class Erasure:
    """A group that was, or is being, erased.

    Attributes:
        group_id: The group.
        objects: Addresses `s3://bucket/key` of what is still to be deleted; none once it is finished.
    """

    group_id: str
    objects: tuple[str, ...] = ()


class PoolKey(NamedTuple):
    """A pool.

    Attributes:
        account: From `account_digest`.
        scope: Its group's id.
    """

    account: str
    scope: str


@frozen(kw_only=True)
class Lease:
    """A leased item.

    Attributes:
        item: A digest of the content.
        holder: Who uses it.
        asset_id: The asset; None while its create is under way.
        seconds: Until it ends, unless it is renewed; infinite for a pin.
    """

    item: str
    holder: str
    asset_id: str | None
    seconds: float


@frozen(kw_only=True)
class PooledAsset:
    """An asset that a pool has leased, or has deleted.

    Attributes:
        item: A digest of the content.
        asset_id: The asset.
        used_at: When somebody leased it or gave it back last, in seconds since 1970 by the state's clock.
        is_evicting: Whether somebody is deleting it.
        deleted: Seconds since it was deleted; None if it was not.
    """

    item: str
    asset_id: str
    used_at: float
    is_evicting: bool = False
    deleted: float | None = None


@frozen(kw_only=True)
class PoolView:
    """All that counts of a pool at one moment.

    Attributes:
        leases: Those that have not ended, pins and reservations included.
        assets: What was leased, and what was deleted in the last minutes.
        waiters: Who waits for a slot, in order.
        creates: Creates in the group of the last minutes, the oldest first.
        is_closed: Whether its group is being removed.
    """

    leases: tuple[Lease, ...] = ()
    assets: tuple[PooledAsset, ...] = ()
    waiters: tuple[str, ...] = ()
    creates: tuple[Create, ...] = ()
    is_closed: bool = False


@frozen
class KnownLease:
    """What came of asking for assets that are known.

    Attributes:
        ids: The assets' ids by item; None where nothing was leased.
        is_next: Whether nobody waits for a slot before the holder.
    """

    ids: dict[str, str] | None
    is_next: bool


@frozen
class Waiting:
    """What one who waits for a slot sees.

    Attributes:
        is_next: Whether nobody waits before the holder.
        is_known: Whether all that it wants is known and may be leased at once.
        is_overdue: Whether it has to give a sign of life.
    """

    is_next: bool
    is_known: bool
    is_overdue: bool


@frozen(kw_only=True)
class PoolChange:
    """What a holder does to a pool. Its earlier leases end.

    Attributes:
        leases: What it leases from now on, and the assets' ids; None for an asset that it will create.
        victims: What it is going to delete: assets' ids, and their items.
        waits: Whether it waits for a slot.
    """

    leases: Mapping[str, str | None] = field(factory=dict)
    victims: Mapping[str, str] = field(factory=dict)
    waits: bool = False


@frozen(kw_only=True)
class Report:
    """A report on a state, for people.

    Attributes:
        location: The file, or the database without user and password.
        version: Of its tables.
        replaced_at: When it took the place of a state that was lost, in seconds since 1970; None where it did not.
        rows: How many each table holds, by the table's name.
        notes: What somebody should know, such as a damaged file that was set aside.
    """

    location: str
    version: int
    replaced_at: float | None
    rows: Mapping[str, int]
    notes: tuple[str, ...] = ()
