"""Answering a call: authenticate, decode, handle in a transaction, commit, present.

Owns the order of these steps. Must not know sockets, forms or pages; what needs time or the network it yields as an
effect to whoever drives the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from typing import Any

import orjson
from attrs import define, frozen

from emulator.call_log import Journal
from emulator.domain import HANDLERS
from emulator.domain.assets import upload
from emulator.domain.context import Context, Handler, Measured, NeedsMedia, ServiceConfig
from emulator.domain.ports import StoredFile, Transaction
from emulator.faults import afterwards, instead
from emulator.fetch_policy import judged
from emulator.ids import Ids
from emulator.messages import Answering, Call, Measure, Pause, Reply
from emulator.request_decoder import Reader, read_object, read_upload
from emulator.response_encoder import Voice, sayable
from emulator.rules import Do, Plan, RuleError, parse_one_time
from emulator.settings import Settings
from emulator.signed_urls import Links
from emulator.store.base import Store
from portrait.actions import VERSION
from portrait.clock import Clock
from portrait.dialects import Dialect
from portrait.media import Measurement, measure
from portrait.reasons import Reason, Refusal

_log = logging.getLogger("emulator")
_RULE_HEADER = "X-Emulator-Rule"
_UPLOADS_AS = "CreateAsset"  # contract §2: the upload answers with that Action (I)


@frozen(kw_only=True)
class Parts:
    """What an answer is made with; one emulator's parts, which outlive every call."""

    settings: Settings
    clock: Clock
    store: Store
    ids: Ids
    links: Links
    journal: Journal
    plan: Plan
    config: ServiceConfig


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


class Answers:
    """Answers the calls of one dialect.

    Args:
        parts: The emulator's.
        dialect: How callers speak.
    """

    def __init__(self, parts: Parts, dialect: Dialect) -> None:
        settings = parts.settings
        self._settings = settings
        self._clock, self._store, self._plan = parts.clock, parts.store, parts.plan
        self._journal, self._ids, self._links, self._config = parts.journal, parts.ids, parts.links, parts.config
        self._dialect = dialect
        self._reader = Reader(dialect, name_required=settings.name_required)
        self._voice = Voice(dialect, key_in_envelope=settings.auth_error == "envelope")

    def answer(self, call: Call) -> Answering:
        """Answer one call; the upload door's has a mapping as its body.

        Yields:
            `Pause` and `Measure`, for the driver to fulfil.
        """
        now = self._clock.now()
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
            request, measured = read_upload(body, call.file)
        else:
            request = self._reader.request(action, body)
        result = yield from self._handled(turn, handler, request, measured)
        return self._voice.result(result, action, turn.request_id), "ok"

    def _handled(
        self, turn: _Turn, handler: Handler, request: Any, measured: Measured | None
    ) -> Generator[Measure, Measurement | None, Any]:
        """Run a handler, and once more if it wants a file measured: that is done outside of the transaction."""
        while True:
            now = self._clock.now()
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
            config=self._config,
            # Contract §3, token table: whose token it is, is a setting.
            caller=(call.key or "") if self._settings.token_owner == "key" else turn.customer,  # noqa: S105
            base=call.base,
            link=self._links.make,
            name_limit=self._dialect.name_limit,
            description_limit=self._dialect.description_limit,
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
                raise Refusal(Reason.INVALID_FIELD, field=_RULE_HEADER, why=f"is not a rule: {error}") from None
            except orjson.JSONDecodeError:
                raise Refusal(Reason.INVALID_FIELD, field=_RULE_HEADER, why="is not JSON") from None
            if rule.matches(turn.action, turn.customer, shown):
                return rule.do
        return self._plan.consult(turn.action, turn.customer, shown)

    def authorize(self, key: str | None) -> str:
        """The customer that a Bearer key belongs to.

        Raises:
            Refusal: There is no key, or nobody's.
        """
        if not key:
            raise Refusal(Reason.KEY_MISSING)
        keys = self._settings.api_keys
        if not keys:
            return key
        customer = keys.get(key)
        if customer is None:
            raise Refusal(Reason.KEY_UNKNOWN)
        return customer

    def refuse(self, refusal: Refusal, *, action: str, version: str | None, customer: str) -> Reply:
        """A refusal in the contract's form, for what is found before there is a call; it goes into the journal."""
        now = self._clock.now()
        request_id = self._ids.token(now)
        said = self._voice.refusal(refusal, action, version, request_id)
        self._journal.note((now, action, customer, said.outcome, said.reply.status, request_id, ""))
        return said.reply


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
