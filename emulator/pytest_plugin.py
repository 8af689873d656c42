"""Fixtures for tests against an emulator: in-process on a manual clock, or over a socket.

pytest loads this module in every run of every project that has the distribution installed, so it imports nothing but
pytest until a fixture is asked for. What the fixtures give is in `emulator.testing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from emulator.settings import Settings
    from emulator.testing import Emulator, SharedServer
    from portrait.client import AsyncPortraitClient, PortraitClient


MARKER = "portrait_emulator"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known to `--strict-markers`."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(provider=…, clock=…, profile=…, review_seconds=…, **settings): the emulator of the fixtures "
        "`portrait_emulator` and `portrait_env` in this test, as `emulator.environment.emulator` takes them",
    )


@pytest.fixture(scope="session")
def _portrait_emulator_extra() -> None:
    """Ends every test that needs an emulator with one line where the extra is not installed."""
    from emulator._optional import missing_extra  # noqa: PLC0415 - see above

    needed = missing_extra()
    if needed is not None:
        pytest.fail(needed, pytrace=False)


@pytest.fixture
def portrait_emulator_settings(request: pytest.FixtureRequest, _portrait_emulator_extra: None) -> Settings:
    """The settings of `portrait_emulator`: the marker's. Override it where a whole module or project needs others."""
    from emulator.environment import settings_of  # noqa: PLC0415 - see above

    return settings_of(**{name: value for name, value in _marked(request).items() if name not in {"provider", "clock"}})


@pytest.fixture
def portrait_emulator_provider(request: pytest.FixtureRequest) -> str:
    """The provider of `portrait_env` and the clients: the marker's. Override it in a project of another provider."""
    provider: str = _marked(request).get("provider", "alltoken")
    return provider


def _marked(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    marker = request.node.get_closest_marker(MARKER)
    return marker.kwargs if marker else {}


@pytest.fixture
def portrait_emulator(request: pytest.FixtureRequest, portrait_emulator_settings: Settings) -> Iterator[Emulator]:
    """A fresh emulator for this test, in-process, on a clock that moves only by `advance` and by sleeping on it."""
    from emulator.environment import CLOCKS  # noqa: PLC0415 - see above
    from emulator.testing import Emulator  # noqa: PLC0415 - see above

    clock = CLOCKS[_marked(request).get("clock", "manual")]()
    with Emulator(portrait_emulator_settings, clock) as emulator:
        yield emulator


@pytest.fixture
def portrait_env(portrait_emulator: Emulator, portrait_emulator_provider: str) -> Iterator[Emulator]:
    """`portrait_emulator` for the application under test: the environment leads to it, and waiting takes no time."""
    from emulator.environment import Environment  # noqa: PLC0415 - see above

    with Environment(portrait_emulator, portrait_emulator_provider):
        yield portrait_emulator


@pytest.fixture
def portrait_client(portrait_emulator: Emulator, portrait_emulator_provider: str) -> PortraitClient:
    """A client of `portrait_emulator`, without a socket and on its clock."""
    return portrait_emulator.client(provider=portrait_emulator_provider)


@pytest.fixture
def async_portrait_client(portrait_emulator: Emulator, portrait_emulator_provider: str) -> AsyncPortraitClient:
    """The same for asyncio: belongs to no loop, needs no plugin, and nothing has to be closed."""
    return portrait_emulator.async_client(provider=portrait_emulator_provider)


@pytest.fixture(scope="session")
def portrait_emulator_server(_portrait_emulator_extra: None) -> Iterator[SharedServer]:
    """One server on a real socket and the machine's clock for the whole run; `customer()` keeps tests apart."""
    from emulator.testing import SharedServer  # noqa: PLC0415 - see above

    with SharedServer() as server:
        yield server


@pytest.fixture
def portrait_customer(portrait_emulator_server: SharedServer) -> str:
    """The API key of a customer of `portrait_emulator_server` that no other test knows."""
    return portrait_emulator_server.customer()
