"""Servers for clients that are not ours; none may die, and none may log an error."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.wire.client import MODULE, Server

KEY = "sk-conformance"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Playwright keeps an event loop in the main thread until the run ends: what needs one of its own comes before."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def authorities() -> None:
    """Other people's programs read those that this machine trusts, and fail where there are none."""


class Watched:
    """A server process, a session of connections to it, and what it writes to its log."""

    def __init__(self, log: Path, *options: str, module: str = MODULE) -> None:
        self.log = log
        self.server = Server(log, *options, module=module)
        self.url: str = self.server.url
        self.session = requests.Session()
        self.session.trust_env = False

    def close(self) -> None:
        """Ends the process."""
        self.session.close()
        self.server.close()

    def complaints(self) -> str:
        """What the server says of itself that it should not have to."""
        lines = self.log.read_text(errors="replace").splitlines()
        loud = ("Traceback", "ERROR", "WARNING", "CRITICAL", "Error", "Exception")
        return "\n".join(lines[-200:]) if any(word in line for line in lines for word in loud) else ""


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Watched]]:
    """Starts servers with options of their own; all end with the run."""
    created: list[Watched] = []

    def start(*options: str, module: str = MODULE) -> Watched:
        log = tmp_path_factory.mktemp("server") / "stderr.log"
        created.append(Watched(log, "--fetch", "never", *options, module=module))
        return created[-1]

    yield start
    died = [each.server.process.poll() for each in created]
    for each in created:
        each.close()
    assert all(code is None for code in died), f"a server died: {died}"
    assert [each.complaints() for each in created] == [""] * len(created)


@pytest.fixture(scope="session")
def server(start: Callable[..., Watched]) -> Watched:
    """For the Actions, with one key."""
    return start("--api-key", f"{KEY}=conformance")


@pytest.fixture(scope="session")
def controlled(start: Callable[..., Watched]) -> Watched:
    """For the control plane, which turns a server upside down."""
    return start("--api-key", f"{KEY}=conformance")


@pytest.fixture(autouse=True)
def _quiet(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test makes a server complain of is that test's failure."""
    yield
    for name in {"server", "controlled"} & set(request.fixturenames):
        assert request.getfixturevalue(name).complaints() == ""
