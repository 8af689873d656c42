"""Pictures that are uploaded to get an address, and belong to no asset. Contract §8, apimart (D)."""

from __future__ import annotations

from attrs import evolve, field, frozen

from emulator.domain import checks
from emulator.domain.context import Context
from emulator.domain.ports import StoredFile
from portrait.gateways import IMAGE_FORMATS, IMAGE_LIFE


@frozen(kw_only=True)
class PictureRequest:
    """Keep a picture for a while.

    Attributes:
        file: The picture.
        extension: Of the content, with its dot; "" for a file that may not be uploaded.
        file_name: The name that it was given, "" for none.
    """

    file: StoredFile = field(repr=False)
    extension: str
    file_name: str = ""


@frozen(kw_only=True)
class PictureView:
    """A picture that is kept."""

    url: str
    file_name: str
    content_type: str
    size: int
    created: float


def upload(ctx: Context, request: PictureRequest) -> PictureView:
    """Keep the picture, and give its address, which dies after 72 hours."""
    if not request.extension:
        raise checks.invalid("file", f"must be one of {', '.join(IMAGE_FORMATS)}")
    key = f"image-uploads/{ctx.require_account().number}/{ctx.config.ids.key()}{request.extension}"
    ctx.tx.drop_files(ctx.now)
    ctx.tx.add_file(key, evolve(request.file, served_until=ctx.now + IMAGE_LIFE))
    return PictureView(
        url=f"{ctx.base}/r2/{key}",
        file_name=request.file_name or key.rpartition("/")[2],
        content_type=request.file.content_type,
        size=len(request.file.content),
        created=ctx.now,
    )
