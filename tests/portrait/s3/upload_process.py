"""`python -m tests.portrait.s3.upload_process ENDPOINT STATE FILE…`: a process that uploads files, to be killed.

It prints a line for each file that it stored: the key, and whether it existed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from portrait.s3 import ObjectStore
from portrait.s3.parts import MIN_PART_BYTES
from tests.s3_stub import ACCESS_KEY, SECRET_KEY


def main(endpoint: str, state: str, *files: str) -> None:
    """Store the files."""
    with ObjectStore(
        "s3://portraits/faces",
        endpoint_url=endpoint,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        state=state,
        part_size=MIN_PART_BYTES,
        concurrency=2,
    ) as store:
        for file in files:
            stored = store.put(Path(file))
            print(stored.key, stored.existed, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
