"""`video`: videos from assets, created, shown, awaited, listed and cancelled."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice
from pathlib import Path
from shlex import quote
from types import MappingProxyType
from typing import Any

from portrait.cli.context import Context
from portrait.cli.output import Column
from portrait.cli.serialize import video_record
from portrait.errors import UsageError, WaitTimeout
from portrait.events import Event, WaitProgress
from portrait.videos import Reference, Video
from portrait.videos.download import Download
from portrait.videos.models import RoleName

_COLUMNS = (
    Column("VIDEO", "id"),
    Column("STATUS", "status"),
    Column("MODEL", "model", drop_order=2, wrap=True),
    Column("CREATED", "created", drop_order=1),
)
# Parameter → the role of the references that it names.
_ROLES: Mapping[str, RoleName] = MappingProxyType(
    {
        "first_frame": "first_frame",
        "last_frame": "last_frame",
        "images": "reference_image",
        "videos": "reference_video",
        "audios": "reference_audio",
    }
)
_PAGE = 100  # videos of one call of a list


def create(context: Context, /, *, prompt: str, model: str | None, **values: Any) -> int:
    """Have a video made; prints it as it is queued."""
    context.resume_hint = "The video may be made, and paid for; `portrait video list` shows it."
    references = [_reference(url, role) for name, role in _ROLES.items() for url in _several(values.pop(name))]
    video = context.any_client.videos.create(model=model, prompt=prompt, references=references, **values)
    context.output.print_record(video_record(video), key="id")
    return 0


def _reference(word: str, role: RoleName) -> Reference:
    """An asset or an address.

    Raises:
        UsageError: It is neither, but perhaps a file.
    """
    if word and os.path.isfile(word):  # noqa: PTH113  (takes any text, an address of any length too)
        raise UsageError(
            f"{word:.200} is a file; a video is made from assets.",
            advice="Send it by `portrait put`, and give the asset:// address that it prints.",
        )
    return Reference(word, role)


def _several(value: str | Sequence[str] | None) -> Sequence[str]:
    return (value,) if isinstance(value, str) else value or ()


def show(context: Context, /, id: str) -> int:  # noqa: A002
    """Show a video; `wait --save` fetches its file."""
    context.output.print_record(video_record(context.any_client.videos.get(id)), key="id")
    return 0


def wait(context: Context, /, id: str, *, timeout: float, path: str | None) -> int:  # noqa: A002
    """Wait until a video is made."""
    save = "" if path is None else f" --save {quote(path)}"
    again = f"`portrait video wait {id}{save}` goes on."
    context.resume_hint = f"Nothing is lost: {again}"
    client = context.any_client.with_options(on_event=_StatusLine(context))
    if path is not None:
        Download(Path(path)).check()  # before minutes are waited
    try:
        video = client.videos.wait(id, timeout=timeout)
    except WaitTimeout as error:
        error.advice = f"It may still come: {again}"
        raise
    record = video_record(video)
    if path is not None:
        record["file"] = str(client.videos.save(video, Path(path)))
    context.output.print_record(record, key="id")
    return 0


class _StatusLine:
    """Prints each status that a video is waited for in, once."""

    def __init__(self, context: Context) -> None:
        self._output = context.output
        self._last = ""

    def __call__(self, event: Event) -> None:
        """Take an event of the client."""
        if isinstance(event, WaitProgress) and event.status != self._last:
            self._last = event.status
            self._output.info(f"{event.id} is {event.status}")


def list_videos(context: Context, /, *, status: str | None, limit: int) -> int:
    """List the videos that the provider still knows, newest first."""
    records = map(video_record, islice(_newest(context, status, min(limit, _PAGE)), limit))
    context.output.print_list(records, _COLUMNS, key="id", none="There are no such videos.")
    return 0


def _newest(context: Context, status: str | None, size: int) -> Iterator[Video]:
    """All of them, each once, a page at a time; a page that brings nothing new is the end, whatever is counted."""
    seen: set[str] = set()
    for page in count(1):
        found = context.any_client.videos.list(page=page, page_size=size, status=status)
        fresh = {video.id: video for video in found.items if video.id not in seen}
        yield from fresh.values()
        seen.update(fresh)
        if not fresh or len(seen) == found.total:
            return


def cancel(context: Context, /, id: str) -> int:  # noqa: A002
    """Stop a video that has not begun."""
    context.resume_hint = f"It may be cancelled already; `portrait video show {id}` says so."
    context.output.print_record(video_record(context.any_client.videos.cancel(id)), key="id")
    return 0
