"""Portraits as reusable assets: typed sync and async clients for the 12 portrait Actions.

`import portrait` loads nothing but this file: each name comes with its module when it is first used (PEP 562), so that
an application pays for aiohttp only if it uses `AsyncPortraitClient`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from portrait._version import __version__

if TYPE_CHECKING:
    from portrait.any_provider import open_client as open_client
    from portrait.client import AsyncPortraitClient as AsyncPortraitClient
    from portrait.client import PortraitClient as PortraitClient
    from portrait.ensure import AssetPlan as AssetPlan
    from portrait.ensure import FileOutcome as FileOutcome
    from portrait.ensure import FileState as FileState
    from portrait.ensure import PlanEntry as PlanEntry
    from portrait.ensure import Verdict as Verdict
    from portrait.errors import ApiError as ApiError
    from portrait.errors import AssetFailed as AssetFailed
    from portrait.errors import AuthError as AuthError
    from portrait.errors import Forbidden as Forbidden
    from portrait.errors import InvalidToken as InvalidToken
    from portrait.errors import MediaRejected as MediaRejected
    from portrait.errors import NotAccessible as NotAccessible
    from portrait.errors import NotFound as NotFound
    from portrait.errors import OutcomeError as OutcomeError
    from portrait.errors import PortraitError as PortraitError
    from portrait.errors import QuotaExceeded as QuotaExceeded
    from portrait.errors import Throttled as Throttled
    from portrait.errors import Timeout as Timeout
    from portrait.errors import TokenExpired as TokenExpired
    from portrait.errors import TransportError as TransportError
    from portrait.errors import UnknownOutcome as UnknownOutcome
    from portrait.errors import UsageError as UsageError
    from portrait.errors import ValidatePending as ValidatePending
    from portrait.errors import WaitTimeout as WaitTimeout
    from portrait.http import Timeouts as Timeouts
    from portrait.models import Asset as Asset
    from portrait.models import AssetGroup as AssetGroup
    from portrait.models import AssetStatus as AssetStatus
    from portrait.models import AssetType as AssetType
    from portrait.models import GroupType as GroupType
    from portrait.models import SortBy as SortBy
    from portrait.models import SortOrder as SortOrder
    from portrait.retry import RetryPolicy as RetryPolicy
    from portrait.uri import asset_uri as asset_uri
    from portrait.watch import AssetOutcome as AssetOutcome
    from portrait.watch import OutcomeState as OutcomeState

_HOMES = {
    "any_provider": "open_client",
    "client": "AsyncPortraitClient PortraitClient",
    "ensure": "AssetPlan FileOutcome FileState PlanEntry Verdict",
    "errors": (
        "ApiError AssetFailed AuthError Forbidden InvalidToken MediaRejected NotAccessible NotFound "
        "OutcomeError PortraitError QuotaExceeded Throttled Timeout TokenExpired TransportError "
        "UnknownOutcome UsageError ValidatePending WaitTimeout"
    ),
    "http": "Timeouts",
    "models": "Asset AssetGroup AssetStatus AssetType GroupType SortBy SortOrder",
    "retry": "RetryPolicy",
    "uri": "asset_uri",
    "watch": "AssetOutcome OutcomeState",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'portrait' has no attribute {name!r}")
    value = getattr(import_module(f"portrait.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
