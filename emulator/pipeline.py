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

from emulator.call_log import CallLog
from emulator.dialects import ServerDialect
from emulator.domain import HANDLERS
from emulator.domain.assets import upload
from emulator.domain.context import Context, Handler, Measured, NeedsMedia, ServiceConfig
from emulator.domain.ports import StoredFile, Transaction
from emulator.domain.reasons import Reason, Refusal
from emulator.fetch import check_media
from emulator.ids import Ids
from emulator.messages import Call, Measure, Pause, Reply, ReplyFlow
from emulator.request_decoder import RequestDecoder, read_object, read_upload
from emulator.response_encoder import ResponseEncoder, utf8_safe
from emulator.rules import Do, RuleError, RuleSet, parse_one_time
from emulator.rules.faults import alter_reply, short_circuit
from emulator.settings import Settings
from emulator.signed_urls import SignedUrls
from emulator.store.base import Store
from portrait.actions import VERSION
from portrait.clock import Clock
from portrait.media import Measurement, measure

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
    signed_urls: SignedUrls
    call_log: CallLog
    rules: RuleSet
    config: ServiceConfig


@define
class _RequestState:
    """One call on its way."""

    call: Call
    action: str
    now: float
    request_id: str
    customer: str = ""
    handle: str = ""
    do: Do | None = None


class Pipeline:
    """Answers the calls of one dialect.

    Args:
        parts: The emulator's.
        dialect: How callers speak.
    """

    def __init__(self, parts: Parts, dialect: ServerDialect) -> None:
        settings = parts.settings
        self._settings = settings
        self._clock, self._store, self._rules = parts.clock, parts.store, parts.rules
        self._call_log, self._ids, self._signed_urls, self._config = (
            parts.call_log,
            parts.ids,
            parts.signed_urls,
            parts.config,
        )
        self._dialect = dialect
        self._reader = RequestDecoder(dialect, name_required=settings.name_required)
        self._voice = ResponseEncoder(dialect, key_in_envelope=settings.auth_error == "envelope")

    def answer(self, call: Call) -> ReplyFlow:
        """Answer one call; the upload door's has a mapping as its body.

        Yields:
            `Pause` and `Measure`, for the driver to fulfil.
        """
        now = self._clock.now()
        action = call.action if type(call.body) is bytes else _UPLOADS_AS
        state = _RequestState(call, action, now, self._ids.token(now))
        try:
            reply, outcome = yield from self._reply(state)
        except Refusal as refusal:
            said = self._voice.refusal(refusal, action, call.version, state.request_id)
            reply, outcome = said.reply, said.outcome
        except Exception:  # noqa: BLE001 - nothing of an error of ours may reach a client
            _log.exception("%s failed, request %s", utf8_safe(action), state.request_id)
            said = self._voice.refusal(Refusal(Reason.INTERNAL), action, call.version, state.request_id)
            reply, outcome = said.reply, said.outcome
        if state.do is not None:
            reply = alter_reply(state.do, reply)
        self._call_log.add((now, action, state.customer, outcome, reply.status, state.request_id, state.handle))
        return reply

    def _reply(self, state: _RequestState) -> Generator[Pause | Measure, Any, tuple[Reply, str]]:
        """Contract §10.12: key, Action and Version, JSON, required fields, values; the handler does the rest."""
        call, action = state.call, state.action
        state.customer = self.authorize(call.key)
        handler = _handler(call, action)
        body: Any = call.body if isinstance(call.body, Mapping) else read_object(call.body)
        if self._rules or call.rule is not None:
            state.do = self._consult(state, body.get("Name"))
        if state.do is not None:
            if state.do.delay:
                yield Pause(state.do.delay)
            other = short_circuit(state.do)
            if other is not None:
                return other
        measured = None
        if handler is upload:
            request, measured = read_upload(body, call.file)
        else:
            request = self._reader.request(action, body)
        result = yield from self._handled(state, handler, request, measured)
        return self._voice.result(result, action, state.request_id), "ok"

    def _handled(
        self, state: _RequestState, handler: Handler, request: Any, measured: Measured | None
    ) -> Generator[Measure, Measurement | None, Any]:
        """Run a handler, and once more if it wants a file measured: that is done outside of the transaction."""
        while True:
            now = self._clock.now()
            try:
                with self._store.transaction(state.customer, now) as tx:
                    ctx = self._context(tx, now, state, measured)
                    try:
                        return handler(ctx, request)
                    finally:
                        state.handle = ctx.handle
            except NeedsMedia as wanted:
                url = wanted.url
            own = self._own_file(state.call.base, url)
            found = (yield Measure(url)) if own is None else measure(own.content)
            measured = check_media(found, request.asset_type)

    def _own_file(self, base: str, url: str) -> StoredFile | None:
        """An uploaded file that somebody registers by its address is at hand."""
        prefix = f"{base}/r2/"
        return self._store.file(url.removeprefix(prefix)) if url.startswith(prefix) else None

    def _context(self, tx: Transaction, now: float, state: _RequestState, measured: Measured | None) -> Context:
        call, do = state.call, state.do
        return Context(
            tx=tx,
            now=now,
            config=self._config,
            # Contract §3, token table: whose token it is, is a setting.
            owner=(call.key or "") if self._settings.token_owner == "key" else state.customer,  # noqa: S105
            base=call.base,
            link=self._signed_urls.sign,
            name_limit=self._dialect.name_limit,
            description_limit=self._dialect.description_limit,
            verdict=None if do is None else do.review,
            read_lag=None if do is None else do.lag,
            measured=measured,
        )

    def _consult(self, state: _RequestState, name: Any) -> Do | None:
        """The header's rule comes before the plan's."""
        shown = name if isinstance(name, str) else ""
        if state.call.rule is not None:
            try:
                rule = parse_one_time(orjson.loads(state.call.rule))
            except RuleError as error:
                raise Refusal(Reason.INVALID_FIELD, field=_RULE_HEADER, message=f"is not a rule: {error}") from None
            except orjson.JSONDecodeError:
                raise Refusal(Reason.INVALID_FIELD, field=_RULE_HEADER, message="is not JSON") from None
            if rule.matches(state.action, state.customer, shown):
                return rule.do
        return self._rules.match(state.action, state.customer, shown)

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
        self._call_log.add((now, action, customer, said.outcome, said.reply.status, request_id, ""))
        return said.reply


def _handler(call: Call, action: str) -> Handler:
    """Contract §2, small print: what is said to a missing or unknown Action or Version (I)."""
    if type(call.body) is not bytes:
        return upload
    if not action:
        raise Refusal(Reason.MISSING_ACTION, field="Action")
    handler = HANDLERS.get(action)
    if handler is None or call.version not in {None, "", VERSION}:
        raise Refusal(Reason.UNKNOWN_ACTION, id=utf8_safe(action))
    return handler
