"""What the service needs of a store. Owns the shape; must not know how anything is kept.

All stores give the same answers to the same suite of tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from emulator.domain.ports import StoredFile, Transaction
from emulator.domain.records import Asset, Customer, Validation

# A customer's name and number → the customer as it starts.
CustomerFactory = Callable[[str, int], Customer]


class Store(Protocol):
    """Everything that one emulator remembers. Safe to use from several threads."""

    def transaction(self, customer: str, now: float) -> AbstractContextManager[Transaction]:
        """One customer's records at `now`, changed together or not at all.

        Reviews that were due end first, and stay ended whatever becomes of the transaction. Who is not known yet
        becomes a customer. An exception undoes what the block did.
        """

    def customers(self) -> Sequence[str]:
        """All customers in the order of their coming."""

    def find_asset(self, asset_id: str) -> Asset | None:
        """An asset of whomever, as it was last touched."""

    def find_validation(self, token_or_handle: str) -> Validation | None:
        """A validation of whomever, by its token or by its handle `val-3`."""

    def validations(self) -> Sequence[Validation]:
        """All validations in the order of their making."""

    def file(self, key: str) -> StoredFile | None:
        """An uploaded file."""

    def clear(self) -> None:
        """Forget everything; numbers go on."""


StoreFactory = Callable[[CustomerFactory], Store]
