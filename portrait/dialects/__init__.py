"""The dialects of the providers: `DIALECTS` has those that carry the 12 Actions; the task gateways have their own."""

from collections.abc import Mapping
from types import MappingProxyType

from portrait.dialects.alltoken import ALLTOKEN
from portrait.dialects.ark import ARK
from portrait.dialects.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = MappingProxyType({dialect.name: dialect for dialect in (ALLTOKEN, ARK)})

__all__ = ["ALLTOKEN", "ARK", "DIALECTS", "Dialect"]
