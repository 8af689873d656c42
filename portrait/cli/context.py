"""What a running command has at hand: the client, made when first needed, the output, and questions to the user. Owns
how the shared options become a client's; must not know a command.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from portrait.cli.console import Surroundings
from portrait.cli.output import Form, Output

if TYPE_CHECKING:
    from portrait.client import PortraitClient
    from portrait.providers import Provider


class Context:
    """The surroundings of one command.

    Attributes:
        surroundings: Streams, environment, clock.
        output: Where results go; only while a command runs.
        how_to_go_on: A sentence for a user who interrupts.
    """

    output: Output

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.how_to_go_on = "Nothing was changed; the same command starts anew."
        self._told = argparse.Namespace()

    @contextmanager
    def told(self, told: argparse.Namespace) -> Iterator[None]:
        """Take the shared options, and give the client's connections back at the end."""
        self._told = told
        self.output = Output(self.surroundings, self._form())
        try:
            yield
        finally:
            if "client" in self.__dict__:
                self.client.close()

    @property
    def options(self) -> dict[str, str | None]:
        """What the command line says of the client."""
        return {name: getattr(self._told, name, None) for name in ("provider", "base_url", "project")}

    @cached_property
    def client(self) -> PortraitClient:
        """The client that the options and the environment describe.

        Raises:
            UsageError: They do not describe one.
        """
        from portrait.cli.connecting import connect  # noqa: PLC0415  (loads an HTTP library)

        return connect(self.surroundings.environ, self.options, self.surroundings.clock)

    @property
    def provider(self) -> Provider:
        """Who answers.

        Raises:
            UsageError: There is no provider of that name.
        """
        from portrait.options import provider_named  # noqa: PLC0415  (keeps the help quick)

        return provider_named(self._found().get("provider", "alltoken"))

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
        from portrait.ensure import label  # noqa: PLC0415  (keeps the help quick)

        project = self._found().get("project") or "default"  # contract §1: what a request without one means
        return {"base_url": label(self.base_url).rstrip("/"), "project": str(project)}

    def _found(self) -> Mapping[str, Any]:
        from portrait.options import from_environment  # noqa: PLC0415  (keeps the help quick)

        return from_environment(self.surroundings.environ, self.options)

    def confirmed(self, question: str) -> bool:
        """Ask; only a clear yes is one."""
        around = self.surroundings
        around.stderr.write(f"{question} [y/N] ")
        around.stderr.flush()
        return around.stdin.readline().strip().lower() in {"y", "yes"}

    def _form(self) -> Form:
        if getattr(self._told, "quiet", False):
            return Form.QUIET
        people = self.surroundings.stdout.isatty() and not getattr(self._told, "json", False)
        return Form.TABLE if people else Form.JSON
