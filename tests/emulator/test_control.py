"""The control plane as the pytest plugin and the web call it."""

import pytest

from emulator.auth import key_handle
from emulator.clocks import ScaledClock
from emulator.control import ControlError
from emulator.service import Service
from portrait.clock import ManualClock, SystemClock

AIGC = {"Filter": {"GroupType": "AIGC"}}


def refused(status, call, /, *arguments, **named):
    """What a control call that has to fail says."""
    with pytest.raises(ControlError) as error:
        call(*arguments, **named)
    assert error.value.status == status
    return error.value.message


def test_the_clock_is_moved_by_hand(alice, control):
    """Forward by seconds or to a moment; it says what it has become."""
    assert control.clock() == {"now": "2026-03-18T00:00:00Z", "seconds": 1773792000.0, "kind": "manual"}
    assert control.set_clock(advance=61)["now"] == "2026-03-18T00:01:01Z"
    assert control.set_clock(set="2026-03-18T09:00:00+08:00")["seconds"] == 1773795600.0
    assert alice.service.clock.now() == 1773795600.0
    assert control.set_clock(set=1773795600.5)["seconds"] == 1773795600.5
    assert control.set_clock(set="4001-01-01T00:00:07Z")["now"] == "4001-01-01T00:00:07Z"
    assert control.set_clock(set="4001-01-01T00:00:07Z")["now"] == "4001-01-01T00:00:07Z"


@pytest.mark.parametrize("clock", [ManualClock(), ScaledClock(10, ManualClock())], ids=["manual", "scaled"])
@pytest.mark.parametrize("moment", ["2026-03-17T23:59:59Z", "2020-01-01T00:00:00Z", 1773791999.9])
def test_time_does_not_run_backwards(clock, moment):
    """A moment that is over is refused with the time that it is, by any clock; and nothing moves."""
    control = Service(clock=clock).control
    assert "forwards" in refused(400, control.set_clock, set=moment)
    assert "2026-03-18T00:00:00Z" in refused(400, control.set_clock, set=moment)
    assert control.clock()["seconds"] == 1773792000.0


@pytest.mark.parametrize(
    "change", [{}, {"advance": 1, "set": 1}, {"advance": -1}, {"advance": "1"}, {"advance": True}, {"set": "noon"},
               {"set": None}, {"back": 1}, {"advance": float("inf")}],
)  # fmt: skip
def test_a_clock_is_not_moved_by_nonsense(control, change):
    """The reason is told, and the clock stays."""
    before = control.clock()
    assert refused(400, control.set_clock, **change)
    assert control.clock() == before


def test_clocks_that_cannot_be_moved_say_so():
    """The machine's clock stays, a scaled one goes forward."""
    assert "cannot be moved" in refused(400, Service(clock=SystemClock()).control.set_clock, advance=1)
    control = Service(clock=ScaledClock(10, ManualClock())).control
    assert control.set_clock(set="2026-03-18T00:00:07Z") == {
        "now": "2026-03-18T00:00:07Z", "seconds": 1773792007.0, "kind": "scaled"
    }  # fmt: skip


def test_calls_are_remembered_and_found(alice, control, clock):
    """By Action, customer, outcome and time."""
    alice.group()
    clock.advance(10)
    alice.error("GetAsset", {"Id": "x"})
    alice.key = None
    alice.reply("GetAsset", {"Id": "x"})
    everything = control.calls()
    assert [(c["action"], c["customer"], c["outcome"], c["status"]) for c in everything["calls"]] == [
        ("CreateAssetGroup", key_handle("sk-alice"), "ok", 200),
        ("GetAsset", key_handle("sk-alice"), "Forbidden", 200),
        ("GetAsset", "", "Unauthorized", 401),
    ]
    assert everything["count"] == 3
    for filters, count in (
        ({"action": "GetAsset"}, 2), ({"customer": "sk-alice"}, 2), ({"outcome": "ok"}, 1), ({"since": clock.now()}, 2),
        ({"since": "2026-03-18T00:00:10Z", "outcome": "ok"}, 0), ({"since": "2026-03-18T00:00:00Z"}, 3),
    ):  # fmt: skip
        assert control.calls(**filters)["count"] == count
    assert refused(400, control.calls, since="soon")
    assert refused(400, control.calls, colour="red")


def test_the_call_log_is_bounded(alice, control):
    """Only the last ten thousand calls are kept."""
    for _ in range(10_050):
        alice.reply("Nope")
    assert control.calls()["count"] == 10_000


