"""Portraits as reusable assets: typed sync and async clients for the 12 portrait Actions.

`import portrait` loads nothing but this file: each name comes with its module when it is first used (PEP 562), so that
an application pays for aiohttp only if it uses `AsyncPortraitClient`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from portrait._version import __version__

if TYPE_CHECKING:
    from portrait.actions import ACTIONS as ACTIONS
    from portrait.actions import Action as Action
    from portrait.client import AsyncPortraitClient as AsyncPortraitClient
    from portrait.client import PortraitClient as PortraitClient
    from portrait.clock import Clock as Clock
    from portrait.clock import ManualClock as ManualClock
    from portrait.clock import SystemClock as SystemClock
    from portrait.endpoint import RawResult as RawResult
    from portrait.ensure import AssetPlan as AssetPlan
    from portrait.ensure import FileOutcome as FileOutcome
    from portrait.ensure import FileState as FileState
    from portrait.ensure import PlanEntry as PlanEntry
    from portrait.ensure import Verdict as Verdict
    from portrait.errors import AccountError as AccountError
    from portrait.errors import AIGCNotAvailable as AIGCNotAvailable
    from portrait.errors import AmbiguousGroup as AmbiguousGroup
    from portrait.errors import ApiError as ApiError
    from portrait.errors import AssetFailed as AssetFailed
    from portrait.errors import AssetVanished as AssetVanished
    from portrait.errors import AuthError as AuthError
    from portrait.errors import BadResponse as BadResponse
    from portrait.errors import ConnectFailed as ConnectFailed
    from portrait.errors import ConnectionLost as ConnectionLost
    from portrait.errors import Forbidden as Forbidden
    from portrait.errors import InvalidParameter as InvalidParameter
    from portrait.errors import InvalidRequest as InvalidRequest
    from portrait.errors import InvalidToken as InvalidToken
    from portrait.errors import MediaRejected as MediaRejected
    from portrait.errors import MissingParameter as MissingParameter
    from portrait.errors import NotAccessible as NotAccessible
    from portrait.errors import NotFound as NotFound
    from portrait.errors import OutcomeError as OutcomeError
    from portrait.errors import PortraitError as PortraitError
    from portrait.errors import QuotaExceeded as QuotaExceeded
    from portrait.errors import Retry as Retry
    from portrait.errors import ServerError as ServerError
    from portrait.errors import SessionError as SessionError
    from portrait.errors import SubscriptionRequired as SubscriptionRequired
    from portrait.errors import Throttled as Throttled
    from portrait.errors import Timeout as Timeout
    from portrait.errors import TokenExpired as TokenExpired
    from portrait.errors import TransportError as TransportError
    from portrait.errors import UnknownOutcome as UnknownOutcome
    from portrait.errors import UsageError as UsageError
    from portrait.errors import ValidatePending as ValidatePending
    from portrait.errors import WaitTimeout as WaitTimeout
    from portrait.http import HttpRequest as HttpRequest
    from portrait.http import HttpResponse as HttpResponse
    from portrait.http import Timeouts as Timeouts
    from portrait.models import Asset as Asset
    from portrait.models import AssetFilter as AssetFilter
    from portrait.models import AssetGroup as AssetGroup
    from portrait.models import AssetStatus as AssetStatus
    from portrait.models import AssetType as AssetType
    from portrait.models import GroupFilter as GroupFilter
    from portrait.models import GroupType as GroupType
    from portrait.models import Moderation as Moderation
    from portrait.models import SortBy as SortBy
    from portrait.models import SortOrder as SortOrder
    from portrait.retry import RetryPolicy as RetryPolicy
    from portrait.uri import asset_uri as asset_uri
    from portrait.watch import AssetOutcome as AssetOutcome
    from portrait.watch import OutcomeState as OutcomeState

_HOMES = {
    "actions": "ACTIONS Action",
    "endpoint": "RawResult",
    "client": "AsyncPortraitClient PortraitClient",
    "clock": "Clock ManualClock SystemClock",
    "ensure": "AssetPlan FileOutcome FileState PlanEntry Verdict",
    "errors": (
        "AIGCNotAvailable AccountError AmbiguousGroup ApiError AssetFailed AssetVanished AuthError BadResponse "
        "ConnectFailed ConnectionLost Forbidden InvalidParameter InvalidRequest InvalidToken MediaRejected "
        "MissingParameter NotAccessible NotFound OutcomeError PortraitError QuotaExceeded Retry ServerError "
        "SessionError SubscriptionRequired Throttled Timeout TokenExpired TransportError UnknownOutcome UsageError "
        "ValidatePending WaitTimeout"
    ),
    "http": "HttpRequest HttpResponse Timeouts",
    "models": ("Asset AssetFilter AssetGroup AssetStatus AssetType GroupFilter GroupType Moderation SortBy SortOrder"),
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
