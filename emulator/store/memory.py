"""The store that lives in memory: dicts and sorted lists behind one lock, for a transaction is short.

Owns what goes across customers; a single customer's changes are `emulator.store.transaction`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.domain.ports import StoredFile
from emulator.domain.records import Asset, Validation
from emulator.store.base import CustomerFactory
from emulator.store.contents import Tables
from emulator.store.transaction import MemoryTransaction


class MemoryStore:
    """A `Store`.

    Args:
        newcomer: Makes a customer's record when it first comes.
    """

    def __init__(self, new_customer: CustomerFactory) -> None:
        self._tables = Tables(new_customer)

    def transaction(self, customer: str, now: float) -> MemoryTransaction:
        """One customer's records at `now`."""
        return MemoryTransaction(self._tables, customer, now)

    def customers(self) -> Sequence[str]:
        """All customers in the order of their coming."""
        with self._tables.lock:
            return tuple(self._tables.by_customer)

    def find_asset(self, asset_id: str) -> Asset | None:
        """An asset of whomever, as it was last touched."""
        with self._tables.lock:
            return self._tables.assets.get(asset_id)

    def find_validation(self, token_or_handle: str) -> Validation | None:
        """A validation of whomever."""
        with self._tables.lock:
            return self._tables.tokens.get(self._tables.handles.get(token_or_handle, token_or_handle))

    def validations(self) -> Sequence[Validation]:
        """All validations in the order of their making."""
        with self._tables.lock:
            return tuple(self._tables.tokens.values())

    def file(self, key: str) -> StoredFile | None:
        """An uploaded file."""
        with self._tables.lock:
            return self._tables.files.get(key)

    def copy(self) -> Mapping[str, Any]:
        """Everything remembered, for `replace`."""
        return self._tables.copy()

    def replace(self, copied: Mapping[str, Any]) -> None:
        """Remember what was copied, and nothing else; numbers go on."""
        self._tables.replace(copied)

    def clear(self) -> None:
        """Forget everything; numbers go on."""
        with self._tables.lock:
            self._tables.clear()
