"""`rename` and `rm`, and the question that is asked before something is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portrait.cli.context import Context
from portrait.cli.errors import error_record, exit_code, format_error, merge_exit_codes
from portrait.cli.resolve import resolve
from portrait.cli.serialize import count_assets, pluralize
from portrait.client import PortraitClient
from portrait.errors import NotAccessible, PortraitError, UsageError
from portrait.models import AssetGroup


def rename(context: Context, /, id: str, name: str) -> int:  # noqa: A002
    """Rename a group or an asset; a name has at most 50 characters on AllToken."""
    client = context.client
    item = resolve(client, id)
    context.resume_hint = f"{item.id} may have its new name already; `portrait show {item.id}` says so."
    update = client.update_asset_group if isinstance(item, AssetGroup) else client.update_asset
    update(id=item.id, name=name)
    context.output.print_event({"id": item.id, "name": name}, line=f"{item.id} is now {name}", key="id")
    return 0


_NOT_THERE_ADVICE = "`portrait groups` and `portrait assets` list what is there; or it is deleted already."


class _Target:
    """A group or an asset that is to be deleted, and what goes with it."""

    def __init__(self, client: PortraitClient, word: str) -> None:
        item = resolve(client, word)
        self.id = item.id
        self.is_group = isinstance(item, AssetGroup)
        self.record: dict[str, Any] = {"id": self.id, "deleted": True}
        self.text = f"{self.id} ({item.name})" if item.name else self.id
        if isinstance(item, AssetGroup):
            assets = count_assets(client, item)
            self.record["assets"] = assets
            self.text += f" with {pluralize(assets, 'asset')}"


def remove(context: Context, /, ids: Sequence[str], *, dry_run: bool, yes: bool) -> int:
    """Delete groups and assets."""
    context.require_consent("rm", yes=yes, dry_run=dry_run)
    deletion = _Deletion(context)
    targets = deletion.find(ids)
    if dry_run:
        return deletion.show(targets)
    if targets and not yes and not context.confirm(_question(targets)):
        context.output.info("Nothing was deleted.")
        return merge_exit_codes([*deletion.codes, 1])
    context.resume_hint = "What was deleted is listed above; the same command deletes the rest."
    return deletion.delete(targets)


class _Deletion:
    """One run of `rm`.

    Attributes:
        codes: The exit codes so far.
    """

    def __init__(self, context: Context) -> None:
        self._client, self._output = context.client, context.output
        self.codes: list[int] = []

    def find(self, words: Sequence[str]) -> list[_Target]:
        """The targets, each once: a group may be named twice, by name and by id. Those that are not there are reported.

        Assets come first: a group takes its own with it.
        """
        targets: dict[str, _Target] = {}
        for word in dict.fromkeys(words):
            try:
                target = _Target(self._client, word)
            except PortraitError as error:
                if isinstance(error, NotAccessible | UsageError):
                    error.advice = _NOT_THERE_ADVICE
                self._report(word, error)
            else:
                targets.setdefault(target.id, target)
        return sorted(targets.values(), key=lambda target: target.is_group)

    def show(self, targets: Sequence[_Target]) -> int:
        """Print what would be deleted; returns the exit code."""
        for target in targets:
            record = {**target.record, "deleted": False, "dry_run": True}
            self._output.print_event(record, line=f"would delete {target.text}", key="id")
            self.codes.append(0)
        self._output.info("Nothing was deleted: this was a dry run.")
        return merge_exit_codes(self.codes)

    def delete(self, targets: Sequence[_Target]) -> int:
        """Delete and print; returns the exit code."""
        for target in targets:
            try:
                (self._client.delete_asset_group if target.is_group else self._client.delete_asset)(id=target.id)
            except PortraitError as error:
                self._report(target.id, error)
            else:
                self.codes.append(0)
                self._output.print_event(target.record, line=f"deleted {target.text}", key="id")
        return merge_exit_codes(self.codes)

    def _report(self, id: str, error: PortraitError) -> None:  # noqa: A002
        self.codes.append(exit_code(error))
        self._output.error(format_error(error, id))
        self._output.print_event({"id": id, "deleted": False, "error": error_record(error)})


def _question(targets: Sequence[_Target]) -> str:
    lines = "\n".join(f"  {target.text}" for target in targets)
    return f"To be deleted, for good:\n{lines}\nDelete?"
