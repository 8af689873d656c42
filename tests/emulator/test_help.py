"""What `help()` says of the things that a test holds in its hands: all that they have, a line each. And `--help`."""

import inspect
import pydoc
import subprocess
import sys

import pytest

from emulator.test_controls import Assets, Calls, Rules, Validations
from emulator.testing import Emulator, SharedServer


def public(instance):
    """Names that are there for everybody."""
    return {name for name in dir(instance) if not name.startswith("_") and name not in {"close", "REVIEW_SECONDS"}}


def helped(cls):
    """The text of `help(cls)`, without what makes words bold."""
    return pydoc.plain(pydoc.render_doc(cls))


@pytest.mark.parametrize("cls", [Emulator, SharedServer])
def test_help_lists_all_that_an_emulator_has(cls):
    """Attributes that only an instance has as well, each with its name in the summary of the class."""
    summary = inspect.getdoc(cls)
    for name in public(cls()):
        assert name in summary, name


@pytest.mark.parametrize("controls", [Rules, Calls, Validations, Assets])
@pytest.mark.parametrize("cls", [Emulator, SharedServer])
def test_help_lists_what_each_subject_can_do(cls, controls):
    """The methods behind `rules`, `calls`, `validations` and `assets` are told, and explained in their own help."""
    text = helped(cls)
    for name, method in inspect.getmembers(controls, inspect.isfunction):
        if not name.startswith("_"):
            assert f".{name}(" in text, name
            assert inspect.getdoc(method)


def test_what_help_promises_works():
    """The lines of the summary do what they say."""
    with Emulator() as emulator:
        client = emulator.client(retry=None)
        group = client.create_asset_group(name="g", group_type="AIGC").id
        url = "https://cdn.example/a.jpg"
        first, second, third = (client.create_asset(group_id=group, url=url, asset_type="Image").id for _ in range(3))
        emulator.assets.fail(first, "FaceMismatch")
        emulator.assets.activate(second)
        emulator.assets.expire(third)
        assert emulator.calls.count("CreateAsset") == len(emulator.calls.all("CreateAsset", outcome="ok")) == 3
        before = emulator.snapshot()
        emulator.clock.advance(61)
        emulator.load(before)
        emulator.rules.add(match={"action": "GetAsset"}, when={"first": 1}, do={"error": "Throttled"})
        assert len(emulator.rules.all()["rules"]) == 1
        emulator.rules.clear()
        key = emulator.customer(groups=2)
        assert emulator.client(api_key=key).create_asset_group(name="g", group_type="AIGC").id != group
        assert emulator.calls.count(customer=key) == 1
        assert emulator.base_url == f"{emulator.url}/v1"


def test_the_help_of_the_command_loads_nothing_heavy():
    """Every help, and the version, is there at once."""
    heavy = {"aiohttp", "asyncio", "attrs", "cattrs", "jinja2", "orjson", "sqlalchemy", "ssl", "emulator.server"}
    code = f"""
import sys
from emulator.__main__ import main
for argv in [[], ["--help"], ["serve", "--help"], ["--version"]]:
    try:
        assert main(argv) == 0
    except SystemExit as end:
        assert end.code == 0
    assert not (loaded := {heavy} & set(sys.modules)), (argv, loaded)
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
