"""The engine of a PostgreSQL database: nothing in a connection outlives a transaction, so that poolers may share it."""

from __future__ import annotations

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from portrait.errors import UsageError

# A server that vanishes without a word is noticed within half a minute (libpq, "Parameter Key Words").
_NETWORK = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}


def read_url(location: str) -> URL:
    """What `postgresql://user:password@host/database` says, with what notices a lost connection.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        url = make_url(location).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise UsageError(
            "The database's URL cannot be read.", advice="It looks like postgresql://user:password@host/database."
        ) from None
    return url.update_query_dict({name: url.query.get(name, value) for name, value in _NETWORK.items()})


def create_postgres_engine(url: URL) -> Engine:
    """An engine for a database, which connects when it is first used.

    The execution options are those of `create_sqlite_engine`. What need not be durable is committed without a wait for
    the disk (PostgreSQL, "Asynchronous Commit"): it survives the death of whoever wrote it, and may be lost where the
    server fails within a second. What is committed durably afterwards takes it along.
    """
    engine = create_engine(
        url,
        # What upserts and row locks are written for; a server may have another default.
        isolation_level="READ COMMITTED",
        # A prepared statement belongs to a connection, and a pooler gives each transaction another one.
        connect_args={"prepare_threshold": None},
        use_native_hstore=False,
        hide_parameters=True,  # an error may reach a log, and they may be secrets
        pool_size=4,
        max_overflow=12,
        pool_recycle=600,
    )
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("reads") and not options.get("durable", True):
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")  # a pooler's next user has its own setting
