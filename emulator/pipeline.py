"""One mount's calls from request to reply: authenticate, decode, handle in a transaction, commit, encode.

What takes time or the network is yielded as an effect.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import orjson
from attrs import Factory, define, evolve, field

from emulator.auth import Caller
from emulator.call_log import CallLog
from emulator.clocks import AutoClock
from emulator.domain import lifecycle, quotas
from emulator.domain.context import Context, Handler, Measured, NeedsMedia, ServiceConfig
from emulator.domain.ports import StoredFile, Transaction, Unfinished
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.uploads import UPLOADED_FILES
from emulator.fetch import check_media, download_and_measure
from emulator.ids import Ids
from emulator.messages import Call, Reply, ReplyFlow, RunInTurn, utf8_safe
from emulator.mounts import AnyMount
from emulator.request_decoder import read_object
from emulator.rules import Do, RuleError, RuleSet, alter_reply, short_circuit
from emulator.service_config import caller_config
from emulator.settings import Settings
from emulator.signed_urls import SignedUrls
from emulator.store.base import Store
from emulator.webhooks import Webhooks
from portrait.clock import Clock
from portrait.flow import RunBlocking, Sleep
from portrait.media import measure

_log = logging.getLogger("emulator")
_RULE_HEADER = "X-Emulator-Rule"
_NO_RULE = Do()
_OTHERS_TURN = Sleep(0)
_MAX_REQUEST_BYTES = 16_384


@define
class _RequestState:
    """The state of a call in the pipeline."""

    call: Call
    now: float
    request_id: str
    caller: Caller | None = None
    customer: str = ""
    handle: str = ""
    do: Do | None = None
    fields: Mapping[str, Any] = field(factory=dict)
    handled_at: float = Factory(lambda self: self.now, takes_self=True)  # later than `now` after a pause or a download
    leaves_work: bool = False
    unfinished_since: float | None = None
    waits: bool = False  # for a transaction, at whose beginning it is handled

    @property
    def rate(self) -> float | None:
        """Calls of this Action that a plan of the caller's provider allows in a second; None without a limit."""
        return None if self.caller is None else self.caller.provider.rates.get(self.call.action)


