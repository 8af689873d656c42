"""How many cases the searching tests search: few in scripts/test, CONFORMANCE times as many in scripts/conformance.

Both are the same always. Where PORTRAIT_SEARCH asks for still more, they are random.
"""

import os

from hypothesis import HealthCheck, Phase, settings

CONFORMANCE = 4
FACTOR = int(os.environ.get("PORTRAIT_SEARCH", "1"))


def searching(examples, steps=50, *, shrinks=True):
    """Settings for a test that searches `examples` cases, of `steps` steps where it is a machine.

    Shrinking what fails can take minutes; where `shrinks` is False only the longer run does it.
    """
    shrinking = {Phase.shrink} if shrinks or FACTOR > 1 else set()
    return settings(
        phases=[Phase.explicit, Phase.generate, *shrinking],
        max_examples=examples * FACTOR,
        stateful_step_count=steps,
        derandomize=FACTOR <= CONFORMANCE,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    )
