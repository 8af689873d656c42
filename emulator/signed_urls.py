"""Signed links: to files, in the form of the vendor's object store, and to the pages of validations.

Contract §2, *Asset item*: 12 hours of life (D).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from emulator.clocks import TimestampFormatter, parse_timestamp
from emulator.domain.records import Asset, Validation
from portrait.video_models import URL_LIFE

SIGNED_FILES = "/files/"
"""The path below which the files of assets are served, by their ids."""

VIDEOS = "/videos/"
"""The path below which finished videos are served, by their names."""

_TOKEN, _TICKET = "bytedToken", "ticket"
_EXPIRES, _DATE, _SIGNATURE = "X-Tos-Expires", "X-Tos-Date", "X-Tos-Signature"


class SignedUrls:
    """Makes and checks links.

    Args:
        secret: What they are signed with.
        life: Seconds that a link lives.
        format_time: Writes the time that a link was made.
    """

    def __init__(self, secret: bytes, life: int, format_time: TimestampFormatter) -> None:
        # A list of 100 items signs 100 links: a keyed BLAKE2s is as long as the vendor's HMAC and made in a quarter of
        # the time. Nobody but this emulator reads it.
        self._prepared = hashlib.blake2s(key=secret)
        self._life = life
        self._digits = format_time.digits
        self._second: tuple[int, str, bytes] = (-1, "", b"")  # the last one that a link was signed in

    def sign(self, asset: Asset, base: str, now: float) -> str:
        """A link to an asset's file."""
        second, query, suffix = self._second
        if second != int(now):
            date = self._date(now)
            query, suffix = _query(date, self._life), _signed("", date, self._life)
            self._second = int(now), query, suffix
        signing = self._prepared.copy()
        signing.update(asset.id.encode() + suffix)
        return f"{base}{SIGNED_FILES}{asset.id}?{query}{signing.hexdigest()}"

    def verify(self, asset_id: str, query: Mapping[str, str], now: float) -> bool:
        """Whether this link was made here and has not expired."""
        return self._verify(asset_id, query, now, self._life)

    def sign_video(self, name: str, base: str, moment: float) -> str:
        """A link to the file of a video that ended at `moment`: `vgen_….mp4`, or `.png` for its last frame."""
        date = self._date(moment)
        return f"{base}{VIDEOS}{name}?{_query(date, URL_LIFE)}{self._signature(name, date, URL_LIFE)}"

    def verify_video(self, name: str, query: Mapping[str, str], now: float) -> bool:
        """Whether this link was made here and has not expired."""
        return self._verify(name, query, now, URL_LIFE)

    def _date(self, moment: float) -> str:
        digits = self._digits(moment)
        return f"{digits[:8]}T{digits[8:]}Z"

    def _verify(self, subject: str, query: Mapping[str, str], now: float, life: int) -> bool:
        date, signature = query.get(_DATE, ""), query.get(_SIGNATURE, "")
        if query.get(_EXPIRES) != str(life):
            return False
        expected = self._signature(subject, date, life)
        if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
            return False
        return now < parse_timestamp(date) + life

    @staticmethod
    def page_token(validation: Validation) -> str:
        """The query of the mainland's link to a validation's page, with the token itself."""
        return f"{_TOKEN}={validation.token}"

    def page_handle(self, validation: Validation) -> str:
        """The query of BytePlus's link, from which no token can be read: the handle, and a proof of it."""
        return f"{_TICKET}={validation.handle}.{self._signature(validation.token, validation.handle, 0)}"

    @staticmethod
    def page_subject(query: Mapping[str, str]) -> str:
        """The token or the handle that a link to a page names, "" for neither; not yet verified."""
        return query[_TOKEN] if _TOKEN in query else query.get(_TICKET, "").partition(".")[0]

    def verify_page(self, validation: Validation, query: Mapping[str, str]) -> bool:
        """Does the link lead to that validation's page? A handle alone does not."""
        name = _TOKEN if _TOKEN in query else _TICKET
        expected = self.page_token(validation) if name == _TOKEN else self.page_handle(validation)
        return hmac.compare_digest(f"{name}={query.get(name, '')}".encode(), expected.encode())

    def _signature(self, subject: str, date: str, life: int) -> str:
        signing = self._prepared.copy()
        signing.update(_signed(subject, date, life))
        return signing.hexdigest()


def _query(date: str, life: int) -> str:
    """The query of a link up to its signature."""
    return f"{_EXPIRES}={life}&{_DATE}={date}&{_SIGNATURE}="


def _signed(subject: str, date: str, life: int) -> bytes:
    """The bytes that a signature is made of."""
    return f"{subject}\n{date}\n{life}".encode(errors="replace")
