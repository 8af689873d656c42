"""Random histories of raw calls, time, quotas and faults: the emulator and a model in plain dicts agree all along."""

import json

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from emulator.auth import key_handle
from emulator.control import ControlError
from emulator.messages import Call
from emulator.service import Service
from emulator.settings import Settings
from emulator.web.runner import run
from portrait.clock import ManualClock
from tests.hypothesis_profiles import searching
from tests.system.model import Model
from tests.wire.media import JPEG, TEXT

pytestmark = pytest.mark.slow

START = 1_773_792_000
CUSTOMERS = ("alice", "bob")
OWNERS = (("alice", "default"), ("bob", "film"))
TIGHT = {"groups": 5, "assets": 4}  # limits that a short history reaches
PROJECTS = ("default", "film")
KINDS = ("AIGC", "LivenessFace")
STATUSES = ("Processing", "Active", "Failed")

people = st.sampled_from(CUSTOMERS)
projects = st.sampled_from(PROJECTS)
kinds = st.sampled_from(KINDS)
names = st.sampled_from([None, "", "a", "Brand", "brand-2"] * 3 + ["x" * 50, "x" * 51])
mostly = st.sampled_from([True] * 9 + [False])  # calls for one's own things are the interesting ones
# What surely prevents a call, what loses its answer afterwards, and what only takes time.
faults = st.sampled_from(
    [{}] * 12
    + [{"error": "Throttled"}, {"error": "UpstreamUnavailable"}, {"http": {"status": 502}}, {"close": "before"}]
    + [{"close": "after-commit"}] * 3
    + [{"close": "after-commit", "delay": 3}, {"error": "Throttled", "delay": 7}]
    + [{"truncate": 10}, {"delay": 5}, {"delay": 120}]
)
PREVENTED = {"Throttled": "RateLimitExceeded", "UpstreamUnavailable": "UpstreamUnavailable"}
lags = st.sampled_from([0, 0, 0, 1, 5, 10])
wanted_kinds = st.sampled_from(["AIGC"] * 5 + ["LivenessFace"])
types = st.sampled_from(["Image", "Image", "Video", "Audio"])
parts = st.sampled_from(["", "BRAND", "a"])
numbers = st.integers(1, 3)
sizes = st.sampled_from([1, 2, 100])
magics = st.sampled_from(
    [{}] * 3
    + [{"code": "FaceMismatch"}, {"after": 30}, {"reject": "WidthTooSmall"}, {"subject": "ann"}, {"subject": "eve"}]
)
reviews = st.sampled_from(
    [
        {"status": "Failed"},
        {"code": "TypeMismatch", "after": 0},
        {"reads": 0},
        {"reads": 2},
        {"reads": 1, "code": "FaceMismatch"},
    ]
)
limits = st.fixed_dictionaries(
    {},
    optional={
        "groups": st.integers(0, 4),
        "assets": st.integers(0, 4),
        "assets_per": st.sampled_from(["group", "customer"]),
        "aigc": st.booleans(),
        "subscription": st.booleans(),
    },
)


