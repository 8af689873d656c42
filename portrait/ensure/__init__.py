"""Idempotent outcomes: a group of a name, and files as Active assets, whatever was there before and whatever gets lost.

An asset is recognized by its content: the digest stands in its Name. So the same file twice is one asset, a second run
creates nothing, and a create whose answer was lost is found by listing.
"""

from portrait.ensure.apply import ensure_assets
from portrait.ensure.batch import (
    EnsureOptions,
    EnsureQuery,
    FileOutcome,
    FileState,
    Origin,
    parse_options,
    rejection,
    state_of_error,
    stops_other_groups,
)
from portrait.ensure.content import Content, media_error, parse_digest, sha256_prefix, short_digest
from portrait.ensure.erase import (
    ErasureOptions,
    ErasureOutcome,
    ErasurePlan,
    ErasureQuery,
    erase_group,
    find_erasure,
    parse_erasure_options,
    plan_erasure,
)
from portrait.ensure.groups import check_group_name, ensure_group, leftovers
from portrait.ensure.plan import AssetPlan, PlanEntry, Verdict, check_group, plan_assets
from portrait.ensure.sources import (
    Source,
    Sources,
    display_name,
    expand_sources,
    identify,
    is_url,
    list_files,
    list_skipped,
)

__all__ = [
    "AssetPlan",
    "Content",
    "EnsureOptions",
    "EnsureQuery",
    "ErasureOptions",
    "ErasureOutcome",
    "ErasurePlan",
    "ErasureQuery",
    "FileOutcome",
    "FileState",
    "Origin",
    "PlanEntry",
    "Source",
    "Sources",
    "Verdict",
    "check_group",
    "check_group_name",
    "display_name",
    "ensure_assets",
    "ensure_group",
    "erase_group",
    "expand_sources",
    "find_erasure",
    "identify",
    "is_url",
    "leftovers",
    "list_files",
    "list_skipped",
    "media_error",
    "parse_digest",
    "parse_erasure_options",
    "parse_options",
    "plan_assets",
    "plan_erasure",
    "rejection",
    "sha256_prefix",
    "short_digest",
    "state_of_error",
    "stops_other_groups",
]
