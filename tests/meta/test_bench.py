"""The comparison of two runs of the bench."""

from scripts.benchmarks.compare import compare
from scripts.benchmarks.report import Figure


def write(path, *figures):
    """A file of figures."""
    path.write_text("".join(f"{figure.to_json()}\n" for figure in figures), encoding="utf-8")
    return path


def test_what_became_worse_by_a_tenth_is_named(tmp_path, capsys):
    """Ratios where more is better, and times where less is; what is new or gone is said."""
    old = [
        Figure("a", "rate", 1.0),
        Figure("a", "steady", 1.0),
        Figure("b", "time", 10.0, unit="ms", higher=False),
        Figure("c", "x", 1),
    ]
    new = [
        Figure("a", "rate", 0.85),
        Figure("a", "steady", 0.95),
        Figure("b", "time", 8.0, unit="ms", higher=False),
        Figure("d", "y", 1),
    ]
    assert compare(write(tmp_path / "old", *old), write(tmp_path / "new", *new)) == 1
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[-1] for line in lines] == ["WORSE", "0.95", "better", "gone", "new"]
    assert compare(tmp_path / "old", tmp_path / "old") == 0
