"""The five group Actions. Contract §2, §3 (*Group*)."""

from __future__ import annotations

from attrs import evolve

from emulator.domain import checks, pages, quotas
from emulator.domain.context import Context
from emulator.domain.pages import Page
from emulator.domain.ports import GroupQuery
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.records import Group
from portrait import models
from portrait.models import GroupType, SortBy

DEEPEST = 10_000  # groups; contract §2, small print (D)


def create(ctx: Context, request: models.CreateAssetGroupRequest) -> models.Created:
    """`{"Id"}`, not `GroupId`. Names may repeat."""
    # Contract §2: Title fills an absent Name (D); an empty one is absent (I).
    name = request.name or request.title or ""
    checks.length("Name", name, ctx.config.name_limit)
    checks.length("Description", request.description, ctx.config.description_limit)
    # Contract §3: LivenessFace groups come only from a passed H5 check (D).
    if request.group_type is not GroupType.AIGC:
        raise checks.invalid("GroupType", "must be AIGC: LivenessFace groups come from a passed validation")
    project = ctx.project(request.project_name)
    customer = ctx.require_account()
    if not customer.aigc:
        raise Refusal(Reason.AIGC_NOT_AVAILABLE)
    quotas.check_groups(customer, ctx.tx.count_groups())
    group = create_group(ctx, project, GroupType.AIGC, name, description=request.description or "")
    return models.Created(id=group.id)


def create_group(
    ctx: Context,
    project: str,
    kind: GroupType,
    name: str,
    *,
    description: str = "",
    subject: str = "",
    stranger: bool = False,
) -> Group:
    """Create and store a group."""
    tx = ctx.tx
    number = tx.number()
    group = Group(
        number=number,
        id=ctx.config.ids.group(ctx.now, number),
        customer=tx.customer.name,
        project=project,
        kind=kind,
        name=name,
        description=description,
        created=ctx.now,
        updated=ctx.now,
        visible_from=ctx.visible_from(),
        subject=subject,
        stranger=stranger,
    )
    tx.add_group(group)
    return group


def get(ctx: Context, request: models.GetAssetGroupRequest) -> Group:
    """The group."""
    group = ctx.group(request.id, request.project_name)
    if ctx.visible_until is not None and group.created > ctx.visible_until:
        raise Refusal(Reason.UNKNOWN_GROUP, id=request.id)
    return group


def list_(ctx: Context, request: models.ListAssetGroupsRequest) -> Page[Group]:
    """One page. Contract §2: newest first, a page past the end is empty, foreign ids give nothing (I)."""
    window = pages.window(ctx, request, DEEPEST)
    if request.sort_by is SortBy.GROUP_ID:
        raise checks.invalid("SortBy", "must be one of CreateTime, UpdateTime")
    if request.filter.group_type is ctx.hidden_kind:
        return Page(items=(), **window.close(0, ())[1])
    total, found = ctx.tx.groups(GroupQuery(**window.query(ctx)))
    records, beside = window.close(total, found)
    return Page(items=records, **beside)


def update(ctx: Context, request: models.UpdateAssetGroupRequest) -> models.Updated:
    """Fields that are left out stay, and so does a Name that is to become empty: a group has one."""
    checks.length("Name", request.name, ctx.config.name_limit)
    checks.length("Description", request.description, ctx.config.description_limit)
    group = ctx.group(request.id, request.project_name)
    name = request.name or group.name
    description = group.description if request.description is None else request.description
    if (name, description) != (group.name, group.description):
        ctx.tx.save_group(evolve(group, name=name, description=description, updated=ctx.now))
    return models.Updated(id=group.id)


def delete(ctx: Context, request: models.DeleteAssetGroupRequest) -> models.Empty:
    """With every asset in it, irreversibly; the quota is free at once. Contract §2 (M, D)."""
    ctx.tx.remove_group(ctx.group(request.id, request.project_name))
    ctx.leaves_work = True
    return models.Empty()


def delete_empty(ctx: Context, request: models.DeleteAssetGroupRequest) -> models.Empty:
    """The same, but only of a group without assets. Contract §8 (M, in a clone)."""
    if ctx.tx.count_assets(ctx.group(request.id, request.project_name).id):
        raise Refusal(Reason.GROUP_NOT_EMPTY, id=request.id)
    return delete(ctx, request)
