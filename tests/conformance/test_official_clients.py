"""All 12 Actions by the official universal clients, of whose code only host and keys are changed."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

SDKS = {"volcengine": ("volcenginesdkcore", "cn-beijing"), "byteplus": ("byteplussdkcore", "ap-southeast-1")}
PAIR = ("AKLTCONFORMANCE", "conformance-secret==")
AIGC = {"Filter": {"GroupType": "AIGC"}}
ASSET = {"URL": "https://cdn.example.com/host.jpg", "AssetType": "Image", "Name": "主播 host-1"}


README = Path(__file__).resolve().parents[2] / "emulator" / "README.md"


class Official:
    """A universal client with plain dicts."""

    def __init__(self, provider: str, url: str, access_key: str, secret_key: str) -> None:
        name, region = SDKS[provider]
        self.core = importlib.import_module(name)
        self.universal = importlib.import_module(f"{name}.universal")
        self.errors = importlib.import_module(f"{name}.rest").ApiException
        configuration = self.core.Configuration()
        configuration.ak, configuration.sk, configuration.region = access_key, secret_key, region
        configuration.scheme, configuration.host = "http", urlsplit(url).netloc
        configuration.client_side_validation = True
        self.api = self.universal.UniversalApi(self.core.ApiClient(configuration))

    def call(self, action: str, **body: Any) -> Any:
        """The `Result` of an Action."""
        info = self.universal.UniversalInfo(
            method="POST", service="ark", version="2024-01-01", action=action, content_type="application/json"
        )
        return self.api.do_call(info, body)

    def error(self, action: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """Status and `Error` of an Action that is refused."""
        with pytest.raises(self.errors) as info:
            self.call(action, **body)
        return info.value.status, json.loads(info.value.body)["ResponseMetadata"]["Error"]


@pytest.fixture(scope="module")
def signed(start: Any) -> Any:
    """A server on the machine's clock, whose reviews end at once."""
    return start("--access-key", f"{PAIR[0]}:{PAIR[1]}=conformance", "--clock", "real", "--review-seconds", "0.2")


@pytest.fixture(params=SDKS)
def official(request: pytest.FixtureRequest, signed: Any) -> Official:
    """The official client of each provider."""
    return Official(request.param, signed.url, *PAIR)


def test_assets(official: Official) -> None:
    """A group and an asset are created, awaited, listed by number and by cursor, updated and deleted."""
    group = official.call("CreateAssetGroup", Name="brand-host", Description="demo")["Id"]
    asset = official.call("CreateAsset", GroupId=group, **ASSET)["Id"]
    deadline = time.monotonic() + 10
    while (item := official.call("GetAsset", Id=asset))["Status"] == "Processing":
        assert time.monotonic() < deadline
        time.sleep(0.05)  # noqa: TID251
    assert (item["Status"], item["Name"]) == ("Active", ASSET["Name"])
    mine = {"Filter": {"GroupType": "AIGC", "GroupIds": [group]}}
    numbered = official.call("ListAssets", **mine, PageNumber=1, PageSize=10)
    assert (numbered["TotalCount"], numbered["PageNumber"], numbered["PageSize"]) == (1, 1, 10)
    assert [each["Id"] for each in official.call("ListAssets", **mine, MaxResults=1)["Items"]] == [asset]
    assert official.call("UpdateAsset", Id=asset, Name="host-2") == {"Id": asset}
    assert not official.call("DeleteAsset", Id=asset)
    assert official.error("GetAsset", Id=asset)[0] == 404
    assert official.call("GetAssetGroup", Id=group)["Title"] == "brand-host"
    assert group in {each["Id"] for each in official.call("ListAssetGroups", **AIGC, MaxResults=100)["Items"]}
    assert official.call("UpdateAssetGroup", Id=group, Name="other") == {"Id": group}
    assert not official.call("DeleteAssetGroup", Id=group)


