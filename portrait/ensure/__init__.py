"""Idempotent outcomes: a group of a name, and files as Active assets, whatever was there before and whatever gets lost.

An asset is recognized by its content: the digest stands in its Name. So the same file twice is one asset, a second run
creates nothing, and what a lost answer left in doubt is found again by listing.
"""

from portrait.ensure.batch import conduct
from portrait.ensure.create_log import CreateLog
from portrait.ensure.groups import ensure_group
from portrait.ensure.naming import asset_name, digest_in, digest_of, sha256_start
from portrait.ensure.options import EnsureOptions, EnsureQuery, options_of
from portrait.ensure.outcomes import FileOutcome, FileState, Origin
from portrait.ensure.plan import rejected
from portrait.ensure.reconcile import usable
from portrait.ensure.sources import Content, Source, expand, identify, is_url, label, limits_of, walk
from portrait.ensure.state import HOPELESS, Batch, state_of
from portrait.single_flight import SingleFlight

__all__ = [
    "HOPELESS",
    "Batch",
    "Content",
    "CreateLog",
    "EnsureOptions",
    "EnsureQuery",
    "FileOutcome",
    "FileState",
    "Origin",
    "SingleFlight",
    "Source",
    "asset_name",
    "conduct",
    "digest_in",
    "digest_of",
    "ensure_group",
    "expand",
    "identify",
    "is_url",
    "label",
    "limits_of",
    "options_of",
    "rejected",
    "sha256_start",
    "state_of",
    "usable",
    "walk",
]
