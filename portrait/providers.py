"""Who answers: each provider's address, credentials, limits, model names and environment, as data.

A provider names its dialect; how that dialect speaks is in `portrait.dialects`. Nothing here is looked up from the
environment: `portrait.options` does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from attrs import field, frozen


class Credential(Enum):
    """What a provider takes as proof."""

    BEARER = "a Bearer key"
    SIGNED = "an access key and a secret key"


@frozen(kw_only=True)
class Provider:
    """One provider. Contract §1, first table.

    Attributes:
        name: What users say.
        title: What people read.
        dialect: How it speaks: `alltoken`, `ark` or `tasks`.
        base_url: Where it answers; None where it publishes no host and the caller must give one.
        credential: What it takes as proof.
        region: For signed requests.
        key_variables: Environment variables that may hold its key, besides `PORTRAIT_API_KEY`.
        rates: Documented calls per second by Action.
        group_quota: Active groups of a customer; None where it depends on the plan.
        asset_quota: Assets of a group; None where it depends on the plan.
        video_models: Models that take `asset://`.
    """

    name: str
    title: str
    dialect: str
    base_url: str | None
    credential: Credential = Credential.BEARER
    region: str = "cn-beijing"
    key_variables: tuple[str, ...] = ()
    rates: Mapping[str, float] = field(factory=dict)
    video_models: tuple[str, ...] = ()
    group_quota: int | None = None
    asset_quota: int | None = None


# Contract §6, "ark QPS" (D).
_ARK_RATES = {
    "CreateVisualValidateSession": 3.0,
    "GetVisualValidateResult": 3.0,
    "GetAsset": 100.0,
    "ListAssets": 10.0,
    "UpdateAsset": 10.0,
    "DeleteAsset": 10.0,
    "GetAssetGroup": 10.0,
    "ListAssetGroups": 10.0,
    "UpdateAssetGroup": 10.0,
    "DeleteAssetGroup": 5.0,
    "CreateAssetGroup": 10.0,
}
_TASK_MODELS = (
    "doubao-seedance-2.0",
    "doubao-seedance-2.0-fast",
    "doubao-seedance-2.0-face",
    "doubao-seedance-2.0-fast-face",
)

PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        provider.name: provider
        for provider in (
            Provider(
                name="alltoken",
                title="AllToken",
                dialect="alltoken",
                base_url="https://api.alltoken.ai/v1",
                key_variables=("ALLTOKEN_API_KEY",),
                video_models=("seedance-2.0", "seedance-2.0-fast"),
                group_quota=50,  # contract §6 (D)
                asset_quota=50,  # contract §6, the guide's reading (D)
            ),
            Provider(
                name="volcengine",
                title="Volcengine",
                dialect="ark",
                base_url="https://ark.cn-beijing.volcengineapi.com",
                credential=Credential.SIGNED,
                rates=_ARK_RATES,
                video_models=("doubao-seedance-2-0-260128", "doubao-seedance-2-0-fast-260128"),
            ),
            Provider(
                name="byteplus",
                title="BytePlus",
                dialect="ark",
                base_url="https://ark.ap-southeast-1.byteplusapi.com",
                credential=Credential.SIGNED,
                region="ap-southeast-1",
                rates=_ARK_RATES,
                video_models=("dreamina-seedance-2-0-260128", "dreamina-seedance-2-0-fast-260128"),
            ),
            Provider(
                name="xcompute",
                title="xcompute",
                dialect="tasks",
                base_url="https://xcompute.us/v1",
                video_models=_TASK_MODELS,
            ),
            Provider(
                name="apimart",
                title="apimart",
                dialect="tasks",
                base_url="https://api.apimart.ai/v1",
                video_models=_TASK_MODELS,
            ),
            Provider(
                name="gccai", title="gccai", dialect="tasks", base_url=None, video_models=("doubao-seedance-2.0",)
            ),
        )
    }
)
