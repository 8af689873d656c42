"""Requests for videos as AllToken and Ark take them, with their references in `content`, and as the gateways do.

Contract §7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from emulator.domain.generations import GenerationRequest
from emulator.domain.references import Reference
from emulator.rest.fields import Fields
from portrait.models import AssetType
from portrait.video_models import RATIOS, RESOLUTIONS

_KINDS: Mapping[str, AssetType] = MappingProxyType(
    {"image_url": AssetType.IMAGE, "video_url": AssetType.VIDEO, "audio_url": AssetType.AUDIO}
)
_ROLES: Mapping[AssetType, str] = MappingProxyType(
    {AssetType.IMAGE: "reference_image", AssetType.VIDEO: "reference_video", AssetType.AUDIO: "reference_audio"}
)
_LISTS: Mapping[str, AssetType] = MappingProxyType(
    {"image_urls": AssetType.IMAGE, "video_urls": AssetType.VIDEO, "audio_urls": AssetType.AUDIO}
)
_ARK_FLAGS = ("generate_audio", "draft")
_ARK_NUMBERS = ("priority", "seed", "execution_expires_after")
_FORMATS: Mapping[str, str] = MappingProxyType({"mp4": ".mp4", "mov": ".mov"})


def read_content_request(fields: Fields) -> GenerationRequest:
    """`content` holds the references, and texts beside the `prompt` (D)."""
    texts, references = [fields.text("prompt")], []
    for item in fields.objects("content"):
        kind = item.choice("type", ("text", "draft_task", *_KINDS), "text")
        if kind == "text":
            texts.append(item.text("text"))
        elif kind in _KINDS:
            references.append(_content_reference(item, kind))
    return _request(fields, "\n".join(filter(None, texts)), tuple(_with_first_frame(references)), "ratio")


def read_ark_options(fields: Fields) -> dict[str, Any]:
    """What Ark takes and shows again: the fields of the official SDK's task (D)."""
    options: dict[str, Any] = {"service_tier": fields.text("service_tier", "default")}
    options |= {name: fields.text(name) for name in ("safety_identifier",) if fields.has(name)}
    options |= {name: fields.flag(name, default=False) for name in _ARK_FLAGS if fields.has(name)}
    return options | {name: fields.integer(name, 0) for name in _ARK_NUMBERS if fields.has(name)}


def _content_reference(item: Fields, name: str) -> Reference:
    """The `role` may be left out."""
    address, kind = item.object(name), _KINDS[name]
    return Reference(url=address.required("url"), kind=kind, role=item.text("role"), place=f"{address.place}url")


def _with_first_frame(references: list[Reference]) -> Iterator[Reference]:
    """A picture that is alone and has no role is the first frame; what else has none is a reference (I)."""
    alone = len(references) == 1 and references[0].kind is AssetType.IMAGE
    for each in references:
        role = each.role or ("first_frame" if alone else _ROLES[each.kind])
        yield Reference(url=each.url, kind=each.kind, role=role, place=each.place)


def read_gateway_request(fields: Fields) -> GenerationRequest:
    """Pictures with or without roles, videos and sounds, each in a list of its own (D)."""
    references: list[Reference] = []
    image = AssetType.IMAGE
    for item in fields.objects("image_with_roles"):
        role = item.text("role", _ROLES[image])
        references.append(Reference(url=item.required("url"), kind=image, role=role, place=f"{item.place}url"))
    for name, kind in _LISTS.items():
        references += [
            Reference(url=url, kind=kind, role=_ROLES[kind], place=f"{name}[{index}]")
            for index, url in enumerate(fields.texts(name))
        ]
    ratio = "aspect_ratio" if fields.has("aspect_ratio") else "size"
    return _request(fields, fields.text("prompt"), tuple(references), ratio)


def _request(fields: Fields, prompt: str, references: tuple[Reference, ...], ratio: str) -> GenerationRequest:
    return GenerationRequest(
        model=fields.required("model"),
        prompt=prompt,
        references=references,
        seconds=fields.integer("duration", 0),
        resolution=fields.choice("resolution", ("", *RESOLUTIONS), ""),
        ratio=fields.choice(ratio, RATIOS, "adaptive"),
        extension=_FORMATS[fields.choice("output_format", _FORMATS, "mp4")],
        last_frame=fields.flag("return_last_frame", default=False),
        expires_after=fields.integer("execution_expires_after", 0),
    )
