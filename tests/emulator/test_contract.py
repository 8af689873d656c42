"""Every Action with its success and each documented error, in both dialects: one scenario, two ways of wording it."""

from collections.abc import Callable

import orjson
import pytest
from attrs import evolve, frozen

from emulator.domain.reasons import FURTHER_REASONS, SIGNATURE_REASONS, Reason
from portrait.actions import ACTIONS
from tests.emulator.conftest import DIALECTS, Endpoint, both_dialects

PROJECTS = frozenset({"film"})
SHOT = {"URL": "https://cdn.example/host.jpg", "AssetType": "Image"}
CALLBACK = {"CallbackURL": "https://app.example/back"}

# Contract §4, written down once more: HTTP status and code in each dialect.
# `{…}` is the field, the id or the fault that the case is about.
CODES = {
    Reason.KEY_MISSING: ((401, "Unauthorized"), (401, "MissingAuthenticationToken")),
    Reason.KEY_UNKNOWN: ((401, "Unauthorized"), (401, "InvalidAccessKey")),
    Reason.MISSING_ACTION: ((200, "MissingParameter.Action"), (400, "MissingParameter")),
    Reason.UNKNOWN_ACTION: ((200, "InvalidActionOrVersion"), (404, "InvalidActionOrVersion")),
    Reason.MALFORMED_BODY: ((200, "InvalidParameter"), (400, "InvalidParameter")),
    Reason.MISSING_FIELD: ((200, "MissingParameter.{}"), (400, "MissingParameter.{}")),
    Reason.INVALID_FIELD: ((200, "InvalidParameter"), (400, "InvalidParameter")),
    Reason.MEDIA_REJECTED: ((200, "InvalidParameter.{}"), (400, "InvalidParameter.{}")),
    Reason.UNKNOWN_GROUP: ((200, "Forbidden"), (404, "NotFound.group_id")),
    Reason.UNKNOWN_ASSET: ((200, "Forbidden"), (404, "NotFound.asset_id")),
    Reason.UNKNOWN_PROJECT: ((200, "NotFound.ProjectName"), (404, "NotFound.ProjectName")),
    Reason.ASSET_EXPIRED: ((200, "NotFound"), (404, "NotFound.asset_id")),
    Reason.VALIDATION_OPEN: ((200, "ValidatePending"), (404, "NotFound.{}")),
    Reason.TOKEN_UNKNOWN: ((200, "InvalidToken"), (404, "NotFound.{}")),
    Reason.TOKEN_SPENT: ((200, "InvalidToken"), (404, "NotFound.{}")),
    Reason.TOKEN_EXPIRED: ((200, "TokenExpired"), (404, "NotFound.{}")),
    Reason.AIGC_NOT_AVAILABLE: ((200, "AIGCNotAvailable"), (403, "AIGCNotAvailable")),
    Reason.SUBSCRIPTION_REQUIRED: ((200, "SubscriptionRequired"), (403, "SubscriptionRequired")),
    Reason.BALANCE_EMPTY: ((402, "insufficient_balance"), (403, "AccountOverdueError")),
    Reason.GROUP_QUOTA_FULL: ((200, "QuotaExceeded"), (429, "QuotaSharedPoolExceeded")),
    Reason.ASSET_QUOTA_FULL: ((200, "QuotaExceeded"), (429, "QuotaSharedPoolExceeded")),
    Reason.CREATES_THROTTLED: ((200, "RateLimitExceeded"), (429, "QuotaWriteQPMExceeded")),
    Reason.LISTS_THROTTLED: ((200, "RateLimitExceeded"), (429, "AccountFlowLimitExceeded")),
    Reason.THROTTLED: ((200, "RateLimitExceeded"), (429, "FlowLimitExceeded")),
    Reason.UPSTREAM_UNAVAILABLE: ((200, "UpstreamUnavailable"), (503, "ServiceUnavailable")),
    Reason.INTERNAL: ((500, "internal_error"), (500, "InternalError")),
}
# What is found before there is a call has tests of its own, and so have signatures and what no Action has (tests/wire).
ELSEWHERE = {Reason.BODY_TOO_LARGE, Reason.FILE_TOO_LARGE} | SIGNATURE_REASONS | FURTHER_REASONS


