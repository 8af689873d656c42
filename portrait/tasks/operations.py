"""The calls of a task gateway, as flows: create assets, read and await tasks, upload a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from attrs import evolve, field, frozen
from attrs.converters import optional

from portrait import gateways
from portrait.actions import Action, Idempotency, operation
from portrait.arguments import NONE, TEXT, check_arguments, either, one_of
from portrait.endpoint import encode_json
from portrait.errors import (
    BadResponse,
    InvalidRequest,
    PortraitError,
    Retry,
    UnknownOutcome,
    UsageError,
)
from portrait.flow import Flow
from portrait.http import HttpRequest
from portrait.job_wait import wait_for_end
from portrait.models import AssetType, Response
from portrait.models.common import as_asset_type
from portrait.providers import Capability
from portrait.results import as_not_found, check_subject
from portrait.retry import NO_RETRY
from portrait.tasks.check import check_batch, check_group, check_type
from portrait.tasks.models import NewAsset, Task, TaskStatus, UploadedImage
from portrait.tasks.shapes import decode_image, decode_task, encode_files, encode_group
from portrait.upload import ImageLimits

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

IMAGE_UPLOAD = ImageLimits(
    gateways.IMAGE_LIMIT, tuple(f"image/{name}" for name in gateways.IMAGE_FORMATS), "JPEG, PNG, WebP and GIF"
)
TIMEOUT = 180.0  # seconds; video and audio take up to two minutes, contract §3 (M)


SECRETS = ("byted_token",)
PRIVATE_AVATAR = operation(gateways.PRIVATE_AVATAR, "Create assets of a virtual person.", secrets=SECRETS)
REAL_AVATAR = operation(gateways.REAL_AVATAR, "Create assets of a real person.", secrets=SECRETS)
GET_TASK = operation("GetTask", "Read a task.", idempotency=Idempotency.IDEMPOTENT, reads=True)
# Sent twice it leaves a picture that is gone after 72 hours.
UPLOAD_IMAGE = operation("UploadImage", "Have a picture kept.", idempotency=Idempotency.SELF_EXPIRING)

_TASK = {"task": either(one_of("a Task", Task), one_of("its id", str))}


_NEW_ASSETS = dict.fromkeys(
    ("group", "description", "group_id", "project_name", "webhook", "model"), either(TEXT, NONE)
)


@frozen(kw_only=True)
class NewAssets:
    """The request of a create.

    Attributes:
        assets: 1 to 20.
        asset_type: What all of them are; None is the kind's default.
        group: The name of a new group; None for one that is there.
        description: Of the new group.
        group_id: The group that is there; None for a new one.
        project_name: None is the client's project.
        single: Whether to send the one asset by the fields for one.
        webhook: Where the end is reported, as a hint.
        model: Whose limits of length hold.
    """

    assets: tuple[NewAsset, ...]
    asset_type: AssetType | None = field(default=None, converter=optional(as_asset_type))
    group: str | None = None
    description: str | None = None
    group_id: str | None = None
    project_name: str | None = None
    single: bool = False
    webhook: str | None = None
    model: str | None = None

    def __attrs_post_init__(self) -> None:
        check_arguments(_NEW_ASSETS, {name: getattr(self, name) for name in _NEW_ASSETS})


@frozen(kw_only=True)
class TaskService:
    """The calls of one gateway.

    Attributes:
        endpoint: The gateway.
    """

    endpoint: Endpoint

    def create_private(self, new: NewAssets) -> Flow[Task]:
        """Create assets of a virtual person.

        Raises:
            UsageError: A rule is broken, or the gateway cannot do what is asked; nothing was sent.
            UnknownOutcome: The answer was lost, or has no id; the assets may be there.
            PortraitError: The gateway refused.
        """
        check_group(new.group, new.description, new.group_id)
        return (yield from self._create(PRIVATE_AVATAR, gateways.PRIVATE_AVATAR_PATH, new, gateways.PRIVATE_TYPES))

    def create_real(self, new: NewAssets) -> Flow[Task]:
        """Create assets of the person whose group it is. Raises as `create_private`."""
        check_group(None, None, new.group_id)
        return (yield from self._create(REAL_AVATAR, gateways.REAL_AVATAR_PATH, new, gateways.REAL_TYPES))

    def _create(self, action: Action[Any, Any], path: str, new: NewAssets, types: Sequence[AssetType]) -> Flow[Task]:
        check_batch(new.assets)
        new = evolve(new, asset_type=new.asset_type or types[0])
        check_type(new.asset_type or types[0], types)
        provider = self.endpoint.provider
        if new.webhook is not None:
            provider.require(Capability.WEBHOOK, "Use wait() instead.")
        if new.model is not None:
            provider.require(Capability.LENGTH_TIERS, "Leave model= out.")
        further = {**self.project_fields(new.project_name), "webhook": new.webhook, "model": new.model}
        body = {
            **encode_group(new.group, new.description, new.group_id),
            "asset_type": new.asset_type,
            **encode_files(new.assets, single=new.single),
            **{name: value for name, value in further.items() if value is not None},
        }
        try:
            answer, response = yield from self.post(action, path, body)
        except PortraitError as error:
            if error.retry is not Retry.VERIFY_FIRST:
                raise
            raise _unknown(action, "the answer was lost") from error
        known = Task(
            id="",
            status=TaskStatus.PROCESSING,
            names=tuple(asset.name for asset in new.assets),
            asset_type=new.asset_type,
        )
        task = decode_task(answer, response, known)
        if not task.id:  # it is as little help as one that was lost
            raise _unknown(action, "the answer has no id")
        self.endpoint.recent.add(task.id, self.endpoint.clock.monotonic())
        return task

    def get(self, task: Task | str) -> Flow[Task]:
        """Read a task.

        Raises:
            NotFound: There is none of that id.
        """
        check_arguments(_TASK, {"task": task})
        task_id, known = (task, None) if isinstance(task, str) else (task.id, task)
        if task_id in {"", ".", ".."}:
            raise UsageError(f"{task_id!r} is not the id of a task.")
        request = self._request("GET", f"{gateways.TASKS_PATH}/{quote(task_id, safe='')}")
        try:
            answer, response = yield from self.endpoint.send_with_retries(GET_TASK, request)
        except InvalidRequest as error:  # apimart's way of saying it: contract §8 (D)
            if error.http_status != 400:
                raise
            raise as_not_found(error) from error
        found = decode_task(answer, response, known)
        check_subject(GET_TASK, task_id, found.id)
        return found

    def wait(self, task: Task | str, timeout: float, poll: float) -> Flow[Task]:
        """Read a task until it has ended, well or not.

        Raises:
            WaitTimeout: It has not ended in time.
            PortraitError: It cannot be read.
        """
        check_arguments(_TASK, {"task": task})
        task_id, last = (task, None) if isinstance(task, str) else (task.id, task)
        service = self.without_retries()
        return (
            yield from wait_for_end(
                self.endpoint,
                "task",
                task_id,
                lambda known: service.get(known or task_id),
                describe=_describe,
                timeout=timeout,
                poll=poll,
                last=last,
            )
        )

    def upload(self, file: tuple[bytes, str, str]) -> Flow[UploadedImage]:
        """Have a picture kept for 72 hours, under an address of its own.

        Raises:
            UsageError: The gateway keeps no files.
            PortraitError: The call failed.
        """
        from urllib3.filepost import encode_multipart_formdata  # noqa: PLC0415  (keeps `import portrait` light)

        self.endpoint.provider.require(Capability.FILES, "Store the file, and give its public address.")
        content, filename, mime = file
        filename = filename.encode("utf-8", "replace").decode()  # a file's name on disk need not be text
        body, content_type = encode_multipart_formdata([("file", (filename, content, mime))])
        request = evolve(
            self._request("POST", gateways.IMAGES_PATH),
            headers={**self.endpoint.headers, "Content-Type": content_type},
            body=body,
        )
        answer, _ = yield from self.endpoint.send_with_retries(UPLOAD_IMAGE, request)
        image = decode_image(answer)
        if not image.url:
            raise BadResponse("UploadImage: the answer has no url.", action="UploadImage", may_have_executed=True)
        return image

    def without_retries(self) -> TaskService:
        """The same for a wait, whose polls are the retries."""
        return evolve(self, endpoint=evolve(self.endpoint, policy=NO_RETRY))

    def project_fields(self, project_name: str | None) -> dict[str, str]:
        """The field of a request that names the project."""
        project = project_name or self.endpoint.project
        return {} if project is None else {"project_name": project}

    def post(
        self, action: Action[Any, Any], path: str, body: Mapping[str, Any]
    ) -> Flow[tuple[Mapping[str, Any], Response]]:
        """Send a create.

        Raises:
            PortraitError: The call failed.
        """
        content = encode_json(action.name, dict(body)) if body else b""
        return self.endpoint.send_with_retries(action, self._request("POST", path, content), body)

    def _request(self, method: str, path: str, content: bytes = b"") -> HttpRequest:
        return HttpRequest(
            method=method,
            url=f"{self.endpoint.base_url}{path}",
            headers=self.endpoint.headers,
            body=content,
            timeouts=self.endpoint.timeouts,
        )


def _describe(task: Task) -> str:
    """The status and progress of a task, for events."""
    return str(task.status) if task.progress is None else f"{task.status} {task.progress} %"


def _unknown(action: Action[Any, Any], why: str) -> UnknownOutcome:
    return UnknownOutcome(
        f"{action.name}: {why}; the assets may be there.",
        advice="ensure_assets() creates what is not there; or look at the provider's own pages.",
    )
