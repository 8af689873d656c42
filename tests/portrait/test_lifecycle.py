"""How long a client lives: closing, deriving, event loops, forks."""

import asyncio
import copy
import gc
import pickle
import subprocess
import sys
import threading
import warnings

import pytest

from portrait import AsyncPortraitClient, PortraitClient, RetryPolicy, UsageError
from tests.portrait.helpers import KEY, good
from tests.portrait.raw_server import RawServer, respond_with


def test_a_closed_client_says_so(colour):
    """Closing twice is fine; calling afterwards is a usage error, and nothing is sent."""
    client, script = colour.scripted(good({"Id": "asset-1"}))
    client.close()
    client.close()
    for call in (lambda: client.get_asset(id="asset-1"), client.iter_assets, lambda: client.wait_until_active("a")):
        with pytest.raises(UsageError, match="closed"):
            call()
    assert script.requests == []


def test_derived_clients_share_connections_and_end(colour):
    """`with_options` opens nothing, closing the derived one changes nothing, closing the first closes both."""
    with RawServer(respond_with()) as server:
        first = colour.client(base_url=server.url)
        other = first.with_options(project="shop").with_options(timeout=5)
        assert first.get_asset(id="asset-1").id == other.get_asset(id="asset-1").id
        assert server.connections == 1
        other.close()
        assert other.get_asset(id="asset-1").id == "asset-1"
        first.close()
        with pytest.raises(UsageError, match="closed"):
            other.get_asset(id="asset-1")
    assert b'"ProjectName":"shop"' in server.requests[1][1]
    assert b"ProjectName" not in server.requests[0][1]


def test_with_options_changes_what_it_names_and_nothing_else(colour):
    """An option that is left out stays; None is a value: no project, no retry, no pace, no listener."""
    events = []
    first, script = colour.scripted(good({"Id": "asset-1"}), project="shop", on_event=events.append, pace=100)
    assert first.with_options(timeout=3).client._endpoint.project == "shop"
    bare = first.with_options(project=None, retry=None, pace=None, on_event=None)
    bare.get_asset(id="asset-1")
    assert script.requests[-1].body == b'{"Id":"asset-1"}'
    assert events == []
    assert (bare.client._endpoint.policy.attempts, bare.client._endpoint.pace) == (1, None)
    first.get_asset(id="asset-1")
    assert script.requests[-1].body == b'{"Id":"asset-1","ProjectName":"shop"}'
    assert len(events) == 1
    assert first.with_options(retry=RetryPolicy(attempts=9)).client._endpoint.policy.attempts == 9


def test_a_context_manager_closes(colour):
    """Own transports are closed at the end of the block."""
    with RawServer(respond_with()) as server:
        if colour.name == "sync":
            with PortraitClient(api_key=KEY, base_url=server.url) as client:
                client.get_asset(id="asset-1")
        else:

            async def block():
                async with AsyncPortraitClient(api_key=KEY, base_url=server.url) as client:
                    await client.get_asset(id="asset-1")
                    return client

            client = colour.runner.run(block())
        assert client._shared.lifetime.closed


def test_a_client_does_not_travel(colour):
    """It holds connections and a key: pickling or copying is refused, its repr has no key."""
    client = colour.client(user_agent="studio/1").client
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(UsageError, match="pickled"):
            way(client)
    assert KEY not in repr(client) + repr(client._endpoint) + repr(client._transport)
    assert "https://api.alltoken.ai/v1" in repr(client)


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "left open"])
def test_a_client_lives_on_in_another_loop_once_the_first_is_over(closed):
    """One asyncio.run after the other, and nothing is left behind that would warn."""

    def live(url):
        client = AsyncPortraitClient(api_key=KEY, base_url=url)

        async def once():
            return (await client.get_asset(id="asset-1")).id

        for _ in range(3):
            assert asyncio.run(once()) == "asset-1"
        if closed:
            asyncio.run(client.close())

    with RawServer(respond_with()) as server, warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        live(server.url)
        gc.collect()
    assert [str(warning.message) for warning in seen] == []
    assert server.connections == 3


def test_a_second_loop_beside_the_first_is_refused():
    """While the first loop runs, its connections belong to it: a usage error says so, and the first goes on."""
    with RawServer(respond_with()) as server:
        client = AsyncPortraitClient(api_key=KEY, base_url=server.url)
        answers = []

        async def first():
            answers.append((await client.get_asset(id="asset-1")).id)
            await asyncio.to_thread(thread.start)
            await asyncio.to_thread(thread.join)
            answers.append((await client.get_asset(id="asset-1")).id)
            await client.close()

        def second():
            with pytest.raises(UsageError, match="another event loop") as info:
                asyncio.run(client.get_asset(id="asset-1"))
            answers.append(type(info.value).__name__)

        thread = threading.Thread(target=second)
        asyncio.run(first())
    assert answers == ["asset-1", "UsageError", "asset-1"]


@pytest.mark.parametrize("how", ["call", "iterate"])
def test_another_loop_than_asyncios_is_a_usage_error(how):
    """Trio runs coroutines by itself, as here: the error says what works there, and nothing was sent."""
    client = AsyncPortraitClient(api_key=KEY, base_url="http://localhost:1/v1")
    coroutine = client.get_asset(id="asset-1") if how == "call" else anext(aiter(client.iter_assets()))
    with pytest.raises(UsageError, match="asyncio only") as caught:
        coroutine.__await__().send(None)
    assert "trio" in caught.value.advice


def test_many_tasks_open_one_session():
    """Fifty tasks that call first at the same time share one session."""
    with RawServer(respond_with()) as server:

        async def main():
            async with AsyncPortraitClient(api_key=KEY, base_url=server.url) as client:
                found = await asyncio.gather(*[client.get_asset(id="asset-1") for _ in range(50)])
            return {asset.id for asset in found}

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert asyncio.run(main()) == {"asset-1"}
            gc.collect()


FORK = """
import os, sys, asyncio
from portrait import AsyncPortraitClient, PortraitClient
url = sys.argv[1]
client = PortraitClient(api_key="k", base_url=url)
client.get_asset(id="asset-1")
pid = os.fork()
if pid == 0:
    try:
        client.get_asset(id="asset-1")
        client.close()
        os._exit(0)
    except BaseException as error:
        print("child:", repr(error), file=sys.stderr)
        os._exit(1)
status = os.waitpid(pid, 0)[1]
client.get_asset(id="asset-1")
client.close()

made = AsyncPortraitClient(api_key="k", base_url=url)
async def once(): await made.get_asset(id="asset-1")
async def main():
    await once()
    pid = os.fork()
    if pid == 0:
        try:
            import threading
            thread = threading.Thread(target=lambda: asyncio.run(once()))
            thread.start(); thread.join()
            os._exit(0)
        except BaseException as error:
            print("child:", repr(error), file=sys.stderr)
            os._exit(1)
    status = os.waitpid(pid, 0)[1]
    await once()
    await made.close()
    return status
sys.exit(status or asyncio.run(main()))
"""


def test_a_forked_child_opens_connections_of_its_own():
    """Parent and child must not write into one connection: two each, in both colours."""
    with RawServer(respond_with()) as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", FORK, server.url],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(server.requests) == 6
    assert server.connections == 4


def test_a_derived_client_may_listen_where_the_first_does_not(colour):
    """A listener that comes by `with_options` hears of every attempt, also of those that went well."""
    events = []
    first, _ = colour.scripted(good({"Id": "asset-1"}))
    first.with_options(on_event=events.append).get_asset(id="asset-1")
    assert [type(event).__name__ for event in events] == ["CallFinished"]
