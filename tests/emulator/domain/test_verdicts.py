"""Verdicts by magic address and by loose values: what is understood, and what is said of the rest."""

import pytest

from emulator.domain.verdicts import Verdict, message_for, parse_magic, review, seconds
from portrait.codes import MEDIA_CODES
from portrait.media import STAGES
from portrait.models import AssetStatus

CODES = ", ".join(sorted(MEDIA_CODES))
AT_ONCE = ", ".join(sorted(code for code, stage in STAGES.items() if stage == "create"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("status=Pending", "status must be Active or Failed"),
        ("status=Active&code=FpsTooLow", "code is for status Failed only"),
        ("code=Nope", f"code must be one of {CODES}, not 'Nope'"),
        ("reject=Nope", f"reject must be one of {AT_ONCE}, not 'Nope'"),
        ("reject=FaceMismatch", f"reject must be one of {AT_ONCE}, not 'FaceMismatch'"),
        ("reject=FpsTooLow&after=1", "reject must be alone: a file that is refused has no review"),
        ("after=soon", "after must be a number of seconds, 0 or more"),
        ("colour=red", "'colour' is unknown; known are status, code, after, reject, subject"),
        ("b=1&a=1", "'a' is unknown; known are status, code, after, reject, subject"),
        ("after=1&after=1", "no parameter may be there twice"),
        ("after=", "after must be a number of seconds, 0 or more"),
    ],
)
def test_magic_that_is_not_understood_says_what_would_be(query, words):
    """Each kind of nonsense has its own words."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_magic(f"https://magic.test/a.jpg?{query}")
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("query", "verdict"),
    [
        ("", Verdict()),
        ("status=Failed", Verdict(status=AssetStatus.FAILED, code="InternalError")),
        ("code=FpsTooLow", Verdict(status=AssetStatus.FAILED, code="FpsTooLow")),
        ("status=Active&after=0", Verdict(after=0.0)),
        ("subject=bob", Verdict(subject="bob")),
        ("reject=FpsTooLow", Verdict(reject="FpsTooLow")),
    ],
)
def test_magic_decides_what_it_says_and_no_more(query, verdict):
    """What a query leaves out is as for any other address."""
    assert parse_magic(f"https://magic.test/a.jpg?{query}") == verdict
    assert parse_magic(f"HTTPS://Magic.TEST/a.jpg?{query}") == verdict
    assert parse_magic(f"https://other.test/a.jpg?{query}&from=magic.test") is None


@pytest.mark.parametrize("code", sorted(MEDIA_CODES))
def test_a_review_may_find_any_fault_and_create_asset_only_some(code):
    """Contract §3 lists every code for Failed; moderation, faces and the service's own faults come by a review only."""
    assert parse_magic(f"https://magic.test/a.jpg?code={code}").code == code
    if STAGES[code] == "create":
        assert parse_magic(f"https://magic.test/a.jpg?reject={code}").reject == code
    else:
        with pytest.raises(ValueError, match="reject must be one of"):
            parse_magic(f"https://magic.test/a.jpg?reject={code}")


def test_a_verdict_from_loose_values(ctx):
    """A failed review without a code has the service's own; times and reads are taken as they are."""
    assert review("Active") == Verdict()
    assert review("Active", after=2.0, reads=3) == Verdict(after=2.0, reads=3)
    assert review("Failed", reads=0) == Verdict(status=AssetStatus.FAILED, code="InternalError", reads=0)
    assert message_for("DownloadFailed") == "Failed to download media from the provided URL"


@pytest.mark.parametrize(("value", "number"), [(0, 0.0), ("0", 0.0), (0.25, 0.25), ("30", 30.0)])
def test_seconds_are_any_number_from_zero(value, number):
    """Zero is a number of seconds, too."""
    assert seconds(value) == number


@pytest.mark.parametrize("value", [True, False, None, [], "", "nan", "inf", -0.5, float("nan")], ids=repr)
def test_what_is_no_number_of_seconds_is_refused(value):
    """Neither truth values nor infinity are."""
    with pytest.raises(ValueError, match=r"^after must be a number of seconds, 0 or more$"):
        seconds(value)
