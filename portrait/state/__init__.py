"""What this side remembers across runs, processes and machines: creates, claims, uploads, erasures, leases and pace.

`open_state` gives it: in a SQLite file for the processes of one machine, in PostgreSQL for many machines. It holds
digests and ids; no names of people, no secrets, no URLs with queries.
"""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from portrait.clock import Clock, SystemClock
from portrait.sql.location import SqliteFile, parse
from portrait.state.records import (
    Claim,
    ClaimedCreate,
    Create,
    Erasure,
    Holder,
    Key,
    KnownLease,
    Lease,
    PoolChange,
    PooledAsset,
    PoolKey,
    PoolView,
    Report,
    Upload,
    Waiting,
    account_digest,
    short_digest,
)

if TYPE_CHECKING:
    from portrait.state.database import Backend
    from portrait.state.state import State as State

__all__ = [
    "Claim",
    "ClaimedCreate",
    "Create",
    "Erasure",
    "Holder",
    "Key",
    "KnownLease",
    "Lease",
    "PoolChange",
    "PoolKey",
    "PoolView",
    "PooledAsset",
    "Report",
    "Upload",
    "Waiting",
    "account_digest",
    "open_state",
    "short_digest",
]

_new_id = partial(secrets.token_hex, 16)


def open_state(
    location: str | os.PathLike[str],
    clock: Clock | None = None,
    *,
    server_clock: Clock | None = None,
    new_id: Callable[[], str] = _new_id,
) -> State:
    """A state, opened when it is first used.

    Args:
        location: A path, `sqlite:///path` or `postgresql://user:password@host/database`.
        clock: Of the client. It measures claims and leases in a SQLite file.
        server_clock: Measures them in PostgreSQL, in tests; by default the database's own clock does.
        new_id: Makes the ids of claims and creates, which differ in all processes.

    Raises:
        UsageError: The location is none, or a library that it needs is not installed.
    """
    clock = clock or SystemClock()
    where = parse(location, "state")
    # Here, and not above: whoever uses no state loads no database library.
    from portrait.state.state import State  # noqa: PLC0415

    backend: Backend
    machine = ""
    if isinstance(where, SqliteFile):
        from portrait.state.sqlite import SqliteBackend  # noqa: PLC0415

        backend = SqliteBackend(where.path, clock)
    else:
        from portrait.state.postgres import PostgresBackend  # noqa: PLC0415

        backend, machine = PostgresBackend(where, server_clock), platform.node()
    return State(backend, str(where), clock, new_id, machine=machine)
