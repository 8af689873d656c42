"""The dialects in which the emulator answers the 12 Actions; the client's half is `portrait.dialects`."""

from collections.abc import Mapping
from types import MappingProxyType

from emulator.dialects.alltoken import ALLTOKEN
from emulator.dialects.ark import ARK
from emulator.dialects.dialect import ErrorSpec, ServerDialect
from emulator.domain.reasons import FURTHER_REASONS, Reason

DIALECTS: Mapping[str, ServerDialect] = MappingProxyType({dialect.name: dialect for dialect in (ALLTOKEN, ARK)})

# A code that several dialects or reasons share stands for the last reason that an Action can have, of the first
# dialect. Codes with a gap are left out: what fills it is the detail of a reason.
REASONS_BY_CODE: Mapping[str, Reason] = MappingProxyType(
    {
        row.code: reason
        for dialect in (ARK, ALLTOKEN)
        for reason, row in sorted(dialect.errors.items(), key=lambda row: row[0] not in FURTHER_REASONS)
        if "{" not in row.code and reason is not Reason.INVALID_FIELD
    }
)

__all__ = ["ALLTOKEN", "ARK", "DIALECTS", "REASONS_BY_CODE", "ErrorSpec", "ServerDialect"]
