"""Who answers: each provider's address, credentials, limits, model names and environment, as data.

A provider names its dialect; the dialects are in `portrait.dialects`. Nothing here is looked up from the
environment: `portrait.options` does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from attrs import field, frozen

from portrait.errors import UsageError
from portrait.video_models import asset_models


class Credential(StrEnum):
    """What a provider takes as proof."""

    BEARER = "a Bearer key"
    SIGNED = "an access key and a secret key"


class Capability(StrEnum):
    """What some providers can do and others cannot; its value completes "… can" and "… cannot"."""

    LIBRARY = "list, read, rename and delete assets and groups"
    FILES = "take files that have no public address"
    WEBHOOK = "report the end of a task to webhook="
    LENGTH_TIERS = "limit the length of clips by model="


@frozen(kw_only=True)
class Provider:
    """One provider. Contract §1, first table.

    Attributes:
        name: What users say.
        title: What people read.
        dialect: Its dialect: `alltoken`, `ark` or `tasks`.
        base_url: Where it answers; None where it publishes no host and the caller must give one.
        credential: What it takes as proof.
        region: For signed requests.
        service: For signed requests.
        token_life: Seconds that a BytedToken lives.
        link_holds_token: Whether the BytedToken stands in the H5Link. Contract §3 (M).
        data_url: Where videos are generated, if that is an address of its own, called with a Bearer key.
        key_variables: Environment variables that may hold its Bearer key, besides `PORTRAIT_API_KEY`.
        rates: Documented calls per second by Action.
        list_items: How many items lists give in a row before the account is throttled; None where no limit is known.
        tiers: CreateAsset calls per minute of an account, by the name of its plan.
        group_quota: Active groups of a customer; None where it depends on the plan.
        asset_quota: Assets of a group; None where it depends on the plan.
        video_models: Models that take `asset://`.
        capabilities: What it can do that others cannot.
        shares_assets: Whether assets of another account may be used, if that one allowed it, though not read.
    """

    name: str
    title: str
    dialect: str
    base_url: str | None
    credential: Credential = Credential.BEARER
    region: str = "cn-beijing"
    service: str = "ark"
    token_life: float = 120.0
    link_holds_token: bool = True
    data_url: str | None = None
    key_variables: tuple[str, ...] = ()
    rates: Mapping[str, float] = field(factory=dict)
    tiers: Mapping[str, int] = field(factory=dict)
    list_items: int | None = None
    video_models: tuple[str, ...] = ()
    capabilities: frozenset[Capability] = frozenset({Capability.LIBRARY})
    shares_assets: bool = False
    group_quota: int | None = None
    asset_quota: int | None = None

    def can(self, capability: Capability) -> bool:
        """Whether it can do that."""
        return capability in self.capabilities

    def require(self, capability: Capability, advice: str) -> None:
        """Refuse, before anything is sent, what the provider cannot do.

        Args:
            capability: What is needed.
            advice: What to do instead.

        Raises:
            UsageError: It cannot.
        """
        if capability not in self.capabilities:
            raise UsageError(f"{self.title} cannot {capability}.", advice=advice)

    def rates_of(self, tier: str) -> Mapping[str, float]:
        """Calls per second by Action for an account of that plan, creates spread evenly.

        Raises:
            KeyError: The provider has no such plan.
        """
        return {**self.rates, "CreateAsset": self.tiers[tier] / 60}


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
# Contract §6, "ark tiers" (M).
_ARK_TIERS = {"entry": 3, "advanced": 120, "premium": 300}

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
                video_models=asset_models("alltoken"),
                group_quota=50,  # contract §6 (D)
                asset_quota=50,  # contract §6, the guide's reading (D)
                capabilities=frozenset({Capability.LIBRARY, Capability.FILES}),
                tiers=_ARK_TIERS,  # its accounts are Ark's
            ),
            Provider(
                name="volcengine",
                title="Volcengine",
                dialect="ark",
                base_url="https://ark.cn-beijing.volcengineapi.com",
                data_url="https://ark.cn-beijing.volces.com/api/v3",  # contract §7 (D)
                credential=Credential.SIGNED,
                key_variables=("ARK_API_KEY",),
                rates=_ARK_RATES,
                list_items=500,  # contract §6 (M)
                tiers=_ARK_TIERS,
                video_models=asset_models("volcengine"),
                shares_assets=True,  # contract §7 (D)
            ),
            Provider(
                name="byteplus",
                title="BytePlus",
                dialect="ark",
                base_url="https://ark.ap-southeast-1.byteplusapi.com",
                credential=Credential.SIGNED,
                data_url="https://ark.ap-southeast.bytepluses.com/api/v3",  # contract §7 (D)
                region="ap-southeast-1",
                token_life=1800.0,  # contract §10.3 (M)
                link_holds_token=False,
                key_variables=("ARK_API_KEY",),
                rates=_ARK_RATES,
                list_items=500,  # contract §6 (M)
                tiers=_ARK_TIERS,
                video_models=asset_models("byteplus"),
                shares_assets=True,  # contract §7 (D)
            ),
            Provider(
                name="xcompute",
                title="xcompute",
                dialect="tasks",
                base_url="https://xcompute.us/v1",
                video_models=asset_models("xcompute"),
                capabilities=frozenset(),
            ),
            Provider(
                name="apimart",
                title="apimart",
                dialect="tasks",
                base_url="https://api.apimart.ai/v1",
                video_models=asset_models("apimart"),
                capabilities=frozenset(Capability),  # contract §8, apimart's library and webhook (D)
            ),
            Provider(
                name="gccai",
                title="gccai",
                dialect="tasks",
                base_url=None,
                video_models=asset_models("gccai"),
                capabilities=frozenset(),
            ),
        )
    }
)