class Histories(RuleBasedStateMachine):
    """One emulator, one model, and what may happen to both."""

    groups = Bundle("groups")
    assets = Bundle("assets")
    tokens = Bundle("tokens")

    schema = False

    def __init__(self):
        super().__init__()
        self.clock = ManualClock(START)
        self.service = Service(Settings.schema() if self.schema else Settings.guide(), self.clock)
        self.model = Model(START, schema=self.schema)
        for who in CUSTOMERS:
            self.service.control.patch_customer(who, **TIGHT)
            self.model.customer(who).update(TIGHT)
        self.ceilings = {}
        self.step = 0

    # A history begins with something of each kind, so that every rule has what it works on.

    @initialize(target=groups)
    def some_groups(self):
        """A group of each customer, in different projects."""
        return multiple(*(self.group_of(who, project, "Brand") for who, project in OWNERS))

    @initialize(target=assets)
    def some_assets(self):
        """An asset of each kind of review, in groups of their own."""
        ids = []
        for who, project in OWNERS:
            group = self.group_of(who, project, "a")
            ids += [self.asset_of(group, who, project, kind) for kind in ("Image", "Video")]
            ids.append(self.create_asset_with_a_verdict(group, {"reads": 1, "code": "FaceMismatch"}))
        return multiple(*ids)

    @initialize(target=tokens)
    def some_tokens(self):
        """A validation that is open, and one that was passed."""
        open_, passed = (self.create_validation("alice", "default") for _ in range(2))
        self.finish(passed, "pass", "ann")
        return multiple(open_, passed)

    def group_of(self, who, project, name):
        """A group without ado."""
        return self.create_group(who=who, project=project, name=name, title=None, kind="AIGC", fault={})

    def asset_of(self, group, who, project, kind):
        """An asset without ado."""
        return self.create_asset(
            group=group, mine=True, who=who, project=project, name="a", kind=kind, magic={}, fault={}
        )

    # --- raw calls -------------------------------------------------------------------------------------------------

    def ask(self, who, action, body, fault=None, file=None):
        """One call; what comes back as (reply, JSON or None)."""
        raw = body if file is not None else json.dumps(body).encode()
        rule_ = json.dumps({"do": fault}) if fault else None
        call = Call(action=action, key=who, body=raw, base="http://localhost", rule=rule_, file=file)
        reply = run(self.service.pipelines[0].answer(call), self.clock.sleep)
        return reply, (json.loads(reply.body) if reply.body.startswith(b"{") else None)

    def attempt(self, who, action, body, expected, *, fault=None, file=None):
        """One call under a fault; its result, {} where it was lost, None where nothing was done.

        `expected` carries the call out in the model and gives the code.
        """
        fault = fault or {}
        reply, answer = self.ask(who, action, body, fault, file)
        self.model.advance(fault.get("delay", 0))
        if fault.get("close") == "before":
            assert reply.drop
            return None
        if "http" in fault:
            assert (reply.status, answer) == (502, None)
            return None
        if "error" in fault:
            assert answer["ResponseMetadata"]["Error"]["Code"] == PREVENTED[fault["error"]]
            return None
        code = expected()
        if fault.get("close") == "after-commit":
            assert reply.drop
            assert reply.body == b""
            return None if code else {}
        assert reply.truncate == fault.get("truncate")
        assert reply.status == 200
        answer_code = answer["ResponseMetadata"].get("Error", {"Code": ""})["Code"]
        assert answer_code == code, answer
        return None if code else answer["Result"]

    def page(self, who, action, project, kind, **query):
        """A list as it is, without a fault: items and total."""
        lag = query.pop("lag", 0)
        filter_ = {"GroupType": kind} | query.pop("Filter", {})
        body = {"Filter": filter_, "ProjectName": project, "PageSize": 100} | query
        _, answer = self.ask(who, action, body, {"lag": lag} if lag else None)
        return answer["Result"]

    def identify(self, result, action, place):
        """The id of what was created; looked up where the answer was lost."""
        if result:
            return result["Id"]
        who, project, kind = place
        known = self.model.groups if action == "ListAssetGroups" else self.model.assets
        (id_,) = {item["Id"] for item in self.page(who, action, project, kind)["Items"]} - known.keys()
        if action == "ListAssets":
            self.model.read_assets(who, project, kind)
        return id_

    def as_who(self, thing, mine, who, project):
        """Its owner in its project, mostly; else whoever was drawn."""
        return (thing["who"], thing["project"]) if thing and mine else (who, project)

    # --- groups ----------------------------------------------------------------------------------------------------

    @rule(target=groups, who=people, project=projects, name=names, title=names, kind=wanted_kinds, fault=faults)
    def create_group(self, *, who, project, name, title, kind, fault):
        """CreateAssetGroup."""
        body = {"GroupType": kind, "Name": name, "Title": title, "Description": "d", "ProjectName": project}
        done = self.attempt(who, "CreateAssetGroup", body, lambda: self.model.create_group(who, body), fault=fault)
        if done is None:
            return multiple()
        id_ = self.identify(done, "ListAssetGroups", (who, project, "AIGC"))
        self.model.add_group(id_, who, project, name=name or title or "", description="d")
        return id_

    @rule(id_=groups, mine=mostly, who=people, project=projects, lag=lags)
    def get_group(self, *, id_, mine, who, project, lag):
        """GetAssetGroup."""
        who, project = self.as_who(self.model.groups.get(id_), mine, who, project)
        body = {"Id": id_, "ProjectName": project}
        done = self.attempt(
            who,
            "GetAssetGroup",
            body,
            lambda: self.model.get_group(who, project, id_, lag),
            fault={"lag": lag} if lag else {},
        )
        assert done is None or done == self.model.group_item(id_)

    @rule(
        id_=groups,
        mine=mostly,
        who=people,
        project=projects,
        name=names,
        text=st.sampled_from([None, "", "new"]),
        fault=faults,
    )
    def update_group(self, *, id_, mine, who, project, name, text, fault):
        """UpdateAssetGroup."""
        who, project = self.as_who(self.model.groups.get(id_), mine, who, project)
        body = {"Id": id_, "ProjectName": project, "Name": name, "Description": text}
        change = lambda: self.model.update_group(who, project, id_, name=name, description=text)  # noqa: E731
        assert self.attempt(who, "UpdateAssetGroup", body, change, fault=fault) in ({}, None)

    @rule(id_=groups, mine=mostly, who=people, project=projects, fault=faults)
    def delete_group(self, *, id_, mine, who, project, fault):
        """DeleteAssetGroup."""
        who, project = self.as_who(self.model.groups.get(id_), mine, who, project)
        change = lambda: self.model.delete_group(who, project, id_)  # noqa: E731
        assert self.attempt(who, "DeleteAssetGroup", {"Id": id_, "ProjectName": project}, change, fault=fault) in (
            {},
            None,
        )

    @rule(
        who=people,
        project=projects,
        kind=kinds,
        ids=st.lists(groups, max_size=2),
        name=parts,
        lag=lags,
        number=numbers,
        size=sizes,
    )
    def list_groups(self, *, who, project, kind, ids, name, lag, number, size):
        """ListAssetGroups: the page that the model has."""
        found = self.model.list_groups(who, project, kind, ids=ids, name=name, lag=lag)
        page = self.page(
            who, "ListAssetGroups", project, kind,
            Filter={"GroupIds": ids, "Name": name}, PageNumber=number, PageSize=size, lag=lag,
        )  # fmt: skip
        page_ids = found[(number - 1) * size : number * size]
        assert page["Items"] == [self.model.group_item(id_) for id_ in page_ids]
        assert (page["TotalCount"], page["PageNumber"], page["PageSize"]) == (len(found), number, size)

    # --- assets ----------------------------------------------------------------------------------------------------

    @rule(
        target=assets,
        group=groups,
        mine=mostly,
        who=people,
        project=projects,
        name=names,
        kind=types,
        magic=magics,
        fault=faults,
    )
    def create_asset(self, *, group, mine, who, project, name, kind, magic, fault):
        """CreateAsset, of an ordinary address or of a magic one."""
        who, project = self.as_who(self.model.groups.get(group), mine, who, project)
        query = "&".join(f"{key}={value}" for key, value in magic.items())
        body = {"GroupId": group, "AssetType": kind, "Name": name, "ProjectName": project}
        body["URL"] = f"https://magic.test/a.jpg?{query}" if magic else "https://cdn.example/a.jpg"
        change = lambda: self.model.create_asset(who, project, group, name=name, reject=magic.get("reject", ""))  # noqa: E731
        done = self.attempt(who, "CreateAsset", body, change, fault=fault)
        if done is None:
            return multiple()
        owner = self.model.groups[group]
        id_ = self.identify(done, "ListAssets", (who, project, owner["kind"]))
        verdict = {key: magic[key] for key in ("code", "after", "subject") if key in magic}
        self.model.add_asset(id_, group, name=name or "", kind=kind, **verdict)
        return id_

    @rule(target=assets, group=groups, review=reviews)
    def create_asset_with_a_verdict(self, group, review):
        """CreateAsset under a rule that decides the review, by time or by reads."""
        who, project = self.as_who(self.model.groups.get(group), mine=True, who="alice", project="default")
        body = {"GroupId": group, "AssetType": "Image", "URL": "https://cdn.example/a.jpg", "ProjectName": project}
        change = lambda: self.model.create_asset(who, project, group, name=None)  # noqa: E731
        done = self.attempt(who, "CreateAsset", body, change, fault={"review": review})
        if done is None:
            return multiple()
        code = review.get("code", "InternalError" if review.get("status") == "Failed" else "")
        self.model.add_asset(
            done["Id"], group, name="", code=code, after=review.get("after"), reads=review.get("reads")
        )
        self.model.advance(0)
        return done["Id"]

    @rule(target=assets, group=groups, mine=mostly, who=people, project=projects, name=names, good=mostly, fault=faults)
    def upload(self, *, group, mine, who, project, name, good, fault):
        """The upload: the same checks and the same quota."""
        who, project = self.as_who(self.model.groups.get(group), mine, who, project)
        fields = {"GroupId": group, "ProjectName": project} | ({} if name is None else {"Name": name})

        def change():
            too_long = len(name or "") > 50
            return (
                "InvalidParameter" if not good or too_long else self.model.create_asset(who, project, group, name=name)
            )

        file = JPEG if good else TEXT
        done = self.attempt(who, "CreateAsset", fields, change, fault=fault, file=file)
        if done is None:
            return multiple()
        kind = self.model.groups[group]["kind"]
        id_ = self.identify(done, "ListAssets", (who, project, kind))
        default = f"uploaded-{self.model.now}"
        assert not done or (done["Status"], done["Name"]) == ("processing", name or default)
        self.model.add_asset(id_, group, name=name or default)
        return id_

    @rule(id_=assets, mine=mostly, who=people, project=projects, lag=lags)
    def get_asset(self, *, id_, mine, who, project, lag):
        """GetAsset."""
        who, project = self.as_who(self.model.assets.get(id_), mine, who, project)
        read = lambda: self.model.get_asset(who, project, id_, lag)  # noqa: E731
        body = {"Id": id_, "ProjectName": project}
        done = self.attempt(who, "GetAsset", body, read, fault={"lag": lag} if lag else {})
        if done is not None:
            self.same_asset(done)

    def same_asset(self, item):
        """An item is what the model has; its link is there once it is no longer Processing, its reason if it Failed."""
        asset, item = self.model.assets[item["Id"]], dict(item)
        assert ("URL" in item) == (asset["status"] != "Processing")
        assert "X-Tos-Expires=43200" in item.pop("URL", "X-Tos-Expires=43200")
        assert ("FailedReason" in item) == (asset["status"] == "Failed")
        assert item.pop("FailedReason", "").partition(":")[0] == (asset["code"] if asset["status"] == "Failed" else "")
        assert item == self.model.asset_item(item["Id"])

    @rule(id_=assets, mine=mostly, who=people, project=projects, name=names, fault=faults)
    def update_asset(self, *, id_, mine, who, project, name, fault):
        """UpdateAsset."""
        who, project = self.as_who(self.model.assets.get(id_), mine, who, project)
        change = lambda: self.model.update_asset(who, project, id_, name)  # noqa: E731
        body = {"Id": id_, "ProjectName": project, "Name": name}
        assert self.attempt(who, "UpdateAsset", body, change, fault=fault) in ({}, None)

    @rule(id_=assets, mine=mostly, who=people, project=projects, fault=faults)
    def delete_asset(self, *, id_, mine, who, project, fault):
        """DeleteAsset."""
        who, project = self.as_who(self.model.assets.get(id_), mine, who, project)
        change = lambda: self.model.delete_asset(who, project, id_)  # noqa: E731
        assert self.attempt(who, "DeleteAsset", {"Id": id_, "ProjectName": project}, change, fault=fault) in ({}, None)

    @rule(
        who=people,
        project=projects,
        kind=kinds,
        ids=st.lists(groups, max_size=2),
        name=parts,
        statuses=st.lists(st.sampled_from(STATUSES), max_size=2),
        sort=st.sampled_from(["CreateTime", "UpdateTime", "GroupId"]),
        order=st.sampled_from(["Asc", "Desc"]),
        lag=lags,
        number=numbers,
        size=sizes,
    )
    def list_assets(self, *, who, project, kind, ids, name, statuses, sort, order, lag, number, size):
        """ListAssets: the page that the model has, in its order."""
        page_ids, found = self.model.read_assets(
            who, project, kind,
            ids=ids, name=name, statuses=statuses, sort=sort, order=order, lag=lag, number=number, size=size,
        )  # fmt: skip
        page = self.page(
            who, "ListAssets", project, kind, Filter={"GroupIds": ids, "Name": name, "Statuses": statuses},
            SortBy=sort, SortOrder=order, PageNumber=number, PageSize=size, lag=lag,
        )  # fmt: skip
        assert [item["Id"] for item in page["Items"]] == page_ids
        assert (page["TotalCount"], page["PageNumber"], page["PageSize"]) == (len(found), number, size)
        for item in page["Items"]:
            self.same_asset(item)

    # --- validations -----------------------------------------------------------------------------------------------

    @rule(target=tokens, who=people, project=projects)
    def create_validation(self, who, project):
        """CreateVisualValidateSession."""
        body = {"CallbackURL": "https://www.example.com/callback", "ProjectName": project}
        plan = lambda: "" if self.model.customer(who)["plan"] else "SubscriptionRequired"  # noqa: E731
        done = self.attempt(who, "CreateVisualValidateSession", body, plan)
        if done is None:
            return multiple()
        self.model.add_token(done["BytedToken"], who, project)
        return done["BytedToken"]

    @rule(
        token=tokens,
        outcome=st.sampled_from(["pass", "pass", "pass", "fail", "cancel"]),
        subject=st.sampled_from(["ann", "bea"]),
    )
    def finish(self, token, outcome, subject):
        """The scan ends, once, and within the token's life; a person who passed has a group if there is room."""
        room = self.model.room_for_a_person(token)
        can = self.model.finish(token, outcome)
        assert self.controlled(self.service.control.finish_validation, token, result=outcome, subject=subject) == can
        session = self.model.tokens[token]
        if can and outcome == "pass":
            session["subject"] = subject
            if room:
                self.person(token)

    def person(self, token):
        """The one LivenessFace group that is new."""
        session = self.model.tokens[token]
        who, project = session["who"], session["project"]
        id_ = self.identify({}, "ListAssetGroups", (who, project, "LivenessFace"))
        self.model.add_group(
            id_, who, project, name=session["subject"], kind="LivenessFace", subject=session["subject"]
        )
        session["group"] = id_

    @rule(target=groups, token=tokens, mine=mostly, who=people, project=projects, fault=faults)
    def get_result(self, *, token, mine, who, project, fault):
        """GetVisualValidateResult: the first answer uses the token up, even one that is lost."""
        session = self.model.tokens[token]
        who, project = self.as_who(session, mine, who, project)
        read = lambda: self.model.get_result(who, project, token)  # noqa: E731
        body = {"BytedToken": token, "ProjectName": project}
        done = self.attempt(who, "GetVisualValidateResult", body, read, fault=fault)
        if done is None:
            return multiple()
        session["scan"] = "spent"
        if not session["group"]:
            self.person(token)
        assert done in ({}, {"GroupId": session["group"]})
        return session["group"]

    # --- from outside ----------------------------------------------------------------------------------------------

    def controlled(self, method, *args, **kwargs):
        """Did the control plane do it, or was it too late?"""
        try:
            method(*args, **kwargs)
        except ControlError as error:
            if error.status not in {404, 409}:
                raise
            return False
        return True

    @rule(seconds=st.sampled_from([0, 1, 3, 4, 5, 16, 20, 60, 119, 120, 121, 100_000]))
    def advance(self, seconds):
        """Time passes."""
        self.clock.advance(seconds)
        self.model.advance(seconds)

    @rule(id_=assets, status=st.sampled_from(["Active", "Failed", "Expired"]))
    def decide(self, id_, status):
        """The control plane ends a review or a life; what is final stays."""
        change = {"status": status} | ({"code": "FaceMismatch"} if status == "Failed" else {})
        assert self.controlled(self.service.control.set_asset, id_, **change) == self.model.decide(
            id_, status, change.get("code", "")
        )

    @rule(who=people, limits=limits)
    def patch(self, who, limits):
        """A customer's limits and switches change; what is there already stays."""
        self.service.control.patch_customer(who, **limits)
        words = {"assets_per": "per", "subscription": "plan"}
        self.model.customer(who).update({words.get(key, key): value for key, value in limits.items()})
        self.ceilings = {}

    # --- what always holds -----------------------------------------------------------------------------------------

    @invariant()
    def no_quota_is_exceeded(self):
        """Counts, taken from the emulator, stay within the limit, or where they were when the limit sank."""
        for who in CUSTOMERS:
            limits = self.model.customer(who)
            counts = {"": len(self.model.owned("groups", who))}
            for asset in self.model.owned("assets", who).values():
                place = asset["group"] if limits["per"] == "group" else "all"
                counts[place] = counts.get(place, 0) + 1
            for place, count in counts.items():
                limit = limits["assets"] if place else limits["groups"]
                ceiling = self.ceilings.setdefault((who, place), max(limit, count))
                assert count <= ceiling, (who, place)
                self.ceilings[who, place] = max(limit, min(ceiling, count))

    @invariant()
    def the_counts_are_those_of_the_model(self):
        """Each customer has exactly the groups, and the assets in each state, that the model has."""
        keys = {key_handle(who): who for who in CUSTOMERS}
        for customer in self.service.control.state()["customers"]:
            assets = self.model.owned("assets", keys[customer["name"]]).values()
            assert customer["groups"] == len(self.model.owned("groups", keys[customer["name"]]))
            assert customer["assets"] == {status: sum(a["status"] == status for a in assets) for status in STATUSES}

    @invariant()
    def the_lists_are_those_of_the_model(self):
        """One customer's project after the other: every item of the model, nothing else, and nobody else's."""
        self.step += 1
        self.look_at(CUSTOMERS[self.step % 2], PROJECTS[self.step // 2 % 2], KINDS[self.step // 4 % 2])

    def look_at(self, who, project, kind):
        """Both lists of one customer, project and kind."""
        groups = self.page(who, "ListAssetGroups", project, kind)["Items"]
        assert groups == [self.model.group_item(id_) for id_ in self.model.list_groups(who, project, kind)]
        assets = self.page(who, "ListAssets", project, kind)["Items"]
        assert [item["Id"] for item in assets] == self.model.read_assets(who, project, kind)[0]
        for item in assets:
            self.same_asset(item)
            assert item["GroupId"] in {group["Id"] for group in groups}

    def teardown(self):
        """At the end everything is looked at."""
        for who in CUSTOMERS:
            for project in PROJECTS:
                for kind in KINDS:
                    self.look_at(who, project, kind)


class SchemaHistories(Histories):
    """The same on the other reading of §10."""

    schema = True


TestGuide = Histories.TestCase
TestGuide.settings = searching(25, steps=40, shrinks=False)
TestSchema = SchemaHistories.TestCase
TestSchema.settings = searching(25, steps=40, shrinks=False)
