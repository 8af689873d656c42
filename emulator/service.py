"""One emulator without HTTP: its parts put together, and the content of files, links and pages."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from attrs import frozen

from emulator.auth import CustomerNames
from emulator.call_log import CallLog, CallRecord
from emulator.clocks import TimestampFormatter
from emulator.control import Control, NamedSnapshots, Overview
from emulator.domain import lifecycle, validations
from emulator.domain.context import Context
from emulator.domain.ports import StoredFile
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.records import AssetState, Customer, Validation
from emulator.ids import Ids
from emulator.messages import Reply
from emulator.mounts import AnyMount, default_mounts
from emulator.pipeline import Pipeline
from emulator.response_encoder import http_error
from emulator.rules import RuleSet
from emulator.service_config import emulator_config
from emulator.settings import Settings
from emulator.signed_urls import SignedUrls
from emulator.snapshots import Snapshots
from emulator.store.base import StoreFactory
from emulator.store.locations import store_factory
from emulator.webhooks import Webhooks
from portrait.clock import Clock, SystemClock


@frozen
class ValidationPage:
    """The data of the H5 page.

    Attributes:
        handle: `val-3`.
        state: A word of `emulator.domain.records.Scan`, or `expired`.
        expires: When token and link die, in seconds since 1970.
    """

    handle: str
    state: str
    expires: float


class Service:
    """One emulator. Safe to use from several threads.

    Args:
        settings: Default: the guide's reading of the contract.
        clock: Default: the machine's.
        store: Makes the store; default: the one of the settings.
        on_call: Called with the record of each call.
        mounts: Where calls are answered, and how; default: those of all providers.

    Raises:
        StoreError: The store of the settings cannot be opened.

    Attributes:
        store: Keeps the records.
        control: The control plane.
        snapshots: Takes and restores the whole state.
        overview: What the dashboard shows.
        pipelines: What answers the calls of each mount.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        clock: Clock | None = None,
        store: StoreFactory | None = None,
        on_call: Callable[[CallRecord], None] | None = None,
        mounts: Sequence[AnyMount] = (),
    ) -> None:
        self.settings = settings = settings or Settings()
        self.clock: Clock = clock or SystemClock()
        self.store = (store or store_factory(settings.store))(self._new_customer)
        self.store.share(self.clock)
        self._format_time = TimestampFormatter()
        self._ids = Ids(settings.seed or 0, self._format_time, self.store.process)
        secret = secrets.token_bytes(32) if settings.seed is None else self._ids.secret()
        self._signed_urls = SignedUrls(self.store.secret(secret), settings.link_life, self._format_time)
        self._config = emulator_config(settings, self._ids, self._signed_urls)
        self.snapshots = Snapshots(self.store, self.clock)
        names = CustomerNames(settings)
        call_log, rules = CallLog(self._format_time, on_call), RuleSet(settings.seed or 0, names.find)
        self.pipelines = self._pipelines(mounts or default_mounts(settings), call_log, rules)
        self.control = self._control(call_log, rules, names)
        self.overview = Overview(
            store=self.store, clock=self.clock, call_log=call_log, rules=rules, format_time=self._format_time
        )

    def _pipelines(self, mounts: Sequence[AnyMount], call_log: CallLog, rules: RuleSet) -> tuple[Pipeline, ...]:
        """The pipelines of the mounts; all of them share everything else."""
        pipeline = partial(
            Pipeline,
            settings=self.settings,
            clock=self.clock,
            store=self.store,
            ids=self._ids,
            signed_urls=self._signed_urls,
            call_log=call_log,
            rules=rules,
            config=self._config,
            webhooks=Webhooks(self.clock),
        )
        return tuple(map(pipeline, mounts))

    def _control(self, call_log: CallLog, rules: RuleSet, names: CustomerNames) -> Control:
        """The control plane, which works on the same parts as the calls."""
        return Control(
            store=self.store,
            clock=self.clock,
            call_log=call_log,
            rules=rules,
            format_time=self._format_time,
            begin=self._begin,
            find_customer=names.find,
            snapshots=NamedSnapshots(self.snapshots, self._ids.byted_token, self._format_time),
        )

    def close(self) -> None:
        """Give back what the store has open."""
        self.store.close()

    def http_error(self, status: int, kind: str, message: str) -> Reply:
        """An error of HTTP's own level: unknown paths and methods. Contract §2, small print (I)."""
        return http_error(status, kind, message, self._ids.token(self.clock.now()))

    def file(self, key: str) -> StoredFile | None:
        """The uploaded file of `{base}/r2/{key}`; None for one that is not there, or not any more."""
        file = self.store.file(key)
        return file if file is not None and file.is_alive(self.clock.now()) else None

    def is_video_link(self, name: str, query: Mapping[str, str]) -> bool:
        """Whether a link to the file of a video was made here and has not expired."""
        return self._signed_urls.verify_video(name, query, self.clock.now())

    def link(self, asset_id: str, query: Mapping[str, str]) -> StoredFile | str:
        """The target of a signed link: an uploaded file, or the address that an asset was registered by.

        Raises:
            Refusal: The link is not ours, or too old, or the asset is gone.
        """
        asset = self.store.find_asset(asset_id) if self._signed_urls.verify(asset_id, query, self.clock.now()) else None
        if asset is None or asset.status is AssetState.EXPIRED:
            raise Refusal(Reason.UNKNOWN_ASSET, id=asset_id)
        return self.store.file(asset.file) or asset.url

    def validation_page(self, query: Mapping[str, str]) -> ValidationPage | None:
        """The data of the H5 page, whose opening starts the scan. None for a link that was not made here."""
        found = self._validation(query)
        if found is None:
            return None
        with self._begin(found.customer) as ctx:
            validation = validations.start_scan(ctx, ctx.tx.validation(found.token) or found)
        return ValidationPage(validation.handle, lifecycle.state_name(validation, ctx.now), validation.expires)

    def page_query(self, handle: str) -> str | None:
        """The query of a link to a validation's page that holds no token; None where there is no such validation."""
        found = self.store.find_validation(handle)
        return None if found is None else self._signed_urls.page_handle(found)

    def finish_scan(self, query: Mapping[str, str], outcome: str, code: int | None = None) -> None:
        """End the scan by a button of the H5 page; nothing happens where it has ended, or the link is not ours.

        Args:
            query: Of the link.
            outcome: One of `lifecycle.OUTCOMES`.
            code: One of `lifecycle.FAILURE_CODES`, for a scan that does not pass; None is the outcome's.
        """
        found = self._validation(query)
        if found is None:
            return
        with self._begin(found.customer) as ctx:
            validations.finish(ctx, ctx.tx.validation(found.token) or found, outcome, None, code)

    def callback(self, query: Mapping[str, str], *, with_token: bool = True) -> str | None:
        """Where the browser goes once the scan has ended; None before that, and for a link that is not ours.

        Args:
            query: Of the link.
            with_token: Does the address have the token? Contract §3: callbacks without it were seen (M).
        """
        found = self._validation(query)
        if found is None or found.scan not in lifecycle.ENDED:
            return None
        return validations.callback_url_for(found, with_token=with_token)

    def _validation(self, query: Mapping[str, str]) -> Validation | None:
        """The validation whose page a link leads to."""
        found = self.store.find_validation(self._signed_urls.page_subject(query))
        return found if found is not None and self._signed_urls.verify_page(found, query) else None

    @contextmanager
    def _begin(self, customer: str) -> Iterator[Context]:
        """A transaction for what happens without a call: scans, and what the control plane does."""
        with self.store.transaction(customer) as tx:
            now = self.clock.now()
            lifecycle.settle(tx, now)
            yield Context(tx=tx, now=now, config=self._config, owner="", base="")

    def _new_customer(self, name: str, number: int) -> Customer:
        settings = self.settings
        return Customer(
            name=name,
            number=number,
            groups=settings.groups,
            assets=settings.assets,
            assets_per=settings.assets_per,
        )
