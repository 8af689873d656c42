"""All that a store in memory holds, and the lock in front of it.

Owns the containers; must not know who changes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from itertools import chain
from threading import RLock
from typing import Any

from emulator.domain.ports import StoredFile
from emulator.domain.records import Asset, Group, Validation
from emulator.store.base import CustomerFactory
from emulator.store.customer_records import CustomerRecords
from emulator.store.index import Table

_SNAPSHOT_FIELDS = ("by_customer", "groups", "assets", "tokens", "handles", "files")


class Tables:
    """The containers.

    Args:
        newcomer: Makes a customer's record when it first comes.
    """

    def __init__(self, new_customer: CustomerFactory) -> None:
        self.lock = RLock()
        self.numbers = 0
        self.validations = 0
        self.customers = 0
        self._new_customer = new_customer
        self.clear()

    def clear(self) -> None:
        """Forget everything; numbers go on, so that nothing old is taken for something new."""
        self.by_customer: dict[str, CustomerRecords] = {}
        self.groups: Table[Group] = Table()
        self.assets: Table[Asset] = Table()
        self.tokens: dict[str, Validation] = {}
        self.handles: dict[str, str] = {}
        self.files: dict[str, StoredFile] = {}

    def copy(self) -> dict[str, Any]:
        """Everything held, in one piece: customers and tables share their records, and go on doing so."""
        with self.lock:
            return _copy_containers({name: getattr(self, name) for name in _SNAPSHOT_FIELDS})

    def replace(self, held: Mapping[str, Any]) -> None:
        """Hold what was copied before in place of everything; the copy can be used again."""
        with self.lock:
            for name, container in _copy_containers(held).items():
                setattr(self, name, container)

    def customer_records(self, customer: str) -> CustomerRecords:
        """What a customer has; a new one starts with nothing."""
        records = self.by_customer.get(customer)
        if records is None:
            self.customers += 1
            new_customer = self._new_customer(customer, self.customers)
            records = self.by_customer[customer] = CustomerRecords(new_customer, self.groups, self.assets)
        return records


def _copy_containers(held: Mapping[str, Any]) -> dict[str, Any]:
    """New containers of the same records, which are frozen and need no copies."""
    tables = (held["groups"].records, held["assets"].records, held["tokens"], held["files"])
    customers = (each.customer for each in held["by_customer"].values())
    records = chain(customers, *(table.values() for table in tables))
    return deepcopy(dict(held), {id(record): record for record in records})
