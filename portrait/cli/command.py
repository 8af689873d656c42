"""What a command is: a name, words for the help, the options it takes and what it does. Owns the shape only; must not
know any command, nor how a command line is read.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from portrait.cli.context import Context


class Command(NamedTuple):
    """One command.

    Attributes:
        options: Adds what it takes to its parser.
        run: Does it; the result is the exit code.
        details: What its own help says besides; may be several lines.
    """

    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Context, argparse.Namespace], int]
    details: str = ""


def seconds(text: str) -> float:
    """An option's value in seconds; neither negative nor endless."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError("seconds are a number from 0 up")
    return value


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """`--timeout`, for reviews."""
    words = "for the reviews (default 60 for images, 180 for video and audio)"
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help=words)


def one_of(*names: str) -> Callable[[str], str]:
    """An option's value out of a closed set, written in any case."""
    known = {name.lower(): name for name in names}

    def chosen(text: str) -> str:
        if text.lower() not in known:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(names)}")
        return known[text.lower()]

    return chosen
