"""From a command line to a command: where options may stand, what is refused, and what the help says."""

import io
import subprocess
import sys

import pytest

from portrait.cli import main
from portrait.cli.commands import ENTRIES, load
from portrait.cli.console import Console
from portrait.cli.helping import folded
from portrait.cli.list import GROUP_TYPES, STATUSES
from portrait.cli.parser import parse
from portrait.dialects import DIALECTS
from portrait.errors import UsageError
from portrait.models import AssetStatus, GroupType
from portrait.providers import PROVIDERS, Credential


@pytest.mark.parametrize("name", ENTRIES)
def test_every_command_of_the_table_is_where_the_table_says(name):
    """A row leads to a command with options and something to run."""
    command = load(name)
    assert callable(command.run)
    assert callable(command.options)


@pytest.mark.parametrize("name", ENTRIES)
def test_every_command_explains_itself(name, capsys):
    """`portrait COMMAND --help` says what the table says, and the shared options."""
    assert main([name, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert help_text.startswith(f"usage: portrait {name}")
    assert ENTRIES[name].summary[1:] in help_text
    assert "--base-url" in help_text


def test_the_help_lists_the_commands_and_the_exit_codes(capsys):
    """One page is enough to begin."""
    assert main(["--help"]) == 0
    help_text = capsys.readouterr().out
    assert all(f"  {name} " in help_text for name in ENTRIES)
    assert "130 interrupted" in help_text
    assert "lists print one array" in help_text
    assert "only `call` speaks the wire" in help_text


@pytest.mark.parametrize("name", ["", *ENTRIES])
@pytest.mark.parametrize(("columns", "most"), [(80, 78), (300, 98)])
def test_help_fits_the_terminal(name, columns, most, capsys, monkeypatch):
    """Nothing is cut inside a word at 80 columns, and nothing is wider than people like to read."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*name.split(), "--help"]) == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= most


def test_help_folds_texts_and_leaves_commands_alone():
    """A command that is copied must be whole."""
    text = "One\ntwo three four.\n\nrows:\n  a   some words\n  bb  words\nexamples:\n  portrait put a --group b\n"
    assert folded(text, 13) == (
        "One two three\nfour.\n\nrows:\n  a   some\n      words\n  bb  words\nexamples:\n  portrait put a --group b\n"
    )


@pytest.mark.parametrize("argv", [["help"], ["help", "help"], ["--json", "help"]])
def test_help_is_a_command_too(argv, capsys):
    """As with many others."""
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    assert main(argv) == 0
    assert capsys.readouterr().out == page
    assert main(["put", "--help"]) == 0
    page = capsys.readouterr().out
    assert main(["help", "put"]) == 0
    assert capsys.readouterr().out == page


def test_the_help_names_the_providers_that_can_be_called(capsys):
    """Those, and no others; the names are repeated so that the help is quick."""
    able = [one.name for one in PROVIDERS.values() if one.dialect in DIALECTS and one.credential is Credential.BEARER]
    assert able == ["alltoken"]
    main(["groups", "--help"])
    assert "alltoken, the only one that can be called" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("argv", [["--version"], ["groups", "--version"]])
def test_the_version_is_told_wherever_it_is_asked_for(argv, capsys):
    """Before and after a command."""
    assert main(argv) == 0
    assert capsys.readouterr().out.startswith("portrait ")


SHARED = {
    "--provider=gccai": ("provider", "gccai"),
    "--base-url http://localhost/v1": ("base_url", "http://localhost/v1"),
    "--project x": ("project", "x"),
    "--json": ("json", True),
    "--quiet": ("quiet", True),
    "-q": ("quiet", True),
}


@pytest.mark.parametrize("option", SHARED)
@pytest.mark.parametrize("line", ["{} groups --name x", "groups {} --name x", "groups --name x {}"])
def test_shared_options_stand_before_or_after_the_command(option, line):
    """Wherever they stand, they are heard."""
    name, value = SHARED[option]
    _, args = parse(line.format(option).split())
    assert getattr(args, name) == value
    assert args.name == "x"


def test_the_later_of_two_options_wins():
    """What stands after the command is the more particular."""
    _, args = parse(["--project", "a", "groups", "--project", "b"])
    assert args.project == "b"


@pytest.mark.parametrize(
    ("argv", "paths"),
    [
        (["put", "a", "--group", "g", "b"], ["a", "b"]),
        (["put", "a", "--group=g", "--", "-b"], ["a", "-b"]),
        (["put", "--group", "g", "--", "--json", "a"], ["--json", "a"]),
        (["put", "--group", "g", "--", "--", "a"], ["--", "a"]),
        (["--", "put", "--group", "g", "a"], ["a"]),
        (["put", "--group", "g", "中文 ü.jpg"], ["中文 ü.jpg"]),
    ],
)
def test_operands_stand_anywhere_and_two_dashes_end_the_options(argv, paths):
    """Files are files, whatever they are called."""
    _, args = parse(argv)
    assert args.paths == paths
    assert args.group == "g"
    assert not hasattr(args, "json")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "a command is missing"),
        (["--json"], "a command is missing"),
        (["grops"], "did you mean 'groups'?"),
        (["hepl"], "did you mean 'help'?"),
        (["help", "putt"], "did you mean 'put'?"),
        (["put", "a", "--grop", "g"], "unrecognized arguments: --grop g; did you mean '--group'?"),
        (["put", "a", "--group", "g", "--dryrun=1"], "did you mean '--dry-run'?"),
        (["--projet=x", "groups"], "did you mean '--project'?"),
        (["xyzzy"], "there is no command 'xyzzy'."),
        (["--nonsense", "groups"], "--nonsense"),
        (["groups", "--nonsense"], "--nonsense"),
        (["groups", "--js"], "--js"),
        (["groups", "extra"], "extra"),
        (["put", "--group", "g"], "PATH"),
        (["assets", "--status", "Done"], "'Done' is not one of Active, Processing, Failed"),
        (["wait", "asset-1", "--timeout", "-1"], "seconds are a number from 0 up"),
        (["wait", "asset-1", "--timeout", "nan"], "seconds are a number from 0 up"),
        (["wait", "asset-1", "--timeout", "soon"], "--timeout"),
        (["groups", "--json", "--quiet"], "exclude each other"),
        (["--json", "groups", "--quiet"], "exclude each other"),
        (["--base-url"], "--base-url"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_way_to_the_help(argv, words):
    """Exit code 2, one line that says what, one that says where to look."""
    with pytest.raises(UsageError) as refused:
        parse(argv)
    assert words in refused.value.message
    assert "--help" in refused.value.advice
    streams = io.StringIO(), io.StringIO(), io.StringIO()
    assert main(argv, Console(*streams, environ={})) == 2
    assert streams[2].getvalue().startswith("portrait: ")
    assert "Traceback" not in streams[2].getvalue()


def test_closed_sets_are_written_in_any_case():
    """People do not remember capitals."""
    _, args = parse(["assets", "--type", "livenessface", "--status", "active", "--status", "FAILED"])
    assert args.type == "LivenessFace"
    assert args.status == ["Active", "Failed"]


def test_closed_sets_are_those_of_the_protocol():
    """The command line repeats them so that its help is quick."""
    assert set(GROUP_TYPES) == set(GroupType)
    assert set(STATUSES) == set(AssetStatus)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_can_be_named(provider):
    """Whether it can be called is the client's to say."""
    _, args = parse(["groups", "--provider", provider])
    assert args.provider == provider


def test_the_help_loads_nothing_heavy():
    """`portrait --help` answers at once: no HTTP library, no rich, not even attrs."""
    code = (
        "import sys; from portrait.cli import main; main(['--help']);"
        "print({'aiohttp', 'urllib3', 'rich', 'attrs', 'portrait.client'} & set(sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "set()"
