"""With the emulator behind a socket, and requests."""

from service import Application


def test_an_asset_becomes_active(portrait_emulator, number):
    application = Application(portrait_emulator.base_url, portrait_emulator.api_key, portrait_emulator.clock.advance)
    assert application.onboard(f"hosts-{number}") == "Active"
