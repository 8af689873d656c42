"""More than a minute of waiting costs a test no time: fifty people pass, and fifty reviews end."""

from collections import Counter

from emulator.settings import Settings
from emulator.testing import Emulator

PEOPLE = 50


def test_a_minute_of_checks_and_reviews_passes_on_the_manual_clock_alone(colour, monkeypatch):
    """Nobody sleeps on the machine's clock; each check and each review ends when it would have."""
    monkeypatch.setattr("portrait.clock.SystemClock.sleep", None)
    monkeypatch.setattr("portrait.clock.SystemClock.async_sleep", None)
    with Emulator(Settings(image_review=30, groups=2 * PEOPLE)) as emulator:
        client, started = colour.client(emulator), emulator.clock.now()

        def call(method, *args, **fields):
            return colour.run(getattr(client, method), *args, **fields)

        sessions = [call("create_visual_validate_session", callback_url="https://a.example/") for _ in range(PEOPLE)]
        assets = []
        for session in sessions:
            emulator.clock.advance(1)
            emulator.validations.finish(session, "pass")
            group = call("wait_until_validated", session).group_id
            assets.append(call("create_asset", group_id=group, url="https://a.example/a.jpg", asset_type="Image").id)
        assert len({outcome.id for outcome in call("watch_assets", assets) if outcome.state == "Active"}) == PEOPLE
        assert 30 + PEOPLE <= emulator.clock.now() - started < 40 + PEOPLE
        counts = Counter(each["action"] for each in emulator.calls.all())
        assert counts["GetVisualValidateResult"] == PEOPLE
        assert emulator.service.control.state()["customers"][0]["groups"] == PEOPLE