@frozen
class World:
    """What the customer has: a group, an asset, a passed and an open validation; and a request of each Action."""

    caller: Endpoint
    group: str
    asset: str
    passed: str
    open: str

    def body(self, action, **changes):
        """A request that succeeds."""
        page = {"Filter": {"GroupType": "AIGC"}, "PageNumber": 1}
        bodies = {
            "CreateAssetGroup": {"Name": "another", "GroupType": "AIGC"},
            "ListAssetGroups": page,
            "UpdateAssetGroup": {"Id": self.group, "Name": "renamed"},
            "CreateAsset": {"GroupId": self.group, **SHOT},
            "ListAssets": page,
            "UpdateAsset": {"Id": self.asset, "Name": "renamed"},
            "CreateVisualValidateSession": CALLBACK,
            "GetVisualValidateResult": {"BytedToken": self.passed},
        }
        return bodies.get(action, {"Id": self.group if "Group" in action else self.asset}) | changes

    @property
    def control(self):
        """The control plane."""
        return self.caller.service.control

    def limit(self, **limits):
        """Changes the customer."""
        self.control.patch_customer(self.caller.key, **limits)


@pytest.fixture
def world(start):
    """A customer with something of everything."""
    caller = start(projects=PROJECTS)
    group = caller.group()
    passed, open_ = caller.token(), caller.token()
    caller.service.control.finish_validation(passed, result="pass", subject="alice")
    return World(caller, group, caller.asset(group), passed, open_)


# Contract §2: the fields of each result; a dialect that differs has a line of its own.
GROUP = "Id Name Title Description GroupType ProjectName CreateTime UpdateTime"
RESULTS = {
    "CreateAssetGroup": "Id",
    "GetAssetGroup": GROUP,
    "ListAssetGroups": "Items PageNumber PageSize TotalCount",
    "UpdateAssetGroup": {"alltoken": "", "ark": "Id"},
    "DeleteAssetGroup": "",
    "CreateAsset": "Id",
    "GetAsset": {
        "alltoken": "Id GroupId Name AssetType Status UpstreamStatus ProjectName CreateTime UpdateTime",
        "ark": "Id GroupId Name AssetType Status URL Moderation ProjectName CreateTime UpdateTime",
    },
    "ListAssets": "Items PageNumber PageSize TotalCount",
    "UpdateAsset": {"alltoken": "", "ark": "Id"},
    "DeleteAsset": "",
    "CreateVisualValidateSession": "BytedToken H5Link CallbackURL",
    "GetVisualValidateResult": "GroupId",
}


@both_dialects
@pytest.mark.parametrize("action", ACTIONS)
def test_a_success(world, action):
    """The five fields of metadata and a Result with the Action's fields, with HTTP 200."""
    reply = world.caller.reply(action, world.body(action))
    answer = orjson.loads(reply.body)
    assert reply.status == 200
    assert answer.keys() == {"ResponseMetadata", "Result"}
    assert answer["ResponseMetadata"].keys() == {"RequestId", "Action", "Version", "Service", "Region"}
    assert answer["ResponseMetadata"]["Action"] == action
    fields = RESULTS[action]
    assert set(answer["Result"]) == set((fields if isinstance(fields, str) else fields[world.caller.dialect]).split())


@frozen
class Case:
    """A documented error.

    Attributes:
        reason: Why the call is refused.
        actions: Which of the Actions it is a case of.
        prepare: What happens before; it gives the changes to a request that would succeed.
        detail: What the code's placeholder stands for, or what gives it.
        rule: A rule that is sent along.
    """

    reason: Reason
    actions: tuple[str, ...]
    prepare: Callable = lambda world, action: {}
    detail: str | Callable = ""
    rule: dict | None = None


CREATES = ("CreateAssetGroup", "CreateAsset", "CreateVisualValidateSession")
LISTS = ("ListAssetGroups", "ListAssets")
BY_GROUP = ("GetAssetGroup", "UpdateAssetGroup", "DeleteAssetGroup", "CreateAsset")
BY_ASSET = ("GetAsset", "UpdateAsset", "DeleteAsset")
RESULT = ("GetVisualValidateResult",)
OF_NOBODY = {"group": "group-20260318035710-00000", "asset": "asset-20260318035710-00000"}


def limited(**limits):
    """The customer is changed before the call."""

    def prepare(world, _):
        world.limit(**limits)
        return {}

    return prepare


def with_id(find):
    """The request is about another group or asset."""
    return lambda world, action: {"GroupId" if action == "CreateAsset" else "Id": find(world)}


