"""Identifiers in the forms of contract §1 (*Identifiers*): seeded, so that a run can be repeated, and unique."""

from __future__ import annotations

import random
from hashlib import blake2b

from emulator.clocks import TimestampFormatter

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TAILS = 36**5
# Coprime to 36: stepping by it visits every tail once before any comes again.
_STEP = 26_544_361
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)


class Ids:
    """Makes identifiers.

    Args:
        seed: The same seed gives the same ids in the same order.
        format_time: Writes the time that an id begins with.
        process: How many processes have made ids for the same store before, with other chance.
    """

    def __init__(self, seed: int, format_time: TimestampFormatter, process: int = 0) -> None:
        self._bits = random.Random(seed).getrandbits  # noqa: S311 - repeatable on purpose
        self._first = self._bits(25)
        if process:
            self._bits = random.Random(f"{seed}/{process}").getrandbits  # noqa: S311 - repeatable on purpose
        self._digits = format_time.digits
        self._token_key = f"tokens of {seed}".encode()

    def group(self, now: float, number: int) -> str:
        """`group-YYYYMMDDhhmmss-xxxxx`; the tail follows from the number."""
        return self._id("group", now, number)

    def asset(self, now: float, number: int) -> str:
        """`asset-YYYYMMDDhhmmss-xxxxx`; the tail follows from the number."""
        return self._id("asset", now, number)

    def token(self, now: float) -> str:
        """14 digits and 20 upper-case hexadecimal ones: a RequestId."""
        return f"{self._digits(now)}{self._bits(80):020X}"

    def byted_token(self, now: float, owner: str) -> str:
        """A BytedToken, in the form of a RequestId. Its end says whose it is, for when its validation is forgotten."""
        start = f"{self._digits(now)}{self._bits(24):06X}"
        return start + self._owner_mark(start, owner)

    def is_old_token(self, token: str, owner: str, before: float) -> bool:
        """Was that token made for that owner, before that moment?"""
        return token[:14] <= self._digits(before) and token[20:] == self._owner_mark(token[:20], owner)

    def _owner_mark(self, start: str, owner: str) -> str:
        text = f"{start} {owner}".encode(errors="surrogatepass")
        return blake2b(text, key=self._token_key[:64], digest_size=7).hexdigest().upper()

    def key(self) -> str:
        """12 hexadecimal digits: the name of an uploaded file."""
        return f"{self._bits(48):012x}"

    def job(self, form: str, now: float, number: int) -> str:
        """The id of a job in one of its forms.

        Args:
            form: `task`, `vgen` or `cgt`, as the id begins.
            now: Seconds since 1970.
            number: Its number among all jobs, groups and assets.
        """
        if form == "cgt":
            return self._id(form, now, number)
        return f"{form}_{self._ulid(now) if form == 'task' else self._ulid(now).lower()}"

    def _ulid(self, now: float) -> str:
        """26 characters, which begin with the milliseconds since 1970."""
        number = int(now * 1000) << 80 | self._bits(80)
        return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))

    def secret(self) -> bytes:
        """A key for signing links."""
        return self._bits(256).to_bytes(32, "big")

    def _id(self, kind: str, now: float, number: int) -> str:
        tail = self._tail(number)
        return f"{kind}-{self._digits(now)}-{tail}"

    def _tail(self, number: int) -> str:
        number, last = divmod((self._first + number) * _STEP % _TAILS, 36)
        first, second = divmod(number, 1296)
        return f"{_PAIRS[first]}{_PAIRS[second]}{_ALPHABET[last]}"
