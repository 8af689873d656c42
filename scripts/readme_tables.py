"""The tables of the READMEs, made of what they describe: Actions, errors, providers, limits, options, the ledger."""

import argparse
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import click

from emulator import pytest_plugin
from emulator.command_line import make_parser
from emulator.dialects import DIALECTS as SERVER_DIALECTS
from emulator.dialects import ServerDialect
from emulator.domain.reasons import Reason
from emulator.web.html import read_texts
from emulator.web.openapi.control import OPERATIONS, Operation
from emulator.web.pages import CODE_GROUPS
from portrait import errors
from portrait.actions import ACTIONS
from portrait.cli.commands import ROOT
from portrait.cli.parser import SHARED_OPTIONS
from portrait.codes import CODES, rule_for
from portrait.dialects import DIALECTS, TASKS
from portrait.gateways import BATCH
from portrait.media.limits import LIMITS, MB, Range, TypeLimits
from portrait.providers import PROVIDERS, Capability, Credential, Provider
from portrait.video_models import DEFAULT_RESOLUTIONS
from portrait.videos.shapes import CALLBACK_FIELDS, SHAPES

LEDGER = Path(__file__).resolve().parent.parent / "fixtures" / "ledger.json"


def has(capability: Capability) -> Callable[[Provider], bool]:
    """Whether a provider can do that."""
    return lambda provider: provider.can(capability)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def table(*rows: tuple[str, ...]) -> str:
    """A table of Markdown; the first row is its head."""
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body])


def actions_table() -> str:
    rows = [
        (f"`{action.name}`", f"`{snake(action.name)}`", action.summary, action.idempotency.value)
        for action in ACTIONS.values()
    ]
    return table(("Action", "method", "what it does", "a lost answer"), *rows)


def errors_table() -> str:
    rows = [error_row(cls, depth) for cls, depth in descendants(errors.PortraitError, 0)]
    return table(("class", "codes", "what it means", "what to do"), *rows)


def descendants(cls: type, depth: int) -> list[tuple[type, int]]:
    """The tree below a class, in the order of the source."""
    below = [
        row
        for child in cls.__subclasses__()
        if child.__module__ == errors.__name__
        for row in descendants(child, depth + 1)
    ]
    return [(cls, depth), *below]


def error_row(cls: type[errors.PortraitError], depth: int) -> tuple[str, ...]:
    codes = [code for code, rule in CODES.items() if rule.error is cls]
    if all("." in code for code in codes[:8]) and codes[8:]:  # the faults of media
        codes = [codes[0].partition(".")[0] + ".<fault>"]
    meaning = (cls.__doc__ or "").partition("\n")[0]
    name = "&nbsp;" * 3 * depth + f"`{cls.__name__}`"
    return name, " ".join(f"`{code}`" for code in codes), meaning, cls.advice


def codes_table() -> str:
    """What refuses a call, and what each dialect calls it."""

    def cell(dialect: ServerDialect, reason: Reason) -> str:
        row = dialect.errors[reason]
        code = row.code.replace("{field}", "<field>").replace("{detail}", "<fault>").replace("{id}", "<token>")
        statuses = [str(row.status), *(f"{name} {status}" for name, status in row.statuses.items())]
        number = "" if row.code_n is None else f", {row.code_n}"
        return f"`{code}` {', '.join(statuses)}{number}"

    def error(reason: Reason) -> str:
        kinds = {}
        for name, dialect in SERVER_DIALECTS.items():
            row = dialect.errors[reason]
            code = row.code.format(field="F", detail="WidthTooSmall", id="T")
            rules = DIALECTS[name].codes["GetVisualValidateResult"] if row.code == "NotFound.{id}" else {}
            rule = rules.get("NotFound") or rule_for(code, row.status)[0]
            kinds[f"`{rule.error.__name__}`"] = None
        return ", ".join(kinds)

    rows = [
        (
            re.sub("(?<=[a-zA-Z])(?=[A-Z][a-z])", " ", reason.value).lower(),
            *(cell(dialect, reason) for dialect in SERVER_DIALECTS.values()),
            error(reason),
        )
        for reason in Reason
    ]
    return table(("reason", *SERVER_DIALECTS, "class"), *rows)


def providers_table() -> str:
    head = (
        "`provider=`", "address", "keys", "from the environment", "region", "longest Name", "token lives",
        "lists by", "upload", "plans for `pace=`, creates a minute",
    )  # fmt: skip
    return table(head, *(provider_row(one) for one in PROVIDERS.values() if one.dialect in DIALECTS))


