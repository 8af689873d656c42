"""The clients of the task gateways: the flows of this package as methods, blocking and for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from portrait import upload
from portrait.arguments import NONE, check_arguments, either, one_of
from portrait.asset_client import AsyncioClient, BlockingClient
from portrait.base import BaseClient
from portrait.dialects import TASKS, Dialect
from portrait.errors import UsageError
from portrait.models import AssetType, AssetTypeName, VisualValidateResult, VisualValidateSession
from portrait.providers import Capability
from portrait.tasks.library import AsyncLibrary, Library
from portrait.tasks.models import NewAsset, Task, UploadedImage
from portrait.tasks.operations import IMAGE_UPLOAD, TIMEOUT, NewAssets, TaskService
from portrait.tasks.validate import TaskValidator
from portrait.wait import POLL, TOKEN_POLL

if TYPE_CHECKING:
    from portrait.tasks.ensure import TaskBackend


class _TaskBase(BaseClient):
    """The part that both clients of tasks share."""

    _dialects: Mapping[str, Dialect] = MappingProxyType({TASKS.name: TASKS})

    def _backend(self) -> TaskBackend:
        from portrait.tasks.ensure import TaskBackend  # noqa: PLC0415  (loads s3 and media)

        return TaskBackend(service=self._tasks, memory=self._shared.memory)

    def _validator(self) -> TaskValidator:
        return TaskValidator(service=self._tasks)

    @property
    def _tasks(self) -> TaskService:
        return TaskService(endpoint=self._endpoint)


class TaskClient(_TaskBase, BlockingClient):
    """A blocking client of a task gateway. Safe to share between threads; use it as a context manager, or close it.

    It takes the options of `PortraitClient`; `provider=` is `xcompute`, `apimart` or `gccai`. The retry contract is the
    same: a create whose answer was lost is not sent again.
    """

    @cached_property
    def library(self) -> Library:
        """The assets and groups that the gateway keeps: to list, read, rename and delete them; apimart only.

        Raises:
            UsageError: The gateway has none.
        """
        self._endpoint.provider.require(Capability.LIBRARY, "Keep the ids of the assets of your tasks.")
        return Library(self._endpoint, self._run)

    def create_private_avatar(
        self,
        assets: Iterable[NewAsset] | None = None,
        *,
        group: str | None = None,
        description: str | None = None,
        group_id: str | None = None,
        asset_type: AssetType | AssetTypeName | None = None,
        url: str | None = None,
        name: str | None = None,
        project_name: str | None = None,
        webhook: str | None = None,
        model: str | None = None,
    ) -> Task:
        """Create up to 20 assets of a virtual person, in a new group or in one that is there.

        Args:
            assets: What is created; or `url` and `name` of a single asset. `batches` splits a longer list.
            group: The name of a new group; or `group_id`.
            description: Of the new group.
            group_id: The group that is there.
            asset_type: What all of them are: Image (default), Video or Audio.
            url: The address of a single asset.
            name: Its Name.
            project_name: Default: the client's project.
            webhook: Where the gateway is to report the end, as a hint; apimart only.
            model: Whose limits of length hold for clips; apimart only.

        Raises:
            UsageError: A rule is broken, or the gateway cannot do what is asked; nothing was sent.
            UnknownOutcome: The answer was lost, or has no id; the assets may be there.
            PortraitError: The gateway refused, or gave no usable answer.
        """
        place = {"group": group, "description": description, "group_id": group_id, "project_name": project_name}
        new = _private(assets, url, name, asset_type=asset_type, webhook=webhook, model=model, **place)
        return self._run(self._tasks.create_private(new))

    def create_real_avatar(
        self,
        assets: Iterable[NewAsset],
        *,
        group_id: str,
        asset_type: AssetType | AssetTypeName | None = None,
        project_name: str | None = None,
    ) -> Task:
        """Create up to 20 assets of the person whose group it is; each is compared with the person's face.

        Args:
            assets: What is created.
            group_id: The group of a person who has passed the liveness check.
            asset_type: What all of them are: Video (default) or Image.
            project_name: Default: the client's project.

        Raises:
            UsageError: A rule is broken; nothing was sent.
            UnknownOutcome: The answer was lost, or has no id; the assets may be there.
            PortraitError: The gateway refused, or gave no usable answer.
        """
        files = tuple(assets)
        new = NewAssets(assets=files, asset_type=asset_type, group_id=group_id, project_name=project_name)
        return self._run(self._tasks.create_real(new))

    def get_task(self, task: Task | str) -> Task:
        """Read a task.

        Args:
            task: The task or its id. Assets without a name get theirs from the task that created them.

        Raises:
            NotFound: There is none of that id.
            PortraitError: The call failed otherwise.
        """
        return self._run(self._tasks.get(task))

    def wait(self, task: Task | str, *, timeout: float = TIMEOUT, poll: float = POLL) -> Task:
        """Wait until a task has ended. That assets of it have failed is no error: the task has them as `failed`.

        Args:
            task: The task or its id.
            timeout: Seconds in all.
            poll: Seconds between two looks.

        Raises:
            WaitTimeout: It has not ended in time; waiting again with the same task goes on.
            PortraitError: It cannot be read.
        """
        return self._run(self._tasks.wait(task, timeout, poll))

    def create_visual_validate_session(
        self, *, callback_url: str, project_name: str | None = None
    ) -> VisualValidateSession:
        """Open a liveness check for one person; the link and the token are read from its task.

        Args:
            callback_url: Where the person's browser goes afterwards; absolute, http or https.
            project_name: Default: the client's project.

        Raises:
            PortraitError: A call failed.
        """
        return self._run(self._validator().open_session(callback_url, project_name))

    def get_visual_validate_result(self, *, byted_token: str, project_name: str | None = None) -> VisualValidateResult:
        """Exchange the token of a passed liveness check for its group, as far as that is known now.

        Args:
            byted_token: From `create_visual_validate_session`.
            project_name: Default: the client's project.

        Raises:
            ValidatePending: The person has not finished.
            ValidationFailed: The scan failed, or nobody scanned in time.
            PortraitError: The call failed otherwise.
        """
        return self._run(self._validator().result(byted_token, project_name))

    def wait_until_validated(
        self, token: str | VisualValidateSession, *, timeout: float | None = None, poll: float = TOKEN_POLL
    ) -> VisualValidateResult:
        """Wait until the person has passed the liveness check; returns the group.

        Args:
            token: The BytedToken, or the session.
            timeout: Seconds in all; default: the life of the token.
            poll: Seconds between two looks.

        Raises:
            ValidationFailed: The scan failed, or nobody scanned in time.
            WaitTimeout: Not passed in time.
            PortraitError: The result cannot be read.
        """
        return self._run(self._validator().wait_for_result(token, timeout, poll))

    def upload_image(self, source: upload.Source) -> UploadedImage:
        """Have a picture of at most 20 MB kept for 72 hours, so that it has an address; apimart only.

        Args:
            source: A path, bytes, or an open binary file: JPEG, PNG, WebP or GIF.

        Raises:
            UsageError: The file does not fit, or the gateway keeps none; nothing was sent.
            PortraitError: The call failed.
        """
        self._endpoint.provider.require(Capability.FILES, "Store the file, and give its public address.")
        image = upload.read_image(source, IMAGE_UPLOAD)
        return self._run(self._tasks.upload(image))


class AsyncTaskClient(_TaskBase, AsyncioClient):
    """The same for asyncio. One client for each event loop; use it as an async context manager, or close it."""

    @cached_property
    def library(self) -> AsyncLibrary:
        """The assets and groups that the gateway keeps: to list, read, rename and delete them; apimart only.

        Raises:
            UsageError: The gateway has none.
        """
        self._endpoint.provider.require(Capability.LIBRARY, "Keep the ids of the assets of your tasks.")
        return AsyncLibrary(self._endpoint, self._run)

    async def create_private_avatar(
        self,
        assets: Iterable[NewAsset] | None = None,
        *,
        group: str | None = None,
        description: str | None = None,
        group_id: str | None = None,
        asset_type: AssetType | AssetTypeName | None = None,
        url: str | None = None,
        name: str | None = None,
        project_name: str | None = None,
        webhook: str | None = None,
        model: str | None = None,
    ) -> Task:
        """Create up to 20 assets of a virtual person, in a new group or in one that is there.

        Args:
            assets: What is created; or `url` and `name` of a single asset. `batches` splits a longer list.
            group: The name of a new group; or `group_id`.
            description: Of the new group.
            group_id: The group that is there.
            asset_type: What all of them are: Image (default), Video or Audio.
            url: The address of a single asset.
            name: Its Name.
            project_name: Default: the client's project.
            webhook: Where the gateway is to report the end, as a hint; apimart only.
            model: Whose limits of length hold for clips; apimart only.

        Raises:
            UsageError: A rule is broken, or the gateway cannot do what is asked; nothing was sent.
            UnknownOutcome: The answer was lost, or has no id; the assets may be there.
            PortraitError: The gateway refused, or gave no usable answer.
        """
        place = {"group": group, "description": description, "group_id": group_id, "project_name": project_name}
        new = _private(assets, url, name, asset_type=asset_type, webhook=webhook, model=model, **place)
        return await self._run(self._tasks.create_private(new))

    async def create_real_avatar(
        self,
        assets: Iterable[NewAsset],
        *,
        group_id: str,
        asset_type: AssetType | AssetTypeName | None = None,
        project_name: str | None = None,
    ) -> Task:
        """Create up to 20 assets of the person whose group it is; each is compared with the person's face.

        Args:
            assets: What is created.
            group_id: The group of a person who has passed the liveness check.
            asset_type: What all of them are: Video (default) or Image.
            project_name: Default: the client's project.

        Raises:
            UsageError: A rule is broken; nothing was sent.
            UnknownOutcome: The answer was lost, or has no id; the assets may be there.
            PortraitError: The gateway refused, or gave no usable answer.
        """
        files = tuple(assets)
        new = NewAssets(assets=files, asset_type=asset_type, group_id=group_id, project_name=project_name)
        return await self._run(self._tasks.create_real(new))

    async def get_task(self, task: Task | str) -> Task:
        """Read a task.

        Args:
            task: The task or its id. Assets without a name get theirs from the task that created them.

        Raises:
            NotFound: There is none of that id.
            PortraitError: The call failed otherwise.
        """
        return await self._run(self._tasks.get(task))

    async def wait(self, task: Task | str, *, timeout: float = TIMEOUT, poll: float = POLL) -> Task:
        """Wait until a task has ended. That assets of it have failed is no error: the task has them as `failed`.

        Args:
            task: The task or its id.
            timeout: Seconds in all.
            poll: Seconds between two looks.

        Raises:
            WaitTimeout: It has not ended in time; waiting again with the same task goes on.
            PortraitError: It cannot be read.
        """
        return await self._run(self._tasks.wait(task, timeout, poll))

    async def create_visual_validate_session(
        self, *, callback_url: str, project_name: str | None = None
    ) -> VisualValidateSession:
        """Open a liveness check for one person; the link and the token are read from its task.

        Args:
            callback_url: Where the person's browser goes afterwards; absolute, http or https.
            project_name: Default: the client's project.

        Raises:
            PortraitError: A call failed.
        """
        return await self._run(self._validator().open_session(callback_url, project_name))

    async def get_visual_validate_result(
        self, *, byted_token: str, project_name: str | None = None
    ) -> VisualValidateResult:
        """Exchange the token of a passed liveness check for its group, as far as that is known now.

        Args:
            byted_token: From `create_visual_validate_session`.
            project_name: Default: the client's project.

        Raises:
            ValidatePending: The person has not finished.
            ValidationFailed: The scan failed, or nobody scanned in time.
            PortraitError: The call failed otherwise.
        """
        return await self._run(self._validator().result(byted_token, project_name))

    async def wait_until_validated(
        self, token: str | VisualValidateSession, *, timeout: float | None = None, poll: float = TOKEN_POLL
    ) -> VisualValidateResult:
        """Wait until the person has passed the liveness check; returns the group.

        Args:
            token: The BytedToken, or the session.
            timeout: Seconds in all; default: the life of the token.
            poll: Seconds between two looks.

        Raises:
            ValidationFailed: The scan failed, or nobody scanned in time.
            WaitTimeout: Not passed in time.
            PortraitError: The result cannot be read.
        """
        return await self._run(self._validator().wait_for_result(token, timeout, poll))

    async def upload_image(self, source: upload.Source) -> UploadedImage:
        """Have a picture of at most 20 MB kept for 72 hours, so that it has an address; apimart only.

        Args:
            source: A path, bytes, or an open binary file: JPEG, PNG, WebP or GIF.

        Raises:
            UsageError: The file does not fit, or the gateway keeps none; nothing was sent.
            PortraitError: The call failed.
        """
        self._endpoint.provider.require(Capability.FILES, "Store the file, and give its public address.")
        image = await asyncio.to_thread(upload.read_image, source, IMAGE_UPLOAD)
        return await self._run(self._tasks.upload(image))


_ASSETS = {"assets": either(one_of("several NewAssets", Iterable), NONE)}


def _private(assets: Iterable[NewAsset] | None, url: str | None, name: str | None, **fields: Any) -> NewAssets:
    """A list of assets, or the address and name of a single one.

    Raises:
        UsageError: Both are there, or neither.
    """
    check_arguments(_ASSETS, {"assets": assets})
    if assets is not None and url is None and name is None:
        return NewAssets(assets=tuple(assets), **fields)
    if assets is None and url is not None and name is not None:
        return NewAssets(assets=(NewAsset(url, name),), single=True, **fields)
    raise UsageError("A task takes a list of assets, or url= and name= of a single one: one of them.")
