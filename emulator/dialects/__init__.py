"""How the emulator words its answers, by dialect; the client's half is `portrait.dialects`."""

from collections.abc import Mapping
from types import MappingProxyType

from emulator.dialects.alltoken import ALLTOKEN
from emulator.dialects.ark import ARK
from emulator.dialects.dialect import ErrorSpec, ServerDialect
from emulator.domain.reasons import Reason

DIALECTS: Mapping[str, ServerDialect] = MappingProxyType({dialect.name: dialect for dialect in (ALLTOKEN, ARK)})

# A code that several dialects or reasons share stands for the last reason of the first dialect. Codes with a gap are
# left out: what fills it is the detail of a reason.
REASONS_BY_CODE: Mapping[str, Reason] = MappingProxyType(
    {
        row.code: reason
        for dialect in (ARK, ALLTOKEN)
        for reason, row in dialect.errors.items()
        if "{" not in row.code and reason is not Reason.INVALID_FIELD
    }
)

__all__ = ["ALLTOKEN", "ARK", "DIALECTS", "REASONS_BY_CODE", "ErrorSpec", "ServerDialect"]
