"""The command line: the table of commands, the options that all of them share, and what users may write as values.

A command's module is imported when the command is meant, so that the help and the completion of a shell are quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import click

from portrait._version import __version__
from portrait.cli.console import stdout_errors

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# Command → what it does, and the module that has a function of its name; in the order of the help.
COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "put": ("send files and wait until they are Active", "put"),
        "wait": ("wait until assets are Active", "wait"),
        "groups": ("list groups", "list"),
        "assets": ("list assets", "list"),
        "show": ("show a group or an asset", "list"),
        "rename": ("rename a group or an asset", "edit"),
        "rm": ("delete groups and assets, for good", "edit"),
        "forget": ("erase a person's group and stored files, for good", "forget"),
        "validate": ("let a person pass the liveness check, for a group", "validate"),
        "pool": ("look at pools of assets, and remove unused ones", "pool"),
        "video": ("make videos from assets", "video"),
        "call": ("call an Action by its name, with raw JSON", "call"),
        "doctor": ("check configuration, network and key step by step", "doctor"),
        "help": ("show the help of a command", "parser"),
    }
)

_COMPLETE = "_PORTRAIT_COMPLETE"  # click's convention: the shell's hook sets it

_EPILOG = """\
\b
Environment:
  PORTRAIT_API_KEY   the key; for AllToken also ALLTOKEN_API_KEY
  PORTRAIT_PROVIDER, PORTRAIT_BASE_URL, PORTRAIT_PROJECT
                     defaults of the options of the same names
  PORTRAIT_DEBUG=1   prints tracebacks

\b
Exit codes:
  0 all done   1 some failed   2 wrong usage   3 refused by the service
  4 network, or outcome unknown   5 not finished in time   130 interrupted

Tables on a terminal or with --table; JSON in a pipe or with --json: lists print one array, put, wait and rm one line
for each outcome.
Fields are called as in the library (id, group_id); only `call` uses the wire's names (Id, GroupId).

`portrait COMMAND --help` says more about a command. Completion for bash (zsh and fish alike):

\b
  eval "$(_PORTRAIT_COMPLETE=bash_source portrait)"
"""


def _share(context: click.Context, option: click.Parameter, value: Any) -> None:
    """Set an option of all commands: it may stand before or after the command's name, and the last one wins."""
    if not value:
        return
    options = context.obj.options
    options[option.name] = value
    if len(formats := [f"--{name}" for name in ("json", "table", "quiet") if name in options]) > 1:
        raise click.UsageError(f"{' and '.join(formats)} exclude each other.", context)


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  (click's signature)
    if value and not context.resilient_parsing:
        click.echo(f"portrait {__version__}")
        context.exit()


_shared = partial(click.Option, expose_value=False, callback=_share)
# The providers that can be called are named here: looking it up would load the library for every help.
SHARED_OPTIONS: Sequence[click.Option] = (
    _shared(
        ["--provider"],
        metavar="NAME",
        help="The service: alltoken (default), volcengine or byteplus; for put and video also xcompute, apimart or "
        "gccai.",
    ),
    _shared(["--base-url"], metavar="URL", help="The service's address; for AllToken it includes /v1."),
    _shared(["--project"], metavar="NAME", help="The ProjectName of all calls."),
    _shared(["--state"], metavar="PATH|URL", help="What was begun (default $XDG_STATE_HOME/portrait/state.db)."),
    _shared(["--json"], is_flag=True, help="Print JSON, as in a pipe, on a terminal too."),
    _shared(["--table"], is_flag=True, help="Print what a terminal shows, whole tables, into a pipe or a file too."),
    _shared(["--quiet", "-q"], is_flag=True, help="Print only ids and asset:// addresses."),
    click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_version,
        help="Show the version and exit.",
    ),
)


class Command(click.Command):
    """A command with the shared options."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.context_settings["max_content_width"] = 100  # columns; longer lines are hard to read
        self.params += SHARED_OPTIONS

    def make_context(self, *args: Any, **settings: Any) -> click.Context:
        """Parse the arguments; `--help` and `--version` print here."""
        with stdout_errors():
            return super().make_context(*args, **settings)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the command's own options, then the shared ones."""
        rows: dict[str, list[tuple[str, str]]] = {"Options": [], "Options of all commands": []}
        for option in self.get_params(ctx):
            heading = "Options of all commands" if option in SHARED_OPTIONS else "Options"
            rows[heading] += filter(None, [option.get_help_record(ctx)])
        for heading, records in rows.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class Group(Command, click.Group):
    """A command that has commands, in the order in which they are defined."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        del ctx
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, then the options."""
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)


