"""The outcome of a review, and the magic addresses that decide it beforehand: `https://magic.test/…?status=…`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl

from attrs import evolve, frozen

from portrait.codes import MEDIA_CODES
from portrait.media import STAGES
from portrait.models import AssetStatus
from portrait.urls import parse_http_url

MAGIC_HOST = "magic.test"
_KEYS = ("status", "code", "after", "reject", "subject")

# Contract §3: these CreateAsset itself answers, "where they can be" found (M). A review may find any of `MEDIA_CODES`,
# for §3 lists them all for Failed; moderation, faces and the service's own faults come by a review only.
SYNC_FAULTS = frozenset(code for code, stage in STAGES.items() if stage == "create")

# Contract §3 and §4 give these texts (M); the others are our own (I).
MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "FaceMismatch": "Face consistency verification failed.",
        "DownloadFailed": "Failed to download media from the provided URL",
        "WidthTooSmall": "Width must be between 300px and 6000px.",
    }
)


@frozen(kw_only=True)
class Verdict:
    """The outcome of a review.

    Attributes:
        status: `Active` or `Failed`.
        code: Why it fails, "" for Active.
        after: Seconds that the review takes; None means the usual.
        reads: The review ends after that many GetAsset instead; None means by time.
        reject: CreateAsset itself refuses with this fault, "" for none.
        subject: Whose face the file shows; "" if unknown.
    """

    status: AssetStatus = AssetStatus.ACTIVE
    code: str = ""
    after: float | None = None
    reads: int | None = None
    reject: str = ""
    subject: str = ""


@frozen(kw_only=True)
class ReviewChange:
    """A change of a review: what is named replaces the verdict of the address, the rest stays.

    Attributes:
        verdict: Status and code; None leaves both.
        code_named: Without it a file that fails anyway keeps its own code.
        after: Seconds that the review takes; None leaves it.
        reads: The review ends after that many GetAsset; None leaves it.
    """

    verdict: Verdict | None = None
    code_named: bool = False
    after: float | None = None
    reads: int | None = None

    def apply(self, verdict: Verdict) -> Verdict:
        """The changed verdict. A file that CreateAsset itself refuses has no review that could change."""
        if self.verdict is not None:
            keeps_code = verdict.status is self.verdict.status and not self.code_named
            code = verdict.code if keeps_code else self.verdict.code
            verdict = evolve(verdict, status=self.verdict.status, code=code)
        if self.after is not None or self.reads is not None:
            verdict = evolve(verdict, after=self.after, reads=self.reads)
        return verdict


PASS = Verdict()
MISMATCH = "FaceMismatch"
_DEFAULT_CODE = "InternalError"


def message_for(code: str) -> str:
    """The service's text for a fault of a file."""
    return MESSAGES.get(code) or f"The file was refused: {code}."


def review(status: str, code: str = "", *, after: float | None = None, reads: int | None = None) -> Verdict:
    """A verdict from loose values.

    Raises:
        ValueError: They make no sense; its text begins with the one that is wrong.
    """
    if status not in {"Active", "Failed"}:
        raise ValueError("status must be Active or Failed")
    if code and status == "Active":
        raise ValueError("code is for status Failed only")
    if code and code not in MEDIA_CODES:
        raise ValueError(f"code must be one of {', '.join(sorted(MEDIA_CODES))}, not {code!r}")
    code = code or (_DEFAULT_CODE if status == "Failed" else "")
    return Verdict(status=AssetStatus(status), code=code, after=after, reads=reads)


def parse_magic(url: str) -> Verdict | None:
    """The verdict that a magic address carries; None for any other address.

    Raises:
        ValueError: The query has an unknown key or a wrong value.
    """
    if MAGIC_HOST not in url.lower():
        return None
    parsed = parse_http_url(url)
    if parsed.host != MAGIC_HOST:
        return None
    pairs = parse_qsl(parsed.query or "", keep_blank_values=True)
    query = dict(pairs)
    unknown = sorted(set(query) - set(_KEYS))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is unknown; known are {', '.join(_KEYS)}")
    if len(query) != len(pairs):
        raise ValueError("no parameter may be there twice")
    return _parse(query)


def _parse(query: Mapping[str, str]) -> Verdict:
    if "reject" in query:
        if len(query) > 1:
            raise ValueError("reject must be alone: a file that is refused has no review")
        if query["reject"] not in SYNC_FAULTS:
            raise ValueError(f"reject must be one of {', '.join(sorted(SYNC_FAULTS))}, not {query['reject']!r}")
        return Verdict(reject=query["reject"])
    verdict = review(query.get("status", "Failed" if "code" in query else "Active"), query.get("code", ""))
    after = seconds(query["after"]) if "after" in query else None
    return Verdict(status=verdict.status, code=verdict.code, after=after, subject=query.get("subject", ""))


def seconds(text: object) -> float:
    """A number of seconds, 0 or more.

    Raises:
        ValueError: It is none.
    """
    try:
        value = math.nan if isinstance(text, bool) else float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError("after must be a number of seconds, 0 or more")
    return value
