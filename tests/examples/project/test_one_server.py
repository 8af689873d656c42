"""One server for the whole run, and a customer for each test."""

import pytest

from portrait import PortraitClient


@pytest.mark.parametrize("number", range(4))
def test_customers_are_kept_apart(portrait_emulator_server, portrait_customer, number):
    """The address is what a program in another language would be given."""
    url = f"{portrait_emulator_server.url}/v1"
    with PortraitClient(api_key=portrait_customer, base_url=url) as client:
        client.create_asset_group(name=f"hosts-{number}")
        assert [group.name for group in client.iter_asset_groups()] == [f"hosts-{number}"]
