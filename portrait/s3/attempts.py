"""One request, sent again where that can help: which failures pass by themselves, how often and after what pause.

It owns the number of attempts and the pauses between them. It must never know what a request is about: every request of
this package may be repeated, because keys are made of content.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from portrait.s3.failures import PASSING, retry_after, translate
from portrait.s3.stopping import StopFlag

T = TypeVar("T")
ATTEMPTS = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 20.0
"""Seconds; a pause doubles from the first to the longest, and half of it is left to chance."""


class Attempts:
    """Sends requests, up to five times each; safe for use by many threads."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def __call__(
        self, operation: str, call: Callable[[], T], stop: StopFlag, *, happened: Callable[[], T | None] | None = None
    ) -> T:
        """Make a call, up to five times where the failure may pass by itself.

        Args:
            operation: Its name, for the error.
            call: Sends it.
            stop: Cuts a pause short.
            happened: Looks, before another attempt, whether the one whose answer was lost took effect.

        Raises:
            StorageError: It was refused, or failed at every attempt.
            UploadInterrupted: Somebody asked to stop.
        """
        for attempt in range(1, ATTEMPTS + 1):
            stop.check()
            try:
                return call()
            except Exception as error:
                stop.check()
                failure = translate(error, operation)
                if not isinstance(failure, PASSING) or attempt == ATTEMPTS:
                    raise failure from error
                pause = min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE) * (0.5 + self._chance.random() / 2)
                asked = retry_after(error)
            stop.pause(pause if asked is None else max(pause, min(asked, _LONGEST_PAUSE)))
            if happened is not None and (outcome := happened()) is not None:
                return outcome
        raise AssertionError("unreachable")
