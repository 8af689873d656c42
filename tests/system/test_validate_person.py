"""A person is let in by one call: nobody scans for a full account, and a check that fails or expires is made anew."""

import pytest

from emulator.testing import Emulator
from portrait.errors import PortraitError, QuotaExceeded, TokenExpired, UsageError, ValidationFailed, WaitTimeout
from portrait.validate import NONCE

BACK = "https://app.example/done?order=7#top"


@pytest.fixture
def emulator():
    """An emulator whose clock stands still but for the waits."""
    with Emulator() as instance:
        yield instance


@pytest.fixture
def validate(colour, emulator):
    """Let a person in with one of the two clients."""
    client = colour.client(emulator)

    def run(show=lambda session: None, **options):
        return colour.run(client.validate_person, **{"callback_url": BACK, "show": show, **options})

    run.client = client
    return run


def tell_failure(client, session, code=41007):
    """What the callback's handler does with a failed scan."""
    nonce = session.callback_url.partition(f"{NONCE}=")[2].partition("#")[0]
    client.validations.get(nonce).failure = ValidationFailed("Failed.", code=code, sub_code=0, meaning="no")


def test_the_person_who_passes_has_a_group(validate, emulator):
    """The session is shown once, in the language asked for; the callback keeps its query first, and its fragment."""
    sessions = []

    def show(session):
        sessions.append(session)
        emulator.validations.finish(session.byted_token, "pass", subject="alice")

    person = validate(show, language="en")
    assert emulator.client().get_asset_group(id=person.group_id).group_type == "LivenessFace"
    (session,) = sessions
    assert session.h5_link.endswith("&lng=en")
    assert session.callback_url.startswith(f"https://app.example/done?order=7&{NONCE}=")
    assert session.callback_url.endswith("#top")


def test_show_may_be_a_coroutine_function_of_the_asyncio_client_alone(validate, colour, emulator):
    """The other client says what to do, and what it was given is not left behind."""

    async def show(session):
        emulator.validations.finish(session.byted_token)

    if colour.name == "async":
        assert validate(show).group_id
    else:
        with pytest.raises(UsageError, match="AsyncPortraitClient"):
            validate(show)


@pytest.mark.parametrize("group_type", ["AIGC", "LivenessFace"])
def test_nobody_scans_for_a_full_account(validate, emulator, group_type):
    """Groups of both types count; no session is made."""
    client = emulator.client()
    if group_type == "AIGC":
        client.create_asset_group(name="one")
    else:
        emulator.validations.finish(client.create_visual_validate_session(callback_url=BACK).byted_token)
    before = emulator.calls.count("CreateVisualValidateSession")
    with pytest.raises(QuotaExceeded, match="1 of 1 groups"):
        validate(quota=1)
    assert emulator.calls.count("CreateVisualValidateSession") == before
    assert emulator.calls.count("ListAssetGroups", outcome="ok") >= 1


def test_without_a_quota_nothing_is_listed(validate, emulator):
    """The caller knows better."""
    assert validate(lambda session: emulator.validations.finish(session.byted_token), quota=None).group_id
    assert emulator.calls.count("ListAssetGroups") == 0


def test_an_expired_session_is_followed_by_another(validate, emulator):
    """The person who comes late finds a new link."""
    sessions = []

    def show(session):
        sessions.append(session.byted_token)
        if len(sessions) == 2:
            emulator.validations.finish(session.byted_token)

    assert validate(show, attempts=2).group_id
    assert len(set(sessions)) == 2


@pytest.mark.parametrize(("code", "attempts"), [(41007, 1), (41000, 3)])
def test_a_failed_scan_ends_a_session_at_once(validate, emulator, code, attempts):
    """As soon as the callback was told; after the last attempt its code is the error's."""
    sessions = []

    def show(session):
        sessions.append(session)
        emulator.validations.finish(session.byted_token, "fail")
        tell_failure(validate.client, session, code)

    before = emulator.clock.now()
    with pytest.raises(ValidationFailed) as failed:
        validate(show, attempts=attempts)
    assert (failed.value.code, len(sessions), emulator.clock.now() - before) == (code, attempts, 0)


def test_a_failure_that_was_made_up_does_not_hide_a_pass(validate, emulator):
    """The truth is GetVisualValidateResult. Contract §3."""

    def show(session):
        emulator.validations.finish(session.byted_token, "pass")
        tell_failure(validate.client, session)

    assert validate(show).group_id


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"attempts": 2}, TokenExpired),
        ({"attempts": 1, "timeout": 5}, WaitTimeout),
        ({"attempts": 0}, UsageError),
        ({"language": "fr"}, UsageError),
        ({"callback_url": "nowhere"}, PortraitError),
    ],
)
def test_how_it_ends_without_a_group(validate, emulator, options, error):
    """The last session's error; and nothing waits any more."""
    with pytest.raises(error):
        validate(**options)
    created = emulator.calls.count("CreateVisualValidateSession", outcome="ok")
    assert created == (options.get("attempts", 0) if error in {TokenExpired, WaitTimeout} else 0)
    assert all(validation.result.done() for validation in validate.client.validations._by_nonce.values())


def test_validations_that_have_ended_are_remembered_for_a_while(validate, emulator, monkeypatch):
    """For a browser that comes late; no more of them than is bounded, and none whose end is not known."""
    monkeypatch.setattr("portrait.validate.MAX_ENDED", 2)
    for _ in range(5):
        validate(lambda session: emulator.validations.finish(session.byted_token))
    assert len(validate.client.validations._by_nonce) == 3
    with pytest.raises(WaitTimeout):
        validate(attempts=1, timeout=5)
    assert len(validate.client.validations._by_nonce) == 2


def test_what_show_raises_goes_through(validate):
    """A link that nobody can see is no validation; the wait is over."""
    with pytest.raises(ZeroDivisionError):
        validate(lambda session: 1 / 0)
    assert not validate.client.validations._by_nonce
