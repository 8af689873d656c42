"""Idempotent outcomes: a group of a name, and files as Active assets, whatever was there before and whatever gets lost.

An asset is recognized by its content: the digest stands in its Name. So the same file twice is one asset, a second run
creates nothing, and what a lost answer left in doubt is found again by listing.
"""

from portrait.ensuring.batch import conduct
from portrait.ensuring.comparing import rejected
from portrait.ensuring.conducting import conducted, conducted_async
from portrait.ensuring.flights import Flights
from portrait.ensuring.groups import ensure_group
from portrait.ensuring.intents import Intents
from portrait.ensuring.naming import asset_name, digest_in, digest_of, sha256_start
from portrait.ensuring.options import EnsureOptions, EnsureQuery, options_of
from portrait.ensuring.outcomes import FileOutcome, FileState, How
from portrait.ensuring.settling import usable
from portrait.ensuring.sources import Content, Source, expand, identify, is_url, label, limits_of, walk
from portrait.ensuring.work import HOPELESS, Batch, Each, Give, state_of, stopped

__all__ = [
    "HOPELESS",
    "Batch",
    "Content",
    "Each",
    "EnsureOptions",
    "EnsureQuery",
    "FileOutcome",
    "FileState",
    "Flights",
    "Give",
    "How",
    "Intents",
    "Source",
    "asset_name",
    "conduct",
    "conducted",
    "conducted_async",
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
    "stopped",
    "usable",
    "walk",
]