@pytest.mark.parametrize(
    ("result", "state", "code"),
    [("pass", "passed", 10000), ("fail", "failed", 41007), ("cancel", "cancelled", 41000),
     ("wrong-person", "passed", 10000)],
)  # fmt: skip
def test_a_scan_ends_once_by_token_or_handle(alice, control, result, state, code):
    """The second attempt is a conflict, whatever it says; the page and the callback know the outcome."""
    token = alice.token()
    assert alice.service.callback({"bytedToken": token}) is None
    assert control.finish_validation("val-1", result=result)["state"] == state
    assert "already ended" in refused(409, control.finish_validation, token, result="pass")
    assert alice.service.validation_page({"bytedToken": token}).state == state
    assert alice.service.callback({"bytedToken": token}) == (
        f"https://app.example/back?bytedToken={token}&resultCode={code}&algorithmBaseRespCode=0"
        f"&reqMeasureInfoValue={int(code == 10000)}&verify_type=real_time"
    )


def test_a_scan_that_does_not_pass_may_have_any_public_code(alice, control):
    """Contract §3: those of the page's table, and only for a scan that does not pass."""
    token = alice.token()
    for result, code in (("fail", 49999), ("fail", 10000), ("fail", "41002"), ("pass", 41002), ("wrong-person", 41002)):
        refused(400, control.finish_validation, token, result=result, code=code)
    control.finish_validation(token, result="fail", code=41002)
    assert "resultCode=41002&" in alice.service.callback({"bytedToken": token})


def test_a_callback_keeps_its_query_and_fragment(alice, control):
    """Parameters are appended by & where there is a query, before the fragment."""
    body = {"CallbackURL": "https://app.example/back?order=7#top"}
    token = alice.call("CreateVisualValidateSession", body)["BytedToken"]
    control.finish_validation(token, result="cancel")
    address = alice.service.callback({"bytedToken": token})
    assert address.startswith(f"https://app.example/back?order=7&bytedToken={token}&resultCode=41000")
    assert address.endswith("#top")


def test_opening_the_page_begins_the_scan(alice, clock):
    """The page shows open, then scanning, and expired once the life is over; a handle opens nothing."""
    token = alice.token()
    page = alice.service.validation_page({"bytedToken": token})
    assert (page.handle, page.state, page.expires) == ("val-1", "scanning", clock.now() + 120)
    assert alice.service.validation_page({"bytedToken": "val-1"}) is None
    assert alice.service.validation_page({"bytedToken": "nope"}) is None
    clock.advance(120)
    assert alice.service.validation_page({"bytedToken": token}).state == "expired"
    assert alice.service.callback({"bytedToken": token}) is None


def test_a_scan_that_makes_no_sense_is_refused(alice, control, clock):
    """Unknown results, subjects that are no text, unknown validations, and those whose life is over."""
    token = alice.token()
    assert "pass" in refused(400, control.finish_validation, token, result="maybe")
    assert refused(400, control.finish_validation, token)
    assert refused(400, control.finish_validation, token, result="pass", subject=5)
    assert refused(404, control.finish_validation, "val-9", result="pass")
    clock.advance(120)
    assert "expired" in refused(409, control.finish_validation, token, result="pass")


def test_an_asset_is_decided_by_hand(alice, control, clock):
    """Failed with a code, Active, Expired; each state ends once."""
    group = alice.group()
    failed, active, expired = (alice.asset(group) for _ in range(3))
    assert control.set_asset(failed, code="FaceMismatch")["status"] == "Failed"
    assert control.set_asset(active, status="Active")["status"] == "Active"
    clock.advance(1)
    assert control.set_asset(expired, status="Expired")["status"] == "Expired"
    clock.advance(100)
    assert [alice.status(asset) for asset in (failed, active)] == ["Failed", "Active"]
    for action in ("GetAsset", "UpdateAsset", "DeleteAsset"):
        assert alice.error(action, {"Id": expired}) == "NotFound"
    assert alice.call("ListAssets", AIGC)["TotalCount"] == 2
    assert refused(409, control.set_asset, failed, status="Active")
    assert refused(409, control.set_asset, expired, status="Expired")


def test_an_asset_is_used_by_hand(alice, control, clock):
    """Only an Active one can be used; its UpdateTime stays, for nobody has changed it."""
    asset = alice.asset(alice.group())
    assert "Processing" in refused(409, control.set_asset, asset, used=True)
    assert control.set_asset(asset, status="Active", used=True)["status"] == "Active"
    updated = alice.call("GetAsset", {"Id": asset})["UpdateTime"]
    clock.advance(60)
    control.set_asset(asset, used=True)
    assert alice.service.store.find_asset(asset).used == clock.now()
    assert alice.call("GetAsset", {"Id": asset})["UpdateTime"] == updated
    control.set_asset(asset, status="Expired")
    assert "Expired" in refused(409, control.set_asset, asset, used=True)