def provider_row(provider: Provider) -> tuple[str, ...]:
    dialect = DIALECTS[provider.dialect]
    signed = provider.credential is Credential.SIGNED
    keys = ("access_key", "secret_key", "session_token") if signed else ("api_key",)
    variables = [f"PORTRAIT_{key.upper()}" for key in keys] + ([] if signed else list(provider.key_variables))
    return (
        f"`{provider.name}`",
        f"`{provider.base_url}`",
        " ".join(f"`{key}`" for key in keys),
        " ".join(f"`{name}`" for name in variables),
        f"`{provider.region}`" if signed else "",
        f"{dialect.name_limit}",
        f"{provider.token_life:.0f} s",
        "cursor" if dialect.cursor_paging else "number",
        "yes" if provider.can(Capability.FILES) else "no",
        ", ".join(f"`{tier}` {creates}" for tier, creates in provider.tiers.items()),
    )


# What a provider can do, in the words of people.
CAPABILITIES: Mapping[str, Callable[[Provider], bool]] = {
    "the 12 Actions by their names": lambda provider: provider.dialect in DIALECTS,
    "share a working set of assets among workers, `client.pool`": lambda provider: provider.dialect in DIALECTS,
    f"{BATCH} assets by one request": lambda provider: provider.dialect == TASKS.name,
    "know without `state=` what a group holds, and find a create whose answer was lost": has(Capability.LIBRARY),
    **{capability.value: has(capability) for capability in Capability},
    "list videos": lambda provider: SHAPES[provider.dialect].list_query is not None,
    "cancel a video": lambda provider: SHAPES[provider.dialect].cancel is not None,
    "report changes of a video to `callback_url=`": lambda provider: provider.name in CALLBACK_FIELDS,
}


def capabilities_table() -> str:
    """What each provider can do, and its models."""
    rows = [
        (title, *("yes" if can(provider) else "no" for provider in PROVIDERS.values()))
        for title, can in CAPABILITIES.items()
    ]
    models = [", ".join(f"`{name}`" for name in provider.video_models) for provider in PROVIDERS.values()]
    resolutions = [DEFAULT_RESOLUTIONS.get(name, "720p") for name in PROVIDERS]
    further = [("models that take `asset://`", *models), ("resolution of a video by default", *resolutions)]
    return table(("", *(provider.title for provider in PROVIDERS.values())), *rows, *further)


def limits_table() -> str:
    head = ("type", "formats", "size", "width ÷ height", "width, height", "pixels", "seconds", "frames per second")
    ways = {"CreateAsset": "", "upload": " by `upload_asset`"}
    rows = [
        limits_row(f"{kind.value}{way}", limits)
        for endpoint, way in ways.items()
        for kind, limits in LIMITS["alltoken", endpoint, "newest"].items()
    ]
    return table(head, *rows)


def limits_row(name: str, limits: TypeLimits) -> tuple[str, ...]:
    numbers = (limits.ratio, limits.side, limits.pixels, limits.duration, limits.fps)
    return name, ", ".join(limits.formats), interval(limits.size, MB, " MB"), *map(interval, numbers)


def interval(limit: Range | None, unit: int = 1, title: str = "") -> str:
    """`0.4 < … < 2.5`: an interval as it is printed."""
    if limit is None:
        return ""
    sign = "<" if limit.strict else "≤"
    low = "" if limit.low is None else f"{number(limit.low / unit)} {sign} "
    high = "" if limit.high is None else f" {sign} {number(limit.high / unit)}{title}"
    return f"{low}…{high}"


def number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value}"


def commands_part() -> str:
    """Each command of `portrait`: what it does, its options, and what its help says besides."""
    sections = [section for name, command in ROOT.commands.items() for section in command_sections(name, command)]
    return "\n\n".join([*sections, shared_section()])


def command_sections(name: str, command: click.Command) -> Iterator[str]:
    """A command, and the commands that it has."""
    yield command_section(name, command)
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        yield from command_sections(f"{name} {inner.name}", inner)


def command_section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"portrait {name}")
    own = [option for option in command.params if option not in SHARED_OPTIONS]
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [f"#### `portrait {name}`", f"{command.help}", f"`portrait {name} {usage}`", options_table(own, context)]
    return "\n\n".join(filter(None, parts))


def shared_section() -> str:
    context = click.Context(ROOT, info_name="portrait")
    return f"#### Options of all commands\n\n{options_table(SHARED_OPTIONS, context)}"


