"""The closed sets of the emulator are closed, and its domain is as pure as it claims."""

import re
from pathlib import Path

import pytest

import emulator.domain
from emulator.dialects import DIALECTS
from emulator.domain import HANDLERS
from emulator.domain.quotas import TIERS
from emulator.domain.reasons import Reason
from emulator.domain.verdicts import MESSAGES
from portrait.actions import ACTIONS
from portrait.codes import MEDIA_CODES

DOMAIN = Path(emulator.domain.__file__).parent
EMULATOR = DOMAIN.parent

# Raised by the web, which sees bytes before the service does; and by an endpoint with signed calls.
ELSEWHERE = {Reason.BODY_TOO_LARGE, Reason.FILE_TOO_LARGE}
# Never by itself: rules alone can ask for it.
BY_RULE = {Reason.UPSTREAM_UNAVAILABLE}


def test_every_action_has_a_handler():
    """No more and no fewer."""
    assert set(HANDLERS) == set(ACTIONS)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_every_reason_is_spoken(dialect):
    """Whatever a handler raises, each dialect has words for it."""
    assert set(dialect.errors) == set(Reason)


def test_every_reason_is_raised_somewhere():
    """A reason that nothing leads to would be a promise that nobody keeps."""
    sources = [
        path.read_text()
        for path in EMULATOR.rglob("*.py")
        if not {"web", "dialects", "rest"} & set(path.relative_to(EMULATOR).parts)
    ]
    raised = {reason for reason in Reason if any(re.search(rf"Reason\.{reason.name}\b", text) for text in sources)}
    assert set(Reason) - raised == ELSEWHERE | BY_RULE


def test_messages_are_for_known_faults():
    """Texts stand beside codes that exist."""
    assert set(MESSAGES) <= MEDIA_CODES
    assert set(TIERS) == {"entry", "advanced", "pro", "premium"}


@pytest.mark.parametrize("path", sorted(DOMAIN.glob("*.py")), ids=lambda path: path.name)
def test_the_domain_is_pure(path):
    """No clock, chance, network or storage, and no word of who speaks how."""
    text = path.read_text()
    assert not re.search(r"(?i)dialect|provider", text)
    assert not re.search(
        r"^\s*(?:from|import) (?:aiohttp|asyncio|time|random|sqlite3|sqlalchemy|datetime)\b", text, re.MULTILINE
    )
