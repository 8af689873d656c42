"""`doctor`: checks step by step whether calls can work, from the configuration to one harmless call for each address.

With `--to` an object storage is tried as well, by storing an object. No secret is shown, not even a part of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portrait.cli.context import Context
from portrait.cli.doctor import calls, machine, storage
from portrait.cli.doctor.findings import Finding, fault, untried
from portrait.cli.output import Column, OutputFormat
from portrait.cli.storage import StorageOptions
from portrait.errors import PortraitError

_COLUMNS = (Column("CHECK", "check"), Column("STATE", "state"), Column("WHAT", "what", wrap=True))


def examine(context: Context, /, **values: Any) -> int:
    """Check step by step whether calls can work, and uploads to a storage that is named."""
    findings = [*_findings(context, StorageOptions(**values))]
    if context.output.format is not OutputFormat.QUIET:
        context.output.print_list([_record(finding) for finding in findings], _COLUMNS, key="check", none="")
    faults = [finding for finding in findings if finding.state == "fault"]
    for each in faults:
        context.output.error(f"portrait: {each.check}: {each.what}\n  → {each.advice}\n")
    return faults[0].code if faults else 0


def _record(finding: Finding) -> dict[str, Any]:
    return {"check": finding.check, "state": finding.state, "what": finding.what, "advice": finding.advice}


def _findings(context: Context, options: StorageOptions) -> Iterator[Finding]:
    yield from machine.versions()
    yield from machine.extras()
    try:
        provider = context.provider
    except PortraitError as error:  # state, calls and storage all go by it: once is enough
        yield fault("configuration", error)
        yield from untried("state", *calls.CHECKS)
        return
    yield from machine.state(context)
    yield from calls.calls(context, provider)
    yield from storage.storage(context, options)
