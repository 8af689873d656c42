"""Working sets inside of a quota: assets that are leased by several workers, who share the slots of one group."""

from portrait.pool.client import AssetLease, AssetPool, AsyncAssetLease, AsyncAssetPool
from portrait.pool.prune import UnusedPool
from portrait.pool.rules import PoolStatus

__all__ = ["AssetLease", "AssetPool", "AsyncAssetLease", "AsyncAssetPool", "PoolStatus", "UnusedPool"]
