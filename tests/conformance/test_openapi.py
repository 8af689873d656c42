"""The OpenAPI document is a true description of a running emulator: schemathesis tries every operation."""

import copy
import string
from urllib.parse import quote

import requests
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import CHECKS

from tests.conformance.checks import DOCUMENT, NOT_OF_SIGNED, Signature, control_is_strict, declared, told_right
from tests.conformance.conftest import KEY, Watched
from tests.wire.media import JPEG, TEXT, WEBP, png

EXAMPLES = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

_LABELS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
_PATHS = st.text(string.ascii_letters + string.digits + "-._~/%", max_size=40).map(quote)
schemathesis.openapi.format("uri", st.builds("http://{}.example/{}".format, _LABELS, _PATHS))
schemathesis.openapi.format("binary", st.sampled_from([JPEG, WEBP, png(), png(200, 400), TEXT, b""]))

SCHEMA = schemathesis.openapi.from_dict(copy.deepcopy(DOCUMENT))
ACTIONS = SCHEMA.include(tag="Actions")
SIGNED = SCHEMA.include(tag="Signed Actions")
CONTROL = SCHEMA.include(tag="Control plane")
FILES = SCHEMA.include(tag="Files and pages")


def test_the_document_is_valid_openapi() -> None:
    """As the specification's own schema says."""
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_the_server_serves_this_document(server: Watched) -> None:
    """What is tried here is what a user reads."""
    assert requests.get(f"{server.url}/_emulator/openapi.json", timeout=10).json() == DOCUMENT


@ACTIONS.parametrize()
@EXAMPLES
def test_actions(case: schemathesis.Case, server: Watched) -> None:
    """Good and bad requests of every Action and the upload are answered as described, and rightly."""
    response = case.call_and_validate(
        base_url=server.url,
        session=server.session,
        headers={"Authorization": f"Bearer {KEY}"},
        additional_checks=[told_right] if case.path != "/v1/portrait/upload" else [],
        excluded_checks=[CHECKS.get_one("negative_data_rejection")],
    )
    assert response.status_code in declared(case)


@SIGNED.parametrize()
@EXAMPLES
def test_signed_actions(case: schemathesis.Case, server: Watched) -> None:
    """Good and bad requests of every signed Action are answered as described, and rightly."""
    response = case.call_and_validate(
        base_url=server.url,
        session=server.session,
        auth=Signature(),
        additional_checks=[told_right],
        excluded_checks=[CHECKS.get_one(name) for name in NOT_OF_SIGNED],
    )
    assert response.status_code in declared(case)


@CONTROL.parametrize()
@EXAMPLES
def test_control_plane(case: schemathesis.Case, controlled: Watched) -> None:
    """Good and bad calls of the control plane are answered as described; bad ones are refused."""
    response = case.call_and_validate(
        base_url=controlled.url,
        session=controlled.session,
        additional_checks=[control_is_strict],
        excluded_checks=[CHECKS.get_one("positive_data_acceptance")],
    )
    assert response.status_code in declared(case)


@FILES.parametrize()
@EXAMPLES
def test_files_and_pages(case: schemathesis.Case, server: Watched) -> None:
    """Files, links and pages that are not there are said to be absent in the form that is described."""
    response = case.call_and_validate(base_url=server.url, session=server.session)
    assert response.status_code in declared(case)
