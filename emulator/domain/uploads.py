"""The two uploads: a file that becomes an asset, and a picture that only gets an address. Contract §5 and §8."""

from __future__ import annotations

from collections.abc import Container

from attrs import evolve, field, frozen

from emulator.domain import assets, checks
from emulator.domain.context import Context
from emulator.domain.ports import StoredFile
from emulator.domain.verdicts import PASS
from portrait import models
from portrait.gateways import IMAGE_FORMATS, IMAGE_LIFE
from portrait.media import sniff
from portrait.models import AssetType

UPLOADED_FILES = "/r2/"
"""The path below which uploaded files are served, by their keys. Contract §5: keys of R2 (D)."""


@frozen(kw_only=True)
class UploadRequest:
    """The request of an upload that creates an asset; its type is known by the content. Contract §5.

    Attributes:
        extension: Of the content, with its dot; "" for a file that may not be uploaded.
    """

    group_id: str
    file: StoredFile = field(repr=False)
    extension: str
    name: str | None = None
    asset_type: str | None = None
    project_name: str | None = None


@frozen(kw_only=True)
class PictureRequest:
    """The request of an upload that only gets an address.

    Attributes:
        extension: Of the content, with its dot; "" for a file that may not be uploaded.
        file_name: The name that the client gave it, "" for none.
    """

    file: StoredFile = field(repr=False)
    extension: str
    file_name: str = ""


@frozen(kw_only=True)
class PictureView:
    """An uploaded picture: its address, size in bytes, and when it was uploaded, in seconds since 1970."""

    url: str
    file_name: str
    content_type: str
    size: int
    created: float


def identify(content: bytes, formats: Container[str]) -> tuple[StoredFile, str]:
    """A file with the type of its content, whatever its name and its Content-Type say (I).

    Returns:
        The file, and its extension with the dot: "" if it is of none of these formats.
    """
    media = sniff(content)
    if media is None or media.format not in formats:
        return StoredFile(content=content, content_type="application/octet-stream"), ""
    return StoredFile(content=content, content_type=media.mime), media.extension


def upload_asset(ctx: Context, request: UploadRequest) -> models.UploadedAsset:
    """Store the file and create its asset. Contract §5 (D); only images; the content decides the type (I)."""
    checks.length("Name", request.name, ctx.config.name_limit)
    if request.asset_type and request.asset_type != AssetType.IMAGE:
        raise checks.invalid("AssetType", "must be Image")
    if not request.extension:
        raise checks.invalid("file", "must be a JPEG, PNG or WebP image")
    group = ctx.group(request.group_id, request.project_name)
    assets.check_measured(ctx.measured.get(""))
    key = _new_key(ctx, "portrait-uploads", request.extension)
    asset = assets.create_asset(
        ctx,
        group,
        PASS if ctx.review is None else ctx.review.apply(PASS),
        name=request.name or f"uploaded-{int(ctx.now)}",
        kind=AssetType.IMAGE,
        url=_url(ctx, key),
        file=key,
    )
    ctx.tx.add_file(key, request.file)
    return models.UploadedAsset(
        id=asset.id,
        group_id=asset.group_id,
        name=asset.name,
        asset_type=asset.kind,
        status=asset.status,
        uploaded_url=asset.url,
        r2_key=key,
    )


def upload_picture(ctx: Context, request: PictureRequest) -> PictureView:
    """Store the picture for 72 hours. Contract §8, apimart (D)."""
    if not request.extension:
        raise checks.invalid("file", f"must be one of {', '.join(IMAGE_FORMATS)}")
    ctx.require_account()
    key = _new_key(ctx, "image-uploads", request.extension)
    ctx.tx.drop_files(ctx.now)
    ctx.tx.add_file(key, evolve(request.file, served_until=ctx.now + IMAGE_LIFE))
    return PictureView(
        url=_url(ctx, key),
        file_name=request.file_name or key.rpartition("/")[2],
        content_type=request.file.content_type,
        size=len(request.file.content),
        created=ctx.now,
    )


def _new_key(ctx: Context, folder: str, extension: str) -> str:
    return f"{folder}/{ctx.tx.customer.number}/{ctx.config.ids.key()}{extension}"


def _url(ctx: Context, key: str) -> str:
    return f"{ctx.base}{UPLOADED_FILES}{key}"
