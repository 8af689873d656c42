"""The parts that several providers' videos have in common: how they are asked for, and fields of what is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from emulator.domain.generations import GenerationId, GenerationRequest, GenerationView
from emulator.domain.references import Reference
from emulator.messages import Call
from emulator.rest.fields import Fields
from portrait.models import AssetType
from portrait.video_models import RATIOS, RESOLUTIONS

DEFAULT_ROLES: Mapping[AssetType, str] = MappingProxyType(
    {AssetType.IMAGE: "reference_image", AssetType.VIDEO: "reference_video", AssetType.AUDIO: "reference_audio"}
)
INVALID_FIELD = "The parameter `{field}` specified in the request is not valid: it {message}."
MISSING_FIELD = "The request is missing the parameter `{field}`."

_KINDS: Mapping[str, AssetType] = MappingProxyType(
    {"image_url": AssetType.IMAGE, "video_url": AssetType.VIDEO, "audio_url": AssetType.AUDIO}
)
_EXTENSIONS: Mapping[str, str] = MappingProxyType({"mp4": ".mp4", "mov": ".mov"})


def read_request(fields: Fields, prompt: str, references: tuple[Reference, ...], ratio: str) -> GenerationRequest:
    """The request of a create.

    Args:
        fields: Of the body.
        prompt: As the provider takes it.
        references: Likewise.
        ratio: The name of the field that holds the ratio.
    """
    return GenerationRequest(
        model=fields.required("model"),
        prompt=prompt,
        references=references,
        seconds=fields.integer("duration", 0),
        resolution=fields.choice("resolution", ("", *RESOLUTIONS), ""),
        ratio=fields.choice(ratio, RATIOS, "adaptive"),
        extension=_EXTENSIONS[fields.choice("output_format", _EXTENSIONS, "mp4")],
        last_frame=fields.flag("return_last_frame", default=False),
        expires_after=fields.integer("execution_expires_after", 0),
    )


def read_content_request(fields: Fields) -> GenerationRequest:
    """The request of AllToken and Ark: `content` holds the references, and texts beside the `prompt` (D)."""
    texts, references = [fields.text("prompt")], []
    for item in fields.objects("content"):
        kind = item.choice("type", ("text", "draft_task", *_KINDS), "text")
        if kind == "text":
            texts.append(item.text("text"))
        elif kind in _KINDS:
            references.append(_content_reference(item, kind))
    return read_request(fields, "\n".join(filter(None, texts)), tuple(_with_roles(references)), "ratio")


def _content_reference(item: Fields, name: str) -> Reference:
    """The `role` may be left out."""
    address, kind = item.object(name), _KINDS[name]
    return Reference(url=address.required("url"), kind=kind, role=item.text("role"), place=f"{address.place}url")


def _with_roles(references: list[Reference]) -> Iterator[Reference]:
    """A picture that is alone and has no role is the first frame; what else has none is a reference (I)."""
    alone = len(references) == 1 and references[0].kind is AssetType.IMAGE
    for each in references:
        role = each.role or ("first_frame" if alone else DEFAULT_ROLES[each.kind])
        yield Reference(url=each.url, kind=each.kind, role=role, place=each.place)


def read_id(_: Fields, call: Call) -> GenerationId:
    """The id in the path."""
    return GenerationId(call.resource)


def write_usage(video: GenerationView) -> dict[str, int]:
    """Contract §7: both are the same, and 1 or more (D)."""
    return {"completion_tokens": video.tokens, "total_tokens": video.tokens}


def write_last_frame(video: GenerationView) -> dict[str, str]:
    """The address of the last frame, where one was asked for."""
    return {"last_frame_url": video.last_frame_url} if video.last_frame_url else {}


def write_failure(video: GenerationView) -> dict[str, Any]:
    """The error of a failed one."""
    return {"error": {"code": video.code, "message": video.message}} if video.code else {}
