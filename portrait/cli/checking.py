"""Looks at every file before anything is sent: what it is, and all that is wrong with it. Owns the order and the
threads; must not know what becomes of a file that fits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from portrait.cli.select import Chosen
from portrait.ensure import Content, FileOutcome, display_name, identify, limits_of, media_error, rejection
from portrait.errors import Interrupted, PortraitError
from portrait.media import HEAD_BYTES, sniff
from portrait.models import AssetType


class _Other(Enum):
    """Not a fault, and not a content either."""

    FILE = "no media"


class Checked(NamedTuple):
    """What is known of one group's files.

    Attributes:
        group: Its name or id, as given.
        fits: What can be sent.
        faulty: What cannot, with the reasons.
        others: Files in a folder that are no media, neither by their names nor by how they begin: nobody meant them.
    """

    group: str
    fits: list[Content]
    faulty: list[FileOutcome]
    others: list[str]


class Check(NamedTuple):
    """How files are looked at.

    Attributes:
        provider: The name of who answers.
        stored: Whether object storage gives files an address.
        asset_type: What addresses lead to; None goes by their endings.
        workers: Files at once.
    """

    provider: str
    stored: bool
    asset_type: AssetType | None
    workers: int

    def over(self, chosen: Iterable[Chosen], advance: Callable[[], object]) -> list[Checked]:
        """Look at all of them; `advance` is called after each, from several threads."""
        groups = list(chosen)
        sources = [(source, source in group.doubtful) for group in groups for source in group.sources]
        found = iter(self._identified(sources, advance))
        checked = []
        for group in groups:
            looked = [(source, next(found)) for source in group.sources]
            fits = [content for _, content in looked if isinstance(content, Content) and not content.faults]
            others = [display_name(source) for source, content in looked if content is _Other.FILE]
            faulty = [
                _faulty(source, content)
                for source, content in looked
                if isinstance(content, PortraitError) or (isinstance(content, Content) and content.faults)
            ]
            checked.append(Checked(group.group, fits, faulty, others))
        return checked

    def _identified(
        self, sources: Sequence[tuple[str, bool]], advance: Callable[[], object]
    ) -> list[Content | PortraitError | _Other]:
        ending = threading.Event()

        def look(named: tuple[str, bool]) -> Content | PortraitError | _Other:
            source, doubtful = named
            if ending.is_set():
                return Interrupted()
            try:
                if doubtful and not _begins_as_media(Path(source)):
                    return _Other.FILE
                limits = limits_of(source, self.provider, stored=self.stored)
                return identify(source, limits, self.asset_type)
            except PortraitError as error:
                return error
            finally:
                advance()

        with ThreadPoolExecutor(self.workers, "portrait-check") as pool:
            try:
                return list(pool.map(look, sources))
            except BaseException:
                ending.set()
                raise


def _begins_as_media(path: Path) -> bool:
    """Whether the first bytes are those of an image, a video or audio; of what cannot be read, nobody knows."""
    try:
        if not path.is_file():  # opening a pipe would wait
            return False
        with path.open("rb") as file:
            return sniff(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False


def _faulty(source: str, found: Content | PortraitError) -> FileOutcome:
    if isinstance(found, Content):
        return rejection(found.source, media_error(found), found)
    return rejection(display_name(source), found)
