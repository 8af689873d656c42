"""Clients of whatever provider is configured: an application that uses what `AssetClient` has need not name one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self, Unpack

from portrait.dialects import TASKS
from portrait.models import Language, VisualValidateResult, VisualValidateSession
from portrait.options import Options, get_provider

if TYPE_CHECKING:
    from portrait.ensure import AssetPlan, EnsureQuery, FileOutcome, Sources
    from portrait.videos import AsyncVideos, Videos


class AssetClient(Protocol):
    """What the blocking client of every provider can do; `PortraitClient` and `TaskClient` say more of each method."""

    @property
    def videos(self) -> Videos:
        """Video generation with `asset://` references."""

    def ensure_assets(self, sources: Sources | AssetPlan, **options: Unpack[EnsureQuery]) -> Iterator[FileOutcome]:
        """Files and addresses as Active assets, in a group by `group=` or `group_id=`."""

    def plan_assets(self, sources: Sources, **options: Unpack[EnsureQuery]) -> AssetPlan:
        """What `ensure_assets` would do, by reading alone."""

    def validate_person(
        self,
        *,
        callback_url: str,
        show: Callable[[VisualValidateSession], object],
        attempts: int = 3,
        language: Language | None = None,
        timeout: float | None = None,
        poll: float = ...,
        quota: int | Literal["documented"] | None = "documented",
    ) -> VisualValidateResult:
        """Let a person pass the liveness check; returns the person's new group."""

    def close(self) -> None:
        """Give the connections back."""

    def __enter__(self) -> Self:
        """The client, which is closed at the end of the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Close it."""


class AsyncAssetClient(Protocol):
    """The same for asyncio."""

    @property
    def videos(self) -> AsyncVideos:
        """Video generation with `asset://` references."""

    def ensure_assets(self, sources: Sources | AssetPlan, **options: Unpack[EnsureQuery]) -> AsyncIterator[FileOutcome]:
        """Files and addresses as Active assets, in a group by `group=` or `group_id=`."""

    async def plan_assets(self, sources: Sources, **options: Unpack[EnsureQuery]) -> AssetPlan:
        """What `ensure_assets` would do, by reading alone."""

    async def validate_person(
        self,
        *,
        callback_url: str,
        show: Callable[[VisualValidateSession], object],
        attempts: int = 3,
        language: Language | None = None,
        timeout: float | None = None,
        poll: float = ...,
        quota: int | Literal["documented"] | None = "documented",
    ) -> VisualValidateResult:
        """Let a person pass the liveness check; returns the person's new group."""

    async def close(self) -> None:
        """Give the connections back."""

    async def __aenter__(self) -> Self:
        """The client, which is closed at the end of the block."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Close it."""


def open_client(**options: Unpack[Options]) -> AssetClient:
    """The blocking client of the provider that `provider=` or `PORTRAIT_PROVIDER` names; AllToken without either.

    Args:
        **options: As `PortraitClient.from_env` takes them; what they leave out comes from the environment.

    Raises:
        UsageError: There is no such provider, no key is found, or a value does not fit.
    """
    from portrait.client import PortraitClient  # noqa: PLC0415  (loads one of the two)
    from portrait.tasks import TaskClient  # noqa: PLC0415

    return TaskClient.from_env(**options) if _takes_tasks(options) else PortraitClient.from_env(**options)


def open_async_client(**options: Unpack[Options]) -> AsyncAssetClient:
    """The same for asyncio.

    Args:
        **options: As `AsyncPortraitClient.from_env` takes them; what they leave out comes from the environment.

    Raises:
        UsageError: There is no such provider, no key is found, or a value does not fit.
    """
    from portrait.client import AsyncPortraitClient  # noqa: PLC0415  (loads one of the two)
    from portrait.tasks import AsyncTaskClient  # noqa: PLC0415

    return AsyncTaskClient.from_env(**options) if _takes_tasks(options) else AsyncPortraitClient.from_env(**options)


def _takes_tasks(options: Options) -> bool:
    provider = get_provider(options.get("provider") or os.environ.get("PORTRAIT_PROVIDER"))
    return provider.dialect == TASKS.name
