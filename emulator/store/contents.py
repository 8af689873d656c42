"""All that a store in memory holds, and the lock in front of it.

Owns the containers; must not know who changes them.
"""

from __future__ import annotations

from threading import RLock

from emulator.domain.ports import StoredFile
from emulator.domain.records import Asset, Group, Validation
from emulator.store.base import Newcomer
from emulator.store.index import Table
from emulator.store.shelf import Shelf


class Contents:
    """The containers.

    Args:
        newcomer: Makes a customer's record when it first comes.
    """

    def __init__(self, newcomer: Newcomer) -> None:
        self.lock = RLock()
        self.numbers = 0
        self.validations = 0
        self.customers = 0
        self._newcomer = newcomer
        self.clear()

    def clear(self) -> None:
        """Forget everything; numbers go on, so that nothing old is taken for something new."""
        self.shelves: dict[str, Shelf] = {}
        self.groups: Table[Group] = Table()
        self.assets: Table[Asset] = Table()
        self.tokens: dict[str, Validation] = {}
        self.handles: dict[str, str] = {}
        self.files: dict[str, StoredFile] = {}

    def shelf(self, customer: str) -> Shelf:
        """What a customer has; a new one starts with nothing."""
        shelf = self.shelves.get(customer)
        if shelf is None:
            self.customers += 1
            newcomer = self._newcomer(customer, self.customers)
            shelf = self.shelves[customer] = Shelf(newcomer, self.groups, self.assets)
        return shelf
