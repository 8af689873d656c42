"""The surroundings of a handler, made by hand: no service, no dialect, no clock."""

import itertools

import pytest
from attrs import evolve, frozen

from emulator.domain.context import Context, ServiceConfig
from emulator.domain.records import Customer
from emulator.store.memory.store import MemoryStore
from tests.emulator.domain.helpers import BASE, NOW


@frozen
class Ids:
    """Ids that tell when they were made."""

    count: itertools.count

    def group(self, now, number):
        """group-1@1000."""
        return f"group-{next(self.count)}@{now:.0f}"

    def asset(self, now, number):
        """asset-1@1000."""
        return f"asset-{next(self.count)}@{now:.0f}"

    def byted_token(self, now, owner):
        """token-1@1000."""
        return f"token-{next(self.count)}@{now:.0f}"

    def is_old_token(self, token, owner, before):
        """No validation is forgotten here."""
        return False

    def job(self, form, now, number):
        """task-1@1000."""
        return f"{form}-{next(self.count)}@{now:.0f}"

    def key(self):
        """key-1."""
        return f"key-{next(self.count)}"


CONFIG = ServiceConfig(
    image_review=4.0,
    clip_review=20.0,
    second_same=False,
    generation=30.0,
    projects=frozenset({"p"}),
    measurable=lambda url: url.startswith("http://near/"),
    ids=Ids(itertools.count(1)),
    page_ticket=lambda validation: f"bytedToken={validation.token}",
    link=lambda asset, base, now: f"{base}/files/{asset.id}?at={now:.0f}",
    description_limit=9,
)


@pytest.fixture
def ctx():
    """The surroundings of one customer's calls, all of them in one transaction."""
    config = evolve(CONFIG, ids=Ids(itertools.count(1)))
    with MemoryStore(lambda name, number: Customer(name=name, number=number)).transaction("acme") as tx:
        yield Context(
            tx=tx,
            now=NOW,
            config=config,
            owner="key-of-acme",
            base=BASE,
        )
