"""All commands of `portrait`: what each takes, what its help says, and which function does its work.

They are loaded for any command line and any help, so they load nothing of the library but its enums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portrait.cli.commands.assets import ASSETS, CALL, GROUPS, REMOVE, RENAME, SHOW, WAIT
from portrait.cli.commands.files import DOCTOR, FORGET, PUT
from portrait.cli.commands.pool import POOL
from portrait.cli.commands.validate import VALIDATE
from portrait.cli.commands.video import VIDEO
from portrait.cli.parser import Command, Group, argument, complete_from, run

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

_HELP = Command(
    "help",
    "commands:show_help",
    "Show the help of a command.",
    # A plain text: the check of a text loads the library.
    argument("names", metavar="[COMMAND]...", nargs=-1, type=str, shell_complete=complete_from(lambda: ROOT.commands)),
    epilog="Without a command: the list of commands.",
)

# In the order of the help.
ROOT: Group = Group(
    "portrait",
    "Portraits as reusable assets for Seedance 2.0.",
    PUT,
    WAIT,
    GROUPS,
    ASSETS,
    SHOW,
    RENAME,
    REMOVE,
    FORGET,
    VALIDATE,
    POOL,
    VIDEO,
    CALL,
    DOCTOR,
    _HELP,
    epilog=_EPILOG,
)


def run_command(argv: Sequence[str], context: Any) -> int:
    """Run the command that `argv` names with `context` as the object of all commands; returns the exit code.

    Raises:
        UsageError: The command line does not fit.
    """
    return run(ROOT, argv, context)


def show_help(context: Any, /, names: Sequence[str]) -> int:
    """Show the help of a command, or of all; returns the exit code."""
    return run_command([*(names if names != ("help",) else ()), "--help"], context)
