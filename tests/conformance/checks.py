"""What the OpenAPI document says of a request that was sent, against what the emulator said to it."""

import json
from urllib.parse import parse_qs, urlsplit

import requests
import requests.auth
import schemathesis
from jsonschema import Draft202012Validator, validators
from schemathesis.checks import CheckContext
from schemathesis.core.transport import Response

from emulator.auth import PUBLISHED_PAIR
from emulator.settings import Settings
from emulator.web.openapi import document
from portrait.actions import VERSION
from portrait.clock import SystemClock
from portrait.http import HttpRequest
from portrait.signing import Credentials, sign

DOCUMENT = document(Settings())

# Integers are written as such on this wire: 1.0 is none.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
_Validator = validators.extend(Draft202012Validator, type_checker=_TYPES)
BODIES = {
    operation["operationId"]: _Validator(operation["requestBody"]["content"]["application/json"]["schema"])
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
    if "application/json" in operation.get("requestBody", {}).get("content", {})
}


# Addresses, cursors and the depth of a page say more than their schema does.
_LOOKED_INTO = {"URL", "CallbackURL", "NextToken", "PageNumber"}
# They look further than at their body: at the time, at an asset's state, at rules that could never fire.
PICKY = {"SetClock", "DecideAsset", "AddRule"}
# What does not hold of the signed mount: every request is signed as it goes out, so that none lacks a header; a
# malformed header is 400 (contract §4); GET at the same path is a page about the emulator.
NOT_OF_SIGNED = (
    "ignored_auth", "missing_required_header", "negative_data_rejection", "positive_data_acceptance",
    "allow_header_conformance", "unsupported_method",
)  # fmt: skip


class Signature(requests.auth.AuthBase):
    """Signs a request as it goes out, by the pair that the emulator publishes."""

    def __call__(self, sent: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with the headers that carry its signature."""
        body = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
        request = HttpRequest(method=str(sent.method), url=str(sent.url), headers={}, body=body)
        signed = sign(
            request, Credentials(*PUBLISHED_PAIR), region="cn-beijing", service="ark", now=SystemClock().now()
        )
        sent.headers.update(signed.headers)
        return sent


def declared(case: schemathesis.Case) -> set[int]:
    """The HTTP statuses that the document has for an operation, and those of OPTIONS, other methods and paths."""
    return {int(status) for status in case.operation.definition.raw["responses"]} | {204, 404, 405}


def told_right(_: CheckContext, response: Response, case: schemathesis.Case) -> None:
    """What the schema refuses is called wrong, what it allows never is: inside of 200, or by 400 and 404."""
    if response.request.method != "POST" or response.status_code not in {200, 400, 404}:
        return
    if "ResponseMetadata" not in response.json():
        return
    error = response.json()["ResponseMetadata"].get("Error")
    wrong = error is not None and error["Code"].startswith(("InvalidParameter", "MissingParameter", "InvalidAction"))
    fits = _fits(case, response.request)
    assert wrong or fits is not False, f"not called wrong, which the schema does not allow: {error}"
    assert fits is not True or not wrong, f"called wrong, which the schema allows: {error}"


def _fits(case: schemathesis.Case, sent: requests.PreparedRequest) -> bool | None:
    """Does what was sent fit the document? None where only the emulator knows: it looks at addresses more closely."""
    parameters = parse_qs(urlsplit(str(sent.url)).query, keep_blank_values=True)
    name = name_of(case)
    versions = {"", VERSION} if name == name.removeprefix("Signed") else {VERSION}
    action, version = (parameters.get(key, [""])[0] for key in ("Action", "Version"))
    if action != name.removeprefix("Signed") or version not in versions:
        return False
    if not _body_fits(name, sent):
        return False
    return None if _LOOKED_INTO & json.loads(sent.body or b"{}").keys() else True


def control_is_strict(_: CheckContext, response: Response, case: schemathesis.Case) -> None:
    """A body that the schema refuses is refused; one that it allows is taken, as far as a body alone can be judged."""
    name = name_of(case)
    if name in BODIES and response.status_code in {200, 400}:
        fits = _body_fits(name, response.request)
        assert fits or response.status_code == 400, "took a body that the schema does not allow"
        assert not fits or response.status_code == 200 or name in PICKY, "refused a body that the schema allows"


def name_of(case: schemathesis.Case) -> str:
    """The operation that a case is of."""
    return str(case.operation.definition.raw["operationId"])


def _body_fits(name: str, sent: requests.PreparedRequest) -> bool:
    try:
        return bool(BODIES[name].is_valid(json.loads(sent.body or b"{}")))
    except ValueError:
        return False