def foreign(kind):
    """Something of another customer's."""

    def find(world):
        bob = evolve(world.caller, key="sk-bob")
        group = bob.group()
        return group if kind == "group" else bob.asset(group)

    return find


def expire(world, _):
    """The asset's life ends."""
    world.control.set_asset(world.asset, status="Expired")
    return {}


def token_of(change):
    """GetVisualValidateResult asks for another token, or later."""

    def prepare(world, _):
        return {"BytedToken": change(world) or world.passed}

    return prepare


def use_up(world):
    """The first answer uses a token up."""
    world.caller.call("GetVisualValidateResult", {"BytedToken": world.passed})


def fail(world):
    """A scan that does not pass."""
    world.control.finish_validation(world.open, result="fail")
    return world.open


def create_fast(world, _):
    """Three creates of the entry plan's minute."""
    world.limit(tier="entry", assets=100)
    for _ in range(3):
        world.caller.asset(world.group)
    return {}


def token_in(changes):
    """The token that was asked for stands in Ark's code."""
    return changes["BytedToken"]


CASES = {
    "unknown group": Case(Reason.UNKNOWN_GROUP, BY_GROUP, with_id(lambda _: OF_NOBODY["group"])),
    "foreign group": Case(Reason.UNKNOWN_GROUP, BY_GROUP, with_id(foreign("group"))),
    "group of another project": Case(Reason.UNKNOWN_GROUP, BY_GROUP, lambda *_: {"ProjectName": "film"}),
    "unknown asset": Case(Reason.UNKNOWN_ASSET, BY_ASSET, with_id(lambda _: OF_NOBODY["asset"])),
    "foreign asset": Case(Reason.UNKNOWN_ASSET, BY_ASSET, with_id(foreign("asset"))),
    "asset of another project": Case(Reason.UNKNOWN_ASSET, BY_ASSET, lambda *_: {"ProjectName": "film"}),
    "expired asset": Case(Reason.ASSET_EXPIRED, BY_ASSET, expire),
    "unknown project": Case(Reason.UNKNOWN_PROJECT, tuple(ACTIONS), lambda *_: {"ProjectName": "shop"}),
    "wrong type": Case(Reason.INVALID_FIELD, tuple(ACTIONS), lambda *_: {"ProjectName": 5}),
    "long name": Case(
        Reason.INVALID_FIELD,
        ("CreateAssetGroup", "UpdateAssetGroup", "CreateAsset", "UpdateAsset"),
        lambda *_: {"Name": "n" * 65},
    ),
    "LivenessFace by hand": Case(
        Reason.INVALID_FIELD, ("CreateAssetGroup",), lambda *_: {"GroupType": "LivenessFace"}
    ),
    "unknown asset type": Case(Reason.INVALID_FIELD, ("CreateAsset",), lambda *_: {"AssetType": "Picture"}),
    "data URI": Case(Reason.INVALID_FIELD, ("CreateAsset",), lambda *_: {"URL": "data:image/png;base64,AAAA"}),
    "wrong callback": Case(
        Reason.INVALID_FIELD, ("CreateVisualValidateSession",), lambda *_: {"CallbackURL": "app.example"}
    ),
    "page size": Case(Reason.INVALID_FIELD, LISTS, lambda *_: {"PageSize": 101}),
    "page number": Case(Reason.INVALID_FIELD, LISTS, lambda *_: {"PageNumber": 0}),
    "media fault": Case(
        Reason.MEDIA_REJECTED,
        ("CreateAsset",),
        lambda *_: {"URL": "https://magic.test/a.jpg?reject=WidthTooSmall"},
        "WidthTooSmall",
    ),
    "open validation": Case(Reason.VALIDATION_OPEN, RESULT, token_of(lambda world: world.open), token_in),
    "failed scan": Case(Reason.VALIDATION_OPEN, RESULT, token_of(fail), token_in),
    "unknown token": Case(Reason.TOKEN_UNKNOWN, RESULT, token_of(lambda _: "20260702230643" + "A" * 20), token_in),
    "foreign token": Case(
        Reason.TOKEN_UNKNOWN, RESULT, token_of(lambda world: evolve(world.caller, key="sk-bob").token()), token_in
    ),
    "token used up": Case(Reason.TOKEN_SPENT, RESULT, token_of(use_up), token_in),
    "old token": Case(
        Reason.TOKEN_EXPIRED, RESULT, token_of(lambda world: world.caller.service.clock.advance(120)), token_in
    ),
    "no AIGC": Case(Reason.AIGC_NOT_AVAILABLE, ("CreateAssetGroup",), limited(aigc=False)),
    "no subscription": Case(Reason.SUBSCRIPTION_REQUIRED, CREATES, limited(subscription=False)),
    "no balance": Case(Reason.BALANCE_EMPTY, CREATES, limited(balance=0)),
    "full of groups": Case(Reason.GROUP_QUOTA_FULL, ("CreateAssetGroup",), limited(groups=2)),
    "full of assets": Case(Reason.ASSET_QUOTA_FULL, ("CreateAsset",), limited(assets=1)),
    "too many creates": Case(Reason.CREATES_THROTTLED, ("CreateAsset",), create_fast),
    "too many items": Case(
        Reason.LISTS_THROTTLED, LISTS, rule={"do": {"error": str(Reason.LISTS_THROTTLED)}}
    ),
    **{
        f"by rule {reason}": Case(reason, tuple(ACTIONS), rule={"do": {"error": str(reason)}})
        for reason in (Reason.THROTTLED, Reason.UPSTREAM_UNAVAILABLE, Reason.INTERNAL)
    },
}  # fmt: skip


