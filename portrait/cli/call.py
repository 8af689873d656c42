"""`call`: any Action by its name, with JSON in the wire's names.

It alone prints what the service answers unchanged, signed links and tokens included.
"""

from __future__ import annotations

import json
from typing import Any, TextIO

from portrait.cli.console import is_file, is_pipe
from portrait.cli.context import Context
from portrait.cli.output import OutputFormat
from portrait.errors import ApiError, UsageError

_JSON_ADVICE = """It looks like '{"Id": "asset-..."}'."""


def call(context: Context, /, action: str, body: str | None, *, full: bool) -> int:
    """Call an Action; without JSON the request is read from a pipe, or empty."""
    request = _request(body, context.console.stdin)
    context.resume_hint = "The call may have been carried out; look before you call again."
    output = context.output
    try:
        result = context.client.call(action, request)
    except ApiError as error:
        if full and error.response:
            output.print_json(error.response)
        raise
    if output.format is OutputFormat.QUIET:
        for id in _ids(result):  # noqa: A001
            output.write(id)
    else:
        output.print_json(result.response.body if full else result)
    return 0


def _request(body: str | None, stdin: TextIO) -> dict[str, Any]:
    """The request: from the command line, from stdin, or empty.

    Raises:
        UsageError: It is not a JSON object. The text is not repeated: it may hold secrets.
    """
    # Anything that is neither pipe nor file, such as a terminal or /dev/null, is not waited for.
    piped = body is None and (is_pipe(stdin) or is_file(stdin))
    text = (stdin.read() if piped or body == "-" else body or "").removeprefix("\ufeff")  # as PowerShell writes it
    if not text.strip():
        return {}
    try:
        request = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise UsageError("The request is nested too deeply.", advice=_JSON_ADVICE) from None
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise UsageError(f"The request is not JSON{where}.", advice=_JSON_ADVICE) from None
    if not isinstance(request, dict):
        raise UsageError("The request must be a JSON object.", advice=_JSON_ADVICE)
    return request


def _refuse_constant(name: str) -> None:
    """NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)


def _ids(result: dict[str, Any]) -> list[str]:
    """The ids in a result: its own, or those of a page's items."""
    own = [result[name] for name in ("Id", "GroupId") if isinstance(result.get(name), str)][:1]
    items = result.get("Items") or []
    return own or [item["Id"] for item in items if isinstance(item, dict) and "Id" in item]
