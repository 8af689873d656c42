"""Which addresses are looked at, and what a look at a file says. Contract §3: faults told by CreateAsset itself (M).

Owns the choice and the judgement; must not fetch. An emulator is offline by default: only this machine is in reach.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from types import MappingProxyType

from emulator.domain.checks import host_of
from emulator.domain.context import Measured
from emulator.domain.verdicts import MAGIC_HOST
from portrait.media import Endpoint, Measurement, limits_for, validate


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
