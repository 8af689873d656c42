"""A script that prints the asset:// address of each picture; it knows nothing of an emulator."""

import sys

from portrait import PortraitClient


def main(sources):
    """Every picture ends in a line; the result is the exit code."""
    with PortraitClient.from_env() as client:
        group = client.ensure_group("brand-hosts")
        outcomes = list(client.ensure_assets(sources, group_id=group.id))
    for outcome in outcomes:
        print(outcome.source, outcome.error or outcome.uri)
    return int(any(outcome.error for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