class Pipeline:
    """Answers the calls of one mount.

    Args:
        mount: Its format and auth.
        settings: The emulator's.
        clock: The emulator's.
        store: Keeps the records.
        ids: Makes request ids.
        signed_urls: Signs links to files.
        call_log: Records every call.
        rules: Faults and verdicts on demand.
        config: The settings of handlers.
        webhooks: Posts changes of what was created.
    """

    def __init__(
        self,
        mount: AnyMount,
        *,
        settings: Settings,
        clock: Clock,
        store: Store,
        ids: Ids,
        signed_urls: SignedUrls,
        call_log: CallLog,
        rules: RuleSet,
        config: ServiceConfig,
        webhooks: Webhooks,
    ) -> None:
        self.mount = mount
        self._settings = settings
        self._clock, self._store, self._ids = clock, store, ids
        self._signed_urls, self._call_log, self._rules, self._config = signed_urls, call_log, rules, config
        self._webhooks = webhooks
        self._configs: dict[tuple[str, ...], ServiceConfig] = {}  # by the names of the providers that a key may mean
        self._format = form = mount.format(settings)
        self._decoder, self._encoder = form.decoder, form.encoder

    def answer(self, call: Call) -> ReplyFlow:
        """Answer one call; one with a form has a mapping as its body.

        Yields:
            `Sleep` and `RunBlocking`, for the runner to carry out.
        """
        now = self._clock.now()
        state = _RequestState(call, now, self._ids.token(now))
        try:
            reply, outcome = yield from self._reply(state)
        except Refusal as refusal:
            reply, outcome = self._refuse(state, refusal)
        except Exception:  # noqa: BLE001 - nothing of an error of ours may reach a client
            _log.exception("%s failed, request %s", utf8_safe(call.action), state.request_id)
            reply, outcome = self._refuse(state, Refusal(Reason.INTERNAL))
        if state.unfinished_since is not None and isinstance(self._clock, AutoClock):
            self._clock.after_early_read(
                hash((state.customer, call.path, call.query, call.body)), state.unfinished_since
            )
        if state.do is not None:
            reply = alter_reply(state.do, reply)
        self._call_log.add(
            (now, call.action, state.customer, outcome, reply.status, state.request_id, state.handle, state.fields)
        )
        return reply

    def _refuse(self, state: _RequestState, refusal: Refusal) -> tuple[Reply, str]:
        call, caller = state.call, state.caller
        provider = self.mount.auth.provider_of(call) if caller is None else caller.provider
        return self._encoder.refusal(refusal, call, state.request_id, provider)

    def _reply(self, state: _RequestState) -> Generator[Sleep | RunBlocking, Any, tuple[Reply, str]]:
        """Contract §10.12: key, Action and Version, JSON, required fields, values; the handler does the rest."""
        call = state.call
        state.caller = caller = self.mount.auth.authenticate(call)
        state.customer = caller.customer
        handler = self._decoder.handler(call)
        raw = call.body or b""
        body: Any = raw if isinstance(raw, Mapping) else read_object(raw)
        state.fields = body if len(raw) <= _MAX_REQUEST_BYTES else {}  # of a very large body the log keeps nothing
        if self._rules.active or call.rule is not None:
            state.do = self._consult(state, body.get("Name", body.get("name")))
        if state.do is not None:
            if state.do.delay:
                yield Sleep(state.do.delay)
                state.handled_at = self._clock.now()
            other = short_circuit(state.do)
            if other is not None:
                return other
        request, measured = self._decoder.request(call, body)
        result = yield from self._handle(state, handler, request, measured)
        hook = self._format.hooks.get(call.action)
        if hook is not None and body.get(hook.field):
            read = evolve(call, action=hook.reads, resource=result.id, body=b"", rule=None)
            yield from self._work(
                partial(self._webhooks.follow, hook, body[hook.field], partial(self._read_again, read))
            )
        return self._encoder.result(result, call, state.request_id, caller.provider), "ok"

    def _read_again(self, call: Call) -> bytes:
        """The body that a read is answered with now; no call of anybody's, so that no log and no rule knows of it.

        Raises:
            Refusal: There is nothing to read any more.
        """
        now = self._clock.now()
        state = _RequestState(call, now, self._ids.token(now), self.mount.auth.authenticate(call))
        state.customer = state.caller.customer if state.caller else ""
        request, _ = self._decoder.request(call, {})
        result = self._in_transaction(state, self._decoder.handler(call), request, {})
        provider = self.mount.auth.provider_of(call)
        return self._encoder.result(result, call, state.request_id, provider).body

    def _handle(
        self, state: _RequestState, handler: Handler, request: Any, measured: Mapping[str, Measured]
    ) -> Generator[Sleep | RunBlocking, Any, Any]:
        """Run a handler until it has a result.

        It runs again after a slice of long work, and once a file is measured: that is done outside of the transaction.
        The result is as of one moment, however many slices it takes.
        """
        state.waits = self._store.blocks
        while True:
            try:
                result = yield from self._work(partial(self._in_transaction, state, handler, request, measured))
            except Unfinished:
                yield _OTHERS_TURN
                continue
            except NeedsMedia as wanted:
                url, kind = wanted.url, wanted.kind
            else:
                if state.leaves_work:
                    yield from self._settle(state.customer)
                return result
            own = yield from self._own_file(state.call.base, url)
            measurement = yield RunBlocking(
                partial(download_and_measure, url, self._config.measurable)
                if own is None
                else partial(measure, own.content)
            )
            measured = {**measured, url: check_media(measurement, kind)}
            state.handled_at, state.waits = self._clock.now(), self._store.blocks

    def _work(self, work: Callable[[], Any]) -> Generator[RunBlocking, Any, Any]:
        """Do what takes a transaction: in a thread if the store may block."""
        if not self._store.blocks:
            return work()
        return (yield RunInTurn(work) if self._store.in_turn else RunBlocking(work))

    def _in_transaction(
        self, state: _RequestState, handler: Handler, request: Any, measured: Mapping[str, Measured]
    ) -> Any:
        """One transaction, which a runner may carry out in a thread. A slice of what is due is settled first."""
        try:
            with self._store.transaction(state.customer) as tx:
                if state.waits:
                    state.handled_at, state.waits = self._clock.now(), False
                settled = lifecycle.settle(tx, state.handled_at)
                _count(tx, state)
                ctx = self._context(tx, state, measured, settled=settled)
                try:
                    return handler(ctx, request)
                finally:
                    state.handle = ctx.handle
                    state.leaves_work = ctx.leaves_work
                    state.unfinished_since = ctx.unfinished_since
        except Refusal:
            if state.rate is not None:  # what was counted is undone with the rest, and refused calls count as well (I)
                with suppress(Refusal), self._store.transaction(state.customer) as tx:
                    _count(tx, state)
            raise

    def _settle(self, customer: str) -> Generator[Sleep | RunBlocking, Any, None]:
        """Settle the rest of what a call has left behind, in slices."""
        while not (yield from self._work(partial(self._settle_slice, customer))):
            yield _OTHERS_TURN

    def _settle_slice(self, customer: str) -> bool:
        with self._store.transaction(customer) as tx:
            return lifecycle.settle(tx, self._clock.now())

    def _own_file(self, base: str, url: str) -> Generator[RunBlocking, Any, StoredFile | None]:
        """An uploaded file that is registered by its address needs no download."""
        prefix = base + UPLOADED_FILES
        if not url.startswith(prefix):
            return None
        file: StoredFile | None = yield from self._work(partial(self._store.file, url.removeprefix(prefix)))
        return file if file is not None and file.is_alive(self._clock.now()) else None

    def _context(
        self, tx: Transaction, state: _RequestState, measured: Mapping[str, Measured], *, settled: bool
    ) -> Context:
        call, do, caller = state.call, state.do or _NO_RULE, state.caller
        if caller is None:
            raise TypeError("a call is carried out for a caller")
        return Context(
            tx=tx,
            now=state.handled_at,
            config=self._config_for(caller),
            # Contract §3, token table: whose token it is, is a setting.
            owner=caller.handle if self._settings.token_owner == "key" else caller.customer,  # noqa: S105
            base=call.base,
            review=do.review,
            lag=do.lag,
            page_size_max=do.page_size_max,
            hidden_kind=do.hide,
            measured=measured,
            settled=settled,
        )

    def _config_for(self, caller: Caller) -> ServiceConfig:
        """The settings, with the rules of this mount and of the caller's provider."""
        config = self._configs.get(caller.candidates)
        if config is None:
            config = self._configs[caller.candidates] = caller_config(
                self._config, caller, self._format, self._settings, self._signed_urls
            )
        return config

    def _consult(self, state: _RequestState, name: Any) -> Do | None:
        """The rule that fires: the request's own, else one of the rule set."""
        text = name if isinstance(name, str) else ""
        if state.call.rule is not None:
            try:
                rule = self._rules.parse_one_time(orjson.loads(state.call.rule))
            except RuleError as error:
                raise Refusal(Reason.INVALID_FIELD, field=_RULE_HEADER, message=f"is not a rule: {error}") from None
            except orjson.JSONDecodeError:
                raise Refusal(Reason.INVALID_FIELD, field=_RULE_HEADER, message="is not JSON") from None
            if rule.matches(state.call.action, state.customer, text):
                return rule.do
        return self._rules.match(state.call.action, state.customer, text, state.now)

    def refuse(self, refusal: Refusal, call: Call | None = None) -> Reply:
        """A refusal in the contract's form, for what is found before a body is read; it is logged.

        Args:
            refusal: What was found; an error of the key takes precedence (contract §10.12).
            call: The call without its body; None where there is none.
        """
        now = self._clock.now()
        state = _RequestState(call or Call(action=""), now, self._ids.token(now))
        if call is not None:
            try:
                state.caller = self.mount.auth.authenticate(call)
                state.customer = state.caller.customer
            except Refusal as unauthorized:
                refusal = unauthorized
        reply, outcome = self._refuse(state, refusal)
        self._call_log.add((now, state.call.action, state.customer, outcome, reply.status, state.request_id, "", {}))
        return reply


def _count(tx: Transaction, state: _RequestState) -> None:
    """One more call of an Action that the customer's plan limits. Contract §6, "ark QPS".

    Raises:
        Refusal: This second's are used up.
    """
    if state.rate is not None and tx.customer.tier is not None:
        tx.save_customer(quotas.count_call(tx.customer, state.call.action, state.rate, state.handled_at))
