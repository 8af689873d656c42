"""The context of a running command: client and state, created when they are needed, output, and questions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from portrait.cli.console import Console

if TYPE_CHECKING:
    from pathlib import Path

    from portrait.cli.output import Output
    from portrait.client import PortraitClient
    from portrait.options import Options
    from portrait.providers import Provider
    from portrait.state.state import State
    from portrait.tasks import TaskClient


class Context:
    """The object of all commands.

    Attributes:
        console: Streams, environment, clock.
        options: The shared options that the command line sets, by name.
        resume_hint: The sentence that an interrupted user reads.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.options: dict[str, Any] = {}
        self.resume_hint = "Nothing was changed; the same command starts anew."

    def close(self) -> None:
        """Close the client's connections, and the state."""
        parts = (self.__dict__.get(name) for name in ("client", "any_client", "state"))
        for each in {id(each): each for each in parts if each is not None}.values():
            each.close()

    @cached_property
    def output(self) -> Output:
        """Where results go."""
        from portrait.cli.output import Output, OutputFormat  # noqa: PLC0415  (keeps the help quick)

        if self.options.get("quiet"):
            return Output(self.console, OutputFormat.QUIET)
        table = self.options.get("table") or (self.console.stdout.isatty() and not self.options.get("json"))
        return Output(self.console, OutputFormat.TABLE if table else OutputFormat.JSON)

    @cached_property
    def client(self) -> PortraitClient:
        """The client that the options and the environment describe; options win.

        Raises:
            UsageError: They do not describe one, or the provider has no Actions.
        """
        from portrait.client import PortraitClient  # noqa: PLC0415  (loads an HTTP library)
        from portrait.errors import UsageError  # noqa: PLC0415  (keeps the help quick)

        if self.by_tasks:
            raise UsageError(
                f"This command cannot call {self.provider.title}, which has no Actions.",
                advice="`portrait put` and `portrait video` can; --provider names another provider.",
            )
        return PortraitClient(**self._all_options())

    @cached_property
    def any_client(self) -> PortraitClient | TaskClient:
        """The same where the provider may be a task gateway as well.

        Raises:
            UsageError: The options and the environment do not describe one.
        """
        if not self.by_tasks:
            return self.client
        from portrait.tasks import TaskClient  # noqa: PLC0415  (loads an HTTP library)

        return TaskClient(**self._all_options())

    @property
    def by_tasks(self) -> bool:
        """Whether the provider is a task gateway.

        Raises:
            UsageError: There is no provider of that name.
        """
        from portrait.dialects import TASKS  # noqa: PLC0415  (keeps the help quick)

        return self.provider.dialect == TASKS.name

    @property
    def name_limit(self) -> int:
        """Characters in the name of a group.

        Raises:
            UsageError: There is no provider of that name.
        """
        from portrait.dialects import DIALECTS, TASKS  # noqa: PLC0415  (keeps the help quick)

        return {**DIALECTS, TASKS.name: TASKS}[self.provider.dialect].name_limit

    def _all_options(self) -> Options:
        return {
            **self.client_options(),
            "clock": self.console.clock,
            "user_agent": "portrait-cli",
            "state": self.state,
        }

    @cached_property
    def state(self) -> State:
        """The state, which remembers what was begun before: in `--state`, `PORTRAIT_STATE`, or a file of the user's.

        Raises:
            UsageError: It cannot be kept there.
        """
        from portrait.state import open_state  # noqa: PLC0415  (loads the database library)

        location = self._configuration.get("state") or _default_state(self.console.environ)
        return open_state(str(location), self.console.clock)

    def client_options(self) -> Options:
        """The options of that client.

        Raises:
            UsageError: There is no key, or it would go to a service that it does not belong to.
        """
        from portrait.errors import UsageError  # noqa: PLC0415  (keeps the help quick)
        from portrait.providers import Credential  # noqa: PLC0415

        options, provider = self._configuration, self.provider
        if provider.credential is Credential.BEARER and "api_key" not in options:
            names = " or ".join(("PORTRAIT_API_KEY", *provider.key_variables))
            raise UsageError(f"There is no API key for {provider.title}.", advice=f"Set {names}.")
        if provider.credential is Credential.SIGNED and not (options.get("access_key") and options.get("secret_key")):
            advice = "Set PORTRAIT_ACCESS_KEY and PORTRAIT_SECRET_KEY."
            raise UsageError(f"There is no pair of keys for {provider.title}.", advice=advice)
        return options

    @cached_property
    def provider(self) -> Provider:
        """The provider that is called.

        Raises:
            UsageError: There is no provider of that name.
        """
        from portrait.options import get_provider  # noqa: PLC0415  (keeps the help quick)

        return get_provider(self._configuration.get("provider"))

    @property
    def base_url(self) -> str:
        """The service's address.

        Raises:
            UsageError: None is named, and the provider publishes none.
        """
        from portrait.errors import UsageError  # noqa: PLC0415  (keeps the help quick)

        url = self._configuration.get("base_url") or self.provider.base_url
        if url is None:
            advice = "--base-url names the one that you were given."
            raise UsageError(f"{self.provider.title} publishes no address.", advice=advice)
        return url

    @property
    def project(self) -> str:
        """The project of all calls; contract §1 says what a request without one means."""
        return str(self._configuration.get("project") or "default")

    @property
    def service_identity(self) -> Mapping[str, str]:
        """The identity of the service and project, which tells their groups from others of the same name; no secret.

        Raises:
            UsageError: There is no provider of that name.
        """
        from portrait.ensure import display_name  # noqa: PLC0415  (keeps the help quick)

        return {"base_url": display_name(self.base_url).rstrip("/"), "project": self.project}

    @cached_property
    def _configuration(self) -> Options:
        from portrait.options import from_environment  # noqa: PLC0415  (keeps the help quick)

        client = {name: self.options.get(name) for name in ("provider", "base_url", "project", "state")}
        return from_environment(self.console.environ, client)

    def require_consent(self, command: str, *, yes: bool, dry_run: bool) -> None:
        """See that a command which deletes is consented to by an option, or can ask.

        Raises:
            UsageError: There is no terminal to ask on.
        """
        from portrait.errors import UsageError  # noqa: PLC0415  (keeps the help quick)

        if not (yes or dry_run or self.console.can_ask):
            raise UsageError(
                f"{command} needs --yes where there is no terminal to ask on.",
                advice="Give it with --dry-run first: that says what --yes would delete.",
            )

    def confirm(self, question: str) -> bool:
        """Ask on stderr; anything but y or yes is no."""
        self.console.write_stderr(f"{question} [y/N] ")
        return self.console.stdin.readline().strip().lower() in {"y", "yes"}


def _default_state(environ: Mapping[str, str]) -> Path:
    """The XDG Base Directory Specification names the folder."""
    from pathlib import Path  # noqa: PLC0415  (keeps the help quick)

    folder = environ.get("XDG_STATE_HOME")
    return (Path(folder) if folder else Path.home() / ".local" / "state") / "portrait" / "state.db"
