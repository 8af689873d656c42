"""Idempotent outcomes: a group of a name, and files as Active assets, whatever was there before and whatever gets lost.

An asset is recognized by its content: the digest stands in its Name. So the same file twice is one asset, a second run
creates nothing, and what a lost answer left in doubt is found again by listing.
"""

from portrait.ensuring.batch import Batch, Each, Give, conduct
from portrait.ensuring.conducting import conducted, conducted_async
from portrait.ensuring.flights import Flights
from portrait.ensuring.groups import ensure_group
from portrait.ensuring.intents import Intents
from portrait.ensuring.naming import asset_name, digest_of
from portrait.ensuring.options import EnsureOptions, EnsureQuery, options_of
from portrait.ensuring.outcomes import FileOutcome, FileState
from portrait.ensuring.sources import Source, expand, walk

__all__ = [
    "Batch",
    "Each",
    "EnsureOptions",
    "EnsureQuery",
    "FileOutcome",
    "FileState",
    "Flights",
    "Give",
    "Intents",
    "Source",
    "asset_name",
    "conduct",
    "conducted",
    "conducted_async",
    "digest_of",
    "ensure_group",
    "expand",
    "options_of",
    "walk",
]
