"""The `portrait` command: runs one command line and turns every ending into an exit code.

Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing

from portrait.cli.console import Console, OutputError, silence, stdout_errors
from portrait.cli.context import Context

__all__ = ["main"]


def main(argv: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run the command; returns the exit code. Only `SystemExit` goes through.

    Args:
        argv: What follows the program's name; None takes it from the process.
        console: Streams, environment and clock; None takes those of the process.
    """
    context = Context(console or Console.of_process())
    try:
        from portrait.cli import commands  # noqa: PLC0415  (click is an extra)
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        context.console.write_stderr(
            "portrait: the command needs click and rich.\n  → pip install 'portrait-actions[cli]'\n"
        )
        return 2
    try:
        with closing(context):
            code = commands.run_command(sys.argv[1:] if argv is None else argv, context)
        with stdout_errors():
            context.console.stdout.flush()
    except SystemExit:  # whoever raised it has chosen the exit code
        raise
    except BaseException as error:  # noqa: BLE001  (each has its exit code)
        return _report(error, context)
    return code


def _report(error: BaseException, context: Context) -> int:
    """Say on stderr why the command ended; returns the exit code."""
    from portrait.cli import errors  # noqa: PLC0415  (keeps the help quick)

    console = context.console
    if isinstance(error, BrokenPipeError):
        silence(console.stdout)
        return errors.BROKEN_PIPE
    if console.debugging:
        import traceback  # noqa: PLC0415

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
