"""The table of commands, in the order in which the help lists them. Owns their names, their summaries and where they
live; a command's module is imported only when it is the one that is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from portrait.cli.command import Command


class Entry(NamedTuple):
    """One row of the table.

    Attributes:
        summary: One line for the help.
        home: The module, whose `COMMANDS` has the command by its name.
    """

    summary: str
    home: str


ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "put": Entry("send files and wait until they are Active", "put"),
        "wait": Entry("wait until assets are Active", "wait"),
        "groups": Entry("list groups", "list"),
        "assets": Entry("list assets", "list"),
        "show": Entry("show a group or an asset", "list"),
        "rename": Entry("rename a group or an asset", "edit"),
        "rm": Entry("delete groups and assets, for good", "edit"),
        "forget": Entry("erase a person's group and stored files, for good", "forget"),
        "validate": Entry("let a person pass the liveness check, for a group", "validate"),
        "call": Entry("call an Action by its name, with raw JSON", "call"),
        "doctor": Entry("check configuration, network and key step by step", "doctor"),
    }
)


def load(name: str) -> Command:
    """The command of that name in the table."""
    command: Command = import_module(f"portrait.cli.{ENTRIES[name].home}").COMMANDS[name]
    return command
