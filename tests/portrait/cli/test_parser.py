"""From a command line to a command: where options may stand, what is refused, and what the help says."""

import importlib
import inspect
import io
import os
import subprocess
import sys

import click
import pytest

from portrait.cli import main
from portrait.cli.commands import ROOT
from portrait.cli.console import Console
from portrait.dialects import DIALECTS
from portrait.providers import PROVIDERS


def leaves(group, *path):
    """The commands of a group and of the groups in it, each with its path."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, *path, name)
        else:
            yield " ".join((*path, name)), command


LEAVES = dict(leaves(ROOT))
HELPS = ["", *ROOT.commands, *(name for name in LEAVES if name not in ROOT.commands)]


@pytest.fixture
def parse(monkeypatch):
    """Parses a command line; gives the shared options and the command's own."""

    def parse(argv):
        seen = []
        replacement = lambda context, /, **values: seen.append((context.obj.options, values)) or 0  # noqa: E731
        for command in LEAVES.values():
            monkeypatch.setattr(command, "callback", click.pass_context(replacement))
        err = io.StringIO()
        assert main(argv, Console(io.StringIO(), io.StringIO(), err, environ={})) == 0, err.getvalue()
        return seen[0]

    return parse


@pytest.mark.parametrize("command", LEAVES.values(), ids=LEAVES)
def test_what_a_command_takes_is_what_its_work_takes(command):
    """The function that a command names is there, and its parameters are the command's, by their names."""
    module, _, name = command.work.partition(":")
    function = getattr(importlib.import_module(f"portrait.cli.{module}"), name)
    names = [param.name for param in command.params if param.expose_value]
    inspect.signature(function).bind(object(), **dict.fromkeys(names))


