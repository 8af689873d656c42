"""From a command line to a command and what it was told. Owns the options that all commands share, which may stand
before or after the command, and the help; must not know what a command does.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from portrait._version import __version__
from portrait.cli.command import Command
from portrait.cli.commands import ENTRIES, load
from portrait.cli.console import stdout_errors
from portrait.cli.helping import formatter

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

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

Tables on a terminal; JSON in a pipe or with --json: lists print one array,
put, wait and rm one line for each outcome. Fields are called as in the library
(id, group_id); only `call` speaks the wire (Id, GroupId).

`portrait help COMMAND` says more about a command.
"""

_UNKNOWN = "unrecognized arguments: "


class _Parser(argparse.ArgumentParser):
    """A parser whose mistakes are errors like all others."""

    def error(self, message: str) -> NoReturn:
        from portrait.errors import UsageError  # noqa: PLC0415  (keeps the help quick)

        if message.startswith(f"{_UNKNOWN}-"):
            option = message.removeprefix(_UNKNOWN).split()[0].partition("=")[0]
            message += _near(option, self._option_string_actions)
        raise UsageError(
            message if message.endswith("?") else f"{message.rstrip('.')}.",
            advice=f"{self.prog} --help says what it takes.",
        )

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """As argparse does, but a stdout that takes nothing is an error like all others."""
        with stdout_errors():
            (file or sys.stderr).write(message)


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def parse(argv: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    """The command that is meant, and its options.

    Raises:
        UsageError: The command line does not fit.
        SystemExit: It asked for help or the version, which is printed.
    """
    head, rest = _split(argv)
    top = _top()
    args = top.parse_args(head)
    if not rest:
        top.error("a command is missing")
    name, *words = rest
    if name == "help":
        name = next(iter(words), "")
        if name in {"", "help"}:
            top.print_help()
            raise SystemExit(0)
        words = ["--help"]
    if name not in ENTRIES:
        top.error(f"there is no command {name!r}" + _near(name, [*ENTRIES, "help"]))
    command = load(name)
    own = _own(name, command)
    _parse_words(own, words, args)
    if getattr(args, "json", False) and getattr(args, "quiet", False):
        own.error("--json and --quiet exclude each other")
    return command, args


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before the command, and the command with what follows."""
    at = 0
    while at < len(argv) and argv[at].startswith("-") and argv[at] != "--":
        at += 2 if argv[at] in _TAKES_VALUE else 1
    end = at + 1 if at < len(argv) and argv[at] == "--" else at
    return list(argv[:at]), list(argv[end:])


def _top() -> _Parser:
    width = max(len(name) for name in ENTRIES)
    rows = {name: entry.summary for name, entry in ENTRIES.items()} | {"help": "say more about a command"}
    listed = "\n".join(f"  {name:{width}}  {summary}" for name, summary in rows.items())
    parser = _Parser(
        prog="portrait",
        usage="portrait [OPTION...] COMMAND ...",
        description=f"Portraits as reusable assets for Seedance 2.0.\n\ncommands:\n{listed}",
        epilog=_EPILOG,
        formatter_class=formatter,
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
        formatter_class=formatter,
        allow_abbrev=False,
    )
    command.options(parser)
    _add_shared(parser)
    return parser


def _add_shared(parser: argparse.ArgumentParser) -> None:
    """The shared options. They have no defaults, so that what is left out here keeps what was said before."""
    group = parser.add_argument_group("for all commands")

    def add(*flags: str, words: str, **origin: Any) -> None:
        group.add_argument(*flags, help=words, default=argparse.SUPPRESS, **origin)

    # Those that can be called: named here, since looking them up would load the library for every help.
    add("--provider", words="who answers: alltoken, the only one that can be called today", metavar="NAME")
    add("--base-url", words="where; for AllToken it includes /v1", metavar="URL")
    add("--project", words="the ProjectName of all calls", metavar="NAME")
    add("--json", words="print JSON on a terminal too; piped output is always JSON", action="store_true")
    add("-q", "--quiet", words="print only ids and asset:// addresses", action="store_true")
    group.add_argument("--version", action="version", version=f"portrait {__version__}")


def _parse_words(parser: _Parser, words: list[str], args: argparse.Namespace) -> None:
    """Options and operands in any order; after `--` everything is an operand.

    How argparse treats `--` differs between releases of Python. No argument holds a NUL: what follows `--` goes
    through as NUL and a number, and is put back afterwards.
    """
    end = words.index("--") if "--" in words else len(words)
    kept = {f"\0{number}": word for number, word in enumerate(words[end + 1 :])}
    parser.parse_intermixed_args([*words[:end], *kept], args)
    for name, value in vars(args).items():
        if isinstance(value, str):
            setattr(args, name, kept.get(value, value))
        elif isinstance(value, list):
            setattr(args, name, [kept.get(word, word) for word in value])
