"""What a running command has at hand: the client, made when first needed, the output, and questions to the user. Owns
how the shared options become a client's; must not know a command.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from portrait.cli.console import Console
from portrait.cli.output import Output, OutputFormat

if TYPE_CHECKING:
    from portrait.client import PortraitClient
    from portrait.providers import Provider


class Context:
    """The console of one command.

    Attributes:
        console: Streams, environment, clock.
        output: Where results go; only while a command runs.
        resume_hint: A sentence for a user who interrupts.
    """

    output: Output

    def __init__(self, console: Console) -> None:
        self.console = console
        self.resume_hint = "Nothing was changed; the same command starts anew."
        self._args = argparse.Namespace()

    @contextmanager
    def use(self, args: argparse.Namespace) -> Iterator[None]:
        """Take the shared options, and give the client's connections back at the end."""
        self._args = args
        self.output = Output(self.console, self._form())
        try:
            yield
        finally:
            if "client" in self.__dict__:
                self.client.close()

    @property
    def options(self) -> dict[str, str | None]:
        """What the command line says of the client."""
        return {name: getattr(self._args, name, None) for name in ("provider", "base_url", "project")}

    @cached_property
    def client(self) -> PortraitClient:
        """The client that the options and the environment describe.

        Raises:
            UsageError: They do not describe one.
        """
        from portrait.cli.connecting import connect  # noqa: PLC0415  (loads an HTTP library)

        return connect(self.console.environ, self.options, self.console.clock)

    @property
    def provider(self) -> Provider:
        """Who answers.

        Raises:
            UsageError: There is no provider of that name.
        """
        from portrait.options import get_provider  # noqa: PLC0415  (keeps the help quick)

        return get_provider(self._found().get("provider"))

    @property
    def base_url(self) -> str:
        """Where it answers."""
        return str(self._found().get("base_url") or self.provider.base_url)

    @property
    def home(self) -> Mapping[str, str]:
        """What tells the groups of this service and project from others of the same name; no secret.

        Raises:
            UsageError: There is no provider of that name.
        """
        from portrait.ensure import display_name  # noqa: PLC0415  (keeps the help quick)

        project = self._found().get("project") or "default"  # contract §1: what a request without one means
        return {"base_url": display_name(self.base_url).rstrip("/"), "project": str(project)}

    def _found(self) -> Mapping[str, Any]:
        from portrait.options import from_environment  # noqa: PLC0415  (keeps the help quick)

        return from_environment(self.console.environ, self.options)

    def confirmed(self, question: str) -> bool:
        """Ask; only a clear yes is one."""
        console = self.console
        console.stderr.write(f"{question} [y/N] ")
        console.stderr.flush()
        return console.stdin.readline().strip().lower() in {"y", "yes"}

    def _form(self) -> OutputFormat:
        if getattr(self._args, "quiet", False):
            return OutputFormat.QUIET
        people = self.console.stdout.isatty() and not getattr(self._args, "json", False)
        return OutputFormat.TABLE if people else OutputFormat.JSON
