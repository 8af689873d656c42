"""`/v1/portrait/upload`: a file without an address of its own, as one multipart request (contract §5).

The type is sniffed and the size checked before a byte is sent. The file is read whole: it has 10 MB at most.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from attrs import frozen

from portrait.actions import Action
from portrait.arguments import NONE, TEXT, check_arguments, either, having
from portrait.endpoint import Endpoint
from portrait.errors import UsageError
from portrait.flow import Flow
from portrait.http import HttpRequest, Timeouts, TimeoutTypes
from portrait.models import AssetType, UploadedAsset
from portrait.providers import Capability
from portrait.results import decode_result

if TYPE_CHECKING:
    from portrait.media import MediaType

Source = str | os.PathLike[str] | bytes | BinaryIO

MAX_FILE = 10 * 1024 * 1024  # bytes; contract §5 (D)
MIME_TYPES = ("image/jpeg", "image/png", "image/webp")  # contract §5 (D)

UPLOAD = Action(
    name="upload", request=dict, result=UploadedAsset, summary="Register a file by sending it.", created_id="Id"
)


@frozen
class ImageLimits:
    """What an upload takes.

    Attributes:
        size: Bytes.
        mime_types: Of the formats.
        formats: The formats, as people read them.
    """

    size: int
    mime_types: tuple[str, ...]
    formats: str


PORTRAIT_UPLOAD = ImageLimits(MAX_FILE, MIME_TYPES, "JPEG, PNG and WebP")


def read_image(source: Source, limits: ImageLimits = PORTRAIT_UPLOAD) -> tuple[bytes, str, str]:
    """The file's bytes, its name and its MIME type; never more than one byte over the limit.

    Args:
        source: A path, the bytes themselves, or an open binary file.
        limits: Of the upload.

    Raises:
        UsageError: It cannot be read, is empty, too large, or not an image that the upload takes.
    """
    content, name = _content(source, limits.size)
    label = name or "The file"
    if len(content) > limits.size:
        raise UsageError(
            f"{label} is larger than {limits.size // 1_048_576} MB, which is what the upload takes.",
            advice="Make it smaller, or store it and give its public address.",
        )
    if not content:
        raise UsageError(f"{label} is empty.")
    kind = _sniff(content)
    if kind is None or kind.mime not in limits.mime_types:
        found = kind.mime if kind else "not an image"
        raise UsageError(
            f"{label} is {found}; the upload takes {limits.formats}.",
            advice="Other files need a public address: store it, and give that.",
        )
    return content, name or f"portrait{kind.extension}", kind.mime


_FIELDS = {"group_id": TEXT, "name": either(TEXT, NONE)}
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|data:", re.IGNORECASE)
_SOURCE = {"source": having("a path, bytes or an open binary file", "read")}


def _sniff(content: bytes) -> MediaType | None:
    from portrait.media import sniff  # noqa: PLC0415  (keeps the plain client light)

    return sniff(content[:4096])


def _content(source: Source, size: int) -> tuple[bytes, str]:
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source), ""
    if isinstance(source, str) and _ADDRESS.match(source):  # it is not repeated: its query may be a secret
        raise UsageError(
            "The upload takes a file, and this is an address.",
            advice="Give it to create_asset(url=…) or ensure_asset(…); what a data: address holds is given as bytes.",
        )
    try:
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            with path.open("rb") as file:
                return file.read(size + 1), path.name
        check_arguments(_SOURCE, {"source": source})
        content = source.read(size + 1)
    except OSError as error:
        raise UsageError(f"{error.filename or 'The file'} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # of a closed file, of a path with a null byte
        raise UsageError(f"The file cannot be read: {error}.") from None
    if not isinstance(content, bytes):
        raise UsageError("The file must be opened in binary mode.")
    name = getattr(source, "name", "")
    return content, Path(name).name if isinstance(name, str) else ""


def upload(  # noqa: PLR0917
    endpoint: Endpoint,
    file: tuple[bytes, str, str],
    group_id: str,
    name: str | None,
    asset_type: AssetType | str | None,
    timeout: TimeoutTypes,
) -> Flow[UploadedAsset]:
    """Send a file that `read_image` has accepted.

    Raises:
        UsageError: A field is no string.
        TransportError: No usable answer; the asset may have been made.
        ApiError: The service refused.
    """
    from urllib3.filepost import encode_multipart_formdata  # noqa: PLC0415  (keeps `import portrait` light)

    endpoint.provider.require(
        Capability.FILES, "Store the file and register its address: create_asset(url=…), or ensure_asset(…, store=…)."
    )
    check_arguments(_FIELDS, {"group_id": group_id, "name": name})
    content, filename, mime = file
    filename = filename.encode("utf-8", "replace").decode()  # a file's name on disk need not be text
    fields = {"GroupId": group_id, "Name": name, "AssetType": asset_type, "ProjectName": endpoint.project}
    parts: list[tuple[str, str | tuple[str, bytes, str]]] = [(k, str(v)) for k, v in fields.items() if v is not None]
    parts.append(("file", (filename, content, mime)))
    body, content_type = encode_multipart_formdata(parts)
    request = HttpRequest(
        method="POST",
        url=f"{endpoint.base_url}/portrait/upload",
        headers={**endpoint.headers, "Content-Type": content_type},
        body=body,
        timeouts=endpoint.timeouts if timeout is None else Timeouts.of(timeout),
    )
    result, response = yield from endpoint.send_with_retries(UPLOAD, request, {"GroupId": group_id})
    return decode_result(UPLOAD, result, response)
