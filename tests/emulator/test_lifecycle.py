"""The transitions of assets and validations, and the quotas, as functions of values."""

import pytest

from emulator.domain import lifecycle, quotas
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.records import Asset, AssetState, Customer, Group, Scan, Validation
from emulator.domain.verdicts import Verdict, message_for, parse_magic, review
from portrait.models import AssetType, GroupType

PROCESSING, ACTIVE, FAILED, EXPIRED = AssetState


def asset(status=PROCESSING, **fields):
    """An asset in a state."""
    return Asset(
        number=1, id="asset-1", customer="acme", project="default", group_id="group-1", group_kind=GroupType.AIGC,
        name="", kind=AssetType.IMAGE, url="https://a.example/b", created=10.0, updated=10.0, status=status, **fields,
    )  # fmt: skip


def validation(scan=Scan.OPEN):
    """A validation that lives from 0 to 120."""
    return Validation(
        number=3, token="T", customer="acme", owner="k", project="default", callback_url="https://a.example/",
        created=0.0, expires=120.0, scan=scan,
    )  # fmt: skip


def group(kind, subject=""):
    """A group of a kind."""
    return Group(
        number=1, id="group-1", customer="acme", project="default", kind=kind, name="", created=0, updated=0,
        subject=subject,
    )  # fmt: skip


def test_the_tables_are_closed():
    """Every state has its row, and leads to states that have one."""
    assert set(lifecycle.ASSET) == set(AssetState)
    assert set(lifecycle.VALIDATION) == set(Scan)
    assert {after for row in lifecycle.VALIDATION.values() for after in row.values()} <= set(Scan)
    assert set(Scan) - {Scan.OPEN, Scan.SCANNING} == lifecycle.ENDED
    assert set(lifecycle.RESULT_CODES) == set(lifecycle.OUTCOMES)


@pytest.mark.parametrize("before", [PROCESSING, ACTIVE, FAILED, EXPIRED])
@pytest.mark.parametrize("after", [PROCESSING, ACTIVE, FAILED, EXPIRED])
def test_only_a_review_decides_and_everything_ends_once(before, after):
    """Active and Failed are final but for expiring; nothing goes back to Processing."""
    forced = lifecycle.force_status(asset(before, due=14.0), after, "X", 20.0)
    allowed = after is EXPIRED if before in {ACTIVE, FAILED} else before is PROCESSING
    if allowed and before is not after:
        assert (forced.status, forced.due, forced.updated) == (after, None, 20.0)
    else:
        assert forced is None


@pytest.mark.parametrize("scan", list(Scan))
@pytest.mark.parametrize("outcome", lifecycle.OUTCOMES)
def test_a_scan_has_one_outcome(scan, outcome):
    """Only a scan that has not ended takes an outcome."""
    ended = lifecycle.transition(validation(scan), outcome)
    assert (ended is not None) is (scan in {Scan.OPEN, Scan.SCANNING})


def test_a_token_dies_with_its_last_second():
    """Life ends at `expires` itself; a passed scan keeps its state for people, an open one is shown as expired."""
    assert not lifecycle.expired(validation(), 119.9)
    assert lifecycle.expired(validation(), 120)
    assert lifecycle.state_name(validation(), 120) == "expired"
    assert lifecycle.state_name(validation(Scan.PASSED), 500) == "passed"


def test_a_review_ends_when_it_was_due():
    """The end of a review is its due time, not the time of the look."""
    ended = lifecycle.end_review(asset(due=14.0, verdict=review("Failed", "FaceMismatch")), 14.0)
    assert (ended.status, ended.code, ended.updated, ended.due) == (
        FAILED,
        "FaceMismatch",
        14.0,
        None,
    )


def test_a_review_by_reads_ends_after_that_many():
    """Two reads see Processing, the third does not."""
    seen = asset(verdict=Verdict(reads=2))
    states = []
    for now in (11, 12, 13, 14):
        seen = lifecycle.after_read(seen, now)
        states.append(seen.status)
    assert states == [PROCESSING, PROCESSING, ACTIVE, ACTIVE]
    assert seen.updated == 13


