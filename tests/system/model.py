"""What the contract says the service remembers and answers, in plain dicts: the second opinion of the model-based test.

Written from the contract alone; imports nothing of the project. Times are whole seconds. Each method that stands for an
Action returns the expected error code, "" for success; what succeeds is carried out.
"""

from datetime import UTC, datetime
from itertools import count

REVIEWS = {"Image": 4, "Video": 20, "Audio": 20}
TOKEN_LIFE = 120
FORGOTTEN = 3_600  # seconds after its end: of a token that old only whose it was is known (I)


def stamp_of(seconds):
    """§1, Identifiers: UTC without a fraction."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Model:
    """One service.

    Args:
        now: Seconds since 1970.
        schema: Read §10 as the newer schema does, else as the guide does.
    """

    def __init__(self, now, *, schema):
        self.now = now
        self.schema = schema
        self.customers = {}
        self.groups = {}
        self.assets = {}
        self.tokens = {}
        self._order = count()

    # --- customers, time -------------------------------------------------------------------------------------------

    def customer(self, who):
        """A customer as it starts. §6, §10.4."""
        per = "customer" if self.schema else "group"
        return self.customers.setdefault(who, {"groups": 50, "assets": 50, "per": per, "aigc": True, "plan": True})

    def advance(self, seconds):
        """Lets time pass: reviews end at their own moment, whether or not anybody looks. §3."""
        self.now += seconds
        for asset in self.assets.values():
            if asset["ends"] is not None and asset["ends"] <= self.now:
                self._end(asset, asset["ends"])

    def _end(self, asset, moment):
        asset.update(status=asset["verdict"], updated=moment, ends=None, reads=None)

    def owned(self, kind, who):
        """A customer's groups or assets, those that have expired left out."""
        things = {"groups": self.groups, "assets": self.assets}[kind]
        return {ref: thing for ref, thing in things.items() if thing["who"] == who and thing.get("status") != "Expired"}

    def _mine(self, things, ref, who, project):
        """§10.11 and §2, small print: foreign, unknown and in another project are one and the same."""
        thing = things.get(ref)
        return thing if thing and (thing["who"], thing["project"]) == (who, project) else None

    # --- groups ----------------------------------------------------------------------------------------------------

    def create_group(self, who, body):
        """§2, §3 *Group*, §6; order of checks §10.12."""
        name = body.get("Name") or body.get("Title") or ""
        customer = self.customer(who)
        if not name and not self.schema:
            return "MissingParameter.Name"
        if len(name) > 50 or body["GroupType"] != "AIGC":
            return "InvalidParameter"
        if not customer["plan"]:
            return "SubscriptionRequired"
        if not customer["aigc"]:
            return "AIGCNotAvailable"
        if len(self.owned("groups", who)) >= customer["groups"]:
            return "QuotaExceeded"
        return ""

    def add_group(self, ref, who, project, *, name, description="", kind="AIGC", subject=""):
        """A group that was made just now."""
        assert ref not in self.groups, "an id was given twice"
        self.groups[ref] = {
            "who": who, "project": project, "kind": kind, "name": name, "description": description,
            "created": self.now, "updated": self.now, "order": next(self._order), "subject": subject,
        }  # fmt: skip

    def update_group(self, who, project, ref, *, name, description):
        """§2: what is left out stays; a group's Name cannot become empty (I)."""
        if name is not None and len(name) > 50:
            return "InvalidParameter"
        group = self._mine(self.groups, ref, who, project)
        if group is None:
            return "Forbidden"
        new = (name or group["name"], group["description"] if description is None else description)
        if new != (group["name"], group["description"]):
            group.update(name=new[0], description=new[1], updated=self.now)
        return ""

    def delete_group(self, who, project, ref):
        """§2: with every asset in it, irreversibly."""
        if self._mine(self.groups, ref, who, project) is None:
            return "Forbidden"
        del self.groups[ref]
        self.assets = {key: asset for key, asset in self.assets.items() if asset["group"] != ref}
        return ""

    def group_item(self, ref):
        """§2, *Group item*."""
        group = self.groups[ref]
        return {
            "Id": ref, "Name": group["name"], "Title": group["name"], "Description": group["description"],
            "GroupType": group["kind"], "ProjectName": group["project"],
            "CreateTime": stamp_of(group["created"]), "UpdateTime": stamp_of(group["updated"]),
        }  # fmt: skip

    def get_group(self, who, project, ref, lag=0):
        """§2."""
        group = self._mine(self.groups, ref, who, project)
        return "Forbidden" if group is None or self._hidden(group, lag) else ""

    def list_groups(self, who, project, kind, *, ids=(), name="", lag=0):
        """§2, small print: the ids in the order of a list."""
        found = [
            ref for ref, group in self.groups.items()
            if self._listed(group, (who, project, kind), name, lag) and (not ids or ref in ids)
        ]  # fmt: skip
        return sorted(found, key=lambda ref: (self.groups[ref]["created"], self.groups[ref]["order"]), reverse=True)

    def _listed(self, thing, place, name, lag):
        return (
            (thing["who"], thing["project"], thing["kind"]) == place
            and name.lower() in thing["name"].lower()
            and not self._hidden(thing, lag)
        )

    def _hidden(self, thing, lag):
        """§2, small print: reads may lag a create."""
        return lag > 0 and thing["created"] > self.now - lag

    # --- assets ----------------------------------------------------------------------------------------------------

    def create_asset(self, who, project, group, *, name, reject=""):
        """§2, §3 *Asset*, §6; order of checks §10.12."""
        if name is not None and len(name) > 50:
            return "InvalidParameter"
        if self._mine(self.groups, group, who, project) is None:
            return "Forbidden"
        if reject:
            return f"InvalidParameter.{reject}"
        customer = self.customer(who)
        if not customer["plan"]:
            return "SubscriptionRequired"
        mine = self.owned("assets", who).values()
        count = len(mine) if customer["per"] == "customer" else sum(asset["group"] == group for asset in mine)
        return "QuotaExceeded" if count >= customer["assets"] else ""

    def add_asset(self, ref, group, *, name, kind="Image", code="", after=None, reads=None, subject=""):
        """An asset that was made just now; its review ends after some seconds, or after some reads."""
        assert ref not in self.assets, "an id was given twice"
        owner = self.groups[group]
        # §3, *Group*: what is added to a person's group is face-matched.
        if owner["kind"] == "LivenessFace" and subject and subject != owner["subject"]:
            code = "FaceMismatch"
        self.assets[ref] = asset = {
            "who": owner["who"], "project": owner["project"], "kind": owner["kind"], "group": group, "name": name,
            "type": kind, "status": "Processing", "verdict": "Failed" if code else "Active", "code": code,
            "created": self.now, "updated": self.now, "order": next(self._order), "reads": reads,
            "ends": None if reads is not None else self.now + (REVIEWS[kind] if after is None else after),
        }  # fmt: skip
        return asset

    def own_asset(self, who, project, ref):
        """§4: Forbidden for what is not one's own, NotFound for one's own that has expired."""
        asset = self._mine(self.assets, ref, who, project)
        return "Forbidden" if asset is None else "NotFound" if asset["status"] == "Expired" else ""

    def get_asset(self, who, project, ref, lag=0):
        """§2."""
        code = self.own_asset(who, project, ref)
        if code:
            return code
        asset = self.assets[ref]
        if self._hidden(asset, lag):
            return "Forbidden"
        self._count_read(asset)
        return ""

    def _count_read(self, asset):
        """A review by reads ends once that many have seen it Processing."""
        if asset["reads"] == 0:
            self._end(asset, self.now)
        elif asset["reads"] is not None:
            asset["reads"] -= 1

    def update_asset(self, who, project, ref, name):
        """§2."""
        if name is not None and len(name) > 50:
            return "InvalidParameter"
        code = self.own_asset(who, project, ref)
        if not code and name is not None and name != self.assets[ref]["name"]:
            self.assets[ref].update(name=name, updated=self.now)
        return code

    def delete_asset(self, who, project, ref):
        """§2."""
        code = self.own_asset(who, project, ref)
        if not code:
            del self.assets[ref]
        return code

    def decide(self, ref, status, code=""):
        """§3: Active and Failed are final; only expiry comes after them. True where it can be done."""
        asset = self.assets.get(ref)
        if asset is None or asset["status"] == "Expired" or (status != "Expired" and asset["status"] != "Processing"):
            return False
        asset.update(status=status, code=code, ends=None, reads=None, updated=self.now)
        return True

    def asset_item(self, ref):
        """§2, *Asset item*, as AllToken has it; `URL` and `FailedReason` are the caller's to look at."""
        asset = self.assets[ref]
        return {
            "Id": ref, "GroupId": asset["group"], "Name": asset["name"], "AssetType": asset["type"],
            "Status": asset["status"], "UpstreamStatus": asset["status"], "ProjectName": asset["project"],
            "CreateTime": stamp_of(asset["created"]), "UpdateTime": stamp_of(asset["updated"]),
        }  # fmt: skip

    def list_assets(self, who, project, kind, *, ids=(), name="", statuses=(), sort="CreateTime", order="Desc", lag=0):
        """§2, small print: the ids in the order of a list."""
        keys = {
            "CreateTime": lambda asset: (asset["created"], asset["order"]),
            "UpdateTime": lambda asset: (asset["updated"], asset["order"]),
            "GroupId": lambda asset: (asset["group"], asset["created"], asset["order"]),
        }
        found = [
            ref for ref, asset in self.owned("assets", who).items()
            if self._listed(asset, (who, project, kind), name, lag)
            and (not ids or asset["group"] in ids) and (not statuses or asset["status"] in statuses)
        ]  # fmt: skip
        return sorted(found, key=lambda ref: keys[sort](self.assets[ref]), reverse=order == "Desc")

    def read_assets(self, who, project, kind, *, number=1, size=100, statuses=(), **query):
        """One page of a list, and all ids that match. It is a read of what is Processing on it, or left out of it."""
        start, wanted = (number - 1) * size, statuses
        if statuses and "Processing" not in statuses:
            start, wanted = 0, ["Processing"]
        read = self.list_assets(who, project, kind, statuses=wanted, **query)[start : start + size]
        for ref in read:
            self._count_read(self.assets[ref])
        found = self.list_assets(who, project, kind, statuses=statuses, **query)
        return found[(number - 1) * size : number * size], found

    # --- validations -----------------------------------------------------------------------------------------------

    def add_token(self, token, who, project):
        """§3: token and link live 120 s."""
        assert token not in self.tokens, "a token was given twice"
        self.tokens[token] = {
            "who": who, "project": project, "expires": self.now + TOKEN_LIFE,
            "scan": "open", "group": "", "subject": "",
        }  # fmt: skip

    def finish(self, token, outcome):
        """§3: a scan has one outcome, within the life of its token. True where it can be done."""
        session = self.tokens[token]
        if session["scan"] != "open" or self.now >= session["expires"]:
            return False
        session["scan"] = outcome
        return True

    def room_for_a_person(self, token):
        """§3: the group counts against the group quota."""
        who = self.tokens[token]["who"]
        return len(self.owned("groups", who)) < self.customer(who)["groups"]

    def get_result(self, who, project, token):
        """§3, table of GetVisualValidateResult."""
        if self.tokens[token]["who"] == who and self.now >= self.tokens[token]["expires"] + FORGOTTEN:
            return "TokenExpired"
        session = self._mine(self.tokens, token, who, project)
        if session is None or (session["scan"] == "spent" and not self.schema):
            return "InvalidToken"
        if self.now >= session["expires"]:
            return "TokenExpired"
        if session["scan"] not in {"pass", "spent"}:
            return "ValidatePending"
        return "" if session["group"] or self.room_for_a_person(token) else "QuotaExceeded"
