"""The records: customers, groups, assets, validations. Times are seconds since 1970.

A `number` counts what was created, across all customers, and breaks ties between records of the same second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from attrs import AttrsInstance, field, fields, frozen

from emulator.domain.verdicts import PASS, Verdict
from portrait.models import AssetType, GroupType

R = TypeVar("R", bound=AttrsInstance)


class AssetState(StrEnum):
    """The states of an asset: those of `AssetStatus`, and the end of its life.

    No list shows an expired asset. Contract §4: "your own asset that has expired" (D).
    """

    PROCESSING = "Processing"
    ACTIVE = "Active"
    FAILED = "Failed"
    EXPIRED = "Expired"


class Scan(StrEnum):
    """The states of a validation's scan. Contract §3; `expired` follows from the time and is not stored."""

    OPEN = "open"
    SCANNING = "scanning"
    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SPENT = "spent"


@frozen(kw_only=True)
class Customer:
    """A customer: limits, account, and how much was created of late.

    Attributes:
        name: Whom the keys belong to.
        number: Which customer this is, from 1.
        aigc: Whether AIGC groups are enabled.
        subscription: Whether the plan includes the Actions that create.
        balance: None means it is not counted; 0 or less, that it is used up.
        groups: How many groups it may have.
        assets: How many assets it may have, counted by `assets_per`.
        assets_per: `group` or `customer`.
        tier: The plan whose numbers were set, None if none was.
        creates_per_minute: How often CreateAsset may be called; None means no limit.
        creates_burst: Whether a minute's creates may come at once.
        minute: When the current minute of creating began.
        created: Assets created in that minute.
        calls: Action → the second of the last call, and the calls in it; counted for plans only.
        listed: When the current span of lists began, and the items listed in it.
        persons: How many validations have passed.
        hidden_until: When the last of what was created with a lag becomes visible.
    """

    name: str
    number: int
    aigc: bool = True
    subscription: bool = True
    balance: float | None = None
    groups: int = 50
    assets: int = 50
    assets_per: str = "group"
    tier: str | None = None
    creates_per_minute: int | None = None
    creates_burst: bool = True
    minute: float = 0.0
    created: int = 0
    calls: Mapping[str, tuple[int, int]] = field(factory=dict, hash=False)
    listed: tuple[float, int] = (0.0, 0)
    persons: int = 0
    hidden_until: float = 0.0


@frozen(kw_only=True)
class Group:
    """A group.

    Attributes:
        number: Its place in the order of creation.
        visible_from: When reads and lists begin to show it.
        subject: Whose face a LivenessFace group has; "" for AIGC.
        stranger: Whether that is somebody else than the person who was meant.
    """

    number: int
    id: str
    customer: str
    project: str
    kind: GroupType
    name: str
    description: str = ""
    created: float
    updated: float
    visible_from: float = 0.0
    subject: str = ""
    stranger: bool = False


@frozen(kw_only=True)
class Asset:
    """An asset.

    Attributes:
        number: Its place in the order of creation.
        group_kind: The kind of its group, which never changes.
        url: The address it was registered by.
        file: The key of an uploaded file, "" for a registered address.
        visible_from: When reads and lists begin to show it.
        due: When its review ends; None where it has ended, or ends by reads.
        verdict: The outcome that its review will have.
        reads: How often GetAsset has looked at it while its review waits for reads.
        code: Why it failed, "" if it did not.
        subject: Whose face it shows; "" if unknown.
        moderation: The strategy that was asked for, "" for the default.
        seconds: The length of a clip that was measured; None where it is not known.
        used: When it was last used to generate; None if it never was.
    """

    number: int
    id: str
    customer: str
    project: str
    group_id: str
    group_kind: GroupType
    name: str
    kind: AssetType
    url: str = field(repr=False)  # may be presigned
    file: str = ""
    created: float
    updated: float
    visible_from: float = 0.0
    status: AssetState = AssetState.PROCESSING
    due: float | None = None
    verdict: Verdict = PASS
    reads: int = 0
    code: str = ""
    subject: str = ""
    moderation: str = ""
    seconds: float | None = None
    used: float | None = None


def replacer(cls: type[R], *names: str) -> Callable[..., R]:
    """A function of a record and of values for these fields that makes the changed record.

    It is compiled, as attrs compiles its own: a create ends the review of another asset, and `attrs.evolve` would take
    three times as long for that.
    """
    values = (f"{a.name}={a.name if a.name in names else f'record.{a.name}'}" for a in fields(cls))
    scope: dict[str, Any] = {"cls": cls}
    exec(f"def replace(record, {', '.join(names)}): return cls({', '.join(values)})", scope)  # noqa: S102 - names of fields
    replace: Callable[..., R] = scope["replace"]
    return replace


@frozen(kw_only=True)
class Validation:
    """A liveness check.

    Attributes:
        number: From 1; `val-3` is the third.
        token: The BytedToken, a secret.
        owner: Who may ask for the result: the handle of a key or a customer, by setting.
        expires: When token and link die.
        group_id: The person's group, "" until there is one.
        subject: Whose face passed.
        stranger: Whether that is somebody else than the person who was meant.
        code: The page's result code, 0 while the scan has not ended.
    """

    number: int
    token: str = field(repr=False)
    customer: str
    owner: str
    project: str
    callback_url: str
    created: float
    expires: float
    scan: Scan = Scan.OPEN
    group_id: str = ""
    subject: str = ""
    stranger: bool = False
    code: int = 0

    @property
    def handle(self) -> str:
        """Its name in logs and on pages."""
        return f"val-{self.number}"
