"""`asset://` addresses: what Seedance takes in the place of a file (contract §1, *Identifiers*; §7)."""

from __future__ import annotations

from portrait.errors import UsageError


def asset_uri(asset_id: str) -> str:
    """`asset://<id>` for an asset's id, or for what is such an address already.

    Raises:
        UsageError: It is empty, has a space, or is a group's id.
    """
    bare = parse_asset_id(asset_id)
    if not bare or any(c.isspace() for c in bare) or bare.startswith("group-"):
        raise UsageError(f"{asset_id!r} is not the id of an asset.", advice="It looks like asset-… or asset://asset-….")
    return f"asset://{bare}"


def parse_asset_id(asset_id: str) -> str:
    """The id in `asset://<id>`. Capitals of the prefixes are taken from users and not passed on (M)."""
    if not isinstance(asset_id, str):
        raise UsageError(f"The id of an asset is a string, not {asset_id!r}.")
    bare = asset_id[8:] if asset_id[:8].lower() == "asset://" else asset_id
    return "asset-" + bare[6:] if bare[:6].lower() == "asset-" else bare
