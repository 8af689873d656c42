"""`python -m tests.s3_stub [--port N] [--fast]`: the stub as a process of its own, until its input ends.

`--fast` checks and keeps nothing, so that a benchmark measures the client. One line on stdout once it accepts.
"""

from __future__ import annotations

import argparse
import sys

from tests.s3_stub.server import S3Stub


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="s3_stub")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    more = {"keep": False, "write_pause": 0.0} if options.fast else {}
    with S3Stub(check=not options.fast, port=options.port, **more) as stub:
        print(f"s3_stub ready on {stub.url}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