class _Listed(Command):
    """A command of the table, which has the first line of its help."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        summary = COMMANDS[self.name or ""][0]
        self.help = f"{summary[0].upper()}{summary[1:]}."


class _ListedGroup(_Listed, Group):
    """A command of the table that has commands."""


class _LazyCommand(click.Command):
    """A row of the table; the command itself is loaded when it is called."""

    def make_context(self, *args: Any, **settings: Any) -> click.Context:
        return load(self.name or "").make_context(*args, **settings)


ROOT = Group(
    name="portrait",
    help="Portraits as reusable assets for Seedance 2.0.",
    epilog=_EPILOG,
    no_args_is_help=False,
    commands={name: _LazyCommand(name, short_help=summary) for name, (summary, _) in COMMANDS.items()},
)

command: Callable[..., Callable[[Callable[..., Any]], Command]] = partial(click.command, cls=_Listed)
group: Callable[..., Callable[[Callable[..., Any]], Group]] = partial(
    click.command, cls=_ListedGroup, no_args_is_help=False
)


def load(name: str) -> Command:
    """Import the command of that name."""
    loaded: Command = getattr(import_module(f"portrait.cli.{COMMANDS[name][1]}"), f"{name}_command")
    return loaded


def run(argv: Sequence[str], context: Any) -> int:
    """Run the command that `argv` names with `context` as the object of all commands; returns the exit code.

    Raises:
        UsageError: The command line does not fit.
    """
    if instruction := context.console.environ.get(_COMPLETE):
        from click.shell_completion import shell_complete  # noqa: PLC0415  (for shells alone)

        return shell_complete(ROOT, {"obj": context}, "portrait", _COMPLETE, instruction)
    try:
        with ROOT.make_context("portrait", list(argv), obj=context) as parsed:
            return int(ROOT.invoke(parsed))
    except click.exceptions.Exit as finished:  # --help and --version
        return finished.exit_code
    except click.UsageError as error:
        from portrait.errors import UsageError  # noqa: PLC0415  (keeps the help quick)

        path = error.ctx.command_path if error.ctx else "portrait"
        raise UsageError(error.format_message(), advice=f"{path} --help says what it takes.") from None


def complete_files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What a shell completes where a file may stand: it knows them itself."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415  (for shells alone)

    return [CompletionItem(incomplete, type="file")]


def complete_from(names: Iterable[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What a shell completes where one of these names may stand."""
    return lambda _, __, incomplete: [name for name in names if name.startswith(incomplete)]


@command(epilog="Without a command: the list of commands.")
@click.argument("names", metavar="COMMAND", nargs=-1, shell_complete=complete_from(COMMANDS))
@click.pass_obj
def help_command(context: Any, /, names: Sequence[str]) -> int:
    """Show the help of a command, or of all."""
    return run([*(names if names != ("help",) else ()), "--help"], context)


def seconds(text: str) -> float:
    """A finite number of seconds from 0 up.

    Raises:
        click.BadParameter: It is not.
    """
    with suppress(ValueError):
        if 0 <= (number := float(text)) < float("inf"):
            return number
    raise click.BadParameter("a number from 0 up")


def per_minute(text: str) -> float:
    """A rate: `3/min`, or the number alone.

    Raises:
        click.BadParameter: It is not above zero, or no rate.
    """
    with suppress(ValueError):
        if 0 < (rate := float(text.lower().removesuffix("/min"))) < float("inf"):
            return rate
    raise click.BadParameter("a number above zero per minute, such as 3/min")


def quota(text: str) -> int | Literal["none"]:
    """A number of assets or groups from 1 up, or `none`.

    Raises:
        click.BadParameter: It is neither.
    """
    if text.lower() == "none":
        return "none"
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text)):
        raise click.BadParameter("a number from 1 up, or none")
    return int(text)


def one_of(*names: str) -> click.Choice[str]:
    """One of a closed set of names, in any case."""
    return click.Choice(names, case_sensitive=False)


review_timeout = click.option(
    "--timeout",
    type=seconds,
    metavar="SECONDS",
    help="For the reviews (default 60 for images, 180 for video and audio).",
)
