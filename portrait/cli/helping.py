"""How help looks: texts fold at the width of the terminal, and lines that were laid out stay so. Owns widths; must not
know what the help says.
"""

from __future__ import annotations

import argparse
import re
import shutil
import textwrap

_WIDEST = 100  # columns; longer lines are hard to read

# An entry and what is said of it, with two spaces or more between them.
_ROW = re.compile(r" +\S.*?  +(?=\S)")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return textwrap.indent(folded(text, width), indent)


def formatter(*, prog: str) -> argparse.HelpFormatter:
    """A formatter for this terminal."""
    return _Formatter(prog, width=min(shutil.get_terminal_size().columns, _WIDEST) - 2)


def folded(text: str, width: int) -> str:
    """Paragraphs fold anew, rows of a table under their second column; other indented lines, such as commands, stay."""
    lines: list[str] = []
    paragraph: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line and not line.startswith(" "):
            paragraph.append(line)
            continue
        lines += textwrap.wrap(" ".join(paragraph), width, break_long_words=False, break_on_hyphens=False)
        paragraph.clear()
        row = _ROW.match(line)
        if row is not None and len(line) > width:
            lines += textwrap.wrap(line, width, subsequent_indent=" " * row.end(), break_long_words=False)
        else:
            lines.append(line)
    return "\n".join(lines[:-1]) + "\n"
