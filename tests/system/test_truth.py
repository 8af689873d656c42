"""Does an error say rightly whether the call may have executed? Every fault that a rule can make, both clients.

What the client says is compared with what the emulator holds, both within this process and over a socket.
"""

import asyncio
import threading
from http import HTTPStatus

import pytest

from emulator.domain.reasons import Reason
from emulator.rules.clauses import PAGES
from emulator.settings import Settings
from emulator.testing import Emulator
from portrait.clock import ManualClock
from portrait.codes import UNANSWERED
from portrait.errors import ApiError, PortraitError, Timeout, TransportError
from portrait.retry import RetryPolicy

# Good statuses with a page in the answer's place, redirects, refusals, and faults of gateways.
STATUSES = (200, 204, 302, 304, 401, 404, 408, 413, 429, 500, 502, 503, 529)
HEADERS = {"Retry-After": 20, "Location": "https://elsewhere.example/", "Content-Type": "application/json"}
DETAILS = {Reason.MEDIA_REJECTED: ".WidthTooSmall", Reason.MISSING_FIELD: ".Name", Reason.INVALID_FIELD: ".Name"}

FAULTS = [
    {"close": "before"},
    {"close": "after-commit"},
    *({"truncate": size} for size in (0, 1, 40, 150, 1_000_000)),
    *({"http": {"status": status, "body": body}} for status in STATUSES for body in PAGES),
    *({"http": {"status": status, "headers": HEADERS}} for status in (200, 302, 429, 503)),
    {"limit": {"calls": 1, "seconds": 60}},
]
COMMITTED = {"close": "after-commit"}, {"truncate": 0}, {"truncate": 1}, {"truncate": 40}, {"truncate": 150}


def name_of(fault):
    """A fault in a test's id."""
    ((effect, value),) = fault.items()
    parts = value.values() if isinstance(value, dict) else [value]
    return "-".join(str(part) for part in (effect, *parts) if not isinstance(part, dict))


class Site:
    """An emulator and a client of one colour that sends each call once."""

    def __init__(self, colour, emulator, route, **options):
        if route == "socket":
            options |= {"base_url": emulator.base_url, "transport": None}
        self.colour, self.emulator = colour, emulator
        self.client = colour.client(emulator, **{"retry": None, **options})
        self._other = emulator.client()
        self.group = self._other.create_asset_group(name="held").id
        self.asset = self._other.create_asset(group_id=self.group, url="https://h.example/a.jpg", asset_type="Image").id
        self.calls = {
            "GetAsset": lambda: (self.client.get_asset, {"id": self.asset}),
            "CreateAssetGroup": lambda: (self.client.create_asset_group, {"name": "new"}),
            "CreateAsset": lambda: (
                self.client.create_asset,
                {"group_id": self.group, "url": "https://h.example/b.jpg", "asset_type": "Image"},
            ),
        }

    def close(self):
        """Give connections back."""
        self.colour.run(self.client.close)

    def run(self, action):
        """The error of a call, None for a success."""
        method, fields = self.calls[action]()
        try:
            self.colour.run(method, **fields)
        except PortraitError as error:
            return error
        return None

    def executed(self, action):
        """How often the emulator carried it out: by its records for a create, by its log for a read."""
        if action == "CreateAssetGroup":
            groups = self.emulator.service.store.copy().groups
            return sum(group.name == "new" for group in groups)
        if action == "CreateAsset":
            return len(self.emulator.service.store.copy().assets) - 1
        return self.emulator.calls.count("GetAsset", outcome="ok")


@pytest.fixture(params=["in process", "socket"])
def site(request, colour):
    """A fresh emulator and a client by one of two ways."""
    with Emulator(Settings(groups=10)) as emulator:
        instance = Site(colour, emulator, request.param)
        yield instance
        instance.close()