def options_table(options: Iterable[click.Parameter], context: click.Context) -> str:
    records = [option.get_help_record(context) for option in options if isinstance(option, click.Option)]
    rows = [(f"`{cell(names)}`", cell(text)) for names, text in filter(None, records)]
    return table(("option", "what it does"), *rows) if rows else ""


def cell(text: str) -> str:
    """Text that may stand in a table."""
    return text.replace("|", "\\|")


def serve_table() -> str:
    """The options of `portrait-emulator serve`."""
    rows = [
        (f"`{cell(' '.join(filter(None, [action.option_strings[-1], value_of(action)])))}`", cell(action.help or ""))
        for action in serve_parser()._actions  # noqa: SLF001  (argparse has no other way to its options)
        if action.dest != "help"
    ]
    return table(("option", "what it does"), *rows)


def serve_parser() -> argparse.ArgumentParser:
    commands = next(action for action in make_parser()._actions if action.dest == "command")  # noqa: SLF001
    return commands.choices["serve"]


def value_of(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    return str(action.metavar or "|".join(action.choices or ()) or action.dest.upper())


def page_codes_table() -> str:
    """The result codes that the page of a check has buttons for."""
    texts = read_texts("en")["codes"]
    rows = [(texts[str(codes[0])], ", ".join(f"`{code}`" for code in codes)) for codes in CODE_GROUPS]
    return table(("the page's words", "`resultCode`"), *rows)


def fixtures_table() -> str:
    """The fixtures of the pytest plugin, by their docstrings; those that a project overrides come last."""
    fixtures = {name: value for name, value in vars(pytest_plugin).items() if "Fixture" in type(value).__name__}
    names = sorted(
        (name for name in fixtures if not name.startswith("_")),
        key=lambda name: name.endswith(("_settings", "_provider")),
    )
    return table(("fixture", "what it is"), *((f"`{name}`", f"{fixtures[name].__doc__}") for name in names))


def control_table() -> str:
    """The calls of the control plane, by the operations of the OpenAPI document; a query is marked by its `?`."""
    rows = [
        (f"`{method} {path.replace('*', '{name}')}`", operation.summary.rstrip("."), control_fields(operation))
        for (method, path), operation in OPERATIONS.items()
    ]
    return table(("call", "what it does", "fields"), *rows)


def control_fields(operation: Operation) -> str:
    """What a call takes, with the values of closed sets that are short."""
    body = operation.body or {}
    fields: dict[str, list[str]] = {f"?{name}=": [] for name in operation.query}
    for schema in body.get("oneOf", [body]):
        for name, kind in schema.get("properties", {}).items():
            fields.setdefault(name, []).extend(str(value) for value in kind.get("enum", []) if isinstance(value, str))
    return ", ".join(
        f"`{name}`" + (f" ({', '.join(f'`{value}`' for value in values)})" if 0 < len(values) < 6 else "")
        for name, values in fields.items()
    )


MARKS = {"D": "documented by the vendor", "M": "measured on the real service", "I": "inferred by us"}


def ledger_counts() -> dict[str, int]:
    """How many behaviours of the emulator stand in the ledger, by the mark of their source."""
    rows = json.loads(LEDGER.read_text(encoding="utf-8"))["rows"]
    return {mark: sum(row["mark"] == mark for row in rows) for mark in MARKS}


def ledger_part() -> str:
    counts = ledger_counts()
    left_out = json.loads(LEDGER.read_text(encoding="utf-8"))["not_imitated"]
    counts_text = ", ".join(f"{count} {MARKS[mark]} ({mark})" for mark, count in counts.items())
    head = (
        f"[fixtures/ledger.json](../fixtures/ledger.json) lists {sum(counts.values())} behaviours of the service that"
        f" the emulator imitates, each with its source and the raw HTTP test that shows it: {counts_text}. Not"
        " imitated:"
    )
    return head + "\n\n" + table(("what", "why not"), *((row["statement"], row["reason"]) for row in left_out))


# Page → the parts between its marks.
PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "portrait/README.md": {
        "actions": actions_table,
        "errors": errors_table,
        "codes": codes_table,
        "providers": providers_table,
        "capabilities": capabilities_table,
        "limits": limits_table,
    },
    "portrait/cli/README.md": {"commands": commands_part},
    "emulator/README.md": {
        "control": control_table,
        "fixtures": fixtures_table,
        "serve": serve_table,
        "codes": page_codes_table,
        "ledger": ledger_part,
    },
}


def fill(path: Path, parts: dict[str, Callable[[], str]]) -> str:
    """A page with what is between its marks made anew."""
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        text = f"{head}{begin}\n{part()}\n{end}{tail}"
    return text