@pytest.mark.parametrize("name", ROOT.commands)
def test_every_command_explains_itself(name, capsys):
    """`portrait COMMAND --help` says what the list of commands says, and the shared options."""
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    assert main([name, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert help_text.startswith(f"Usage: portrait {name}")
    summary = ROOT.commands[name].help
    assert summary in help_text
    assert summary in page
    assert "--base-url" in help_text


def test_the_help_lists_the_commands_and_the_exit_codes(capsys):
    """One page is enough to begin."""
    assert main(["--help"]) == 0
    help_text = capsys.readouterr().out
    assert all(f"  {name} " in help_text for name in ROOT.commands)
    assert "130 interrupted" in help_text
    sentences = " ".join(help_text.split())
    assert "lists print one array" in sentences
    assert "only `call` uses the wire's names" in sentences


@pytest.mark.parametrize("name", HELPS)
@pytest.mark.parametrize(("columns", "most"), [(80, 78), (300, 98)])
def test_help_fits_the_terminal(name, columns, most, capsys, monkeypatch):
    """Nothing is cut inside a word at 80 columns, and nothing is wider than people like to read."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*name.split(), "--help"]) == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= most


def test_examples_are_not_folded(capsys, monkeypatch):
    """A command that is copied must be whole."""
    monkeypatch.setenv("COLUMNS", "50")
    main(["put", "--help"])
    assert "    portrait put front.jpg side.jpg --group brand-host\n" in capsys.readouterr().out


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
    able = [one.name for one in PROVIDERS.values() if one.dialect in DIALECTS]
    assert able == ["alltoken", "volcengine", "byteplus"]
    assert [*able, "xcompute", "apimart", "gccai"] == list(PROVIDERS)
    main(["groups", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "alltoken (default), volcengine or byteplus; for put and video also xcompute, apimart or gccai." in text


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
def test_shared_options_stand_before_or_after_the_command(parse, option, line):
    """Their place makes no difference."""
    shared, values = parse(line.format(option).split())
    assert shared == dict([SHARED[option]])
    assert values["name"] == "x"


def test_the_later_of_two_options_wins(parse):
    """What stands after the command is the more particular."""
    assert parse(["--project", "a", "groups", "--project", "b"])[0] == {"project": "b"}


@pytest.mark.parametrize(
    ("argv", "paths"),
    [
        (["put", "a", "--group", "g", "b"], ("a", "b")),
        (["put", "a", "--group=g", "--", "-b"], ("a", "-b")),
        (["put", "--group", "g", "--", "--json", "a"], ("--json", "a")),
        (["put", "--group", "g", "--", "--", "a"], ("--", "a")),
        (["--", "put", "--group", "g", "a"], ("a",)),
        (["put", "--group", "g", "中文 ü.jpg"], ("中文 ü.jpg",)),
    ],
)
def test_operands_stand_anywhere_and_two_dashes_end_the_options(parse, argv, paths):
    """Files are files, whatever they are called."""
    shared, values = parse(argv)
    assert values["paths"] == paths
    assert values["group"] == "g"
    assert shared == {}


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        ([""], "plain,put"),
        (["gr"], "plain,groups"),
        (["assets", "--st"], "plain,--status"),
        (["assets", "--sort", "up"], "plain,updated"),
        (["--ba"], "plain,--base-url"),
        (["help", "pu"], "plain,put"),
        (["call", "GetAssetG"], "plain,GetAssetGroup"),
        (["put", "pho"], "file,pho"),
        (["put", "photos", "--manifest", "m"], "file,m"),
        (["forget", "ann", "--manifest", "m"], "file,m"),
        (["video", "wait", "v-1", "--save", "v"], "file,v"),
    ],
)
def test_a_shell_completes_commands_options_and_files(argv, name):
    """By click's protocol: the words and the number of the one that is completed are in the environment."""
    words = {
        "COMP_WORDS": " ".join(["portrait", *argv]),
        "COMP_CWORD": str(len(argv)),
        "_PORTRAIT_COMPLETE": "bash_complete",
    }
    ran = subprocess.run(
        [sys.executable, "-c", "import sys; from portrait.cli import main; sys.exit(main())"],
        env={**os.environ, **words, "_PORTRAIT_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert name in ran.stdout.splitlines()
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "Missing command"),
        (["--json"], "Missing command"),
        (["grops"], "Did you mean 'groups'?"),
        (["hepl"], "Did you mean 'help'?"),
        (["help", "putt"], "Did you mean 'put'?"),
        (["put", "a", "--grop", "g"], "No such option '--grop'. (Did you mean one of: '--group'"),
        (["put", "a", "--group", "g", "--dryrun=1"], "Did you mean '--dry-run'?"),
        (["--projet=x", "groups"], "Did you mean one of: '--project'"),
        (["xyzzy"], "No such command 'xyzzy'."),
        (["--nonsense", "groups"], "--nonsense"),
        (["groups", "--nonsense"], "--nonsense"),
        (["groups", "--js"], "--js"),
        (["groups", "extra"], "extra"),
        (["put", "--group", "g"], "PATH"),
        (["assets", "--status", "Done"], "'Done' is not one of 'active', 'failed', 'processing'"),
        (["wait", "asset-1", "--timeout", "-1"], "a number from 0 up"),
        (["wait", "asset-1", "--timeout", "nan"], "a number from 0 up"),
        (["wait", "asset-1", "--timeout", "soon"], "--timeout"),
        (["groups", "--json", "--quiet"], "exclude each other"),
        (["--json", "groups", "--quiet"], "exclude each other"),
        (["--base-url"], "--base-url"),
        (["put", "a", "--group", "g", "--manifest", "-"], "'--manifest': it takes a file, not a standard stream"),
        (["forget", "g", "--manifest", "-"], "./- is a file named -"),
        (["video", "wait", "v", "--save", "-"], "'--save': it takes a file, not a standard stream"),
        (["put", "a", "--group", "a\udcff"], r"'--group': 'a\udcff' is no valid UTF-8"),
        (["forget", "a\udcff"], "no valid UTF-8"),
        (["video", "wait", "a\udcff"], "no valid UTF-8"),
        (["groups", "--project", "a\udcff"], "no valid UTF-8"),
        (["groups", "--state", "-"], "'--state': it takes a file, not a standard stream"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_way_to_the_help(argv, words):
    """Exit code 2, one line that says what, one that says where to look."""
    streams = io.StringIO(), io.StringIO(), io.StringIO()
    assert main(argv, Console(*streams, environ={})) == 2
    assert words in streams[2].getvalue()
    assert "--help says what it takes" in streams[2].getvalue()
    assert streams[2].getvalue().startswith("portrait: ")
    assert "Traceback" not in streams[2].getvalue()


def test_closed_sets_are_written_in_any_case(parse):
    """People do not remember capitals."""
    _, values = parse(["assets", "--type", "livenessface", "--status", "active", "--status", "FAILED"])
    assert values["group_type"] == "LivenessFace"
    assert values["statuses"] == ("Active", "Failed")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_can_be_named(parse, provider):
    """Whether it can be called is the client's to say."""
    assert parse(["groups", "--provider", provider])[0] == {"provider": provider}


HEAVY = {
    *("aiohttp", "asyncio", "attrs", "boto3", "botocore", "cattrs", "orjson", "rich", "sqlalchemy", "ssl", "urllib3"),
    *("portrait.client", "portrait.models", "portrait.errors"),
}


def test_no_help_loads_anything_heavy():
    """Every help, and the version, is there at once: no HTTP library, no rich, not even attrs."""
    lines = [[*name.split(), "--help"] for name in HELPS] + [["--version"], ["help", "put"]]
    code = f"""
import sys
from portrait.cli import main
for argv in {lines}:
    assert main(argv) == 0
    assert not (loaded := {HEAVY} & set(sys.modules)), (argv, loaded)
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)


def test_a_missing_extra_says_what_to_install(monkeypatch):
    """As after a plain `pip install portrait-actions`."""
    monkeypatch.setitem(sys.modules, "click", None)
    monkeypatch.delitem(sys.modules, "portrait.cli.commands")
    monkeypatch.delattr("portrait.cli.commands")
    monkeypatch.delitem(sys.modules, "portrait.cli.parser")
    err = io.StringIO()
    assert main(["groups"], Console(io.StringIO(), io.StringIO(), err, environ={})) == 2
    assert "pip install 'portrait-actions[cli]'" in err.getvalue()
