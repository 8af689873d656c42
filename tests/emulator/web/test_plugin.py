"""The pytest plugin: what its fixtures give, in a test run of its own, and what loading it costs."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

GROUP = """
        group = portrait_client.create_asset_group(name="g", group_type="AIGC").id
        asset = portrait_client.create_asset(
            group_id=group, url="https://cdn.example/a.jpg", asset_type="Image", name="a").id
"""


@pytest.fixture
def run(pytester):
    """Runs tests given as source with the plugin loaded as a project would have it."""

    def run(source, *arguments):
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess(
            "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:asyncio", *arguments
        )

    return run


def test_the_emulator_and_its_clients(run):
    """Clock, rules, calls, reviews, validations and customers at hand; sleeping moves the clock."""
    run(
        f"""
    import asyncio, time, pytest
    from portrait.errors import Throttled, AssetFailed, QuotaExceeded

    def test_review(portrait_emulator, portrait_client):
        {GROUP.strip()}
        began = time.monotonic()
        assert portrait_client.wait_until_active(asset).status == "Active"
        assert time.monotonic() - began < 2
        assert portrait_emulator.calls.count("CreateAsset") == 1
        assert portrait_emulator.calls.count("CreateAsset", outcome="ok", customer=portrait_emulator.api_key) == 1
        assert portrait_emulator.calls.all()[0]["action"] == "CreateAssetGroup"

    def test_failure(portrait_emulator, portrait_client):
        {GROUP.strip()}
        portrait_emulator.assets.fail(asset, "FaceMismatch")
        with pytest.raises(AssetFailed, match="FaceMismatch"):
            portrait_client.wait_until_active(asset)

    def test_by_hand(portrait_emulator, portrait_client):
        {GROUP.strip()}
        portrait_emulator.assets.activate(asset)
        assert portrait_client.get_asset(id=asset).status == "Active"
        portrait_emulator.assets.expire(asset)
        portrait_emulator.clock.advance(61)

    def test_validation(portrait_emulator, portrait_client):
        session = portrait_client.create_visual_validate_session(callback_url="https://x.example/")
        portrait_emulator.validations.finish(session.byted_token, "pass", subject="alice")
        assert portrait_client.get_visual_validate_result(byted_token=session.byted_token).group_id

    def test_rules(portrait_emulator, portrait_client):
        portrait_emulator.rules.add(match={{"action": "GetAsset"}}, do={{"error": "Throttled"}})
        with pytest.raises(Throttled):
            portrait_client.with_options(retry=None).get_asset(id="x")
        assert portrait_emulator.rules.all()["rules"][0]["fired"] == 1
        portrait_emulator.rules.clear()
        assert portrait_emulator.rules.all()["rules"] == []

    def test_customers(portrait_emulator):
        key = portrait_emulator.customer(groups=1)
        assert key != portrait_emulator.customer() != portrait_emulator.api_key
        client = portrait_emulator.client(api_key=key)
        client.create_asset_group(name="a", group_type="AIGC")
        with pytest.raises(QuotaExceeded):
            client.create_asset_group(name="b", group_type="AIGC")

    def test_snapshot(portrait_emulator, portrait_client):
        {GROUP.strip()}
        before = portrait_emulator.snapshot()
        for _ in range(2):
            portrait_emulator.clock.advance(1000)
            assert portrait_client.get_asset(id=asset).status == "Active"
            portrait_client.update_asset(id=asset, name="other")
            portrait_client.create_asset_group(name="second", group_type="AIGC")
            portrait_emulator.load(before)
            assert portrait_client.get_asset(id=asset).status == "Processing"
            assert portrait_client.get_asset(id=asset).name == "a"
            assert [g.id for g in portrait_client.iter_asset_groups()] == [group]
        portrait_client.delete_asset_group(id=group)
        portrait_emulator.load(before)
        assert portrait_client.get_asset_group(id=group).name == "g"
        from emulator.testing import Emulator
        other = Emulator()
        other.load(before)
        assert other.client().get_asset_group(id=group).name == "g"
        assert other.client().create_asset_group(name="new").id != group

    def test_asyncio(portrait_emulator, async_portrait_client):
        async def go():
            group = await async_portrait_client.create_asset_group(name="g", group_type="AIGC")
            return await async_portrait_client.get_asset_group(id=group.id)
        assert asyncio.run(go()).name == "g"

    def test_socket(portrait_emulator, portrait_client):
        import urllib.request
        group = portrait_client.create_asset_group(name="g", group_type="AIGC")
        assert urllib.request.urlopen(portrait_emulator.url + "/_emulator/health").status == 200
        assert portrait_emulator.base_url == portrait_emulator.url + "/v1"
        assert portrait_emulator.calls.count() == 1

    def test_fresh(portrait_emulator):
        assert portrait_emulator.calls.count() == 0
    """
    ).assert_outcomes(passed=10)


def test_the_shared_server(run):
    """One server for all tests, a customer of its own for each, and reviews that end by themselves."""
    run(
        """
    import pytest
    from portrait.client import PortraitClient

    seen = []

    @pytest.mark.parametrize("n", [1, 2])
    def test_alone(portrait_emulator_server, portrait_customer, n):
        seen.append((portrait_emulator_server.url, portrait_customer))
        with PortraitClient(api_key=portrait_customer, base_url=portrait_emulator_server.base_url) as client:
            assert list(client.iter_asset_groups()) == []
            client.create_asset_group(name="g", group_type="AIGC")
        assert portrait_emulator_server.calls.count(customer=portrait_customer) == 2

    def test_shared():
        (url, one), (same, other) = seen
        assert url == same and one != other
    """
    ).assert_outcomes(passed=3)


@pytest.mark.slow
def test_a_fresh_emulator_costs_little(run):
    """A thousand tests with a fresh emulator and a call each run in a few seconds."""
    result = run(
        """
    import pytest

    @pytest.mark.parametrize("n", range(1000))
    def test_fresh(portrait_client, n):
        portrait_client.create_asset_group(name="g", group_type="AIGC")
    """
    )
    result.assert_outcomes(passed=1000)
    assert result.duration < 16  # half of it on a machine that has nothing else to do


def test_the_plugin_costs_a_run_nothing():
    """Importing it brings neither the emulator's parts nor the client's."""
    code = (
        "import sys, pytest, emulator.pytest_plugin;"
        "print(sorted(m for m in sys.modules if m.startswith(('emulator.', 'portrait', 'aiohttp', 'attr', 'orjson'))))"
    )
    expected = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert expected.stdout == "['emulator.pytest_plugin']\n"
