"""What `import portrait` costs, and that its names are real."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import portrait

SOURCE = Path(portrait.__file__).read_text(encoding="utf-8")
HEAVY = [
    *("aiohttp", "urllib3", "boto3", "botocore", "cattrs", "attrs", "orjson", "asyncio", "ssl"),
    *("PIL", "av", "rich", "sqlalchemy"),
]


def loaded(code):
    """The heavy modules that a fresh interpreter has after some code."""
    code += f"\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, timeout=20
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    """Not one of the libraries, and not asyncio."""
    assert loaded("import portrait; portrait.__version__; dir(portrait)") == set()


@pytest.mark.parametrize(
    ("code", "without"),
    [
        ("from portrait import UsageError, Throttled", {"aiohttp", "urllib3", "cattrs", "orjson", "boto3"}),
        ("from portrait import Asset", {"aiohttp", "urllib3", "cattrs", "orjson", "boto3"}),
        ("from portrait import PortraitClient", {"aiohttp", "urllib3", "boto3", "PIL", "av", "rich"}),
        ("from portrait import PortraitClient; PortraitClient(api_key='k').close()", {"aiohttp", "boto3"}),
        ("import portrait.validate", {"aiohttp", "urllib3", "boto3"}),
        ("from portrait import AsyncPortraitClient; AsyncPortraitClient(api_key='k')", {"urllib3", "boto3"}),
    ],
)
def test_a_name_brings_only_what_it_needs(code, without):
    """The blocking client does not load aiohttp, the asyncio one does not load urllib3, nobody loads boto3."""
    assert loaded(code) & without == set()


def test_every_public_name_is_there():
    """`__all__` resolves, and `dir` shows it."""
    for name in portrait.__all__:
        assert getattr(portrait, name) is not None
    assert set(portrait.__all__) <= set(dir(portrait))
    assert len(portrait.__all__) == len(set(portrait.__all__))


def test_another_name_is_an_attribute_error():
    """As of any module."""
    with pytest.raises(AttributeError, match="no attribute 'PortraitClients'"):
        portrait.PortraitClients  # noqa: B018


def test_type_checkers_see_the_same_names():
    """The TYPE_CHECKING block and the table that loads names agree on every name and its home."""
    block = next(node for node in ast.parse(SOURCE).body if isinstance(node, ast.If))
    seen = {
        alias.asname: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == {name: f"portrait.{home}" for name, home in portrait._HOME.items()}
    assert set(seen) == set(portrait.__all__) - {"__version__"}


@pytest.mark.parametrize("name", ["PortraitClient", "AsyncPortraitClient"])
def test_the_plain_client_loads_no_upper_part(name):
    """Object storage, measuring of media, ensure and state come when they are used."""
    code = f"from portrait import {name}; {name}(api_key='k'); import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    upper = {"portrait.s3", "portrait.media", "portrait.ensure", "portrait.state", "portrait.cli", "emulator"}
    assert upper & set(done.stdout.split()) == set()


def test_the_process_that_measures_clips_loads_no_client():
    """It starts when the first clip is measured, which waits for it."""
    code = "import portrait.media._worker_main, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    client = {"portrait.models", "portrait.endpoint", "portrait.codec", "portrait.transports", "cattrs", "orjson"}
    assert client & set(done.stdout.split()) == set()


def statements(body):
    """Those that run at import, without what only type checkers read."""
    for node in body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from statements(node.orelse)
            continue
        yield node
        for block in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try):
                yield from statements(getattr(node, block, []))


def import_graph():
    """Every module of portrait and emulator, and those of them that it imports at module level."""
    root = Path(portrait.__file__).parent.parent
    paths = [path for package in ("portrait", "emulator") for path in (root / package).rglob("*.py")]
    modules = {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}
    graph = {}
    for module, path in modules.items():
        names = set()
        for node in statements(ast.parse(path.read_text(encoding="utf-8")).body):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                inside = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= inside & set(modules) or {node.module}
        graph[module] = names & set(modules) - {module}
    return graph


def test_the_imports_have_no_circle():
    """Taking away, again and again, what imports nothing that is left takes away everything."""
    graph = import_graph()
    assert len(graph) > 100
    while free := {module for module, names in graph.items() if not names & set(graph)}:
        graph = {module: names for module, names in graph.items() if module not in free}
    assert sorted(graph) == []


def test_the_top_level_is_small():
    """What every program uses; the rest is where it belongs."""
    assert len(portrait.__all__) <= 40


@pytest.mark.parametrize("name", ["errors", "models", "events", "http", "clock"])
def test_a_public_module_lists_all_that_it_has(name):
    """Every class that it defines, or takes from its own parts."""
    module = importlib.import_module(f"portrait.{name}")
    classes = {
        value.__name__
        for key, value in vars(module).items()
        if isinstance(value, type) and value.__module__.startswith(module.__name__) and not key.startswith("_")
    }
    assert classes <= set(module.__all__)
    assert all(hasattr(module, public) for public in module.__all__)
