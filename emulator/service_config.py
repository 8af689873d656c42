"""The settings of handlers: those of an emulator, and what a mount and a caller's provider change in them."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from emulator.auth import Caller
from emulator.domain.context import ServiceConfig
from emulator.fetch import FETCH_POLICIES
from emulator.ids import Ids
from emulator.mounts import Format
from emulator.settings import Settings
from emulator.signed_urls import SignedUrls
from portrait.video_models import DEFAULT_RESOLUTIONS, VIDEO_MODELS, VideoModel


def emulator_config(settings: Settings, ids: Ids, signed_urls: SignedUrls) -> ServiceConfig:
    """The settings without a mount, for scans and the control plane."""
    return ServiceConfig(
        image_review=settings.image_review,
        clip_review=settings.clip_review,
        generation=settings.generation_seconds,
        second_same=settings.second_result == "same",
        projects=settings.projects,
        measurable=FETCH_POLICIES[settings.fetch],
        ids=ids,
        link=signed_urls.sign,
        page_ticket=signed_urls.page_token,
        video_link=signed_urls.sign_video,
    )


def caller_config(
    config: ServiceConfig, caller: Caller, form: Format, settings: Settings, signed_urls: SignedUrls
) -> ServiceConfig:
    """The settings with the limits and forms of a mount and of a caller's provider.

    Args:
        config: Of the emulator.
        caller: Whose provider it is.
        form: Of the mount.
        settings: The emulator's.
        signed_urls: Signs links.
    """
    provider = caller.provider
    return evolve(
        config,
        page_ticket=signed_urls.page_token if provider.link_holds_token else signed_urls.page_handle,
        token_life=settings.token_life or provider.token_life,
        name_limit=form.name_limit,
        description_limit=form.description_limit,
        cursors=form.cursors,
        job_form=form.job_form,
        models=_models_of(caller.candidates) if form.videos else {},
        resolution=DEFAULT_RESOLUTIONS.get(provider.name, "720p"),
        list_items=provider.list_items,
    )


def _models_of(providers: tuple[str, ...]) -> Mapping[str, VideoModel]:
    """The models that a call may name: those of its key's provider, or of all that its key may stand for."""
    return {name: model for each in reversed(providers) for name, model in VIDEO_MODELS.get(each, {}).items()}
