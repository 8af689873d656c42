"""apimart's library of assets and groups, created, listed, read, renamed and deleted; and its upload of pictures.

Contract §8. What is read comes in the envelope of the Actions, as Ark words it (I).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from emulator.dialects.ark import ARK
from emulator.dialects.dialect import wrap
from emulator.dialects.items import ResultSerializer
from emulator.domain import FURTHER_HANDLERS, HANDLERS
from emulator.domain.groups import delete_empty
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.uploads import PictureRequest, PictureView, identify
from emulator.messages import Call
from emulator.rest.fields import Fields, Query
from emulator.rest.gateway import write_created_task
from emulator.rest.gateway_tasks import read_library_assets
from emulator.rest.operations import Exchange, Operation, Route
from portrait import gateways, models
from portrait.actions import VERSION
from portrait.models import AssetStatus, GroupType

_ASSETS, _GROUPS = f"/v1{gateways.ASSETS_PATH}", f"/v1{gateways.GROUPS_PATH}"
_Read = Callable[[Fields, Call], Any]
_serialize = ResultSerializer(ARK)


def _read_picture(_: Fields, call: Call) -> PictureRequest:
    """The content decides the type, whatever its name says (I)."""
    if call.file is None:
        raise Refusal(Reason.MISSING_FIELD, field="file")
    file, extension = identify(call.file, gateways.IMAGE_FORMATS)
    return PictureRequest(file=file, extension=extension, file_name=call.file_name)


def _write_picture(picture: PictureView, _: Exchange) -> dict[str, Any]:
    """At top level (D); that the time is a number of seconds is ours (I)."""
    return {
        "url": picture.url,
        "filename": picture.file_name,
        "content_type": picture.content_type,
        "bytes": picture.size,
        "created_at": int(picture.created),
    }


def _write(result: Any, exchange: Exchange) -> dict[str, Any]:
    return wrap(
        request_id=exchange.request_id,
        action=exchange.call.action,
        version=VERSION,
        result=_serialize(result),
        region=exchange.provider.region,
    )


def _number(query: Query) -> int:
    """Of the page. The names of the query's parameters are not documented (I)."""
    return query.number("page_number", 1, 1)


def _size(query: Query) -> int:
    return query.number("page_size", 10, 1, 100)


def _group_type(query: Query) -> GroupType:
    return GroupType(query.choice("group_type", GroupType) or GroupType.AIGC)


def _read_assets(_: Fields, call: Call) -> models.ListAssetsRequest:
    query = Query(call.parameters)
    group, status = query.text("group_id"), query.choice("status", AssetStatus)
    wanted = models.AssetFilter(
        group_type=_group_type(query),
        group_ids=(group,) if group else None,
        statuses=(status,) if status else None,
        name=query.text("name") or None,
    )
    return models.ListAssetsRequest(
        filter=wanted, project_name=_project(call), page_number=_number(query), page_size=_size(query)
    )


def _read_groups(_: Fields, call: Call) -> models.ListAssetGroupsRequest:
    query = Query(call.parameters)
    wanted = models.GroupFilter(group_type=_group_type(query), name=query.text("name") or None)
    return models.ListAssetGroupsRequest(
        filter=wanted, project_name=_project(call), page_number=_number(query), page_size=_size(query)
    )


def _read_group(fields: Fields, _: Call) -> models.CreateAssetGroupRequest:
    return models.CreateAssetGroupRequest(
        name=fields.required("name"),
        description=fields.text("description"),
        project_name=fields.text("project_name") or None,
    )


def _read_group_update(fields: Fields, call: Call) -> models.UpdateAssetGroupRequest:
    description = fields.text("description") if fields.values.get("description") is not None else None
    return models.UpdateAssetGroupRequest(
        id=call.resource, name=fields.text("name") or None, description=description, project_name=_project(call)
    )


def _read_asset_update(fields: Fields, call: Call) -> models.UpdateAssetRequest:
    return models.UpdateAssetRequest(id=call.resource, name=fields.required("name"), project_name=_project(call))


def _by_id(request: Callable[..., Any]) -> _Read:
    return lambda _, call: request(id=call.resource, project_name=_project(call))


def _project(call: Call) -> str | None:
    return Query(call.parameters).text("project_name") or None


_READERS: Mapping[str, _Read] = MappingProxyType(
    {
        "ListAssets": _read_assets,
        "GetAsset": _by_id(models.GetAssetRequest),
        "UpdateAsset": _read_asset_update,
        "DeleteAsset": _by_id(models.DeleteAssetRequest),
        "CreateAssetGroup": _read_group,
        "ListAssetGroups": _read_groups,
        "GetAssetGroup": _by_id(models.GetAssetGroupRequest),
        "UpdateAssetGroup": _read_group_update,
        "DeleteAssetGroup": _by_id(models.DeleteAssetGroupRequest),
    }
)
# A group that has assets is not deleted here (M, in a clone).
_HANDLERS = {**HANDLERS, "DeleteAssetGroup": delete_empty}
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "PrivateAvatar": Operation(
            handler=FURTHER_HANDLERS["PrivateAvatar"],
            read=lambda fields, _: read_library_assets(fields),
            write=write_created_task,
        ),
        "UploadImage": Operation(handler=FURTHER_HANDLERS["UploadImage"], read=_read_picture, write=_write_picture),
        **{action: Operation(handler=_HANDLERS[action], read=read, write=_write) for action, read in _READERS.items()},
    }
)
ROUTES = (
    Route("POST", _ASSETS, "PrivateAvatar"),
    Route("GET", _ASSETS, "ListAssets"),
    Route("GET", f"{_ASSETS}/*", "GetAsset"),
    Route("PATCH", f"{_ASSETS}/*", "UpdateAsset"),
    Route("DELETE", f"{_ASSETS}/*", "DeleteAsset"),
    Route("POST", _GROUPS, "CreateAssetGroup"),
    Route("GET", _GROUPS, "ListAssetGroups"),
    Route("GET", f"{_GROUPS}/*", "GetAssetGroup"),
    Route("PATCH", f"{_GROUPS}/*", "UpdateAssetGroup"),
    Route("DELETE", f"{_GROUPS}/*", "DeleteAssetGroup"),
    Route("POST", f"/v1{gateways.IMAGES_PATH}", "UploadImage", file_limit=gateways.IMAGE_LIMIT),
)
