"""Downloads and measures the files behind addresses, and checks them against the limits of an endpoint.

An emulator is offline by default: only addresses of this machine are fetched. Contract §3: CreateAsset itself refuses
the faults that it can find at once (M). `download_and_measure` blocks.
"""

from __future__ import annotations

import http.client
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from tempfile import SpooledTemporaryFile
from types import MappingProxyType
from typing import Any, BinaryIO, cast
from urllib.parse import urljoin

from emulator.domain.context import Measured
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.verdicts import MAGIC_HOST
from portrait.errors import UsageError
from portrait.media import MB, Endpoint, Measurement, limits_for, measure, validate
from portrait.urls import HttpUrl, is_loopback_address, parse_http_url

_LOG = logging.getLogger("emulator")

# The largest file that CreateAsset takes is a video of 200 MB (contract §5); one byte more is enough to see a larger.
_LIMIT = int(max(limits.size.high or 0 for limits in limits_for("alltoken").values())) + 1
_IN_MEMORY = 8 * MB
_CHUNK = 262_144
_SECONDS = 15.0  # without a byte
_TOTAL_SECONDS = 30.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5


# The setting `fetch` → may the file behind an address be fetched?
FETCH_POLICIES: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "never": lambda _: False,
        "loopback": lambda url: parse_http_url(url).is_loopback,
        "always": lambda url: parse_http_url(url).host != MAGIC_HOST,
    }
)


def check_media(found: Measurement | None, kind: str, endpoint: Endpoint = "CreateAsset") -> Measured:
    """The violations and the length of a file of the declared `kind`; none for a file that was not measured."""
    if found is None:
        return Measured()
    wrong = validate(found, limits_for("alltoken", endpoint=endpoint), kind)
    return Measured(tuple((violation.code, violation.rule) for violation in wrong), found.duration)


def download_and_measure(url: str, may_fetch: Callable[[str], bool]) -> Measurement | None:
    """Fetch and measure a file, by redirects too.

    Args:
        url: Its address, which may be fetched.
        may_fetch: Which others may be: one of `FETCH_POLICIES`.

    Returns:
        None where nothing can be said: of a clip where the extra that opens clips is not installed, and of a file that
        is redirected to where nothing may be fetched.

    Raises:
        Refusal: `DownloadFailed`: it cannot be fetched. Contract §3 (M).
    """
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as spooled:
        file = cast("BinaryIO", spooled)
        for _ in range(_MOST_REDIRECTS + 1):
            location = _download(parse_http_url(url), file)
            if location is None:
                return _measure(file)
            if not may_fetch(location):
                return None
            url = location
    raise _failed(f"it is redirected more than {_MOST_REDIRECTS} times")


def _measure(file: BinaryIO) -> Measurement | None:
    try:
        return measure(file)
    except UsageError as error:
        _LOG.warning("A file is taken unmeasured. %s", error)
        return None


def _download(url: HttpUrl, file: BinaryIO) -> str | None:
    """Fetch what is behind an address; the result is where it leads instead, None where it leads nowhere else."""
    import urllib3  # noqa: PLC0415 - not needed until an address is fetched

    for address in addresses_of(url):
        connection: urllib3.connection.HTTPConnection
        if url.scheme == "https":
            connection = urllib3.connection.HTTPSConnection(
                address, url.port, timeout=_SECONDS, server_hostname=url.host, assert_hostname=url.host
            )
        else:
            connection = urllib3.connection.HTTPConnection(address, url.port, timeout=_SECONDS)
        try:
            with closing(connection):
                connection.connect()
                with _cut_off(connection, _TOTAL_SECONDS):
                    return _read(connection, url, file)
        except urllib3.exceptions.NewConnectionError:
            continue  # nobody listens there; a name may have several addresses
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            raise _failed("the server did not answer") from error
    raise _failed("the server did not answer")


@contextmanager
def _cut_off(connection: Any, seconds: float) -> Iterator[None]:
    """End a connection after that time, however slowly its bytes arrive.

    Raises:
        Refusal: It did.
    """
    ended = threading.Event()
    sock = connection.sock  # the connection lets go of it once the answer has begun

    def end() -> None:
        ended.set()
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if ended.is_set():
            raise _failed(f"it took more than {seconds:g} seconds")


def _read(connection: Any, url: HttpUrl, file: BinaryIO) -> str | None:
    connection.request("GET", url.target, headers={"Host": url.netloc}, preload_content=False, decode_content=False)
    with connection.getresponse() as response:
        if response.status in _REDIRECTS and (location := response.headers.get("Location")):
            return _absolute(url, location)
        if response.status != 200:
            raise _failed(f"the server answered with HTTP status {response.status}")
        for piece in response.stream(_CHUNK):
            file.write(piece[: _LIMIT - file.tell()])
            if file.tell() >= _LIMIT:
                break
    return None


def _absolute(url: HttpUrl, location: str) -> str:
    """Where a redirect leads, as an address that can be judged."""
    try:
        target = urljoin(f"{url.scheme}://{url.netloc}{url.target}", location)
        parse_http_url(target)
    except ValueError as error:
        raise _failed("it is redirected to no http or https address") from error
    return target


def addresses_of(url: HttpUrl) -> list[str]:
    """The IP addresses to connect to, looked up once; for a name of this machine its loopback addresses only."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise _failed("its host is not known") from error
    if not url.is_loopback:
        return found
    local = [address for address in found if is_loopback_address(address)]
    if not local:
        raise _failed("its host is not on this machine")
    return local


def _failed(why: str) -> Refusal:
    """The refusal of a download: the vendor's text (M), and the cause for the user of the emulator."""
    message = f"Failed to download media from the provided URL: {why}."
    return Refusal(Reason.MEDIA_REJECTED, field="URL", detail="DownloadFailed", message=message)
