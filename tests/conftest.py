"""What all tests share: how many cases Hypothesis tries, a PostgreSQL server, and what of a product is quick."""

import contextlib
import gc
import os
import signal
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import settings

from tests.databases import postgres_server
from tests.hypothesis_profiles import searching

# A shell has what it starts in the background ignore Ctrl-C, which some tests send to themselves.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("searching", searching(25))
settings.load_profile("searching")


@pytest.fixture(scope="session")
def postgres():
    """The URL of a PostgreSQL server."""
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session", autouse=True)
def authorities():
    """No test of ours needs those that this machine trusts, which each process would read anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", os.devnull)
        yield


@pytest.fixture(scope="session", autouse=True)
def synced():
    """No power fails during the tests, and nothing has to be on the disk. The value is what patches the real levels."""
    from portrait.sql import sqlite  # noqa: PLC0415 - the wire suite loads nothing of the project as it begins

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "_SETUP", ("PRAGMA synchronous = OFF", *sqlite._SETUP))
        levels = sqlite._SYNCHRONOUS
        patch.setattr(sqlite, "_SYNCHRONOUS", dict.fromkeys(levels, "OFF"))
        yield lambda own: own.setattr(sqlite, "_SYNCHRONOUS", levels)


@pytest.fixture(scope="session", autouse=True)
def own_settings():
    """What whoever runs the tests has set for the command and the library reaches none of them."""
    from emulator import environment  # noqa: PLC0415 - as above

    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() & environment._VARIABLES:
            patch.delenv(name)
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session):
    """Have every second worker begin at the other end: in a fresh clone pytest compiles each module, and so each half.

    What cannot be imported is reported where it is collected.
    """
    worker = getattr(session.config, "workerinput", {}).get("workerid", "gw0")
    if int(worker.removeprefix("gw")) % 2 and session.config.args == session.config.getini("testpaths"):
        root = session.config.rootpath
        for path in sorted(Path(root, "tests").rglob("test_*.py"), reverse=True):
            if "conformance" not in path.parts:
                with contextlib.suppress(Exception, pytest.skip.Exception):
                    import_module(".".join(path.relative_to(root).with_suffix("").parts))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Make slow what `rotate` leaves out: each combination of the other parameters keeps one of the named ones in turn.

    A later test of a module begins with a later one, so that a module's tests meet all combinations.
    """
    products = defaultdict(lambda: defaultdict(list))
    for item in items:
        for marker in item.iter_markers("rotate"):
            params = item.callspec.params if hasattr(item, "callspec") else {}
            values = tuple(str(params[name]) for name in marker.args if name in params)
            products[item.function, marker.args][values].append(item)
    for turn, product in enumerate(products.values()):
        for number, tests in enumerate(product.values()):
            for position, test in enumerate(tests):
                if len(tests) > 1 and (turn + number + position) % len(product):
                    test.add_marker(pytest.mark.slow)


def pytest_collection_finish():
    """Spare the collector the thousands of tests, none of which goes away before the end, and much of what tests load.

    As often as Python has it look through all that is old, it takes a tenth of the run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], 200)
