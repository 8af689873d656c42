"""Real processes on one store: quotas hold among them, and what one has answered outlives it."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.databases import empty_schema
from tests.wire.client import Server

pytestmark = pytest.mark.slow

AIGC = {"Filter": {"GroupType": "AIGC"}}


@pytest.fixture
def location(request, tmp_path):
    """Where a store is that holds nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    with empty_schema(request.getfixturevalue("postgres")) as where:
        yield where


@pytest.fixture
def serve(location, tmp_path):
    """Starts processes on the store; all of them end with the test."""
    servers, numbers = [], itertools.count()

    def serve():
        servers.append(Server(tmp_path / f"stderr-{next(numbers)}.log", "--store", location))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def create(customer, group, number):
    """The answer to one create."""
    body = {"GroupId": group, "URL": "https://cdn.example/a.jpg", "AssetType": "Image", "Name": f"a{number}"}
    return customer.call("CreateAsset", body)


@pytest.mark.parametrize("location", ["sqlite", "postgresql"], indirect=True)
def test_a_quota_holds_among_processes(serve):
    """200 parallel creates through 4 processes: exactly the quota of 50 is created."""
    customers = [serve().customer_of("sk-alice") for _ in range(4)]
    group = customers[0].group()
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda n: create(customers[n % 4], group, n), range(200)))
    created = {answer.result["Id"] for answer in answers if "Result" in answer.body}
    refused = [answer.error for answer in answers if "Result" not in answer.body]
    assert len(created) == 50
    assert refused == ["QuotaExceeded"] * 150
    assert [customer.call("ListAssets", AIGC).result["TotalCount"] for customer in customers] == [50] * 4


@pytest.mark.parametrize("location", ["sqlite", "postgresql"], indirect=True)
def test_what_was_answered_outlives_a_kill(serve):
    """A process is killed in the middle of 1,000 creates: the next one has each that was answered."""
    server = serve()
    customer = server.customer_of("sk-alice")
    customer.control(assets=10_000)
    group = customer.group()
    answered, enough = [], threading.Event()

    def send(number):
        try:
            answer = create(customer, group, number)
        except OSError:
            return
        answered.append(answer.result["Id"])
        if len(answered) == 400:
            enough.set()

    with ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(send, number) for number in range(1000)]
        assert enough.wait(60)
        server.process.kill()
        for each in sent:
            each.result()
    assert 400 <= len(answered) < 1000
    again = serve().customer_of("sk-alice")
    found = {again.call("GetAsset", {"Id": asset}).result["Id"] for asset in answered}
    assert found == set(answered)
    total = again.call("ListAssets", AIGC).result["TotalCount"]
    assert len(answered) <= total <= len(answered) + 8  # those under way at the kill
    assert create(again, group, 1000).result["Id"] not in found


@pytest.mark.parametrize("location", ["sqlite", "postgresql"], indirect=True)
def test_the_start_says_what_is_not_shared(serve, tmp_path):
    """Rules, the call log and snapshots are of one process, whoever else is on the store."""
    serve()
    output = " ".join((tmp_path / "stderr-0.log").read_text().split())
    assert "rules, the call log and saved snapshots are of this process alone" in output
