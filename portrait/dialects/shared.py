"""What alltoken and ark have in common: the fields that an Action requires, and the results that look the same.

Each dialect takes these tables and overrides its own rows. Tables only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from portrait.actions import ACTIONS
from portrait.models import (
    AssetGroup,
    AssetPage,
    Created,
    Empty,
    GroupPage,
    VisualValidateResult,
    VisualValidateSession,
)

REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {action.name: action.required for action in ACTIONS.values()}
)


def group_item(group: AssetGroup) -> dict[str, Any]:
    """Contract §2, *Group item*."""
    return {
        "Id": group.id,
        "Name": group.name,
        "Title": group.title,
        "Description": group.description,
        "GroupType": group.group_type,
        "ProjectName": group.project_name,
        "CreateTime": group.create_time,
        "UpdateTime": group.update_time,
    }


def page(shown: AssetPage | GroupPage, items: list[dict[str, Any]]) -> dict[str, Any]:
    """By number, or by cursor where no number was asked for: then there are no counts (ark, D)."""
    if shown.page_number is None:
        return {"Items": items, **({"NextToken": shown.next_token} if shown.next_token else {})}
    return {
        "TotalCount": shown.total_count,
        "Items": items,
        "PageNumber": shown.page_number,
        "PageSize": shown.page_size,
    }


def _session(session: VisualValidateSession) -> dict[str, Any]:
    return {"BytedToken": session.byted_token, "H5Link": session.h5_link, "CallbackURL": session.callback_url}


PRESENTERS: Mapping[type, Callable[[Any], Any]] = MappingProxyType(
    {
        AssetGroup: group_item,
        GroupPage: lambda shown: page(shown, [group_item(item) for item in shown.items]),
        Created: lambda result: {"Id": result.id},
        Empty: lambda _: {},
        VisualValidateSession: _session,
        VisualValidateResult: lambda result: {"GroupId": result.group_id},
    }
)
