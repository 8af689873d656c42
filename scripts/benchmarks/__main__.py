"""Measure, and print the table: `scripts/bench [--quick] [--only a,b] [--json FILE]`.
`scripts/bench --compare OLD NEW` compares two such files. Exit status 1 if a figure misses its least.

Everything is compared on this machine in this run, in turn, over several rounds; a ratio is the median of the rounds'.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from scripts.benchmarks import (
    client_calls,
    files,
    large_customer,
    media,
    pool_cost,
    server_calls,
    signed_calls,
    startup,
    state_cost,
    stateful_tests,
    store_cost,
    store_size,
    testing,
    watch,
)
from scripts.benchmarks.compare import compare
from scripts.benchmarks.report import Figure, table

# Letter → what measures it, and how many rounds it takes.
_FIGURES: Mapping[str, tuple[Callable[[int], Iterator[Figure]], int]] = {
    "a": (server_calls.measure, 15),
    "b": (client_calls.measure, 99),
    "c": (startup.measure_servers, 7),
    "d": (startup.measure_imports, 15),
    "e": (store_size.measure, 51),
    "f": (watch.measure, 1),
    "g": (testing.measure, 3),
    "tests": (stateful_tests.measure, 3),
    "h": (signed_calls.measure, 15),
    "large": (large_customer.measure, 1),
    "files": (files.measure, 7),
    "media": (media.measure, 7),
    "state": (state_cost.measure, 300),
    "pool": (pool_cost.measure, 300),
    "store": (store_cost.measure, 5),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure speed and size on this machine.")
    parser.add_argument("--quick", action="store_true", help="a third of the rounds")
    parser.add_argument("--only", metavar="a,b", default=",".join(_FIGURES), help="these figures only")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write a line of JSON for each figure as well")
    parser.add_argument("--compare", metavar=("OLD", "NEW"), nargs=2, type=Path, help="two such files; measure nothing")
    options = parser.parse_args()
    if options.compare:
        return compare(*options.compare)
    names = options.only.split(",")
    if unknown := sorted(set(names) - set(_FIGURES)):
        parser.error(f"there is no figure {', '.join(unknown)}; there are {', '.join(_FIGURES)}")
    found: list[Figure] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr)
        measure, rounds = _FIGURES[name]
        found += measure(max(1, rounds // 3) if options.quick else rounds)
        if options.json is not None:
            options.json.write_text("".join(f"{figure.to_json()}\n" for figure in found), encoding="utf-8")
    print("\n".join(table(found)))
    return 0 if all(figure.holds for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