def test_a_person(official: Official, signed: Any) -> None:
    """A read before the scan burns nothing; after it the group comes once."""
    session = official.call("CreateVisualValidateSession", CallbackURL="https://app.example/back")
    token = session["BytedToken"]
    assert official.error("GetVisualValidateResult", BytedToken=token)[1]["Code"] == f"NotFound.{token}"
    answer = signed.server.control("POST", f"validations/{token}", {"result": "pass"})
    assert answer.status == 200
    group = official.call("GetVisualValidateResult", BytedToken=token)["GroupId"]
    assert official.call("GetAssetGroup", Id=group)["GroupType"] == "LivenessFace"
    assert official.error("GetVisualValidateResult", BytedToken=token)[0] == 404


@pytest.mark.parametrize("provider", SDKS)
def test_wrong_keys(provider: str, signed: Any) -> None:
    """A wrong secret and an unknown access key, each with its number."""
    status, error = Official(provider, signed.url, PAIR[0], "wrong").error("GetAsset", Id="asset-1")
    assert (status, error["Code"], error["CodeN"]) == (401, "SignatureDoesNotMatch", 100010)
    status, error = Official(provider, signed.url, "AKLTNOBODY", PAIR[1]).error("GetAsset", Id="asset-1")
    assert (status, error["Code"], error["CodeN"]) == (401, "InvalidAccessKey", 100009)


def test_business_errors(official: Official) -> None:
    """Real statuses, and `Data` where a field is meant."""
    status, error = official.error("GetAsset")
    assert (status, error["Code"], error["Data"]) == (400, "MissingParameter.Id", {"__Message.parameter": "Id"})
    status, error = official.error("GetAssetGroup", Id="group-20260318035710-xxxxx")
    assert (status, error["Code"]) == (404, "NotFound.group_id")
    status, error = official.error("GetNothing")
    assert (status, error["Code"], error["CodeN"]) == (404, "InvalidActionOrVersion", 100008)


@pytest.fixture(scope="module")
def automatic(start: Any) -> Any:
    """A server with the published pair, whose clock follows those who wait."""
    return start("--clock", "auto")


def run_script(provider: str, url: str, secret_key: str) -> subprocess.CompletedProcess[str]:
    """Runs the README's script: its host and secret key are replaced, and for BytePlus the SDK's name and region."""
    found = re.search(r"```python\n# official\.py\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    assert len([line for line in found[1].splitlines() if line and "import" not in line]) == 10
    (sdk, region), (usual, usual_region) = SDKS[provider], SDKS["volcengine"]
    replaced = {"127.0.0.1:8787": urlsplit(url).netloc, "emulator-secret": secret_key, usual: sdk, usual_region: region}
    script = re.sub("|".join(map(re.escape, replaced)), lambda each: replaced[each[0]], found[1])
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("provider", SDKS)
def test_the_script_of_the_readme(provider: str, automatic: Any) -> None:
    """Ten lines: a group, an asset, its review, lists by number and by cursor, an update, deletions."""
    done = run_script(provider, automatic.url, "emulator-secret")
    assert done.returncode == 0, done.stderr
    numbered, by_cursor, updated, *deleted = (ast.literal_eval(line) for line in done.stdout.splitlines())
    assert (numbered["TotalCount"], numbered["PageNumber"], numbered["PageSize"]) == (1, 1, 10)
    (asset,) = by_cursor["Items"]
    assert (asset["Id"], asset["Status"]) == (numbered["Items"][0]["Id"], "Active")
    assert updated == {"Id": asset["Id"]}
    assert deleted == [{}, {}]


@pytest.mark.parametrize("provider", SDKS)
def test_the_script_with_a_wrong_secret(provider: str, automatic: Any) -> None:
    """It ends with what the README says."""
    done = run_script(provider, automatic.url, "wrong-secret")
    assert done.returncode != 0
    for part in ("401", "SignatureDoesNotMatch", '"CodeN":100010'):
        assert part in done.stderr
