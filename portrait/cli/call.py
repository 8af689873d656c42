"""`call`: any Action by its name, with JSON as the wire has it. Owns where the JSON comes from; must not know any
Action. It alone prints what the service says as it says it, signed links and tokens included.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any, TextIO

from portrait.cli.command import Command
from portrait.cli.console import is_file, is_pipe
from portrait.cli.output import OutputFormat
from portrait.errors import ApiError, UsageError

if TYPE_CHECKING:
    from portrait.cli.context import Context

_DETAILS = """\
examples:
  portrait call GetAsset '{"Id": "asset-20260318035710-xxxxx"}'
  portrait call ListAssetGroups - < filter.json
  echo '{"Filter": {"GroupType": "AIGC"}}' | portrait call ListAssets
"""


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", metavar="ACTION", help="such as GetAsset")
    parser.add_argument(
        "body", metavar="JSON", nargs="?", help="the request, with the wire's names; - or a pipe: from stdin"
    )
    parser.add_argument("--full", action="store_true", help="print the whole envelope, not only Result")


def _call(context: Context, args: argparse.Namespace) -> int:
    body = _body(args.body, context.console.stdin)
    context.resume_hint = "The call may have been carried out; look before you call again."
    output = context.output
    try:
        result = context.client.call(args.action, body)
    except ApiError as refused:
        if args.full and refused.response:
            output.print_json(refused.response)
        raise
    if output.format is OutputFormat.QUIET:
        for id in _ids(result):  # noqa: A001
            output.write(id)
    else:
        output.print_json(result.response.body if args.full else result)
    return 0


def _body(given: str | None, stdin: TextIO) -> dict[str, Any]:
    """The request: as given, from stdin, or empty.

    Raises:
        UsageError: It is not a JSON object. The text is not repeated: it may hold secrets.
    """
    # Anything that is neither pipe nor file, such as a terminal or /dev/null, is not waited for.
    fed = given is None and (is_pipe(stdin) or is_file(stdin))
    text = stdin.read() if fed or given == "-" else given or ""
    if not text.strip():
        return {}
    try:
        body = json.loads(text)
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise UsageError(
            f"The request is not JSON{where}.", advice="""It looks like '{"Id": "asset-..."}'."""
        ) from None
    if not isinstance(body, dict):
        raise UsageError("The request must be a JSON object.", advice="""It looks like '{"Id": "asset-..."}'.""")
    return body


def _ids(result: dict[str, Any]) -> list[str]:
    """The ids that a result names: its own, or those of a page's items."""
    own = [result[name] for name in ("Id", "GroupId") if isinstance(result.get(name), str)][:1]
    items = result.get("Items") or []
    return own or [item["Id"] for item in items if isinstance(item, dict) and "Id" in item]


COMMANDS = {"call": Command(_options, _call, _DETAILS)}