@pytest.mark.parametrize(
    ("kind", "verdict", "seconds"),
    [
        (AssetType.IMAGE, Verdict(), 4),
        (AssetType.VIDEO, Verdict(), 20),
        (AssetType.AUDIO, Verdict(), 20),
        (AssetType.VIDEO, Verdict(after=0.0), 0),
        (AssetType.IMAGE, Verdict(reads=1), None),
    ],
)
def test_how_long_a_review_takes(kind, verdict, seconds):
    """By kind, unless the verdict says otherwise; by reads there is no time."""
    assert lifecycle.review_seconds(kind, verdict, 4, 20) == seconds


@pytest.mark.parametrize(
    ("kind", "subject", "fails"),
    [
        (GroupType.LIVENESS_FACE, "bob", True),
        (GroupType.LIVENESS_FACE, "alice", False),
        (GroupType.LIVENESS_FACE, "", False),
        (GroupType.AIGC, "bob", False),
    ],
)
def test_a_face_is_matched_in_a_persons_group_only(kind, subject, fails):
    """Another person's face fails there; a face that nobody named is taken to match."""
    verdict = lifecycle.match_face(Verdict(), group(kind, "alice" if kind is GroupType.LIVENESS_FACE else ""), subject)
    assert (verdict.code == "FaceMismatch") is fails
    assert message_for("FaceMismatch") == "Face consistency verification failed."


def test_a_magic_address_is_its_own_verdict():
    """The query of magic.test decides; other hosts decide nothing."""
    verdict = parse_magic("https://magic.test/a.jpg?status=Failed&code=FaceMismatch&after=30&subject=bob")
    assert (verdict.status, verdict.code, verdict.after, verdict.subject) == (FAILED, "FaceMismatch", 30.0, "bob")
    assert parse_magic("https://magic.test/a.jpg?reject=WidthTooSmall").reject == "WidthTooSmall"
    assert parse_magic("https://magic.test/a.jpg") == Verdict()
    assert parse_magic("https://cdn.example/magic.test?status=Failed") is None


@pytest.mark.parametrize(
    "query",
    ["colour=red", "status=Pending", "status=Active&code=FaceMismatch", "code=Nope", "after=soon", "after=-1",
     "after=inf", "reject=Nope", "reject=WidthTooSmall&after=1", "status=Failed&status=Active"],
)  # fmt: skip
def test_a_magic_address_that_is_not_understood_is_refused(query):
    """Misspelt magic never passes silently."""
    with pytest.raises(ValueError, match=r"."):
        parse_magic(f"https://magic.test/a.jpg?{query}")


def test_full_is_reached_at_the_limit():
    """With a limit of two, two are enough; what is counted depends on `assets_per`."""
    customer = Customer(name="acme", number=1, groups=2, assets=2)
    quotas.check_groups(customer, 1)
    quotas.check_assets(customer, 1)
    per_customer = Customer(name="acme", number=1, assets=2, assets_per="customer")
    for check, reason in (
        (lambda: quotas.check_groups(customer, 2), Reason.GROUP_QUOTA_FULL),
        (lambda: quotas.check_assets(customer, 2), Reason.ASSET_QUOTA_FULL),
        (lambda: quotas.check_assets(per_customer, 2), Reason.ASSET_QUOTA_FULL),
    ):
        with pytest.raises(Refusal) as refused:
            check()
        assert refused.value.reason is reason


def test_a_tier_throttles_by_the_minute():
    """Three a minute: the fourth waits until a minute after the first."""
    customer = Customer(name="acme", number=1, creates_per_minute=3)
    for _ in range(3):
        customer = quotas.count_create(customer, 1000.0)
    with pytest.raises(Refusal) as refused:
        quotas.count_create(customer, 1059.9)
    assert refused.value.reason is Reason.CREATES_THROTTLED
    assert quotas.count_create(customer, 1060.0).created == 1
    unlimited = Customer(name="acme", number=1)
    assert quotas.count_create(unlimited, 0) is unlimited
