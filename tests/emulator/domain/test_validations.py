"""The liveness Actions: what is kept, how a token ends, and what a person leaves behind."""

import pytest
from attrs import evolve

from emulator.domain import groups, validations
from emulator.domain.reasons import Reason
from emulator.domain.records import Scan
from portrait import models
from portrait.models import GroupType
from tests.emulator.domain.helpers import BASE, NOW, group, refused, session


def result(ctx, token, **fields):
    """The answer of GetVisualValidateResult."""
    return validations.result(ctx, models.GetVisualValidateResultRequest(byted_token=token, **fields))


def test_a_validation_is_kept_as_it_was_asked_for(ctx):
    """Token and link live equally long; the call log has it by its handle only."""
    start_scan = validations.create(
        ctx, models.CreateVisualValidateSessionRequest(callback_url="https://app.example/back", project_name="p")
    )
    assert start_scan == models.VisualValidateSession(
        byted_token="token-1@1000",
        h5_link=f"{BASE}/h5/?bytedToken=token-1@1000&lng=zh",
        callback_url="https://app.example/back",
    )
    stored = ctx.tx.validation(start_scan.byted_token)
    assert (stored.customer, stored.owner, stored.project) == ("acme", "key-of-acme", "p")
    assert (stored.created, stored.expires, stored.scan) == (NOW, NOW + 120, Scan.OPEN)
    assert ctx.handle == stored.handle == "val-1"


def test_a_token_is_refused_by_its_state(ctx):
    """Unknown, another's, unfinished, used and dead tokens each have their reason, and the token is named."""

    def why(token):
        return refused(validations.result, ctx, models.GetVisualValidateResultRequest(byted_token=token))

    assert why("T") == (Reason.TOKEN_UNKNOWN, "", "T", "", "")
    token = session(ctx)
    ctx.handle = ""
    assert why(token) == (Reason.VALIDATION_OPEN, "", token, "", "")
    assert ctx.handle == "val-1"
    ctx.owner = "another key"
    assert why(token) == (Reason.TOKEN_UNKNOWN, "", token, "", "")
    ctx.owner = "key-of-acme"
    validations.finish(ctx, ctx.tx.validation(token), "pass", "alice")
    assert result(ctx, token).group_id == ctx.tx.validation(token).group_id
    assert why(token) == (Reason.TOKEN_SPENT, "", token, "", "")
    ctx.config = evolve(ctx.config, second_same=True)
    assert result(ctx, token).group_id == ctx.tx.validation(token).group_id
    ctx.now = NOW + 120
    assert why(token) == (Reason.TOKEN_EXPIRED, "", token, "", "")


def test_persons_are_counted_and_named(ctx):
    """A face that nobody named is a new person; its group bears the person's name, and exists from the pass on."""
    for number, subject in ((1, "person-1"), (2, "person-2")):
        token = session(ctx, project_name="p")
        passed = validations.finish(ctx, ctx.tx.validation(token), "pass", None)
        assert (passed.subject, passed.scan, ctx.tx.customer.persons) == (subject, Scan.PASSED, number)
        person = ctx.tx.group(passed.group_id)
        assert (person.name, person.subject, person.kind) == (subject, subject, GroupType.LIVENESS_FACE)
        assert (person.project, person.description) == ("p", "")
    alice = validations.finish(ctx, ctx.tx.validation(session(ctx)), "pass", "alice")
    assert (alice.subject, ctx.tx.customer.persons) == ("alice", 3)


def test_a_person_who_passes_while_full_waits_for_room(ctx):
    """At the limit there is no group yet, the token stays good, and reading it says that the quota is full."""
    ctx.tx.save_customer(evolve(ctx.tx.customer, groups=1))
    token = session(ctx)
    blocking = group(ctx)
    passed = validations.finish(ctx, ctx.tx.validation(token), "pass", "alice")
    assert (passed.group_id, passed.subject, ctx.tx.count_groups()) == ("", "alice", 1)
    request = models.GetVisualValidateResultRequest(byted_token=token)
    assert refused(validations.result, ctx, request)[0] is Reason.GROUP_QUOTA_FULL
    groups.delete(ctx, models.DeleteAssetGroupRequest(id=blocking))
    person = ctx.tx.group(result(ctx, token).group_id)
    assert (person.subject, ctx.tx.validation(token).scan) == ("alice", Scan.SPENT)


def test_the_page_opens_a_scan_that_can_still_begin(ctx):
    """The first look begins the scan; later looks, an ended scan and a dead link change nothing."""
    fresh = ctx.tx.validation(session(ctx))
    scanning = validations.start_scan(ctx, fresh)
    assert (scanning.scan, ctx.tx.validation(fresh.token).scan) == (Scan.SCANNING, Scan.SCANNING)
    assert validations.start_scan(ctx, scanning) is scanning
    failed = validations.finish(ctx, scanning, "fail", None)
    assert (failed.scan, ctx.tx.validation(fresh.token).scan) == (Scan.FAILED, Scan.FAILED)
    assert validations.start_scan(ctx, failed) is failed
    assert validations.finish(ctx, failed, "pass", "alice") is None
    late = ctx.tx.validation(session(ctx))
    ctx.now = NOW + 120
    assert validations.start_scan(ctx, late) is late
    assert ctx.tx.validation(late.token).scan is Scan.OPEN
    assert validations.finish(ctx, late, "pass", "alice") is None


@pytest.mark.parametrize(
    ("outcome", "code", "billed"),
    [("pass", 10000, 1), ("fail", 41007, 0), ("cancel", 41000, 0), ("wrong-person", 10000, 1)],
)
def test_a_callback_carries_the_outcome(ctx, outcome, code, billed):
    """The parameters of the contract, after those that the address has of its own."""
    ended = validations.finish(ctx, ctx.tx.validation(session(ctx)), outcome, None)
    query = (
        f"bytedToken=token-1%401000&resultCode={code}&algorithmBaseRespCode=0"
        f"&reqMeasureInfoValue={billed}&verify_type=real_time"
    )
    assert validations.callback_url_for(ended) == f"https://app.example/back?{query}"
    own = evolve(ended, callback_url="https://app.example/back?user=7#top")
    assert validations.callback_url_for(own) == f"https://app.example/back?user=7&{query}#top"
    spent = evolve(ended, scan=Scan.SPENT, code=10000)
    assert "resultCode=10000&" in validations.callback_url_for(spent)
    assert "reqMeasureInfoValue=1&" in validations.callback_url_for(spent)
