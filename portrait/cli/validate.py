"""`validate`: a person passes the liveness check on a phone, and a group comes out.

The link is printed, since it must be opened; the token is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from portrait.cli.context import Context
from portrait.cli.output import Output, OutputFormat
from portrait.cli.parser import library_quota
from portrait.cli.progress import output_terminal
from portrait.clock import Clock, SystemClock
from portrait.errors import TokenExpired, UsageError, ValidationFailed, WaitTimeout
from portrait.models import Language, VisualValidateSession
from portrait.urls import parse_http_url

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

    from portrait.cli.callback import CallbackServer
    from portrait.client import PortraitClient

_SAME_AGAIN = "The same command makes a new link."

_DARK_ON_LIGHT, _RESET = "\x1b[30;107m", "\x1b[0m"
_HALVES = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
QUIET_ZONE = 2  # modules around the code: half of what the standard asks for is enough for phones


def validate(
    context: Context,
    /,
    *,
    callback_url: str | None,
    listen: int | None,
    attempts: int,
    timeout: float | None,
    lang: Language | None,
    quota: int | Literal["none"] | None,
) -> int:
    """Let a person pass the liveness check."""
    _check_callback(context, callback_url)
    context.resume_hint = f"The link expires by itself. {_SAME_AGAIN}"
    client, output, clock = context.client, context.output, context.console.clock or SystemClock()
    life, countdown = context.provider.token_life, _Countdown(output, clock)

    def show(session: VisualValidateSession) -> None:
        countdown.stop()
        _show_link(output, session.h5_link, life)
        countdown.start(life if timeout is None else min(life, timeout))

    with _callback_server(client, listen, needed=callback_url is None) as server:
        url = callback_url or (server.url if server is not None else "")
        try:
            result = client.validate_person(
                callback_url=url,
                show=show,
                attempts=attempts,
                language=lang,
                timeout=timeout,
                quota=library_quota(quota),
            )
        except (TokenExpired, ValidationFailed, WaitTimeout) as error:
            error.advice = _SAME_AGAIN
            raise
        finally:
            countdown.stop()
        output.info("Passed. The group:")
        output.print_event({"group_id": result.group_id}, line=result.group_id, key="group_id")
        if server is not None:
            server.wait_for_browser(clock)
    return 0


def _check_callback(context: Context, callback_url: str | None) -> None:
    """Refuse a callback on this machine where the page is opened on another one.

    Raises:
        UsageError: The person's phone cannot reach it.
    """
    if callback_url is None and not parse_http_url(context.base_url).is_loopback:
        raise UsageError(
            "The person's phone cannot reach a callback on this machine.",
            advice="Name one that it can reach by --callback-url: an application of yours, or a tunnel to this machine"
            " and its port by --listen.",
        )


@contextmanager
def _callback_server(client: PortraitClient, port: int | None, *, needed: bool) -> Iterator[CallbackServer | None]:
    """The server of the callback on this machine; None where an application of the user's answers it."""
    if port is None and not needed:
        yield None
        return
    from portrait.cli.callback import CallbackServer  # noqa: PLC0415  (loads an HTTP server)

    with CallbackServer(client, port or 0) as server:
        yield server


def _show_link(output: Output, link: str, life: float) -> None:
    """For a person as QR code and text, for a program as JSON."""
    if output.format is OutputFormat.QUIET:  # stdout is for the group's id alone
        output.write_stderr(f"{link}\n")
        return
    output.info(f"Open this link on the person's phone within {life:.0f} seconds. Whoever has it can use it:")
    if output.can_draw:
        try:
            output.write("\n".join(qr_lines(link)))
        except ModuleNotFoundError:
            output.info("For a QR code: pip install 'portrait-actions[cli]'")
    output.print_event({"h5_link": link, "expires_in": life}, line=link)


def qr_lines(text: str) -> list[str]:
    """A link as a QR code for a terminal: two rows of it on each line, dark on light whatever the terminal's colours.

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


class _Countdown:
    """The seconds that are left, on a line of the terminal that disappears; nothing without one.

    Args:
        output: Where results go.
        clock: The one that the wait is measured by.
    """

    def __init__(self, output: Output, clock: Clock) -> None:
        self._terminal = output_terminal(output)
        self._clock = clock
        self._end = 0.0
        self._live: Live | None = None

    def start(self, seconds: float) -> None:
        """Begin with so many seconds."""
        if self._terminal is None:
            return
        from rich.console import Console  # noqa: PLC0415  (slow to load)
        from rich.live import Live  # noqa: PLC0415

        self._end = self._clock.monotonic() + seconds
        self._live = Live(
            get_renderable=self._line,
            console=Console(file=self._terminal, highlight=False),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)

    def stop(self) -> None:
        """Take the line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _line(self) -> Text:
        from rich.text import Text  # noqa: PLC0415  (slow to load)

        remaining = max(0.0, self._end - self._clock.monotonic())
        return Text(f"waiting for the person, {remaining:.0f} s left")
