"""Typed requests from the bodies of Actions and uploads: required fields, then types. Contract §10.12 (I)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson

from emulator.dialects import ServerDialect
from emulator.domain import HANDLERS
from emulator.domain.context import Handler, Measured
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.uploads import UploadRequest, identify, upload_asset
from emulator.fetch import check_media
from emulator.messages import Call, utf8_safe
from portrait.actions import ACTIONS, VERSION
from portrait.codec import DecodeError, decode_strict
from portrait.media import limits_for, measure
from portrait.models import AssetType

# A field as the refusal names it, the key where it usually is, and the paths one of which must lead to something.
_Required = tuple[str, str | None, Sequence[Sequence[str]]]
_NOTHING_MEASURED: Mapping[str, Measured] = MappingProxyType({})
# Contract §5: what may be uploaded (D).
_UPLOADED = frozenset(limits_for("alltoken", endpoint="upload")[AssetType.IMAGE].formats)


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; an empty body is an empty object.

    Raises:
        Refusal: It is not JSON, or no object.
    """
    if not body:
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal(Reason.MALFORMED_BODY, message="is not JSON") from None
    if type(value) is not dict:
        raise Refusal(Reason.MALFORMED_BODY, message="must be a JSON object")
    return value


class RequestDecoder:
    """Decodes the requests of one dialect.

    Args:
        dialect: Says which fields are required and which are unknown.
        name_required: Whether CreateAssetGroup has to be given a Name. Contract §10.6.
    """

    def __init__(self, dialect: ServerDialect, *, name_required: bool) -> None:
        self._foreign = dialect.ignored_fields
        self._version_required = dialect.version_required
        self._required: Mapping[str, Sequence[_Required]] = {
            action: tuple(_required(field) for field in fields if name_required or field != "Name|Title")
            for action, fields in dialect.required.items()
        }

    def handler(self, call: Call) -> Handler:
        """The handler of an Action or an upload. Contract §2, small print (I).

        Raises:
            Refusal: Action or Version is missing or unknown.
        """
        if not isinstance(call.body, bytes | None):
            return upload_asset
        if not call.action:
            raise Refusal(Reason.MISSING_ACTION, field="Action")
        if self._version_required and not call.version:
            raise Refusal(Reason.MISSING_ACTION, field="Version")
        handler = HANDLERS.get(call.action)
        if handler is None or call.version not in {None, "", VERSION}:
            version = utf8_safe(call.version or VERSION)
            raise Refusal(Reason.UNKNOWN_ACTION, id=utf8_safe(call.action), detail=version)
        return handler

    def request(self, call: Call, body: Mapping[str, Any]) -> tuple[Any, Mapping[str, Measured]]:
        """The typed request of an Action, or of an upload, whose file is measured here.

        Raises:
            Refusal: A required field is missing, or a field has the wrong type.
        """
        if not isinstance(call.body, bytes | None):
            request, measured = _read_upload(call.body, call.file)
            return request, {"": measured}
        action = call.action
        for field, key, paths in self._required[action]:
            if (key is None or not body.get(key)) and not any(_has_value(body, path) for path in paths):
                raise Refusal(Reason.MISSING_FIELD, field=field)
        foreign = self._foreign.get(action)
        if foreign and not foreign.isdisjoint(body):
            body = {name: value for name, value in body.items() if name not in foreign}
        try:
            return decode_strict(ACTIONS[action].request, body), _NOTHING_MEASURED
        except DecodeError as fault:
            raise _as_refusal(fault) from None


def _required(field: str) -> _Required:
    names = field.split("|")
    key = None if "." in names[0] else names[0]
    return names[0].replace("?", ""), key, tuple(tuple(name.split(".")) for name in names)


def _has_value(body: Any, path: Sequence[str]) -> bool:
    """Is there something? `null` and an empty string are nothing (contract §2, I); a wrong type is found later."""
    for name in path:
        if type(body) is not dict:
            return True
        body, optional = body.get(name.removesuffix("?")), name.endswith("?")
        if body is None and optional:
            return True
    return body is not None and body != ""


def _as_refusal(fault: DecodeError) -> Refusal:
    if fault.message == "is missing":
        return Refusal(Reason.MISSING_FIELD, field=fault.path)
    return Refusal(Reason.INVALID_FIELD, field=fault.path, message=fault.message)


def _read_upload(fields: Mapping[str, str], content: bytes | None) -> tuple[UploadRequest, Measured]:
    """The request of an upload, and the measurements of its file. Contract §5.

    Raises:
        Refusal: A required part is missing.
    """
    if not fields.get("GroupId"):
        raise Refusal(Reason.MISSING_FIELD, field="GroupId")
    if content is None:
        raise Refusal(Reason.MISSING_FIELD, field="file")
    # The content decides the type, whatever name and Content-Type say (D: three formats; I: how it is detected).
    file, extension = identify(content, _UPLOADED)
    request = UploadRequest(
        group_id=fields["GroupId"],
        file=file,
        extension=extension,
        name=fields.get("Name"),
        asset_type=fields.get("AssetType"),
        project_name=fields.get("ProjectName"),
    )
    return request, check_media(measure(content) if extension else None, AssetType.IMAGE, "upload")
