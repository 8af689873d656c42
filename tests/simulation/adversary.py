"""A service that answers late, wrongly, twice or not at all, between a simulated client and an emulator.

Every fault is one that was seen, or that the contract allows: answers lost before and after the commit, proxies' pages,
throttles, reads that lag, groups that are not known yet, lists that repeat pages, clamp them, count too much or lose
their `Items`, and answers about another asset. What it may not do is hide for good what is there: no client could be
right then.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from emulator.testing import Emulator
from emulator.transports import InProcessTransport
from portrait.http import FailureKind, HttpRequest, HttpResponse, TransportFailure

HTML = HttpResponse(status=502, headers={"content-type": "text/html"}, body=b"<html>Bad gateway</html>")
CREATES = ("CreateAssetGroup", "CreateAsset")


def body_of(response: HttpResponse) -> dict[str, Any]:
    """The envelope of an answer."""
    return json.loads(response.body)


def with_result(response: HttpResponse, result: Any) -> HttpResponse:
    """The same answer with another `Result`."""
    body = json.dumps({**body_of(response), "Result": result}).encode()
    return HttpResponse(status=response.status, headers=response.headers, body=body)


def repeat_page(send: Callable[[HttpRequest], HttpResponse], request: HttpRequest, _: Random) -> HttpResponse:
    """Any page is the first one again."""
    body = json.loads(request.body)
    first = json.dumps({**body, "PageNumber": 1}).encode()
    again = HttpRequest(method=request.method, url=request.url, headers=request.headers, body=first)
    return send(again)


def clamp_page(send: Callable[[HttpRequest], HttpResponse], request: HttpRequest, rng: Random) -> HttpResponse:
    """A gateway's page has at most a few items, whatever `PageSize` says."""
    body = json.loads(request.body)
    size = rng.choice([1, 2, 5])
    clamped = HttpRequest(
        method=request.method,
        url=request.url,
        headers=request.headers,
        body=json.dumps({**body, "PageSize": size}).encode(),
    )
    response = send(clamped)
    result = body_of(response).get("Result")
    return response if result is None else with_result(response, {**result, "PageSize": body.get("PageSize", 10)})


def count_too_much(send: Callable[[HttpRequest], HttpResponse], request: HttpRequest, rng: Random) -> HttpResponse:
    """The total is more than there is."""
    response = send(request)
    result = body_of(response).get("Result")
    if not result or "TotalCount" not in result:
        return response
    return with_result(response, {**result, "TotalCount": result["TotalCount"] + rng.randint(1, 500)})


def lose_items(send: Callable[[HttpRequest], HttpResponse], request: HttpRequest, rng: Random) -> HttpResponse:
    """A page without `Items`."""
    response = send(request)
    return with_result(response, rng.choice([None, {}, {"TotalCount": 0}]))


def _refusal(action: str, code: str, message: str) -> HttpResponse:
    metadata = {"RequestId": "r", "Action": action, "Version": "2024-01-01", "Service": "ark", "Region": "x"}
    body = json.dumps({"ResponseMetadata": {**metadata, "Error": {"Code": code, "Message": message}}}).encode()
    return HttpResponse(status=200, headers={"content-type": "application/json"}, body=body)


LIST_LIES = (repeat_page, clamp_page, count_too_much, lose_items)


