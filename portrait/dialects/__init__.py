"""The dialects of the providers: `DIALECTS` has those of the 12 Actions, `TASKS` is that of the task gateways."""

from collections.abc import Mapping
from types import MappingProxyType

from portrait.dialects.alltoken import ALLTOKEN
from portrait.dialects.ark import ARK
from portrait.dialects.dialect import Dialect, Line
from portrait.dialects.tasks import TASKS

DIALECTS: Mapping[str, Dialect] = MappingProxyType({dialect.name: dialect for dialect in (ALLTOKEN, ARK)})

__all__ = ["ALLTOKEN", "ARK", "DIALECTS", "TASKS", "Dialect", "Line"]
