"""From a command line to a command and what it was told. Owns the options that all commands share, which may stand
before or after the command, and the help; must not know what a command does.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, NoReturn

from portrait._version import __version__
from portrait.cli.command import Command
from portrait.cli.commands import ENTRIES, load

_TAKES_VALUE = ("--provider", "--base-url", "--project")

_EPILOG = """\
environment:
  PORTRAIT_API_KEY   the key; for AllToken also ALLTOKEN_API_KEY
  PORTRAIT_PROVIDER, PORTRAIT_BASE_URL, PORTRAIT_PROJECT
                     stand in for the options of the same names
  PORTRAIT_DEBUG=1   shows where an error comes from

exit codes:
  0 all done   1 some failed   2 wrong usage   3 refused by the service
  4 network, or outcome unknown   5 not finished in time   130 interrupted

`portrait COMMAND --help` says more about a command.
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose mistakes are errors like all others."""

    def error(self, message: str) -> NoReturn:
        from portrait.errors import UsageError  # noqa: PLC0415  (keeps the help quick)

        raise UsageError(
            message if message.endswith("?") else f"{message.rstrip('.')}.",
            advice=f"{self.prog} --help says what it takes.",
        )


def parse(argv: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    """The command that is meant, and its options.

    Raises:
        UsageError: The command line does not fit.
        SystemExit: It asked for help or the version, which is printed.
    """
    head, rest = _split(argv)
    top = _top()
    told = top.parse_args(head)
    if not rest:
        top.error("a command is missing")
    name, *words = rest
    if name not in ENTRIES:
        near = difflib.get_close_matches(name, ENTRIES, n=1)
        top.error(f"there is no command {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    command = load(name)
    own = _own(name, command)
    _parse_words(own, words, told)
    if getattr(told, "json", False) and getattr(told, "quiet", False):
        own.error("--json and --quiet exclude each other")
    return command, told


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before the command, and the command with what follows."""
    at = 0
    while at < len(argv) and argv[at].startswith("-") and argv[at] != "--":
        at += 2 if argv[at] in _TAKES_VALUE else 1
    end = at + 1 if at < len(argv) and argv[at] == "--" else at
    return list(argv[:at]), list(argv[end:])


def _top() -> _Parser:
    width = max(len(name) for name in ENTRIES)
    listed = "\n".join(f"  {name:{width}}  {entry.summary}" for name, entry in ENTRIES.items())
    parser = _Parser(
        prog="portrait",
        usage="portrait [OPTION...] COMMAND ...",
        description=f"Portraits as reusable assets for Seedance 2.0.\n\ncommands:\n{listed}",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_shared(parser)
    return parser


def _own(name: str, command: Command) -> _Parser:
    summary = ENTRIES[name].summary
    parser = _Parser(
        prog=f"portrait {name}",
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=command.details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.options(parser)
    _add_shared(parser)
    return parser


def _add_shared(parser: argparse.ArgumentParser) -> None:
    """The shared options. They have no defaults, so that what is left out here keeps what was said before."""
    group = parser.add_argument_group("for all commands")

    def add(flag: str, words: str, **how: Any) -> None:
        group.add_argument(flag, help=words, default=argparse.SUPPRESS, **how)

    add("--provider", "who answers: alltoken (default), ...", metavar="NAME")
    add("--base-url", "where; for AllToken it includes /v1", metavar="URL")
    add("--project", "the ProjectName of all calls", metavar="NAME")
    add("--json", "print JSON on a terminal too; piped output is always JSON", action="store_true")
    add("--quiet", "print only ids and asset:// addresses", action="store_true")
    group.add_argument("--version", action="version", version=f"portrait {__version__}")


def _parse_words(parser: _Parser, words: list[str], told: argparse.Namespace) -> None:
    """Options and operands in any order; after `--` everything is an operand.

    How argparse treats `--` differs between releases of Python. No argument holds a NUL: what follows `--` goes
    through as NUL and a number, and is put back afterwards.
    """
    end = words.index("--") if "--" in words else len(words)
    kept = {f"\0{number}": word for number, word in enumerate(words[end + 1 :])}
    parser.parse_intermixed_args([*words[:end], *kept], told)
    for name, value in vars(told).items():
        if isinstance(value, str):
            setattr(told, name, kept.get(value, value))
        elif isinstance(value, list):
            setattr(told, name, [kept.get(word, word) for word in value])
