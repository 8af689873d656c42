"""How long the searching tests search: a short deterministic run always, a long random one where the environment asks.

`PORTRAIT_LONG_TESTS=1` is what the conformance run sets. Knows no test.
"""

import os

from hypothesis import HealthCheck, Phase, settings

LONG = bool(os.environ.get("PORTRAIT_LONG_TESTS"))


def searching(examples, steps=50, *, shrinks=True):
    """Settings for a test that searches `examples` cases, of `steps` steps where it is a machine.

    Shrinking what fails can take minutes; where `shrinks` is False only the long run does it.
    """
    shrinking = {Phase.shrink} if shrinks or LONG else set()
    return settings(
        phases=[Phase.explicit, Phase.generate, *shrinking],
        max_examples=examples * 20 if LONG else examples,
        stateful_step_count=steps * 2 if LONG else steps,
        derandomize=not LONG,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    )
