"""A link as a QR code for a terminal: two rows of it on each line, dark on light whatever the terminal's colours."""

from __future__ import annotations

_DARK_ON_LIGHT, _RESET = "\x1b[30;107m", "\x1b[0m"
_HALVES = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
QUIET_ZONE = 2  # modules around the code: half of what the standard asks for is enough for phones


def qr_lines(text: str) -> list[str]:
    """The lines of a QR code.

    Raises:
        ModuleNotFoundError: The library is not installed.
    """
    import segno  # noqa: PLC0415  (an extra, used by one command)

    rows = [[int(module) for module in row] for row in segno.make_qr(text, error="l").matrix_iter(border=QUIET_ZONE)]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    return [
        f"{_DARK_ON_LIGHT}{''.join(_HALVES[pair] for pair in zip(upper, lower, strict=True))}{_RESET}"
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]
