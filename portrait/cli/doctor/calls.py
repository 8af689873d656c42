"""What `doctor` finds out by calling: one harmless read for each address that a key is for.

A provider with Actions lists groups; a task gateway lists its library or, without one, reads a task that does not
exist. Where videos are made at an address and by a key of their own, they are listed there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from portrait.cli.context import Context
from portrait.cli.doctor.findings import Finding, fault, untried
from portrait.cli.errors import exit_code
from portrait.cli.list import leftover_notes
from portrait.client import PortraitClient
from portrait.errors import AccountError, ApiError, AuthError, BadResponse, NotFound, PortraitError, TransportError
from portrait.models import AssetGroup, GroupType
from portrait.options import key_variables, validate_url
from portrait.providers import Capability, Credential, Provider
from portrait.tasks import TaskClient
from portrait.urls import parse_http_url

CHECKS = ("network", "portrait API", "key accepted")
_VIDEO_CHECKS = ("video network", "video API", "video key accepted")
_NO_TASK = "task_00000000000000000000000000"  # an id of the gateways' form (contract §1) that none is given

_Client = PortraitClient | TaskClient


class _Place(NamedTuple):
    """An address that is tried.

    Attributes:
        checks: What the findings are called: of the network, of what answers there, and of the key.
        address: Where it is.
        usual: Where it usually is; None where the provider publishes no address.
        setting: What names the address.
    """

    checks: tuple[str, str, str]
    address: str
    usual: str | None
    setting: str


def calls(context: Context, provider: Provider) -> Iterator[Finding]:
    """The configuration, then a call to each address: its error says how far it came."""
    try:
        yield from _configuration(context, provider)
        client = context.any_client.with_options(retry=None, timeout=15.0)
    except PortraitError as error:
        yield fault("configuration", error)
        yield from untried(*CHECKS)
        return
    groups: list[AssetGroup] = []
    place = _Place(CHECKS, context.base_url, provider.base_url, "--base-url")
    yield from _try(place, lambda: groups.extend(_read(client, provider)))
    for text in leftover_notes(context, groups) if groups else ():
        yield Finding("groups", "note", text)
    if provider.data_url is not None:
        yield from _videos(context, client, provider)


def _read(client: _Client, provider: Provider) -> Sequence[AssetGroup]:
    """One harmless read; the groups, where that is what a provider lists."""
    if isinstance(client, PortraitClient):
        return [*client.iter_asset_groups(group_type=GroupType.AIGC)]
    if provider.can(Capability.LIBRARY):
        client.library.list_assets(page_size=1)
    else:
        with suppress(NotFound):
            client.get_task(_NO_TASK)
    return []


def _videos(context: Context, client: _Client, provider: Provider) -> Iterator[Finding]:
    """The address and the key of videos, where they have their own."""
    variables = key_variables(context.console.environ, provider)
    if not variables:
        names = " or ".join(("PORTRAIT_API_KEY", *provider.key_variables))
        yield Finding("video key", "note", f"none is set: to generate videos, set {names}")
        return
    try:
        list_videos = client.videos.list
    except PortraitError as error:
        yield Finding("video address", "note", f"{error.message} Set PORTRAIT_DATA_BASE_URL to generate videos.")
        return
    yield from _key("video key", variables)
    address = context.client_options().get("data_base_url") or provider.data_url or ""
    place = _Place(_VIDEO_CHECKS, address, provider.data_url, "PORTRAIT_DATA_BASE_URL")
    yield Finding("video address", "ok", validate_url(address))
    yield from _try(place, lambda: list_videos(page_size=1))


def _try(place: _Place, call: Callable[[], object]) -> Iterator[Finding]:
    """What a call says of the network, of what answers, and of the key."""
    network, api, key = place.checks
    reached = (Finding(network, "ok", "the service answers"), Finding(api, "ok", "it is there"))
    try:
        call()
    except (BadResponse, NotFound) as error:  # a list is always there
        yield Finding(network, "ok", "something answers")
        yield _wrong_address(place, error)
        yield from untried(key)
    except TransportError as error:
        yield fault(network, error)
        yield from untried(api, key)
    except ApiError as error:
        yield from reached
        yield from _refused(key, error)
    else:
        yield from reached
        yield Finding(key, "ok", "yes")


def _refused(check: str, error: ApiError) -> Iterator[Finding]:
    """What a refusal says of the key: an error of the account means that the key is known."""
    if isinstance(error, AuthError):
        yield fault(check, error)
    elif isinstance(error, AccountError):
        yield Finding(check, "ok", "yes")
        yield fault("account", error)
    else:
        yield Finding(check, "skipped", "not known: the service did not come so far")
        yield fault("call", error)


def _wrong_address(place: _Place, error: BadResponse | NotFound) -> Finding:
    """Something answers that is not what was looked for."""
    api, usual = place.checks[1], place.usual
    status = f" (HTTP status {error.http_status})" if error.http_status is not None else ""
    what = f"{validate_url(place.address)} answers, but not as the {api}{status}"
    advice = f"Check {place.setting}{f': it is usually {usual}' if usual else ''}; or a proxy answers in its place."
    path = parse_http_url(usual).path if usual else ""
    if not place.address.rstrip("/").endswith(path):
        advice = f"{place.setting} ends in {path}, as in {usual}."
    return Finding(api, "fault", what, advice, exit_code(error))


def _configuration(context: Context, provider: Provider) -> Iterator[Finding]:
    yield Finding("provider", "ok", f"{provider.title} ({provider.name})")
    yield Finding("base URL", "ok", validate_url(context.base_url))
    yield Finding("project", "ok", context.project)
    context.client_options()
    if provider.credential is Credential.SIGNED:
        yield Finding("key", "ok", "set by PORTRAIT_ACCESS_KEY")
    else:
        yield from _key("key", key_variables(context.console.environ, provider))


def _key(check: str, variables: Sequence[str]) -> Iterator[Finding]:
    """Where a key comes from, and which other one is not used."""
    used, *others = variables
    yield Finding(check, "ok", f"set by {used}")
    for other in others:
        yield Finding(check, "note", f"{other} is set as well, and not used: {used} comes first")
