"""The service without HTTP: authenticate, decode, handle in a transaction, commit, present.

Owns the order of these steps and the parts that carry them out. Must not know sockets, forms or pages; what needs time
or the network it yields as an effect to whoever drives `answer`.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from typing import Any

import orjson
from attrs import define, frozen

from emulator.calls import Answering, Call, Measure, Pause, Reply
from emulator.control import Control
from emulator.disturbing import afterwards, instead
from emulator.domain import HANDLERS, lifecycle, validations
from emulator.domain.assets import upload
from emulator.domain.context import Context, Handler, House, Measured, NeedsMedia
from emulator.domain.ports import StoredFile, Transaction
from emulator.domain.records import Customer, Ended, Scan
from emulator.ids import Ids
from emulator.journal import Journal
from emulator.links import Links
from emulator.reach import REACH, judged
from emulator.reading import Reader, read_object, read_upload
from emulator.rules import Do, Plan, RuleError, parse_one_time
from emulator.settings import Settings
from emulator.stamps import Stamps
from emulator.store.base import StoreFactory
from emulator.store.memory import MemoryStore
from emulator.voice import Voice, plain, sayable
from portrait.actions import VERSION
from portrait.clock import Clock, SystemClock
from portrait.dialects import ALLTOKEN
from portrait.media import Measurement, measure
from portrait.reasons import Reason, Refusal

__all__ = ["Service", "StoredFile", "ValidationPage"]

_log = logging.getLogger("emulator")
_RULE_HEADER = "X-Emulator-Rule"
_UPLOADS_AS = "CreateAsset"  # contract §2: the upload answers with that Action (I)
_ENDED = frozenset(lifecycle.RESULT_CODES)


@frozen
class ValidationPage:
    """What the H5 page may know of a validation.

    Attributes:
        handle: `val-3`.
        state: A word of `emulator.domain.records.Scan`, or `expired`.
        expires: When token and link die, in seconds since 1970.
    """

    handle: str
    state: str
    expires: float


@define
class _Turn:
    """One call on its way."""

    call: Call
    action: str
    now: float
    request_id: str
    customer: str = ""
    handle: str = ""
    do: Do | None = None


class Service:
    """One emulator. Safe to use from several threads.

    Args:
        settings: Default: the guide's reading of the contract.
        clock: Default: the machine's.
        store: Makes the store; default: in memory.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        clock: Clock | None = None,
        store: StoreFactory = MemoryStore,
    ) -> None:
        self.settings = settings = settings or Settings()
        self.clock: Clock = clock or SystemClock()
        self._stamps = stamps = Stamps()
        self._ids = Ids(settings.seed, stamps)
        self._links = Links(self._ids.secret(), settings.link_life, stamps)
        self._store = store(self._newcomer)
        self._journal = Journal(stamps)
        self._plan = Plan(settings.seed)
        self._reader = Reader(ALLTOKEN, name_required=settings.name_required)
        self._voice = Voice(ALLTOKEN, key_in_envelope=settings.auth_error == "envelope")
        self._house = House(
            image_review=settings.image_review,
            clip_review=settings.clip_review,
            token_life=settings.token_life,
            second_same=settings.second_result == "same",
            name_required=settings.name_required,
            projects=settings.projects,
            measurable=REACH[settings.fetch],
            ids=self._ids,
            stamp=stamps,
        )
        self.control = Control(
            store=self._store,
            clock=self.clock,
            journal=self._journal,
            plan=self._plan,
            stamps=stamps,
            surroundings=self._surroundings,
        )

    # --- calls -------------------------------------------------------------------------------------------------------

    def answer(self, call: Call) -> Answering:
        """Answer one call; the upload door's has a mapping as its body.

        Yields:
            `Pause` and `Measure`, for the driver to fulfil.
        """
        now = self.clock.now()
        action = call.action if type(call.body) is bytes else _UPLOADS_AS
        turn = _Turn(call, action, now, self._ids.token(now))
        try:
            reply, outcome = yield from self._reply(turn)
        except Refusal as refusal:
            said = self._voice.refusal(refusal, action, call.version, turn.request_id)
            reply, outcome = said.reply, said.outcome
        except Exception:  # noqa: BLE001 - nothing of an error of ours may reach a client
            _log.exception("%s failed, request %s", sayable(action), turn.request_id)
            said = self._voice.refusal(Refusal(Reason.INTERNAL), action, call.version, turn.request_id)
            reply, outcome = said.reply, said.outcome
        if turn.do is not None:
            reply = afterwards(turn.do, reply)
        self._journal.note((now, action, turn.customer, outcome, reply.status, turn.request_id, turn.handle))
        return reply

    def _reply(self, turn: _Turn) -> Generator[Pause | Measure, Any, tuple[Reply, str]]:
        """Contract §10.12: key, Action and Version, JSON, required fields, values; the handler does the rest."""
        call, action = turn.call, turn.action
        turn.customer = self.authorize(call.key)
        handler = _handler(call, action)
        body: Any = call.body if isinstance(call.body, Mapping) else read_object(call.body)
        if self._plan or call.rule is not None:
            turn.do = self._consult(turn, body.get("Name"))
        if turn.do is not None:
            if turn.do.delay:
                yield Pause(turn.do.delay)
            other = instead(turn.do)
            if other is not None:
                return other
        measured = None
        if handler is upload:
            request, measured = read_upload(body, call.file.content if call.file is not None else None)
        else:
            request = self._reader.request(action, body)
        result = yield from self._handled(turn, handler, request, measured)
        return self._voice.result(result, action, turn.request_id), "ok"

    def _handled(
        self, turn: _Turn, handler: Handler, request: Any, measured: Measured | None
    ) -> Generator[Measure, Measurement | None, Any]:
        """Run a handler, and once more if it wants a file measured: that is done outside of the transaction."""
        while True:
            now = self.clock.now()
            try:
                with self._store.transaction(turn.customer, now) as tx:
                    ctx = self._context(tx, now, turn, measured)
                    try:
                        return handler(ctx, request)
                    finally:
                        turn.handle = ctx.handle
            except NeedsMedia as wanted:
                url = wanted.url
            own = self._own_file(turn.call.base, url)
            found = (yield Measure(url)) if own is None else measure(own.content)
            measured = judged(found, request.asset_type)

    def _own_file(self, base: str, url: str) -> StoredFile | None:
        """An uploaded file that somebody registers by its address is at hand."""
        prefix = f"{base}/r2/"
        return self._store.file(url.removeprefix(prefix)) if url.startswith(prefix) else None

    def _context(self, tx: Transaction, now: float, turn: _Turn, measured: Measured | None) -> Context:
        call, do = turn.call, turn.do
        return Context(
            tx=tx,
            now=now,
            house=self._house,
            # Contract §3, token table: whose token it is, is a setting.
            caller=(call.key or "") if self.settings.token_owner == "key" else turn.customer,  # noqa: S105
            base=call.base,
            link=self._links.make,
            name_limit=ALLTOKEN.name_limit,
            description_limit=ALLTOKEN.description_limit,
            verdict=None if do is None else do.review,
            lag=None if do is None else do.lag,
            measured=measured,
        )

    def _consult(self, turn: _Turn, name: Any) -> Do | None:
        """The header's rule comes before the plan's."""
        shown = name if isinstance(name, str) else ""
        if turn.call.rule is not None:
            try:
                rule = parse_one_time(orjson.loads(turn.call.rule))
            except RuleError as error:
                raise Refusal(Reason.INVALID_FIELD, field=_RULE_HEADER, why=f"is no rule: {error}") from None
            except orjson.JSONDecodeError:
                raise Refusal(Reason.INVALID_FIELD, field=_RULE_HEADER, why="is not JSON") from None
            if rule.matches(turn.action, turn.customer, shown):
                return rule.do
        return self._plan.consult(turn.action, turn.customer, shown)

    # --- what the web asks for besides -------------------------------------------------------------------------------

    def authorize(self, key: str | None) -> str:
        """The customer that a Bearer key belongs to.

        Raises:
            Refusal: There is no key, or nobody's.
        """
        if not key:
            raise Refusal(Reason.KEY_MISSING)
        keys = self.settings.api_keys
        if not keys:
            return key
        customer = keys.get(key)
        if customer is None:
            raise Refusal(Reason.KEY_UNKNOWN)
        return customer

    def refuse(self, refusal: Refusal, *, action: str = "", version: str | None = None, customer: str = "") -> Reply:
        """A refusal in the contract's form, for what is found before `answer` is asked; it goes into the journal."""
        now = self.clock.now()
        request_id = self._ids.token(now)
        said = self._voice.refusal(refusal, action, version, request_id)
        self._journal.note((now, action, customer, said.outcome, said.reply.status, request_id, ""))
        return said.reply

    def plain(self, status: int, kind: str, message: str) -> Reply:
        """An error of HTTP's own level: unknown paths and methods. Contract §2, small print (I)."""
        return plain(status, kind, message, self._ids.token(self.clock.now()))

    def file(self, key: str) -> StoredFile | None:
        """What `{base}/r2/{key}` serves."""
        return self._store.file(key)

    def link(self, asset_id: str, query: Mapping[str, str]) -> StoredFile | str:
        """What a signed link leads to: an uploaded file, or the address that an asset was registered by.

        Raises:
            Refusal: The link is not ours, or too old, or the asset is gone.
        """
        asset = self._store.find_asset(asset_id) if self._links.holds(asset_id, query, self.clock.now()) else None
        if asset is None or asset.status is Ended.EXPIRED:
            raise Refusal(Reason.UNKNOWN_ASSET, id=asset_id)
        return self._store.file(asset.file) or asset.url

    def validation_page(self, token: str) -> ValidationPage | None:
        """What the H5 page shows; opening it starts the scan. None for an unknown token."""
        found = self._store.find_validation(token)
        if found is None or found.token != token:  # a handle opens no page
            return None
        now = self.clock.now()
        with self._store.transaction(found.customer, now) as tx:
            validation = validations.opened(self._surroundings(tx, now), tx.validation(token) or found)
        over = lifecycle.expired(validation, now) and validation.scan in {Scan.OPEN, Scan.SCANNING}
        return ValidationPage(validation.handle, "expired" if over else str(validation.scan), validation.expires)

    def callback(self, token: str) -> str | None:
        """Where the browser goes once the scan has ended; None before that, and for an unknown token."""
        found = self._store.find_validation(token)
        if found is None or found.token != token or found.scan not in _ENDED:
            return None
        return validations.callback(found)

    def _surroundings(self, tx: Transaction, now: float) -> Context:
        """For what happens without a call: scans, and what the control plane does."""
        return Context(tx=tx, now=now, house=self._house, caller="", base="", link=self._links.make)

    def _newcomer(self, name: str, number: int) -> Customer:
        settings = self.settings
        return Customer(
            name=name,
            number=number,
            groups=settings.groups,
            assets=settings.assets,
            assets_per=settings.assets_per,
        )


def _handler(call: Call, action: str) -> Handler:
    """Contract §2, small print: what is said to a missing or unknown Action or Version (I)."""
    if type(call.body) is not bytes:
        return upload
    if not action:
        raise Refusal(Reason.MISSING_ACTION, field="Action")
    handler = HANDLERS.get(action)
    if handler is None or call.version not in {None, "", VERSION}:
        raise Refusal(Reason.UNKNOWN_ACTION, id=sayable(action))
    return handler
