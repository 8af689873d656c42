"""What may be named as a state, what is said of everything else, and what a client without one loads."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from portrait.errors import UsageError
from portrait.sql.location import PostgresUrl, SqliteFile, parse
from portrait.state import account_digest, open_state, short_digest


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("state.db", Path.cwd() / "state.db"),
        ("/var/lib/state.db", Path("/var/lib/state.db")),
        (Path("/var/lib/state.db"), Path("/var/lib/state.db")),
        ("sqlite:///state.db", Path.cwd() / "state.db"),
        ("sqlite:////var/lib/state.db", Path("/var/lib/state.db")),
        ("~/state.db", Path.home() / "state.db"),
        ("a:b/state.db", Path.cwd() / "a:b/state.db"),
    ],
)
def test_a_file_is_named_by_its_path_or_a_url(text, path):
    """As people write them."""
    assert parse(text, "state") == SqliteFile(path)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_database_is_named_by_a_url(scheme):
    """Its user, its password and its options are shown nowhere."""
    where = parse(f"{scheme}://user:sesame@host:5432/base?sslmode=require&password=sesame", "state")
    assert where == PostgresUrl("postgresql://user:sesame@host:5432/base?sslmode=require&password=sesame")
    assert str(where) == "postgresql://host:5432/base"
    assert "sesame" not in f"{where!r}"


@pytest.mark.parametrize(
    "text",
    [
        *("", ":memory:", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:/x", "sqlite:///x?mode=ro", "x\0y"),
        *("mysql://host/base", "https://host/x", "postgresql://host:port/base"),
    ],
)
def test_everything_else_is_a_usage_error(text):
    """With advice how it looks."""
    with pytest.raises(UsageError) as caught:
        open_state(text)
    assert "postgresql://" in caught.value.advice


@pytest.mark.parametrize(
    ("text", "module", "extra"),
    [
        ("state.db", "sqlalchemy", "portrait-actions[state]"),
        ("postgresql://h/b", "sqlalchemy", "portrait-actions[postgres]"),
        ("postgresql://h/b", "psycopg", "portrait-actions[postgres]"),
    ],
)
def test_a_missing_extra_is_named(monkeypatch, text, module, extra):
    """The advice is what to type."""
    find = importlib.util.find_spec
    monkeypatch.setattr("portrait.sql.location.find_spec", lambda name: None if name == module else find(name))
    with pytest.raises(UsageError, match=module) as caught:
        open_state(text)
    assert extra in caught.value.advice


def test_an_account_is_a_host_and_a_key():
    """Another of either is another account; the path, the letters' case and the scheme's own port are not."""
    digest = account_digest("https://Api.example/v1", "key")
    assert digest == account_digest("https://api.example/v2", "key") == account_digest("https://api.example:443", "key")
    others = {account_digest("https://api.example:8443", "key"), account_digest("https://api.example", "k")}
    assert len(others - {digest}) == 2
    assert len(digest) == 32
    assert set(digest) <= set("0123456789abcdef")


def test_a_digest_stays_what_it_is():
    """A state outlives the version of this library that wrote it; and two texts are not one."""
    assert account_digest("https://api.alltoken.ai/v1", "k") == "cdf8360095cc0432f38eed33ae2f3444"
    assert short_digest("a", "b") == "59b271ae1bbcb1d31d41929817f4b16f"
    assert short_digest("ab", "c") != short_digest("a", "bc")


@pytest.mark.parametrize(
    "code",
    [
        "import portrait.state",
        "from portrait import PortraitClient; PortraitClient(api_key='k').close()",
        "import portrait.ensure, portrait.s3",
    ],
)
def test_without_a_state_no_database_library_is_loaded(code):
    """The import alone brings neither SQLAlchemy nor psycopg nor sqlite3."""
    code += "; import sys; print(*{'sqlalchemy', 'psycopg', 'sqlite3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
