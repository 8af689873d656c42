"""The OpenAPI document against the tables that the emulator runs by; what it promises is tried by tests/conformance."""

import json
import re
import subprocess
import sys
import urllib.request

import pytest

from emulator.dialects import DIALECTS
from emulator.domain.reasons import FURTHER_REASONS
from emulator.settings import Settings
from emulator.web import control
from emulator.web.openapi import document
from emulator.web.openapi.control import OPERATIONS
from portrait.actions import ACTIONS


@pytest.fixture(scope="module")
def paths():
    """The default document's paths."""
    return document(Settings())["paths"]


def operations(paths):
    """Every operation."""
    return [operation for methods in paths.values() for operation in methods.values()]


# Dialect → where its Actions are posted.
MOUNTS = {"alltoken": "/v1/portrait/", "ark": "/"}
both_mounts = pytest.mark.parametrize("dialect", MOUNTS)


def operation(paths, action, dialect="alltoken"):
    """An Action's operation."""
    return paths[f"{MOUNTS[dialect]}#{action}"]["post"]


def request_schema(paths, action, dialect="alltoken"):
    """The schema of what an Action takes."""
    return operation(paths, action, dialect)["requestBody"]["content"]["application/json"]["schema"]


def resolve(schema, components):
    """The schema itself, or the one that it refers to."""
    return components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


@both_mounts
def test_every_action_has_an_operation(paths, dialect):
    """The name is the fragment of the path and the only value of the parameter that goes out."""
    listed = {
        path.partition("#")[2]: methods["post"]["parameters"]
        for path, methods in paths.items()
        if path.startswith(f"{MOUNTS[dialect]}#")
    }
    assert set(listed) == set(ACTIONS)
    for name, (action, version) in listed.items():
        assert (action["schema"]["const"], action["required"]) == (name, True)
        assert (version["schema"]["const"], version["required"]) == ("2024-01-01", dialect == "ark")


@both_mounts
def test_every_status_and_code_of_the_dialect_is_described(dialect):
    """Each Action's responses have the codes of the dialect's table at their HTTP statuses; 5xx are nobody's plan."""
    found = document(Settings())
    for action in ACTIONS:
        described = operation(found["paths"], action, dialect)["responses"]
        for row in (row for reason, row in DIALECTS[dialect].errors.items() if reason not in FURTHER_REASONS):
            for status in {row.status, *row.statuses.values()} - {500, 503}:
                schema = described[str(status)]["content"]["application/json"]["schema"]
                forms = [resolve(each, found["components"]["schemas"]) for each in schema.get("oneOf", [schema])]
                envelopes = [
                    each["properties"]["ResponseMetadata"] for each in forms if "error" not in each["properties"]
                ]
                errors = [each["properties"]["Error"] for each in envelopes if "Error" in each["properties"]]
                if row.http_error_type is not None:
                    assert any("error" in each["properties"] for each in forms)
                    continue
                (error,) = errors
                code = row.code.format(field="Name", id="X", detail="WidthTooSmall")
                assert re.search(error["properties"]["Code"]["pattern"], code), (status, code)
                assert row.code_n is None or row.code_n in error["properties"]["CodeN"]["enum"]
                assert not row.names_field or "Data" in error["properties"]


def test_signed_operations_name_their_proof_and_their_regions():
    """The scheme of the signature, and in answers the region of either provider."""
    found = document(Settings())
    signed = operation(found["paths"], "GetAsset", "ark")
    (scheme,) = signed["security"]
    assert found["components"]["securitySchemes"][next(iter(scheme))]["name"] == "Authorization"
    success = signed["responses"]["200"]["content"]["application/json"]["schema"]
    region = success["properties"]["ResponseMetadata"]["properties"]["Region"]
    assert region["enum"] == ["cn-beijing", "ap-southeast-1"]


def test_a_page_of_the_signed_mount_is_by_number_or_by_cursor(paths):
    """By cursor it has no counts, and the request has numbers or a cursor."""
    request = request_schema(paths, "ListAssets", "ark")
    assert {"MaxResults", "NextToken", "PageNumber", "PageSize"} <= set(request["properties"])
    assert len(request["anyOf"]) == 2
    response = operation(paths, "ListAssets", "ark")["responses"]["200"]["content"]["application/json"]["schema"]
    by_number, by_cursor = response["properties"]["Result"]["oneOf"]
    assert set(by_number["required"]) == {"Items", "TotalCount", "PageNumber", "PageSize"}
    assert set(by_cursor["properties"]) == {"Items", "NextToken"}


@pytest.mark.parametrize(("pending", "result"), [("empty-group", {"GroupId": ""}), ("empty-result", {})])
def test_another_way_of_pending_is_described(pending, result):
    """Contract §10.9: an open check may be a success without a group."""
    found = document(Settings(pending=pending))["paths"]
    success = operation(found, "GetVisualValidateResult", "ark")["responses"]["200"]["content"]["application/json"]
    assert {"const": result} in success["schema"]["properties"]["Result"]["oneOf"]


def test_every_control_address_has_an_operation():
    """Nothing of the control plane is missing, nothing is made up."""
    assert set(OPERATIONS) == set(control._ROUTES)


def test_operations_have_names_of_their_own_and_links_lead_to_them(paths):
    """A link names an operation that is there."""
    names = [operation["operationId"] for operation in operations(paths)]
    assert len(set(names)) == len(names)
    links = [
        link
        for operation in operations(paths)
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert links
    assert {link["operationId"] for link in links} <= set(names)


@both_mounts
@pytest.mark.parametrize("action", ACTIONS)
def test_required_fields_are_those_of_the_dialect(paths, action, dialect):
    """At the top and inside of Filter and Moderation; of Name and Title one is enough."""
    schema = request_schema(paths, action, dialect)
    found = {*schema.get("required", ())}
    for outer in ("Filter", "Moderation"):
        optional = "" if outer in found else "?"
        found |= {f"{outer}{optional}.{name}" for name in schema["properties"].get(outer, {}).get("required", ())}
    found |= {"Name|Title"} if "anyOf" in schema and "Title" in schema["properties"] else set()
    assert found == set(DIALECTS[dialect].required[action])


def test_fields_that_the_dialect_does_not_know_are_not_listed(paths):
    """Contract §2: Moderation, the order of groups and cursors are Ark's."""
    for action, field in (("CreateAsset", "Moderation"), ("ListAssetGroups", "SortBy"), ("ListAssets", "MaxResults")):
        assert field not in request_schema(paths, action)["properties"]
        assert field in request_schema(paths, action, "ark")["properties"]


def test_a_setting_changes_what_is_required():
    """Contract §10.6: in the schema's reading a group needs no Name."""
    assert "anyOf" not in request_schema(document(Settings.schema())["paths"], "CreateAssetGroup")


def test_it_is_served_and_made_once(server):
    """GET gives JSON; nobody from elsewhere gets it."""
    address = f"{server.url}/_emulator/openapi.json"
    with urllib.request.urlopen(address) as first, urllib.request.urlopen(address) as second:
        assert first.headers["content-type"] == "application/json"
        body = first.read()
        assert body == second.read()
    assert json.loads(body) == document(server.service.settings)
    foreign = urllib.request.Request(address, headers={"Host": "portrait.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(foreign)
    assert refused.value.code == 403
    refused.value.close()


def test_no_start_loads_it():
    """The server is there before the document is."""
    code = "import sys, emulator.server; sys.exit('emulator.web.openapi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
