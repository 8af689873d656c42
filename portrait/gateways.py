"""What the task gateways (xcompute, apimart, gccai) put on the wire, as data: paths, limits, statuses, errors.

Contract §8 and §4, *task gateways*. A client and the emulator share these tables; neither has a second copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from attrs import frozen

from portrait.enums import AssetType

PRIVATE_AVATAR_PATH: Final = "/seedance2/private-avatar"
REAL_AVATAR_PATH: Final = "/seedance2/real-avatar"
TASKS_PATH: Final = "/tasks"
ASSETS_PATH: Final = f"{PRIVATE_AVATAR_PATH}/assets"
GROUPS_PATH: Final = f"{PRIVATE_AVATAR_PATH}/groups"
IMAGES_PATH: Final = "/uploads/images"
"""Paths below a gateway's base URL; the library (`ASSETS_PATH`, `GROUPS_PATH`) and the upload are apimart's (D)."""

PRIVATE_AVATAR: Final = "PrivateAvatar"
REAL_AVATAR: Final = "RealAvatar"
"""What the calls that create assets are called in events, limits and logs; the addresses have no names (I)."""

BATCH: Final = 20
"""Assets of one request (D)."""

AVATAR_TASK: Final = "seedance.avatar.asset.task"
"""The `object` of a task that creates assets (D)."""

PRIVATE_TYPES: Final = (AssetType.IMAGE, AssetType.VIDEO, AssetType.AUDIO)
REAL_TYPES: Final = (AssetType.VIDEO, AssetType.IMAGE)
"""What `asset_type` may say; the first one is the default (D)."""

TaskStatus = Literal["submitted", "pending", "in_progress", "processing", "completed", "failed", "cancelled"]
FINISHED: Final = frozenset({"completed", "failed", "cancelled"})
"""The statuses at which a task ends; any other, known or not, is not finished."""

TASK_FAILED: Final = "task_failed"
"""The `code` of a failed task's `error`."""

PARTLY_FAILED: Final[Mapping[str, str]] = MappingProxyType(
    {"zh": "部分素材审核失败", "en": "Some assets failed the review"}
)
"""Its message where an asset has failed, by `?language=`: Chinese as documented (D), English is ours (I)."""


@frozen
class GatewayError:
    """One row of the gateways' table of errors.

    Attributes:
        type: The error's `type`; the set is open, the HTTP status decides.
        message: The documented text.
    """

    type: str
    message: str


ERRORS: Final[Mapping[int, GatewayError]] = MappingProxyType(
    {
        400: GatewayError("invalid_request_error", "请求参数无效"),
        401: GatewayError("authentication_error", "身份验证失败，请检查您的API密钥"),
        402: GatewayError("payment_required", "账户余额不足，请充值后再试"),
        429: GatewayError("rate_limit_error", "请求过于频繁，请稍后再试"),
        500: GatewayError("server_error", "服务器内部错误，请稍后重试"),
    }
)
"""HTTP status → the error (D). It is also the error's `code`."""

FURTHER_ERRORS: Final[Mapping[int, GatewayError]] = MappingProxyType(
    {
        403: GatewayError("permission_error", "没有权限执行此操作"),
        404: GatewayError("not_found_error", "任务不存在"),
        413: GatewayError("invalid_request_error", "请求体过大"),
        502: GatewayError("bad_gateway", "上游服务暂时不可用，请稍后重试"),
    }
)
"""The same where no text is documented: types of 403 and 502 are apimart's (D), the rest is ours (I)."""

IMAGE_LIMIT: Final = 20 * 1_048_576
IMAGE_LIFE: Final = 72 * 3600
IMAGE_FORMATS: Final = ("jpeg", "png", "webp", "gif")
"""The upload of pictures: bytes of one, seconds that its address lives, and what it may be (D)."""

WEBHOOK_PATH: Final = "/callback"
WEBHOOK_TIMEOUT: Final = 10.0
WEBHOOK_DELAYS: Final = (10.0, 30.0, 60.0)
"""A `webhook` is a base address; seconds without a 2xx until an attempt has failed, and until the next ones (D)."""
