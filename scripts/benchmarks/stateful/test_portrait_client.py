"""With the emulator in this process and the client that the fixture gives."""


def test_an_asset_becomes_active(portrait_client, number):
    group = portrait_client.create_asset_group(name=f"hosts-{number}")
    asset = portrait_client.create_asset(group_id=group.id, url="https://cdn.example/host.jpg", asset_type="Image")
    assert portrait_client.wait_until_active(asset.id).group_id == group.id