class Adversary:
    """Carries requests to an emulator, and does to them what the seed chooses.

    Args:
        emulator: The service.
        rng: Chooses.
        trouble: Between 0 and 1: how many requests meet a fault. It may be set to 0 for a quiet service.
        lag: Seconds by which reads may be behind.

    Attributes:
        executed: How often each (Action, key) was carried out, keys being group names and (group, asset name).
        sent: How many requests reached the service, by Action.
    """

    def __init__(self, emulator: Emulator, rng: Random, trouble: float, lag: float) -> None:
        self._transport = InProcessTransport(emulator.service)
        self._rng = rng
        self.trouble = trouble
        self._lag = lag
        self._clock = emulator.clock
        self._groups: dict[str, float] = {}  # when each was created
        self.executed: Counter[tuple[str, Any]] = Counter()
        self.sent: Counter[str] = Counter()

    def send(self, request: HttpRequest) -> HttpResponse:
        """What the client hears.

        Raises:
            TransportFailure: Nothing whole.
        """
        action = parse_qs(urlsplit(request.url).query)["Action"][0]
        self.sent[action] += 1
        if self._rng.random() >= self.trouble:
            return self._carry_out(action, request)
        faults: list[Callable[[str, HttpRequest], HttpResponse]] = [
            self._refuse_connection,
            self._lose_before,
            self._lose_after,
            self._time_out,
            self._proxy_page,
            self._throttle,
        ]
        if action.startswith("List"):
            faults += [self._lie] * 4
        if action == "GetAsset":
            faults += [self._answer_about_another] * 2
        return self._rng.choice(faults)(action, request)

    def _carry_out(self, action: str, request: HttpRequest) -> HttpResponse:
        if self._does_not_know_the_group_yet(action, request):
            return _refusal(action, "NotFound.group_id", "The specified asset_group is not found.")
        headers = dict(request.headers)
        if action.startswith(("List", "Get")) and action != "GetVisualValidateResult" and self._lag and self.trouble:
            headers["X-Emulator-Rule"] = json.dumps({"do": {"lag": self._rng.uniform(0, self._lag)}})
        response = self._transport.send(
            HttpRequest(method=request.method, url=request.url, headers=headers, body=request.body)
        )
        if action in CREATES and "Error" not in body_of(response)["ResponseMetadata"]:
            fields: Mapping[str, Any] = json.loads(request.body)
            key = fields["Name"] if action == "CreateAssetGroup" else (fields["GroupId"], fields["Name"])
            self.executed[action, key] += 1
            if action == "CreateAssetGroup":
                self._groups[body_of(response)["Result"]["Id"]] = self._clock.monotonic()
        return response

    def _does_not_know_the_group_yet(self, action: str, request: HttpRequest) -> bool:
        """May this call about one group be refused because the group was created a moment ago?"""
        if not (self.trouble and action in {"CreateAsset", "GetAssetGroup"}):
            return False
        fields: Mapping[str, Any] = json.loads(request.body)
        created_at = self._groups.get(fields.get("GroupId") or fields["Id"], float("-inf"))
        return created_at > self._clock.monotonic() - self._lag and self._rng.random() < 0.5

    def _refuse_connection(self, _: str, __: HttpRequest) -> HttpResponse:
        raise TransportFailure(FailureKind.CONNECT)

    def _lose_before(self, _: str, __: HttpRequest) -> HttpResponse:
        raise TransportFailure(FailureKind.DISCONNECTED)

    def _lose_after(self, action: str, request: HttpRequest) -> HttpResponse:
        self._carry_out(action, request)
        raise TransportFailure(FailureKind.DISCONNECTED)

    def _time_out(self, action: str, request: HttpRequest) -> HttpResponse:
        self._carry_out(action, request)
        raise TransportFailure(FailureKind.TIMEOUT)

    def _proxy_page(self, action: str, request: HttpRequest) -> HttpResponse:
        if self._rng.random() < 0.5:
            self._carry_out(action, request)
        return HTML

    def _throttle(self, action: str, _: HttpRequest) -> HttpResponse:
        return _refusal(action, "RateLimitExceeded", "Too many requests.")

    def _lie(self, action: str, request: HttpRequest) -> HttpResponse:
        lie = self._rng.choice(LIST_LIES)
        return lie(lambda changed: self._carry_out(action, changed), request, self._rng)

    def _answer_about_another(self, action: str, request: HttpRequest) -> HttpResponse:
        response = self._carry_out(action, request)
        result = body_of(response).get("Result")
        return (
            response if not result else with_result(response, {**result, "Id": "asset-of-another", "Status": "Active"})
        )
