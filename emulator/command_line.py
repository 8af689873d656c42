"""The arguments of `portrait-emulator`: their parser and help, and the settings, clock and start state that they name.

Nothing that serves is imported here, so that `--help` is quick.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from emulator.json_checks import MAX_SECONDS
from portrait._version import __version__

if TYPE_CHECKING:
    from emulator.settings import KeyPair, Settings
    from portrait.clock import Clock

V = TypeVar("V")

LOAD_ADVICE = "GET /_emulator/snapshots/NAME answers such a file, and the help of serve shows a short one"

_EXAMPLES = """\
examples:
  portrait-emulator serve
      on port 8787; every Bearer key is a customer of its own
  portrait-emulator serve --port 0 --clock manual
      on a free port, which the line on stdout names; time passes by POST /_emulator/clock {"advance": 61}
  portrait-emulator serve --clock auto
      for a program that polls: a read that finds a review or a scan unfinished moves the clock by 3 seconds
  portrait-emulator serve --verbose
      with a line on stderr for each call; a customer is shown by its name, and by a handle of its key where it has none
  portrait-emulator serve --store sqlite:///emulator.db
      goes on after a restart where it was; with postgresql:// several processes are one service
  portrait-emulator serve --clock scaled:100 --api-key sk-alice=alice --api-key sk-bob=bob
      a hundred times as fast, for two customers; any other key is refused

--load takes a snapshot that GET /_emulator/snapshots/NAME answered, or a JSON file of what the control plane takes,
carried out before the first request:
  {"rules": [{"match": {"action": "CreateAsset"}, "when": {"first": 1}, "do": {"close": "after-commit"}}],
   "customers": {"alice": {"groups": 2, "aigc": false}}}
