"""A state behind PgBouncer in transaction mode: the suites of the state and of pools, as they run on a server itself.

Each transaction may get another connection of the server: what outlives one is somebody else's.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from portrait.clock import SystemClock
from tests.portrait.pool import conftest as pool_fixtures
from tests.portrait.pool.test_leases import *  # noqa: F403
from tests.portrait.pool.test_processes import *  # noqa: F403
from tests.portrait.state.conftest import Place, closing, file_place, state
from tests.portrait.state.test_pools import *  # noqa: F403
from tests.portrait.state.test_processes import *  # noqa: F403
from tests.portrait.state.test_tables import *  # noqa: F403

__all__ = ["closing", "file_place", "state"]
workers = pool_fixtures.workers  # a module of that name comes with the tests

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
CONFIGURATION = """
[databases]
* = host={socket} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 1000
server_idle_timeout = 2
ignore_startup_parameters = extra_float_digits
"""


@pytest.fixture(scope="session")
def pooler(postgres):
    """The address of a pooler in front of the server. It gives a database three connections, however many want one."""
    if PGBOUNCER is None:
        reason = "there is no PgBouncer: apt-get install pgbouncer"
        (pytest.fail if "REQUIRE_POOLER" in os.environ else pytest.skip)(reason)
    data, port = Path(postgres.rpartition("host=")[2]), _free_port()
    user = data.stat().st_uid if os.geteuid() == 0 else None  # the server's: neither runs as root
    with tempfile.TemporaryDirectory() as folder:
        configuration, log = Path(folder) / "pgbouncer.ini", Path(folder) / "log"
        configuration.write_text(CONFIGURATION.format(socket=data, port=port))
        if user is not None:
            os.chown(folder, user, -1)
        command = [PGBOUNCER, "--quiet", configuration]
        with log.open("wb") as stderr, subprocess.Popen(command, stderr=stderr, user=user) as process:
            try:
                yield wait_for(f"postgresql://postgres@127.0.0.1:{port}", log)
            finally:
                process.terminate()


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(url, log):
    """The URL, once something answers there."""
    for _ in range(100):
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(f"{url}/postgres"):
            return url
        SystemClock().sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def place(pooler, postgres, closing):
    """An empty database behind the pooler: a schema of its own would be a setting of the session."""
    name = f"pooled{time.monotonic_ns()}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield Place(f"{pooler}/{name}", closing)
        closing.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
