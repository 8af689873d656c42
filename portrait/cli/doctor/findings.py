"""What `doctor` finds out: one row of its table."""

from __future__ import annotations

from typing import NamedTuple

from portrait.cli.errors import advice_of, code_of, exit_code
from portrait.errors import PortraitError


class Finding(NamedTuple):
    """What one check found.

    Attributes:
        check: Its name.
        state: `ok`, `note`, `fault` or `skipped`.
        what: In words.
        advice: What to do about a fault.
        code: The exit code of a fault.
    """

    check: str
    state: str
    what: str
    advice: str = ""
    code: int = 0


def fault(check: str, error: PortraitError) -> Finding:
    """The finding that an error is."""
    code = code_of(error)
    return Finding(
        check,
        "fault",
        f"{error.message}{f' ({code})' if code else ''}",
        advice_of(error, in_doctor=True),
        exit_code(error),
    )


def untried(*checks: str) -> list[Finding]:
    """The findings of checks that a fault before them has made idle."""
    return [Finding(check, "skipped", "not tried") for check in checks]
