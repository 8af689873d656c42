"""How command lines are parsed: commands whose work is loaded when they run, the options that all of them share, and
what users may write as values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any, Literal

import click

from portrait._version import __version__
from portrait.cli.console import stdout_errors

_COMPLETE = "_PORTRAIT_COMPLETE"  # click's convention: the shell's hook sets it


class Text(click.types.StringParamType):
    """A text that can be sent. Bytes of the command line that are no UTF-8 are lone surrogates (PEP 383)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what cannot be encoded."""
        from portrait.arguments import is_text  # noqa: PLC0415  (keeps the help quick)

        text = super().convert(value, param, ctx)
        if not is_text(text):
            self.fail(f"{text!a} is no valid UTF-8", param, ctx)
        return text


TEXT = Text()


def option(*names: str, **settings: Any) -> click.Option:
    """An option of one command; a text where no type is named."""
    if not settings.get("is_flag"):
        settings.setdefault("type", TEXT)
    return click.Option(names, **settings)


def argument(name: str, **settings: Any) -> click.Argument:
    """An operand of one command; a text where no type is named."""
    return click.Argument([name], **{"type": TEXT, **settings})


class FileName(click.Path):
    """The name of a file, which a shell completes. `-` is refused: it stands for a standard stream elsewhere."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Take the text as it is."""
        if value == "-":
            self.fail("it takes a file, not a standard stream; ./- is a file named -", param, ctx)
        return value


FILE = FileName()


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


_shared = partial(option, expose_value=False, callback=_share)
# The providers that can be called are named here: looking it up would load the library for every help.
SHARED_OPTIONS: Sequence[click.Option] = (
    _shared(
        "--provider",
        metavar="NAME",
        help="The service: alltoken (default), volcengine or byteplus; for put and video also xcompute, apimart or "
        "gccai.",
    ),
    _shared("--base-url", metavar="URL", help="The service's address; for AllToken it includes /v1."),
    _shared("--project", metavar="NAME", help="The ProjectName of all calls."),
    _shared(
        "--state",
        type=FILE,
        metavar="PATH|URL",
        help="Where it is remembered what was begun (default $XDG_STATE_HOME/portrait/state.db).",
    ),
    _shared("--json", is_flag=True, help="Print JSON, as in a pipe, on a terminal too."),
    _shared("--table", is_flag=True, help="Print what a terminal shows, whole tables, into a pipe or a file too."),
    _shared("--quiet", "-q", is_flag=True, help="Print only ids and asset:// addresses."),
    option(
        "--version",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_version,
        help="Show the version and exit.",
    ),
)


class _WithSharedOptions(click.Command):
    """The base of commands and of groups of commands."""

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
        for param in self.get_params(ctx):
            if isinstance(param, click.Option):
                heading = "Options of all commands" if param in SHARED_OPTIONS else "Options"
                rows[heading] += filter(None, [param.get_help_record(ctx)])
        for heading, records in rows.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class Command(_WithSharedOptions):
    """One command. It is light: the module that does its work is imported when it runs.

    Attributes:
        work: `MODULE:FUNCTION` below `portrait.cli`. The function takes the object of all commands and, by name, what
            the command's parameters hold; it returns the exit code.
    """

    def __init__(self, name: str, work: str, summary: str, *params: click.Parameter, epilog: str | None = None) -> None:
        super().__init__(name, callback=click.pass_obj(self.do), params=[*params], help=summary, epilog=epilog)
        self.work = work

    def do(self, context: Any, /, **values: Any) -> int:
        """Load the work, and do it."""
        module, _, function = self.work.partition(":")
        return int(getattr(import_module(f"portrait.cli.{module}"), function)(context, **values))


class Group(_WithSharedOptions, click.Group):
    """A command that has commands, in the order in which they are given."""

    def __init__(self, name: str, summary: str, *commands: click.Command, epilog: str | None = None) -> None:
        super().__init__(name, commands=commands, help=summary, epilog=epilog, no_args_is_help=False)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        del ctx
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, then the options."""
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)


def run(root: Group, argv: Sequence[str], context: Any) -> int:
    """Run the command that `argv` names with `context` as the object of all commands; returns the exit code.

    Raises:
        UsageError: The command line does not fit.
    """
    if instruction := context.console.environ.get(_COMPLETE):
        from click.shell_completion import shell_complete  # noqa: PLC0415  (for shells alone)

        return shell_complete(root, {"obj": context}, "portrait", _COMPLETE, instruction)
    try:
        with root.make_context("portrait", list(argv), obj=context) as parsed:
            return int(root.invoke(parsed))
    except click.exceptions.Exit as finished:  # --help and --version
        return finished.exit_code
    except click.UsageError as error:
        from portrait.errors import UsageError  # noqa: PLC0415  (keeps the help quick)

        path = error.ctx.command_path if error.ctx else "portrait"
        raise UsageError(error.format_message(), advice=f"{path} --help says what it takes.") from None


def complete_from(names: Callable[[], Iterable[str]]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """A completion for shells from a set of names; `names` is called for shells alone."""
    return lambda _, __, incomplete: [name for name in names() if name.startswith(incomplete)]


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


def library_quota(value: int | Literal["none"] | None) -> int | Literal["documented"] | None:
    """The library's word for a quota: what is documented without the option, None for `none`."""
    return "documented" if value is None else None if value == "none" else value


def one_of(names: Iterable[str]) -> click.Choice[str]:
    """One of a closed set of names, in any case."""
    return click.Choice([*map(str, names)], case_sensitive=False)


YES = option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
REVIEW_TIMEOUT = option(
    "--timeout",
    type=seconds,
    metavar="SECONDS",
    help="For the reviews (default 60 for images, 180 for video and audio).",
)
