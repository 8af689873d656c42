"""The `portrait` command: reads the command line, runs one command, and turns every ending into an exit code. Owns the
endings; must not know what any command does. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

from portrait.cli.console import Surroundings, Unwritable, drop, writing
from portrait.cli.context import Context
from portrait.cli.parser import parse

__all__ = ["main"]


def main(argv: Sequence[str] | None = None, surroundings: Surroundings | None = None) -> int:
    """Run the command; the result is the exit code.

    Args:
        argv: What follows the program's name; None takes it from the process.
        surroundings: Streams, environment and clock; None takes those of the process.
    """
    around = surroundings or Surroundings.of_process()
    context = Context(around)
    try:
        code = _run(sys.argv[1:] if argv is None else argv, context)
        with writing():
            around.stdout.flush()
    except BaseException as error:  # noqa: BLE001  (each has its exit code)
        return _ended(error, context)
    return code


def _run(argv: Sequence[str], context: Context) -> int:
    try:
        command, told = parse(argv)
    except SystemExit as helped:  # --help and --version
        return int(helped.code or 0)
    with context.told(told):
        return command.run(context, told)


def _ended(error: BaseException, context: Context) -> int:
    """Say how it ended, on stderr, and give the exit code."""
    from portrait.cli import errors  # noqa: PLC0415  (loads the errors; keeps the help quick)

    around = context.surroundings
    if isinstance(error, BrokenPipeError):
        drop(around.stdout)
        return errors.BROKEN_PIPE
    if around.debugging:
        traceback.print_exception(error, file=around.stderr)
    if isinstance(error, Unwritable):
        drop(around.stdout)
        around.tell(f"portrait: the output cannot be written: {error}.\n  → {context.how_to_go_on}\n")
    elif isinstance(error, KeyboardInterrupt):
        notes = "".join(f"  {note}\n" for note in getattr(error, "__notes__", ()))
        around.tell(f"\nportrait: interrupted.\n{notes}  → {context.how_to_go_on}\n")
    else:
        around.tell(errors.lines(error))
    return errors.exit_code(error)
