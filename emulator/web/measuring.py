"""Fetching the file behind an address and measuring it, within limits: by default from this machine only.

Runs blocking; whoever must not block calls it on a thread. It knows nothing of what is done with a measurement.
"""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Literal
from urllib.parse import urlsplit

from emulator.web.head import is_loopback
from portrait.media import Measurement, measure
from portrait.reasons import Reason, Refusal

# The largest file that CreateAsset takes is a video of 200 MB (contract §5); one byte more is enough to see a larger.
_LIMIT = 200 * 1_048_576 + 1
_IN_MEMORY = 8 * 1_048_576
_CHUNK = 262_144
_SECONDS = 15.0


class Measuring:
    """Measures what is behind an address.

    Args:
        fetch: Whose addresses are fetched: nobody's, this machine's, or all.
    """

    def __init__(self, fetch: Literal["never", "loopback", "always"]) -> None:
        self._fetch = fetch

    def __call__(self, url: str) -> Measurement | None:
        """Fetch and measure; None where fetching this address is off.

        Raises:
            Refusal: It cannot be fetched.
        """
        local = is_loopback(urlsplit(url).netloc.rpartition("@")[2])
        if self._fetch == "never" or (self._fetch == "loopback" and not local):
            return None
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            _fetch(url, file)  # type: ignore[arg-type]  # it has what a binary file has
            return measure(file)  # type: ignore[arg-type]


def _fetch(url: str, file: BinaryIO) -> None:
    import urllib3  # noqa: PLC0415 - not needed until an address is fetched

    # A redirect could lead off this machine, so it is not followed.
    with urllib3.PoolManager(timeout=_SECONDS, retries=False) as pool:
        try:
            answer = pool.request("GET", url, redirect=False, preload_content=False)
            with answer:
                if answer.status != 200:
                    raise _failed(f"the server answered with HTTP status {answer.status}")
                for piece in answer.stream(_CHUNK):
                    file.write(piece[: _LIMIT - file.tell()])
                    if file.tell() >= _LIMIT:
                        break
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise _failed("the server did not answer") from error


def _failed(why: str) -> Refusal:
    """The message of contract §4 (M), and why, since a developer is looking."""
    return Refusal(
        Reason.MEDIA_REJECTED, field="URL", detail="DownloadFailed",
        why=f"Failed to download media from the provided URL: {why}.",
    )  # fmt: skip