@pytest.mark.rotate("colour", "site")
@pytest.mark.parametrize("action", ["GetAsset", "CreateAssetGroup", "CreateAsset"])
@pytest.mark.parametrize("fault", FAULTS, ids=name_of)
def test_an_error_says_whether_the_call_may_have_executed(site, action, fault):
    """What was carried out is never called unsent; what was turned away is not called executed; nothing is silent.

    A page with a good status, 408, or one of 5xx proves nothing: such a call may have executed, here it was not.
    """
    site.emulator.rules.add(match={"action": action}, do=fault)
    if "limit" in fault:
        assert site.run(action) is None  # the one within the limit
    before = site.executed(action)
    error = site.run(action)
    executed = site.executed(action) - before
    if error is None:
        assert (executed, fault) == (1, {"truncate": 1_000_000})
        return
    assert isinstance(error, ApiError | TransportError)
    assert executed == (1 if fault in COMMITTED else 0)
    assert error.may_have_executed is (fault in COMMITTED or fault == {"close": "before"} or _proves_nothing(fault))


def _proves_nothing(fault):
    """Whether the answer leaves open what became of the call."""
    if "http" not in fault:
        return False
    status = fault["http"]["status"]
    return not 300 <= status < 500 or status in UNANSWERED


@pytest.mark.parametrize("action", ["GetAsset", "CreateAssetGroup", "CreateAsset"])
def test_a_refusal_was_not_executed(site, action):
    """Whatever the reason; a fault of the service's own leaves open what became of the call."""
    for reason in Reason:
        site.emulator.rules.clear()
        site.emulator.rules.add(match={"action": action}, do={"error": f"{reason}{DETAILS.get(reason, '')}"})
        error = site.run(action)
        assert isinstance(error, ApiError | TransportError), reason
        assert error.may_have_executed is (reason in {Reason.INTERNAL, Reason.UPSTREAM_UNAVAILABLE}), reason
    assert site.executed(action) == 0


def test_the_statuses_are_of_every_kind():
    """All that the standard library names from 200 on are in a class that is tried."""
    assert {status // 100 for status in STATUSES} == {status // 100 for status in HTTPStatus if status >= 200}


class StoppedClock(ManualClock):
    """A clock on which delays end when the test lets them."""

    def __init__(self):
        super().__init__()
        self.over = threading.Event()

    async def async_sleep(self, seconds):
        """Wait until the delay is over, without holding up the loop."""
        if seconds:
            await asyncio.to_thread(self.over.wait, 10)


@pytest.mark.parametrize("action", ["GetAsset", "CreateAssetGroup", "CreateAsset"])
@pytest.mark.parametrize("fault", [{}, {"close": "before"}, {"error": "Throttled"}], ids=["alone", "close", "error"])
def test_a_call_that_was_given_up_while_it_was_delayed_may_have_executed(colour, action, fault):
    """A client that gives up does not stop the call: where nothing else hinders it, it is carried out afterwards."""
    clock = StoppedClock()
    with Emulator(clock=clock) as emulator:
        site = Site(colour, emulator, "socket", timeout=0.05)
        emulator.rules.add(match={"action": action}, do={"delay": 5, **fault})
        error = site.run(action)
        assert isinstance(error, Timeout)
        assert error.may_have_executed
        count = emulator.calls.count(action)
        clock.over.set()
        while emulator.calls.count(action) == count:
            threading.Event().wait(0.001)
        assert site.executed(action) == (0 if fault else 1)
        site.close()


@pytest.mark.parametrize("retries", [1, 3])
@pytest.mark.parametrize("fault", [{"close": "after-commit"}, {"truncate": 40}, {"http": {"status": 502}}], ids=name_of)
def test_a_read_is_sent_again_and_a_create_is_not(colour, fault, retries):
    """With retries a read succeeds; a create whose answer is lost is in doubt, and was carried out once at most."""
    with Emulator() as emulator:
        site = Site(colour, emulator, "in process", retry=RetryPolicy(attempts=3))
        for action in ("GetAsset", "CreateAssetGroup", "CreateAsset"):
            emulator.rules.clear()
            emulator.rules.add(match={"action": action}, when={"first": min(retries, 2)}, do=fault)
            error = site.run(action)
            assert (error is None) is (action == "GetAsset")
            if error is not None:
                assert error.may_have_executed
                assert site.executed(action) == (0 if "http" in fault else 1)
        site.close()
