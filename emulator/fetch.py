"""Files behind addresses: which of them may be fetched, fetching and measuring one, and what is wrong with it.

An emulator is offline by default: only addresses of this machine are fetched. Contract §3: CreateAsset itself refuses
the faults that it can find at once (M). `download_and_measure` blocks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from tempfile import SpooledTemporaryFile
from types import MappingProxyType
from typing import BinaryIO, cast

from emulator.domain.checks import host_of
from emulator.domain.context import Measured
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.verdicts import MAGIC_HOST
from portrait.errors import UsageError
from portrait.media import MB, Endpoint, Measurement, limits_for, measure, validate

_LOG = logging.getLogger("emulator")

# The largest file that CreateAsset takes is a video of 200 MB (contract §5); one byte more is enough to see a larger.
_LIMIT = int(max(limits.size.high or 0 for limits in limits_for("alltoken").values())) + 1
_IN_MEMORY = 8 * MB
_CHUNK = 262_144
_SECONDS = 15.0


def _on_this_machine(url: str) -> bool:
    host = host_of(url)
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if not (":" in host or host[-1:].isdigit()):  # a name; to hear that from `ip_address` takes long
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


# The setting `fetch` → may the file behind an address be fetched?
FETCH_POLICIES: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "never": lambda _: False,
        "loopback": _on_this_machine,
        "always": lambda url: host_of(url) != MAGIC_HOST,
    }
)


def check_media(found: Measurement | None, kind: str, endpoint: Endpoint = "CreateAsset") -> Measured:
    """What is wrong with a file of which somebody says that it is a `kind`; nothing, where nobody looked."""
    if found is None:
        return Measured()
    wrong = validate(found, limits_for("alltoken", endpoint=endpoint), kind)
    return Measured(tuple((violation.code, violation.message) for violation in wrong))


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
    return Refusal(Reason.MEDIA_REJECTED, field="URL", detail="DownloadFailed", message=message)
