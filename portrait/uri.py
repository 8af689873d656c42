"""`asset://` addresses: what Seedance takes in the place of a file (contract §1, *Identifiers*; §7)."""

from __future__ import annotations


def asset_uri(asset_id: str) -> str:
    """`asset://<id>` for an asset's id, or for what is such an address already."""
    return f"asset://{bare_id(asset_id)}"


def bare_id(asset_id: str) -> str:
    """The id in `asset://<id>`. Capitals of the prefixes are taken from users and not passed on (M)."""
    bare = asset_id[8:] if asset_id[:8].lower() == "asset://" else asset_id
    return "asset-" + bare[6:] if bare[:6].lower() == "asset-" else bare
