"""`video`: videos from assets, created, shown, awaited, listed and cancelled."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import click

from portrait.cli.context import Context
from portrait.cli.output import Column
from portrait.cli.parser import complete_files, group, one_of, seconds
from portrait.cli.serialize import video_record
from portrait.errors import UsageError, WaitTimeout
from portrait.events import Event, WaitProgress
from portrait.videos import Reference, Video, VideoStatus
from portrait.videos.models import RoleName
from portrait.videos.operations import TIMEOUT

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

_DETAILS = """\
\b
Examples:
  portrait video create "She waves." --first-frame asset://asset-1
  portrait video create "Two people talk." --image asset-1 --image asset-2
  portrait video wait vgen_01abc --save wave.mp4

Each asset is read first: one that is not Active, or of another kind, is refused before anything is sent. A video costs
money; `portrait video wait` says what it has used, where the provider does.
"""

F = TypeVar("F", bound=Callable[..., Any])


def _references(function: F) -> F:
    """Add the options that name what a video is made from."""
    options = (
        click.option("--first-frame", metavar="ASSET|URL", help="The picture that it begins with."),
        click.option("--last-frame", metavar="ASSET|URL", help="The picture that it ends with."),
        click.option("--image", "images", metavar="ASSET|URL", multiple=True, help="A picture; may be repeated."),
        click.option("--video", "videos", metavar="ASSET|URL", multiple=True, help="A video; may be repeated."),
        click.option("--audio", "audios", metavar="ASSET|URL", multiple=True, help="A sound; may be repeated."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@group()
def video_command() -> None:
    """Make videos from assets, and look after them."""


@video_command.command("create", epilog=_DETAILS)
@click.argument("prompt", metavar="[PROMPT]", default="")
@_references
@click.option("--model", metavar="NAME", help="The provider's name of the model (default: its first one for assets).")
@click.option("--duration", type=int, metavar="SECONDS", help="The length; -1 leaves it to the model (default 5).")
@click.option("--resolution", metavar="NAME", help="Such as 720p (default: the provider's).")
@click.option("--ratio", metavar="W:H", help="Such as 16:9, or adaptive (default: the provider's).")
@click.option("--callback-url", metavar="URL", help="Where the provider is to report changes, where it can.")
@click.pass_obj
def create(context: Context, /, *, prompt: str, model: str | None, **values: Any) -> int:
    """Have a video made; prints it as it is queued."""
    context.resume_hint = "The video may be made, and paid for; `portrait video list` shows it."
    references = [_reference(url, role) for name, role in _ROLES.items() for url in _several(values.pop(name))]
    video = context.any_client.videos.create(
        model=model or _default_model(context), prompt=prompt, references=references, **values
    )
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


def _default_model(context: Context) -> str:
    """The provider's first model that takes assets.

    Raises:
        UsageError: It has none.
    """
    models = context.provider.video_models
    if not models:
        raise UsageError(f"{context.provider.title} has no model that is known to take assets.", advice="Pass --model.")
    return models[0]


@video_command.command("show")
@click.argument("id", metavar="ID")
@click.pass_obj
def show(context: Context, /, id: str) -> int:  # noqa: A002
    """Show a video; `wait --save` fetches its file."""
    context.output.print_record(video_record(context.any_client.videos.get(id)), key="id")
    return 0


@video_command.command("wait", epilog="The address of the file dies after 24 hours: save what you need.")
@click.argument("id", metavar="ID")
@click.option("--timeout", type=seconds, default=TIMEOUT, metavar="SECONDS", help="To wait (default 1800).")
@click.option("--save", "path", metavar="FILE", shell_complete=complete_files, help="Write the finished video there.")
@click.pass_obj
def wait(context: Context, /, id: str, *, timeout: float, path: str | None) -> int:  # noqa: A002
    """Wait until a video is made."""
    again = f"`portrait video wait {id}` goes on."
    context.resume_hint = f"Nothing is lost: {again}"
    client = context.any_client.with_options(on_event=_StatusLine(context))
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
    """Tells people each status that a video is waited for in, once."""

    def __init__(self, context: Context) -> None:
        self._output = context.output
        self._last = ""

    def __call__(self, event: Event) -> None:
        """Take an event of the client."""
        if isinstance(event, WaitProgress) and event.status != self._last:
            self._last = event.status
            self._output.info(f"{event.id} is {event.status}")


@video_command.command("list")
@click.option("--status", type=one_of(*VideoStatus), help="Only in this state.")
@click.option("--limit", type=click.IntRange(1), default=20, metavar="N", help="Videos at most (default 20).")
@click.pass_obj
def list_videos(context: Context, /, *, status: str | None, limit: int) -> int:
    """List the videos that the provider still knows, newest first."""
    records = map(video_record, islice(_newest(context, status, min(limit, _PAGE)), limit))
    context.output.print_list(records, _COLUMNS, key="id", none="There are no such videos.")
    return 0


def _newest(context: Context, status: str | None, size: int) -> Iterator[Video]:
    """All of them, a page at a time."""
    seen = 0
    for page in count(1):
        found = context.any_client.videos.list(page=page, page_size=size, status=status)
        yield from found.items
        seen += len(found.items)
        if not found.items or seen >= found.total:
            return


@video_command.command("cancel")
@click.argument("id", metavar="ID")
@click.pass_obj
def cancel(context: Context, /, id: str) -> int:  # noqa: A002
    """Stop a video that has not begun."""
    context.resume_hint = f"It may be cancelled already; `portrait video show {id}` says so."
    context.output.print_record(video_record(context.any_client.videos.cancel(id)), key="id")
    return 0