def test_a_face_is_told_while_the_review_is_open(alice, control, clock):
    """Another subject fails the review at its time; afterwards it is too late."""
    person = alice.person(subject="alice")
    asset = alice.asset(person)
    assert control.set_asset(asset, subject="bob") == {
        "id": asset, "status": "Processing", "code": "", "subject": "bob"
    }  # fmt: skip
    clock.advance(4)
    assert alice.status(asset) == "Failed"
    assert refused(409, control.set_asset, asset, subject="alice")


@pytest.mark.parametrize(
    "change", [{}, {"status": "Pending"}, {"status": 5}, {"status": []}, {"status": "Active", "code": "FaceMismatch"},
               {"code": "Nope"}, {"status": "Expired", "code": "FaceMismatch"}, {"subject": ""}, {"colour": "red"},
               {"used": False}, {"used": 1}],
)  # fmt: skip
def test_an_asset_is_not_decided_by_nonsense(alice, control, change):
    """The reason is told, and the review goes on."""
    asset = alice.asset(alice.group())
    assert refused(400, control.set_asset, asset, **change)
    assert alice.status(asset) == "Processing"
    assert refused(404, control.set_asset, "asset-none", status="Active")


def test_a_customer_is_changed_and_shown(control):
    """A tier sets the numbers of its plan, what is said beside it wins."""
    customer = control.patch_customer("acme", assets=7, tier="pro", balance=0, aigc=False, subscription=True)
    assert customer["limits"] == {
        "aigc": False, "subscription": True, "groups": 1_000_000, "assets": 7, "assets_per": "customer", "tier": "pro",
        "balance": 0,
    }  # fmt: skip
    assert control.patch_customer("acme", tier=None, assets_per="group", balance=None)["limits"]["tier"] is None


@pytest.mark.parametrize(
    "fields", [{"groups": -1}, {"groups": 1.5}, {"groups": True}, {"assets": "5"}, {"aigc": 1}, {"subscription": None},
               {"assets_per": "project"}, {"tier": "gold"}, {"balance": "all"}, {"balance": True}, {"colour": "red"},
               {"tier": []}],
)  # fmt: skip
def test_a_customer_is_not_changed_by_nonsense(control, fields):
    """The reason is told, and nothing of the rest is done either."""
    control.patch_customer("acme", groups=5)
    assert refused(400, control.patch_customer, "acme", **{"groups": 9} | fields)
    assert control.state()["customers"][0]["limits"]["groups"] == 5


def test_rules_are_added_shown_and_removed(alice, control):
    """Counters count; a bad rule and an unknown id are refused."""
    control.add_rule({"id": "full", "match": {"action": "CreateAssetGroup"}, "do": {"error": "GroupQuotaFull"}})
    assert alice.error("CreateAssetGroup", {"Name": "x", "GroupType": "AIGC"}) == "QuotaExceeded"
    assert [(rule["seen"], rule["fired"]) for rule in control.rules()["rules"]] == [(1, 1)]
    assert "explode" in refused(400, control.add_rule, {"do": {"explode": 1}})
    assert refused(404, control.delete_rules, "none")
    assert control.delete_rules("full") == {"rules": []}
    control.add_rule({"do": {"delay": 1}})
    assert control.delete_rules() == {"rules": []}


def test_a_reset_forgets_everything_but_the_time(alice, control, clock):
    """Customers, assets, tokens, calls and rules are gone; the clock goes on."""
    asset, token = alice.asset(alice.group()), alice.token()
    control.add_rule({"do": {"delay": 1}})
    clock.advance(5)
    assert control.reset() == {"status": "ok", "clock": control.clock(), "customers": 0}
    assert control.calls()["count"] == 0
    assert control.rules() == {"rules": []}
    assert alice.error("GetAsset", {"Id": asset}) == "Forbidden"
    assert alice.error("GetVisualValidateResult", {"BytedToken": token}) == "InvalidToken"
    assert control.clock()["now"] == "2026-03-18T00:00:05Z"


def test_the_state_counts(alice, control, clock):
    """Groups and assets by state, at the time of asking."""
    group = alice.group()
    alice.asset(group)
    alice.asset(group, "https://magic.test/a?code=FaceMismatch&after=9")
    clock.advance(4)
    (customer,) = control.state()["customers"]
    assert customer["groups"] == 1
    assert customer["assets"] == {"Processing": 1, "Active": 1, "Failed": 0}
