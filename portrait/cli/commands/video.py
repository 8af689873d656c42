"""`video` and its commands."""

from __future__ import annotations

import click

from portrait.cli.parser import FILE, Command, Group, argument, one_of, option, seconds
from portrait.enums import VideoStatus

_CREATE = """\
\b
Examples:
  portrait video create "She waves." --first-frame asset://asset-1
  portrait video create "Two people talk." --image asset-1 --image asset-2
  portrait video wait vgen_01abc --save wave.mp4

Each asset is read first: one that is not Active, or of another kind, is refused before anything is sent. A video costs
money; `portrait video wait` says what it has used, where the provider does.
"""


def _reference(name: str, *names: str, help: str, multiple: bool = False) -> click.Option:  # noqa: A002  (click's)
    """An option that names what a video is made from."""
    return option(name, *names, metavar="ASSET|URL", multiple=multiple, help=help)


VIDEO = Group(
    "video",
    "Make videos from assets.",
    Command(
        "create",
        "video:create",
        "Have a video made; prints it as it is queued.",
        argument("prompt", metavar="[PROMPT]", default=""),
        _reference("--first-frame", help="The picture that it begins with."),
        _reference("--last-frame", help="The picture that it ends with."),
        _reference("--image", "images", multiple=True, help="A picture; may be repeated."),
        _reference("--video", "videos", multiple=True, help="A video; may be repeated."),
        _reference("--audio", "audios", multiple=True, help="A sound; may be repeated."),
        option("--model", metavar="NAME", help="The provider's name of the model (default: its first one for assets)."),
        option("--duration", type=int, metavar="SECONDS", help="The length; -1 leaves it to the model (default 5)."),
        option("--resolution", metavar="NAME", help="Such as 720p (default: the provider's)."),
        option("--ratio", metavar="W:H", help="Such as 16:9, or adaptive (default: the provider's)."),
        option("--callback-url", metavar="URL", help="Where the provider is to report changes, where it can."),
        epilog=_CREATE,
    ),
    Command("show", "video:show", "Show a video; `wait --save` fetches its file.", argument("id", metavar="ID")),
    Command(
        "wait",
        "video:wait",
        "Wait until a video is made.",
        argument("id", metavar="ID"),
        option("--timeout", type=seconds, default="1800", metavar="SECONDS", help="To wait (default 1800)."),
        option("--save", "path", type=FILE, metavar="FILE", help="Write the finished video there."),
        epilog="The address of the file dies after 24 hours: save what you need.",
    ),
    Command(
        "list",
        "video:list_videos",
        "List the videos that the provider still knows, newest first.",
        option("--status", type=one_of(VideoStatus), help="Only in this state."),
        option("--limit", type=click.IntRange(1), default=20, metavar="N", help="Videos at most (default 20)."),
    ),
    Command("cancel", "video:cancel", "Stop a video that has not begun.", argument("id", metavar="ID")),
)
