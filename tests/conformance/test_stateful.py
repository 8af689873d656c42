"""Sequences of calls along the document's links, on a server whose reviews end while they run."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, seed, settings
from schemathesis.checks import CHECKS
from schemathesis.core.transport import Response

from tests.conformance import test_openapi
from tests.conformance.checks import DOCUMENT, NOT_OF_SIGNED, Signature, control_is_strict, name_of, told_right
from tests.conformance.conftest import KEY, Watched

# One flow at a time goes deeper than all at once.
_FLOWS = {
    "groups": {"CreateAssetGroup", "GetAssetGroup", "UpdateAssetGroup", "DeleteAssetGroup"},
    "assets": {"CreateAssetGroup", "CreateAsset", "GetAsset", "UpdateAsset", "DeleteAsset", "DecideAsset"},
    "uploads": {"CreateAssetGroup", "Upload", "ReadUpload", "GetAsset"},
    "validations": {
        "CreateVisualValidateSession", "FinishValidation", "GetVisualValidateResult", "ShowValidation",
        "CompleteValidation",
    },
    "signed assets": {
        "SignedCreateAssetGroup", "SignedGetAssetGroup", "SignedUpdateAssetGroup", "SignedDeleteAssetGroup",
        "SignedCreateAsset", "SignedGetAsset", "SignedUpdateAsset", "SignedDeleteAsset",
    },
    "signed validations": {
        "SignedCreateVisualValidateSession", "FinishValidation", "SignedGetVisualValidateResult",
    },
}  # fmt: skip
_EXCLUDED = ("negative_data_rejection", "positive_data_acceptance", "ensure_resource_availability")
# A round is as long as it takes for most; what chance leaves out comes in the next.
_ROUNDS = 5
_SETTINGS = settings(
    max_examples=30,
    stateful_step_count=25,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def quick(start: Callable[..., Watched]) -> Iterator[Watched]:
    """A server on which a second lasts a tenth."""
    return start("--api-key", f"{KEY}=conformance", "--clock", "scaled:10", "--review-seconds", "5")


def test_the_flows_have_every_operation_that_a_link_leads_to() -> None:
    """Whatever takes an id is tried with one that is there."""
    operations = [operation for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    successes = [operation["responses"].get("200", {}) for operation in operations]
    links = [link for success in successes for link in success.get("links", {}).values()]
    assert {link["operationId"] for link in links} <= set().union(*_FLOWS.values())


@pytest.mark.parametrize("flow", _FLOWS)
def test_sequences_along_the_links(quick: Watched, flow: str) -> None:
    """Every operation of a flow succeeds with an id that another one made, and answers as described."""
    succeeded: set[str] = set()
    machine = test_openapi.SCHEMA.include(operation_id=sorted(_FLOWS[flow])).as_state_machine()

    class Workflow(machine):  # type: ignore[misc,valid-type]
        def setup(self) -> None:
            assert quick.server.control("POST", "reset").status == 200

        def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:
            common = {"base_url": quick.url, "session": quick.session}
            if case.path.startswith("/#"):
                return {**common, "auth": Signature()}
            return {**common, "headers": {"Authorization": f"Bearer {KEY}"}}

        def validate_response(self, response: Response, case: schemathesis.Case, **options: Any) -> None:
            name = name_of(case)
            signed = case.path.startswith("/#")
            excluded = {*_EXCLUDED, *(NOT_OF_SIGNED if signed else ())}
            case.validate_response(
                response,
                additional_checks=[
                    told_right if signed or case.path.startswith("/v1/portrait/#") else control_is_strict
                ],
                excluded_checks=[CHECKS.get_one(each) for each in excluded],
                transport_kwargs=options,
            )
            if response.status_code < 400 and b'"Error"' not in response.content:
                succeeded.add(name)

    for number in range(_ROUNDS):
        seed(number)(Workflow)
        Workflow.run(settings=_SETTINGS)
        if succeeded == _FLOWS[flow]:
            break
    assert _FLOWS[flow] - succeeded == set()
