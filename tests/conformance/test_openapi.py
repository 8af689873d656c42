"""The OpenAPI document is a true description of a running emulator: schemathesis tries every operation."""

import json
import string
from urllib.parse import parse_qs, quote, urlsplit

import requests
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, validators
from openapi_spec_validator import validate
from schemathesis.checks import CHECKS, CheckContext
from schemathesis.core.transport import Response

from emulator.settings import Settings
from emulator.web.openapi import document
from portrait.actions import VERSION
from tests.conformance.conftest import KEY, Watched
from tests.wire.samples import JPEG, TEXT, WEBP, png

DOCUMENT = document(Settings())
EXAMPLES = settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

_LABELS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
_PATHS = st.text(string.ascii_letters + string.digits + "-._~/%", max_size=40).map(quote)
schemathesis.openapi.format("uri", st.builds("http://{}.example/{}".format, _LABELS, _PATHS))
schemathesis.openapi.format("binary", st.sampled_from([JPEG, WEBP, png(), png(200, 400), TEXT, b""]))

# Integers are written as such on this wire: 1.0 is none.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
_Validator = validators.extend(Draft202012Validator, type_checker=_TYPES)
BODIES = {
    operation["operationId"]: _Validator(operation["requestBody"]["content"]["application/json"]["schema"])
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
    if "application/json" in operation.get("requestBody", {}).get("content", {})
}

SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
ACTIONS = SCHEMA.include(tag="Actions")
CONTROL = SCHEMA.include(tag="Control plane")
FILES = SCHEMA.include(tag="Files and pages")


# They look further than at their body: at the time, at an asset's state, at rules that could never fire.
PICKY = {"SetClock", "DecideAsset", "AddRule"}


def told_right(_: CheckContext, response: Response, case: schemathesis.Case) -> None:
    """Business errors come inside of 200: what the schema refuses is called wrong, what it allows never is."""
    if response.status_code != 200:
        return
    error = response.json()["ResponseMetadata"].get("Error")
    wrong = error is not None and error["Code"].startswith(("InvalidParameter", "MissingParameter", "InvalidAction"))
    fits = _fits(case, response.request)
    assert wrong or fits is not False, f"not called wrong, which the schema does not allow: {error}"
    assert fits is not True or not wrong, f"called wrong, which the schema allows: {error}"


def _fits(case: schemathesis.Case, sent: requests.PreparedRequest) -> bool | None:
    """Does what was sent fit the document? None where only the emulator knows: it looks at addresses more closely."""
    asked = parse_qs(urlsplit(str(sent.url)).query, keep_blank_values=True)
    name = _name(case)
    if asked.get("Action", [""])[0] != name or asked.get("Version", [""])[0] not in {"", VERSION}:
        return False
    if not _body_fits(name, sent):
        return False
    return None if {"URL", "CallbackURL"} & json.loads(sent.body or b"{}").keys() else True


def control_is_strict(_: CheckContext, response: Response, case: schemathesis.Case) -> None:
    """A body that the schema refuses is refused; one that it allows is taken, as far as a body alone can be judged."""
    name = _name(case)
    if name in BODIES and response.status_code in {200, 400}:
        fits = _body_fits(name, response.request)
        assert fits or response.status_code == 400, "took a body that the schema does not allow"
        assert not fits or response.status_code == 200 or name in PICKY, "refused a body that the schema allows"


def _name(case: schemathesis.Case) -> str:
    return str(case.operation.definition.raw["operationId"])


def _body_fits(name: str, sent: requests.PreparedRequest) -> bool:
    try:
        return bool(BODIES[name].is_valid(json.loads(sent.body or b"{}")))
    except ValueError:
        return False


def test_the_document_is_valid_openapi() -> None:
    """As the specification's own schema says."""
    validate(DOCUMENT)


def test_the_server_serves_this_document(server: Watched) -> None:
    """What is tried here is what a user reads."""
    assert requests.get(f"{server.url}/_emulator/openapi.json", timeout=10).json() == DOCUMENT


@ACTIONS.parametrize()
@EXAMPLES
def test_actions(case: schemathesis.Case, server: Watched) -> None:
    """Good and bad requests of every Action and the upload are answered as described, and rightly."""
    case.call_and_validate(
        base_url=server.url,
        headers={"Authorization": f"Bearer {KEY}"},
        additional_checks=[told_right] if case.path != "/v1/portrait/upload" else [],
        excluded_checks=[CHECKS.get_one("negative_data_rejection")],
    )


@CONTROL.parametrize()
@EXAMPLES
def test_control_plane(case: schemathesis.Case, controlled: Watched) -> None:
    """Good and bad calls of the control plane are answered as described; bad ones are refused."""
    case.call_and_validate(
        base_url=controlled.url,
        additional_checks=[control_is_strict],
        excluded_checks=[CHECKS.get_one("positive_data_acceptance")],
    )


@FILES.parametrize()
@EXAMPLES
def test_files_and_pages(case: schemathesis.Case, server: Watched) -> None:
    """Files, links and pages that are not there are said to be absent in the form that is described."""
    case.call_and_validate(base_url=server.url)
