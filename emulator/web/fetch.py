"""Fetching the file behind an address and measuring it.

Owns the limits of a fetch; whose addresses are fetched, and what a measurement leads to, is the service's to say. It
blocks: whoever must not, calls it on a thread.
"""

from __future__ import annotations

import logging
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from portrait.errors import UsageError
from portrait.media import MB, Measurement, limits_for, measure
from portrait.reasons import Reason, Refusal

_LOG = logging.getLogger("emulator.web")

# The largest file that CreateAsset takes is a video of 200 MB (contract §5); one byte more is enough to see a larger.
_LIMIT = int(max(limits.size.high or 0 for limits in limits_for("alltoken").values())) + 1
_IN_MEMORY = 8 * MB
_CHUNK = 262_144
_SECONDS = 15.0


def download_and_measure(url: str) -> Measurement | None:
    """Fetch and measure; None for a clip where the extra that opens clips is not installed.

    Raises:
        Refusal: `DownloadFailed`: it cannot be fetched. Contract §3 (M).
    """
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as spooled:
        file = cast("BinaryIO", spooled)
        _download(url, file)
        try:
            return measure(file)
        except UsageError as error:
            _LOG.warning("A file is taken unmeasured. %s", error)
            return None


def _download(url: str, file: BinaryIO) -> None:
    import urllib3  # noqa: PLC0415 - not needed until an address is fetched

    with urllib3.PoolManager(timeout=_SECONDS, retries=False) as pool:
        try:
            # A redirect could lead off this machine, so it is not followed.
            with pool.request("GET", url, redirect=False, preload_content=False) as answer:
                if answer.status != 200:
                    raise _failed(f"the server answered with HTTP status {answer.status}")
                for piece in answer.stream(_CHUNK):
                    file.write(piece[: _LIMIT - file.tell()])
                    if file.tell() >= _LIMIT:
                        break
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise _failed("the server did not answer") from error


def _failed(why: str) -> Refusal:
    """The first words are the vendor's (M); why it failed helps whoever runs an emulator."""
    message = f"Failed to download media from the provided URL: {why}."
    return Refusal(Reason.MEDIA_REJECTED, field="URL", detail="DownloadFailed", why=message)
