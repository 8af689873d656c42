"""The sample programs of the source documents, run as they stand against the server, to the result that they print.

`fixtures/programs` has them word for word. Host, key, placeholders and nothing else are replaced.
"""

import ast
import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.wire.golden import FIXTURES, at, filled, play
from tests.wire.matchers import differences

FOLDER = FIXTURES / "programs"
PROGRAMS = json.loads((FOLDER / "programs.json").read_text(encoding="utf-8"))
HOSTS = ("https://api.alltoken.ai", "https://xcompute.us", "https://api.apimart.ai")
KEY = "<token>"
# Ending → what runs such a program, and the command before its text.
RUNNERS = {
    ".sh": ("curl", ("bash", "-euc")),
    ".py": (sys.executable, (sys.executable, "-c")),
    ".js": ("node", ("node", "--input-type=module", "-e")),
}
_TO_JSON = "console.log(JSON.stringify(eval('(' + require('fs').readFileSync(0, 'utf8') + ')')))"


def run(command, *, folder, key, text=None):
    """What a command prints; it ends well."""
    environment = {"PATH": os.environ["PATH"], "ALLTOKEN_API_KEY": key, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, input=text, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def parsed(ending, printed, **options):
    """The value that a program has printed in the way of its language."""
    if ending == ".py":
        return ast.literal_eval(printed)
    return json.loads(run(("node", "-e", _TO_JSON), text=printed, **options) if ending == ".js" else printed)


@pytest.mark.parametrize("sample", PROGRAMS, ids=[sample["program"] for sample in PROGRAMS])
def test_a_program_prints_what_its_document_says(sample, server, me, tmp_path):
    """Its keys and values, with ids of the form that they have."""
    path = FOLDER / sample["program"]
    needed, command = RUNNERS[path.suffix]
    if shutil.which(needed) is None:
        pytest.skip(f"{needed} is not installed")
    names = {"me": me.key}
    for step in sample["given"]:
        answer = play(step, server, {"me": me}, names)
        assert answer.status == 200, answer.raw
        names |= {name: at(answer.body, pointer) for name, pointer in step.get("save", {}).items()}
    text = path.read_text(encoding="utf-8").replace(KEY, me.key)
    for host in HOSTS:
        text = text.replace(host, server.url)
    for placeholder, value in sample["placeholders"].items():
        assert placeholder in text
        text = text.replace(placeholder, filled(value, names))
    shutil.copy(FIXTURES / "media" / "portrait.jpg", tmp_path)
    options = {"folder": tmp_path, "key": me.key}
    printed = parsed(path.suffix, run((*command, text), **options), **options)
    assert differences(filled(sample["printed"], names), printed) == []


def test_every_program_is_run():
    """Each file of the folder has its entry, and none comes twice."""
    files = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.*") if path.suffix in RUNNERS)
    assert sorted(sample["program"] for sample in PROGRAMS) == files


def test_an_entry_says_what_it_is_and_where_it_comes_from():
    """A sentence, and a section of the contract with the document."""
    for sample in PROGRAMS:
        assert sample.keys() == {"program", "summary", "source", "given", "placeholders", "printed"}
        assert sample["summary"].endswith(".")
        assert sample["source"].startswith("protocol §")
