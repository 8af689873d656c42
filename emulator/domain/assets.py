"""The five asset Actions. Contract §2, §3 (*Asset*)."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from emulator.domain import checks, lifecycle, pages, quotas
from emulator.domain.context import Context, Measured, NeedsMedia
from emulator.domain.pages import AssetItem, Page
from emulator.domain.ports import AssetQuery, Unfinished
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.records import Asset, AssetState, Group
from emulator.domain.verdicts import PASS, Verdict, message_for, parse_magic
from portrait import models
from portrait.models import AssetStatus, AssetType

DEEPEST = 20_000  # assets; contract §2, small print (D)
STRATEGIES = ("Default", "Skip")  # contract §2, CreateAsset (D)


def create(ctx: Context, request: models.CreateAssetRequest) -> models.Created:
    """`{"Id"}` and nothing else: no status. Contract §2 (D)."""
    checks.length("Name", request.name, ctx.config.name_limit)
    checks.http_url("URL", request.url)
    if request.moderation is not None and request.moderation.strategy not in STRATEGIES:
        raise checks.invalid("Moderation.Strategy", f"must be one of {', '.join(STRATEGIES)}")
    verdict = _planned_verdict(ctx, request.url)
    group = ctx.group(request.group_id, request.project_name)
    _check_media(ctx, request.url, request.asset_type, verdict)
    moderation = request.moderation.strategy if request.moderation else ""
    asset = create_asset(
        ctx, group, verdict, name=request.name or "", kind=request.asset_type, url=request.url, moderation=moderation
    )
    return models.Created(id=asset.id)


def get(ctx: Context, request: models.GetAssetRequest) -> AssetItem:
    """The asset item."""
    asset = ctx.asset(request.id, request.project_name)
    if ctx.visible_until is not None and asset.created > ctx.visible_until:
        raise Refusal(Reason.UNKNOWN_ASSET, id=request.id)
    return _to_item(ctx, count_read(ctx, asset))


def count_read(ctx: Context, asset: Asset) -> Asset:
    """The asset after this read, which may end a review that waits for reads."""
    if asset.verdict.reads is None:
        return asset
    seen = lifecycle.after_read(asset, ctx.now)
    if seen is not asset:
        ctx.tx.save_asset(seen)
    return seen


def list_(ctx: Context, request: models.ListAssetsRequest) -> Page[AssetItem]:
    """One page. Contract §2: newest first, a page past the end is empty, foreign ids give nothing (I)."""
    window = pages.window(ctx, request, DEEPEST)
    if not ctx.settled:
        raise Unfinished
    query = AssetQuery(statuses=request.filter.statuses or (), **window.query(ctx))
    total, found = ctx.tx.assets(query)
    if _count_reads(ctx, _awaited_assets(ctx, query, found)[: window.limit]):
        total, found = ctx.tx.assets(query)
    records, beside = window.close(total, found)
    return Page(items=[_to_item(ctx, asset) for asset in records], **beside)


def _awaited_assets(ctx: Context, query: AssetQuery, found: Sequence[Asset]) -> Sequence[Asset]:
    """The assets that the reader of a list waits for: its items, or those in Processing where it leaves them out."""
    if not query.statuses or AssetStatus.PROCESSING in query.statuses:
        return found
    return ctx.tx.assets(evolve(query, statuses=(AssetStatus.PROCESSING,), after=None, offset=0))[1]


def _count_reads(ctx: Context, assets: Sequence[Asset]) -> bool:
    """Count a read of each asset in Processing; returns whether this has ended the review of one."""
    waiting = [count_read(ctx, asset) for asset in assets if asset.status is AssetState.PROCESSING]
    for asset in waiting:
        ctx.note_unfinished(asset.created)
    return any(asset.status is not AssetState.PROCESSING for asset in waiting)


def update(ctx: Context, request: models.UpdateAssetRequest) -> models.Updated:
    """Renames; left out, the Name stays. An asset's Name may be empty. Contract §2 (D)."""
    checks.length("Name", request.name, ctx.config.name_limit)
    asset = ctx.asset(request.id, request.project_name)
    if request.name is not None and request.name != asset.name:
        ctx.tx.save_asset(evolve(asset, name=request.name, updated=ctx.now))
    return models.Updated(id=asset.id)


def delete(ctx: Context, request: models.DeleteAssetRequest) -> models.Empty:
    """Frees the quota at once. Contract §2 (D)."""
    ctx.tx.remove_asset(ctx.asset(request.id, request.project_name))
    return models.Empty()


def _planned_verdict(ctx: Context, url: str) -> Verdict:
    """The outcome of the review: what a magic address names, else a pass; with what a rule changes."""
    try:
        verdict = parse_magic(url) or PASS
    except ValueError as error:
        raise checks.invalid("URL", f"is a magic address whose query is not understood: {error}") from None
    return verdict if ctx.review is None else ctx.review.apply(verdict)


def _check_media(ctx: Context, url: str, kind: AssetType, verdict: Verdict) -> None:
    """Refuse in CreateAsset itself what can be found at once. Contract §3 (M)."""
    if verdict.reject:
        raise _rejected(verdict.reject, message_for(verdict.reject))
    measured = ctx.measured.get(url)
    if measured is None and ctx.config.measurable(url):
        raise NeedsMedia(url, kind)
    check_measured(measured)


def check_measured(measured: Measured | None) -> None:
    """Refuse a file that violates a limit; None for one that was not measured.

    Raises:
        Refusal: With its first violation.
    """
    if measured is not None and measured.violations:
        raise _rejected(*measured.violations[0])


def _rejected(code: str, message: str) -> Refusal:
    return Refusal(Reason.MEDIA_REJECTED, detail=code, message=message)


def create_asset(
    ctx: Context,
    group: Group,
    verdict: Verdict,
    *,
    name: str,
    kind: AssetType,
    url: str,
    file: str = "",
    moderation: str = "",
) -> Asset:
    """Create and store an asset: state, then quota, then the record. Contract §10.12 (I).

    Registered and uploaded ones share one quota (§5, D).

    Raises:
        Refusal: The account, the quota or the rate limit does not allow one more.
    """
    tx, config, now = ctx.tx, ctx.config, ctx.now
    customer = ctx.require_account()
    quotas.check_assets(customer, tx.count_assets(group.id if customer.assets_per == "group" else None))
    measured = ctx.measured.get("" if file else url)
    charged = quotas.count_create(customer, now)
    if charged is not customer:
        tx.save_customer(charged)
    verdict = lifecycle.match_face(verdict, group, verdict.subject)
    wait = lifecycle.review_seconds(kind, verdict, config.image_review, config.clip_review)
    number = tx.number()
    asset = Asset(
        number=number,
        id=config.ids.asset(now, number),
        customer=customer.name,
        project=group.project,
        group_id=group.id,
        group_kind=group.kind,
        name=name,
        kind=kind,
        url=url,
        file=file,
        created=now,
        updated=now,
        visible_from=ctx.visible_from(),
        due=None if wait is None else now + wait,
        verdict=verdict,
        subject=verdict.subject,
        moderation=moderation,
        seconds=None if measured is None else measured.seconds,
    )
    tx.add_asset(asset)
    return asset


def _to_item(ctx: Context, asset: Asset) -> AssetItem:
    """Contract §2, *Asset item*: a signed link made anew at each read, none while Processing (D)."""
    if asset.status is AssetState.PROCESSING:
        ctx.note_unfinished(asset.created)
        return AssetItem(asset, None)
    return AssetItem(asset, ctx.config.link(asset, ctx.base, ctx.now))
