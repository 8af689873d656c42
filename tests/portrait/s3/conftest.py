"""A strict storage on loopback, files, and both colours of the store behind one face."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3.session
import botocore.hooks
import botocore.loaders
import pytest

from portrait.clock import ManualClock
from portrait.s3 import AsyncObjectStore, ObjectStore
from portrait.s3.parts import MIB, MIN_PART_BYTES
from portrait.state import open_state
from tests.s3_stub import ACCESS_KEY, SECRET_KEY, S3Stub

JPEG = b"\xff\xd8\xff\xe0"
LARGE = MIN_PART_BYTES + MIB
"""Two parts of the smallest size, the last one smaller."""


class Blocking:
    """An `AsyncObjectStore` whose methods block: each test is written once and run in both colours."""

    def __init__(self, store: AsyncObjectStore) -> None:
        self.store = store

    def __repr__(self) -> str:
        return repr(self.store)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.store, name)
        if not inspect.iscoroutinefunction(method):
            return method
        return lambda *args, **kwargs: asyncio.run(method(*args, **kwargs))


@pytest.fixture(scope="session", autouse=True)
def _make_clients_quickly() -> Iterator[None]:
    """Does once what botocore does for each client anew, and what makes a client cost more than a test.

    It reads megabytes of JSON, looks at the signatures of its own handlers, translates names of events, and builds a
    session; stores with the same key and environment share one here. The client of each store is its own.
    """
    loader, aliaser = botocore.loaders.JSONFileLoader, botocore.hooks.EventAliaser
    session = boto3.session.Session
    alias = aliaser._alias_event_name
    names: dict[str, str] = {}

    def alias_once(self: Any, name: str) -> str:
        if name not in names:
            names[name] = alias(self, name)
        return names[name]

    @functools.cache
    def shared(environment: frozenset[tuple[str, str]], *keys: tuple[str, str]) -> boto3.session.Session:
        return session(**dict(keys))

    def make_session(**keys: str | None) -> boto3.session.Session:
        environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_") or name == "HOME"}
        return shared(frozenset(environment.items()), *keys.items())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "load_file", staticmethod(functools.cache(loader().load_file)))
        services = functools.cache(botocore.loaders.Loader().list_available_services)
        patch.setattr(botocore.loaders.Loader, "list_available_services", lambda _, type_name: services(type_name))
        patch.setattr(botocore.hooks, "accepts_kwargs", functools.cache(botocore.hooks.accepts_kwargs))
        patch.setattr(aliaser, "_alias_event_name", alias_once)
        patch.setattr(boto3.session, "Session", make_session)
        yield


@pytest.fixture
def stub() -> Iterator[S3Stub]:
    """A storage, where a key may be written at any rate."""
    with S3Stub(write_pause=0.0) as stub:
        yield stub


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state of the stores of a test."""
    return tmp_path / "state" / "state.db"


@pytest.fixture
def open_store(stub: S3Stub, state: Path) -> Iterator[Callable[..., ObjectStore]]:
    """Makes sync stores on the stub, with a clock that costs no time."""
    stores: list[ObjectStore] = []

    def make(place: str = "s3://portraits/faces", **options: Any) -> ObjectStore:
        stores.append(ObjectStore(place, **(defaults(stub, state) | options)))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture(params=["sync", "async"])
def make_store(request: pytest.FixtureRequest, stub: S3Stub, state: Path) -> Iterator[Callable[..., Any]]:
    """Makes stores of either colour on the stub."""
    stores: list[Any] = []

    def make(place: str = "s3://portraits/faces", **options: Any) -> Any:
        options = defaults(stub, state) | options
        stores.append(
            ObjectStore(place, **options) if request.param == "sync" else Blocking(AsyncObjectStore(place, **options))
        )
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def defaults(stub: S3Stub, state: Path) -> dict[str, Any]:
    """The options by which a store finds the stub."""
    return {
        "endpoint_url": stub.url,
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
        "state": state,
        "part_size": MIN_PART_BYTES,
        "clock": ManualClock(),
    }


@functools.cache
def _noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of that size; the same seed gives the same content."""

    def make(name: str = "host.jpg", size: int = 1000, seed: int = 1) -> Path:
        path = tmp_path / name
        head = JPEG if name.endswith("jpg") else b""
        noise = _noise(min(size, MIB), seed)
        with path.open("wb") as file:
            for at in range(0, size, MIB):  # no two MiB are equal
                file.write((head + at.to_bytes(8, "big") + noise)[: min(MIB, size - at)])
                head = b""
        return path

    return make


@pytest.fixture
def large(make_file: Callable[..., Path]) -> Path:
    """A file of two parts."""
    return make_file("clip.bin", LARGE)


@pytest.fixture
def larger(make_file: Callable[..., Path]) -> Path:
    """A file of three parts."""
    return make_file("clip.bin", 2 * MIN_PART_BYTES + MIB)


def count_uploads(state: Path) -> int:
    """How many unfinished uploads the state holds."""
    with open_state(state) as database:
        return database.report().rows["portrait_uploads"]


def only_object(stub: S3Stub) -> tuple[str, bytes]:
    """The one object that there is; and there is no unfinished upload."""
    assert stub.bucket.uploads == {}
    ((key, found),) = stub.bucket.objects.items()
    return key, found.content
