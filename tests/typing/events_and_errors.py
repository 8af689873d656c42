"""Checked by mypy, never run: what an application's listener and its handlers may rely on."""

from typing import assert_type

from portrait import ApiError, AssetFailed, PortraitClient, PortraitError, TransportError, WaitTimeout
from portrait.clock import ManualClock
from portrait.errors import Retry
from portrait.events import CallFinished, Event
from portrait.http import HttpRequest, HttpResponse, Timeouts
from portrait.models import Asset


def listen(event: Event) -> None:
    """An event is told apart by its class."""
    if isinstance(event, CallFinished):
        assert_type(event.http_status, int | None)
        assert_type(event.seconds, float)


class Mine:
    """An own transport needs two methods and no base class."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        return HttpResponse(status=200, headers={}, body=request.body)

    def close(self) -> None:
        """Nothing is open."""


def options_are_typed() -> None:
    """Every option by its type; wrong ones are errors."""
    PortraitClient(api_key="k", on_event=listen, clock=ManualClock(), transport=Mine(), timeout=Timeouts(read=None))
    PortraitClient(api_key="k", pace={"CreateAsset": 0.05}, retry=None)
    PortraitClient("k")  # type: ignore[call-arg]
    PortraitClient(api_key="k", timeout="5")  # type: ignore[arg-type]
    PortraitClient(api_key="k", on_event=5)  # type: ignore[arg-type]
    PortraitClient(api_key="k", colour="red")  # type: ignore[call-arg]
    client = PortraitClient.from_env(project="shop", insecure_hosts=["portrait.lan"], state="/var/lib/app/state.db")
    PortraitClient.from_env(timeout="5")  # type: ignore[arg-type]
    PortraitClient.from_env(colour="red")  # type: ignore[call-arg]
    client.with_options(timeout=5, retry=None)
    client.with_options(timeout="5")  # type: ignore[arg-type]
    client.with_options(api_key="other")  # type: ignore[call-arg]


def errors_carry_their_facts(error: PortraitError) -> None:
    """What each family has."""
    assert_type(error.retry, Retry)
    assert_type(error.may_have_executed, bool)
    if isinstance(error, ApiError):
        assert_type(error.retry_after, float | None)
        assert_type(error.code, str)
    elif isinstance(error, TransportError):
        assert_type(error.http_status, int | None)
    elif isinstance(error, AssetFailed):
        assert_type(error.asset, Asset)
    elif isinstance(error, WaitTimeout):
        assert_type(error.waited, float)