@both_dialects
@pytest.mark.parametrize(
    ("name", "action"), [(name, action) for name, case in CASES.items() for action in case.actions]
)
def test_a_documented_error(world, name, action):
    """Its status and code, and nothing is changed by it."""
    case = CASES[name]
    changes = case.prepare(world, action)
    before = world.control.state()
    refusal = world.caller.refusal(action, world.body(action, **changes), rule=case.rule)
    detail = case.detail if isinstance(case.detail, str) else case.detail(changes)
    assert refusal == expected(world, case.reason, detail)
    assert world.control.state() == before


def expected(world, reason, detail=""):
    """Status and code by the table above."""
    status, code = CODES[reason][DIALECTS.index(world.caller.dialect)]
    return status, code.format(detail)


@both_dialects
@pytest.mark.parametrize("action", ACTIONS)
def test_a_missing_field(world, action):
    """Each required field, left out or empty."""
    required = world.caller.pipeline.mount.dialect.required[action]
    assert required
    for field in (each for each in required if "?" not in each):
        name, _, inner = field.partition("|")[0].partition(".")
        for nothing in ({}, {name: None}, {name: ""}) if not inner else ({name: {}}, {name: {inner: ""}}):
            body = {key: value for key, value in world.body(action).items() if key != name} | nothing
            refusal = world.caller.refusal(action, body)
            assert refusal == expected(world, Reason.MISSING_FIELD, field.partition("|")[0])


@both_dialects
@pytest.mark.parametrize("action", ACTIONS)
def test_what_is_wrong_with_the_call(world, action):
    """A body that is no JSON object, another Version, and credentials of nobody."""
    caller, body = world.caller, orjson.dumps(world.body(action))
    for malformed in (b"{", b"[]", b'"x"'):
        assert caller.refusal(action, malformed) == expected(world, Reason.MALFORMED_BODY)
    assert caller.refusal(action, body, version="2020-01-01") == expected(world, Reason.UNKNOWN_ACTION)
    assert caller.refusal(f"{action}s", body) == expected(world, Reason.UNKNOWN_ACTION)
    assert caller.refusal("", body) == expected(world, Reason.MISSING_ACTION)


@both_dialects
@pytest.mark.parametrize("action", ACTIONS)
def test_whose_call_it_is(start, action):
    """No credentials, and those of nobody: the same for every Action, before anything else is looked at."""
    caller = start(api_keys={"sk-alice": "sk-alice"})
    world = World(caller, "", "", "", "")
    for key, reason in ((None, Reason.KEY_MISSING), ("sk-nobody", Reason.KEY_UNKNOWN)):
        assert evolve(caller, key=key).refusal(action, b"{") == expected(world, reason)


def test_every_documented_error_has_a_case():
    """None of the reasons is left out."""
    tried = {case.reason for case in CASES.values()}
    tried |= {Reason.MISSING_FIELD, Reason.MALFORMED_BODY, Reason.UNKNOWN_ACTION, Reason.MISSING_ACTION}
    tried |= {Reason.KEY_MISSING, Reason.KEY_UNKNOWN}
    assert tried == set(CODES) == set(Reason) - ELSEWHERE
