"""The limits that a client sets itself: `pace=`."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from portrait.actions import ACTIONS
from portrait.arguments import check_arguments, number
from portrait.errors import UsageError
from portrait.gateways import PRIVATE_AVATAR, REAL_AVATAR

PACE = number("calls per second above zero", above=0)
UPLOAD = "upload"  # the gateway's upload is no Action, and may be paced like one


@frozen
class Limit:
    """One limit of `pace=`.

    Attributes:
        name: Under which a `PaceTable` has its turns, apart from what is learnt of the Action.
        interval: Seconds between two turns.
    """

    name: str
    interval: float


class RateLimiter:
    """Says how far apart calls are; a `PaceTable` gives them their turns.

    Args:
        rates: One number for all calls together, or one for each Action; an Action that is not named is not limited.

    Raises:
        UsageError: A rate is not above zero, or the name is of no Action.
    """

    def __init__(self, rates: float | Mapping[str, float]) -> None:
        self._global = not isinstance(rates, Mapping)
        named = dict(rates) if isinstance(rates, Mapping) else {"": rates}
        for rate in named.values():
            check_arguments({"pace": PACE}, {"pace": rate})
        unknown = set(named) - set(ACTIONS) - {UPLOAD, PRIVATE_AVATAR, REAL_AVATAR, ""}
        if unknown:
            raise UsageError(f"pace= names no Action: {', '.join(sorted(unknown))}.")
        self._limits = {name: Limit(f"pace={name}", 1 / rate) for name, rate in named.items()}

    def limit(self, action: str) -> Limit | None:
        """The limit of an Action; None without one."""
        return self._limits.get("" if self._global else action)
