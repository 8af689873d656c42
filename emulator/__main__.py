"""The command `portrait-emulator`: a server that runs until a signal ends it.

Exit codes: 0 ended by a signal, 1 could not serve, 2 wrong arguments. The server is imported after the arguments are
parsed, so that `--help` is quick.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from emulator._optional import missing_extra
from emulator.command_line import LOAD_ADVICE, make_parser, read_clock, read_settings, read_start_state

if TYPE_CHECKING:
    from emulator.settings import Settings
    from portrait.clock import Clock

_SHARED = """\
portrait-emulator: records and the clock are in the store, for all processes on it; rules, the call log and saved
snapshots are of this process alone
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the result is the exit code."""
    _open_missing_streams()
    parser = make_parser()
    args = parser.parse_args(arguments)
    if args.command is None:
        parser.print_help()
        return 0
    needed = missing_extra()
    if needed is not None:
        parser.exit(2, f"{needed}\n")
    try:
        settings, clock = read_settings(args), read_clock(args.clock)
        start = read_start_state(args.load)
    except ValueError as error:
        parser.exit(2, f"portrait-emulator: {error}\n")
    with _end_signals() as ended:
        return _serve(settings, clock, args, start, ended)


@contextmanager
def _end_signals() -> Iterator[socket.socket]:
    """A socket that gets a byte for a SIGINT or SIGTERM, whichever thread the system hands it to.

    A main thread that waits for a lock sleeps on where another thread was interrupted.
    """
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)  # noqa: FBT003
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        before = signal.set_wakeup_fd(writer.fileno())
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(before)


def _serve(settings: Settings, clock: Clock, args: argparse.Namespace, start: Any, ended: socket.socket) -> int:
    from emulator.control import ControlError  # noqa: PLC0415 - after --help
    from emulator.gc_policy import leave_old_objects  # noqa: PLC0415 - after --help
    from emulator.server import EmulatorServer  # noqa: PLC0415 - after --help
    from emulator.service import Service  # noqa: PLC0415 - after --help
    from emulator.stderr_log import CallLogger, LineWriter, log_to  # noqa: PLC0415 - after --help
    from emulator.store.locations import StoreError  # noqa: PLC0415 - after --help

    leave_old_objects()
    writer = LineWriter(sys.stderr.fileno())
    log_to(writer)
    on_call = CallLogger(writer, clock) if args.verbose else None
    try:
        service = Service(settings, clock, on_call=on_call)
    except StoreError as error:
        _print(sys.stderr, f"portrait-emulator: --store: {error}\n")
        return 1
    if service.store.blocks:
        _print(sys.stderr, _SHARED)
    server = EmulatorServer(host=args.host, port=args.port, service=service)
    try:
        server.control.load_state(start)
    except ControlError as error:
        _print(sys.stderr, f"portrait-emulator: --load {args.load}: {error.message}; {LOAD_ADVICE}\n")
        return 2
    try:
        server.start()
    except (OSError, ValueError) as error:
        in_use = getattr(error, "errno", None) == errno.EADDRINUSE
        why = "the port is taken; --port 0 takes a free one" if in_use else getattr(error, "strerror", None) or error
        _print(sys.stderr, f"portrait-emulator: cannot listen on {args.host}:{args.port}: {why}\n")
        return 1
    _print(sys.stderr, _needs(args))
    _print(sys.stdout, f"portrait-emulator ready on {server.url}\n")
    ended.recv(1)
    server.stop()
    writer.close()
    return 0


def _open_missing_streams() -> None:
    """Lead stdout and stderr nowhere where the command was started with them closed.

    Otherwise a socket would get their number, and with it what is written to them.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - for the rest of the process


def _print(stream: TextIO, text: str) -> None:
    """Write to whoever started the command. It serves on where nobody can read that."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:  # its end is closed, or its disk is full; what was buffered would fail again at the exit
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), stream.fileno())


def _needs(args: argparse.Namespace) -> str:
    """Advice for users on other machines; "" where only this machine can call."""
    from portrait.urls import is_loopback  # noqa: PLC0415 - after --help

    if is_loopback(args.host.lower()):
        return ""
    lines = ["for plain http, PORTRAIT_INSECURE_HOSTS on the other machines names this one."]
    if not args.control_token:
        lines.append("the control plane answers this machine alone; --control-token T opens it to others.")
    return "".join(f"portrait-emulator: {line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
