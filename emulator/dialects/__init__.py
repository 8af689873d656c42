"""How the emulator words its answers, by dialect; the client's half is `portrait.dialects`."""

from collections.abc import Mapping
from types import MappingProxyType

from emulator.dialects.alltoken import ALLTOKEN
from emulator.dialects.ark import ARK
from emulator.dialects.dialect import ErrorSpec, ServerDialect

DIALECTS: Mapping[str, ServerDialect] = MappingProxyType({dialect.name: dialect for dialect in (ALLTOKEN, ARK)})

__all__ = ["ALLTOKEN", "ARK", "DIALECTS", "ErrorSpec", "ServerDialect"]
