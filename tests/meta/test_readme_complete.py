"""Nothing that a user can set or call is missing in the READMEs, and no link in them leads nowhere."""

import json
import re
from pathlib import Path

import pytest

from emulator.rules.clauses import _DO, _WHEN, parse_do, parse_when
from emulator.rules.grammar import MatchSpec
from emulator.web.control import _ROUTES as ROUTES
from emulator.web.openapi.control import OPERATIONS
from portrait.options import Options
from tests.meta.test_readme import PAGES, ROOT

TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
SOURCES = [path for top in ("portrait", "emulator") for path in (ROOT / top).rglob("*.py")]
SOURCES += [path for path in (ROOT / "scripts").iterdir() if path.is_file() and path.suffix in {"", ".py"}]
_VARIABLE = re.compile(r"""\b(?:_?PORTRAIT|ALLTOKEN|ARK|AWS|XDG)_[A-Z0-9_]*[A-Z0-9]\b""")
# Names of boto3's that are dealt with in code only, for the time of a connection.
INTERNAL = {"AWS_EC2_METADATA_DISABLED"}
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?!https?:)([^)]+)\)")


def test_every_environment_variable_is_in_a_readme():
    """Every variable of the environment that the code reads is explained."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    quoted = {match[1] for match in re.finditer(r"""["']([A-Z0-9_]+)["']""", code)}
    read = {name for name in quoted if _VARIABLE.fullmatch(name)} - INTERNAL
    assert {"PORTRAIT_API_KEY", "ALLTOKEN_API_KEY", "PORTRAIT_INSECURE_HOSTS", "AWS_REGION"} <= read
    explained = set(_VARIABLE.findall("\n".join(TEXTS.values())))
    assert read - explained == set()


def test_every_script_is_in_its_readme():
    """Each script has its row."""
    scripts = {path.name for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix}
    assert set(re.findall(r"^\| `scripts/(\w+)` ", TEXTS["scripts/README.md"], re.MULTILINE)) == scripts


def test_every_setting_of_a_client_is_in_its_readme():
    """Each argument of the clients has its row."""
    named = set(re.findall(r"`(\w+)=`", TEXTS["portrait/README.md"]))
    assert set(Options.__annotations__) - named == set()


def test_the_table_of_the_control_plane_has_every_call():
    """It is generated from the operations of the OpenAPI document, which are the routes."""
    assert set(OPERATIONS) == set(ROUTES)
    assert all(
        f"| `{method} {path.replace('*', '{name}')}` |" in TEXTS["emulator/README.md"] for method, path in ROUTES
    )


def test_the_table_of_rules_is_complete_and_every_example_in_it_is_a_rule():
    """Each key of the grammar has its row, and an example that the emulator accepts."""
    _, _, rest = TEXTS["emulator/README.md"].partition("| part | one of |\n")
    rows = rest.partition("\n\n")[0]
    match, when, _ = (rows.splitlines() + [""] * 3)[1:4]
    assert set(re.findall(r"`(\w+)`", match)) == {"match", *MatchSpec.__annotations__}
    examples = {key: value.replace("N", "2") for key, value in reversed(re.findall(r"`(\w+): ([^`]+)`", rows))}
    for key in _WHEN:
        assert f"`{key}: " in when
        parse_when({key: json.loads(examples[key])})
    for key in (*_DO, "delay"):
        parse_do({key: json.loads(examples[key])})


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """A link within the project names a file that is there, and a heading that is in it."""
    for target in _LINK.findall(TEXTS[page]):
        name, _, anchor = target.partition("#")
        path = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        assert path.exists(), target
        if anchor:
            assert anchor in _anchors(path), target


def _anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
