"""The `portrait` command: reads the command line, runs one command, and turns every ending into an exit code. Owns the
endings; must not know what any command does. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

from portrait.cli.console import Console, OutputError, silence, stdout_errors
from portrait.cli.context import Context
from portrait.cli.parser import parse

__all__ = ["main"]


def main(argv: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run the command; the result is the exit code.

    Args:
        argv: What follows the program's name; None takes it from the process.
        console: Streams, environment and clock; None takes those of the process.
    """
    console = console or Console.of_process()
    context = Context(console)
    try:
        code = _run(sys.argv[1:] if argv is None else argv, context)
        with stdout_errors():
            console.stdout.flush()
    except BaseException as error:  # noqa: BLE001  (each has its exit code)
        return _ended(error, context)
    return code


def _run(argv: Sequence[str], context: Context) -> int:
    try:
        command, args = parse(argv)
    except SystemExit as helped:  # --help and --version
        return int(helped.code or 0)
    with context.use(args):
        return command.run(context, args)


def _ended(error: BaseException, context: Context) -> int:
    """Say how it ended, on stderr, and give the exit code."""
    from portrait.cli import errors  # noqa: PLC0415  (loads the errors; keeps the help quick)

    console = context.console
    if isinstance(error, BrokenPipeError):
        silence(console.stdout)
        return errors.BROKEN_PIPE
    if console.debugging:
        traceback.print_exception(error, file=console.stderr)
    if isinstance(error, OutputError):
        silence(console.stdout)
        console.write_stderr(f"portrait: the output cannot be written: {error}.\n  → {context.resume_hint}\n")
    elif isinstance(error, KeyboardInterrupt):
        notes = "".join(f"  {note}\n" for note in getattr(error, "__notes__", ()))
        console.write_stderr(f"\nportrait: interrupted.\n{notes}  → {context.resume_hint}\n")
    else:
        console.write_stderr(errors.format_error(error))
    return errors.exit_code(error)
