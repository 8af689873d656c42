"""The rows of the table of GetVisualValidateResult (contract §3), with both clients and each way of "not yet"."""

import pytest

from emulator.settings import Settings
from emulator.testing import Emulator
from portrait.errors import InvalidToken, Retry, TokenExpired, ValidatePending

BACK = "https://app.example/done"
PENDING = ("not-found", "empty-404", "empty-group", "empty-result")
LIVES = {"alltoken": 120, "volcengine": 120, "byteplus": 1800}


class Person:
    """A validation at one provider, and the client that asks for it."""

    def __init__(self, colour, emulator, provider):
        self.emulator, self.provider, self._colour = emulator, provider, colour
        self.client = colour.client(emulator, provider=provider)
        self.token = self._run(self.client.create_visual_validate_session, callback_url=BACK).byted_token

    def _run(self, method, **fields):
        return self._colour.run(method, **fields)

    def finish(self, result="pass"):
        """End the scan."""
        self.emulator.validations.finish(self.token, result)

    def expire(self):
        """Let the token's life pass."""
        self.emulator.clock.advance(LIVES[self.provider])

    def read(self, token=None, client=None):
        """Ask once for the group."""
        method = (client or self.client).get_visual_validate_result
        return self._run(method, byted_token=token or self.token).group_id

    def wait(self):
        """Wait for the group."""
        return self._run(self.client.wait_until_validated, token=self.token).group_id


@pytest.fixture(params=LIVES)
def person(request, colour):
    """A validation of each provider in turn."""
    with Emulator() as emulator:
        yield Person(colour, emulator, request.param)


def refusal(person, error):
    """The error of one read: Ark has one code for all that is not a group, which a client takes for pending."""
    return error if person.provider == "alltoken" else ValidatePending


def test_passed_and_read_first(person):
    """Within life: the group; by one read or by waiting."""
    person.finish()
    assert person.read().startswith("group-")


def test_passed_at_the_last_moment_of_its_life(person):
    """The wait gets it, however late in life."""
    person.emulator.clock.advance(LIVES[person.provider] - 1)
    person.finish()
    assert person.wait().startswith("group-")


@pytest.mark.rotate("colour")
@pytest.mark.parametrize("result", [None, "fail", "cancel"])
def test_not_finished_or_failed(person, result):
    """Pending, which says no more; the wait ends with the token's life."""
    if result:
        person.finish(result)
    with pytest.raises(ValidatePending) as pending:
        person.read()
    assert pending.value.retry is Retry.IN_WINDOW
    with pytest.raises(TokenExpired):
        person.wait()


@pytest.mark.rotate("colour")
@pytest.mark.parametrize("passed", [True, False])
def test_older_than_its_life(person, passed):
    """Whether passed or not; its group, where there is one, stays."""
    if passed:
        person.finish()
    person.expire()
    with pytest.raises(refusal(person, TokenExpired)):
        person.read()
    with pytest.raises(TokenExpired):
        person.wait()
    groups = list(person.emulator.client(provider=person.provider).iter_asset_groups(group_type="LivenessFace"))
    assert len(groups) == passed


def test_unknown(person):
    """No such token."""
    with pytest.raises(refusal(person, InvalidToken)):
        person.read(token="20260318035710FFFFFFFFFFFFFFFFFFFF")


def test_already_used(person):
    """The first answer used it up."""
    person.finish()
    person.read()
    with pytest.raises(refusal(person, InvalidToken)):
        person.read()


def test_read_before_the_scan(person):
    """It burns nothing."""
    with pytest.raises(ValidatePending):
        person.read()
    person.finish()
    assert person.read().startswith("group-")


def test_used_and_read_again_by_setting(colour):
    """Contract §10.10: the same group again, while the token lives."""
    with Emulator(Settings(second_result="same")) as emulator:
        person = Person(colour, emulator, "alltoken")
        person.finish()
        assert person.read() == person.read()
        person.expire()
        with pytest.raises(TokenExpired):
            person.read()


@pytest.mark.parametrize(("owner", "passes"), [("key", False), ("customer", True)])
def test_another_key(colour, owner, passes):
    """A token is its key's, or by setting its customer's; another customer's never."""
    keys = {"sk-1": "acme", "sk-2": "acme", "sk-3": "other"}
    with Emulator(Settings(api_keys=keys, token_owner=owner)) as emulator:
        person = Person(colour, emulator, "alltoken")
        person.finish()
        sister, stranger = (colour.client(emulator, api_key=key) for key in ("sk-2", "sk-3"))
        with pytest.raises(InvalidToken):
            person.read(client=stranger)
        if passes:
            assert person.read(client=sister).startswith("group-")
        else:
            with pytest.raises(InvalidToken):
                person.read(client=sister)
            assert person.read().startswith("group-")


@pytest.mark.rotate("colour")
@pytest.mark.parametrize("provider", ["volcengine", "byteplus"])
@pytest.mark.parametrize("pending", PENDING)
def test_the_four_ways_of_not_yet(colour, pending, provider):
    """Each is pending while the window is open and expired after it; the group comes through each (contract §10.9)."""
    with Emulator(Settings(pending=pending)) as emulator:
        person = Person(colour, emulator, provider)
        with pytest.raises(ValidatePending):
            person.read()
        with pytest.raises(TokenExpired):
            person.wait()
        person = Person(colour, emulator, provider)
        emulator.rules.add(
            match={"action": "GetVisualValidateResult"}, when={"first": 2}, do={"delay": 10, "error": "ValidationOpen"}
        )
        person.finish()
        assert person.wait().startswith("group-")
