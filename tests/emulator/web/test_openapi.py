"""The OpenAPI document against the tables that the emulator runs by; what it promises is tried by tests/conformance."""

import json
import subprocess
import sys
import urllib.request

import pytest

from emulator.dialects import ALLTOKEN
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


def request_schema(paths, action):
    """The schema of what an Action takes."""
    body = paths[f"/v1/portrait/#{action}"]["post"]["requestBody"]
    return body["content"]["application/json"]["schema"]


def test_every_action_has_an_operation(paths):
    """The name is the fragment of the path and the only value of the parameter that goes out."""
    listed = {
        path.partition("#")[2]: methods["post"]["parameters"][0] for path, methods in paths.items() if "#" in path
    }
    assert set(listed) == set(ACTIONS)
    assert all(parameter["schema"]["const"] == name for name, parameter in listed.items())


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


@pytest.mark.parametrize("action", ACTIONS)
def test_required_fields_are_those_of_the_dialect(paths, action):
    """At the top and inside of Filter; of Name and Title one is enough."""
    schema = request_schema(paths, action)
    found = {*schema.get("required", ())}
    found |= {f"Filter.{name}" for name in schema["properties"].get("Filter", {}).get("required", ())}
    found |= {"Name|Title"} if "anyOf" in schema else set()
    assert found == set(ALLTOKEN.required[action])


def test_fields_that_the_dialect_does_not_know_are_not_listed(paths):
    """Contract §2: Moderation and the order of groups are Ark's."""
    assert "Moderation" not in request_schema(paths, "CreateAsset")["properties"]
    assert "SortBy" not in request_schema(paths, "ListAssetGroups")["properties"]


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
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