"""

_SERVE = """\
Serve until SIGINT or SIGTERM. Prints one line on stdout once it accepts connections.
Without --api-key every Bearer key is a customer of its own, which calls and state name by a handle of the key. Without
--access-key one pair works: AKLTEMULATOR with the secret key emulator-secret, a customer of the same name.
"""
_KEY_PAIR = "a key pair for Volcengine and BytePlus, or AK:SK:TOKEN of temporary credentials; may be repeated"
_STORE = "memory, sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE (default memory)"
_KEY_PROVIDER = "the provider that a key or access key stands for; may be repeated"


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command's arguments."""
    parser = argparse.ArgumentParser(
        prog="portrait-emulator",
        description="An offline server that behaves like the portrait service.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"portrait-emulator {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="serve until a signal ends it",
        description=_SERVE,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = serve.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    add("--port", type=_port, default=8787, help="port to listen on; 0 takes a free one (default 8787)")
    add("--public-url", metavar="URL", help="where links lead (default: where a request came in)")
    add("--control-token", metavar="T", help="opens the control plane beyond loopback, in the header X-Emulator-Token")
    add("--api-key", metavar="KEY=CUSTOMER", action="append", default=[], help="a Bearer key; may be repeated")
    add("--access-key", metavar="AK:SK=CUSTOMER", action="append", default=[], help=_KEY_PAIR)
    add("--key-provider", metavar="KEY=PROVIDER", action="append", default=[], help=_KEY_PROVIDER)
    add("--profile", choices=("guide", "schema"), default="guide", help="which reading of the contract (default guide)")
    add("--clock", default="real", help="real, manual, auto or scaled:N (default real)")
    add(
        "--review-seconds",
        type=_seconds,
        metavar="N",
        help="time of a review (default 4 for images, 20 for clips)",
    )
    add("--generation-seconds", type=_seconds, metavar="N", help="time until a video is generated (default 60)")
    add(
        "--fetch",
        choices=("never", "loopback", "always"),
        default="loopback",
        help="which URLs are fetched and measured (default loopback)",
    )
    add("--project", metavar="NAME", action="append", default=[], help="a project that exists (default: any does)")
    add("--seed", type=int, metavar="N", help="repeat ids, tokens, link secrets and chance (default: secrets are new)")
    add("--store", metavar="LOCATION", default="memory", help=_STORE)
    add("--load", metavar="FILE", type=Path, help="JSON file with the state to start from, such as a snapshot")
    add("--verbose", action="store_true", help="a line per call on stderr: time, Action, customer, outcome, ms")
    return parser


def read_settings(args: argparse.Namespace) -> Settings:
    """The settings of a command line.

    Raises:
        ValueError: A value is not in its form; the message names the flag.
    """
    from emulator.settings import Settings  # noqa: PLC0415 - after --help

    changes: dict[str, Any] = {
        "api_keys": _by_key("--api-key", [_split("--api-key", "KEY=CUSTOMER", pair) for pair in args.api_key]),
        "access_keys": _by_key("--access-key", [_key_pair(text) for text in args.access_key]),
        "key_providers": _by_key("--key-provider", [_key_provider(text) for text in args.key_provider]),
        "projects": frozenset(args.project),
        "fetch": args.fetch,
        "public_url": args.public_url,
        "control_token": args.control_token,
        "store": args.store,
        "seed": args.seed,
    }
    if args.generation_seconds is not None:
        changes["generation_seconds"] = args.generation_seconds
    if args.review_seconds is not None:
        changes["image_review"] = changes["clip_review"] = args.review_seconds
    return {"guide": Settings.guide, "schema": Settings.schema}[args.profile](**changes)


def _key_pair(text: str) -> tuple[str, KeyPair]:
    from emulator.settings import KeyPair  # noqa: PLC0415 - after --help

    keys, customer = _split("--access-key", "AK:SK=CUSTOMER", text)
    access_key, _, rest = keys.partition(":")
    secret_key, _, session_token = rest.partition(":")
    if not (access_key and secret_key):
        raise ValueError("--access-key takes AK:SK=CUSTOMER")
    return access_key, KeyPair(secret_key, customer, session_token or None)


def _key_provider(text: str) -> tuple[str, str]:
    from portrait.providers import PROVIDERS  # noqa: PLC0415 - after --help

    key, provider = _split("--key-provider", "KEY=PROVIDER", text)
    if provider not in PROVIDERS:
        raise ValueError(f"--key-provider takes KEY=PROVIDER; providers are {', '.join(PROVIDERS)}")
    return key, provider


def _by_key(flag: str, pairs: Sequence[tuple[str, V]]) -> dict[str, V]:
    values = dict(pairs)
    if any(values[key] != value for key, value in pairs):
        raise ValueError(f"{flag} has one key twice, and not for the same: leave one out")
    return values


def _split(flag: str, form: str, value: str) -> tuple[str, str]:
    """A pair at its last equals sign: keys in base64 may end in some themselves."""
    first, _, last = value.rpartition("=")
    if not (first and last):
        raise ValueError(f"{flag} takes {form}")
    return first, last


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"seconds are a number, 0 or more and at most {MAX_SECONDS:.0f}")
    return seconds


def read_clock(name: str) -> Clock:
    """The clock that `--clock` names.

    Raises:
        ValueError: There is no such clock; the message names the flag.
    """
    from emulator.clocks import make_clock  # noqa: PLC0415 - after --help

    try:
        return make_clock(name)
    except ValueError as error:
        raise ValueError(f"--clock: {error}") from None


def read_start_state(path: Path | None) -> Any:
    """The JSON value in the file of `--load`; an empty object without one.

    Raises:
        ValueError: It cannot be read, or is no JSON; the message says which and what to do.
    """
    from emulator.snapshots.codec import MAX_BYTES  # noqa: PLC0415 - after --help

    if path is None:
        return {}
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        why = "it takes a file; /dev/stdin is what is piped in" if str(path) == "-" else error.strerror
        raise ValueError(f"--load {path}: {why}") from None
    if len(content) > MAX_BYTES:
        raise ValueError(f"--load {path}: it has more than {MAX_BYTES} bytes; load fewer records")
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        why = f"it is not JSON at line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError:
        why = "it is not JSON, which is text in UTF-8"
    except RecursionError:
        why = "its JSON is nested too deeply"
    raise ValueError(f"--load {path}: {why}; {LOAD_ADVICE}")
