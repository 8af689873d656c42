"""The application that is tested, in the form that any HTTP library takes, and what a mock has to answer it."""

import json
from itertools import count

import requests


class Application:
    """Makes a group and an asset, and waits for the asset.

    Args:
        base_url: Of the service.
        key: For it.
        sleep: Passes the time between two looks.
        post: Sends a request; `requests.post`, or one of the same arguments.
    """

    def __init__(self, base_url, key, sleep, post=requests.post):
        self._url = f"{base_url}/portrait/"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._sleep = sleep
        self._post = post

    def onboard(self, name):
        """The status that the asset has in the end."""
        group = self._call("CreateAssetGroup", {"GroupType": "AIGC", "Name": name})["Id"]
        asset = {"GroupId": group, "URL": "https://cdn.example/host.jpg", "AssetType": "Image"}
        wanted = {"Id": self._call("CreateAsset", asset)["Id"]}
        while (status := self._call("GetAsset", wanted)["Status"]) == "Processing":
            self._sleep(3)
        return status

    def _call(self, action, fields):
        query = {"Action": action, "Version": "2024-01-01"}
        return self._post(self._url, params=query, json=fields, headers=self._headers).json()["Result"]


class Mock:
    """The state that a mock has to keep by hand: an asset is Active at the second look."""

    def __init__(self):
        self._numbers = count(1)
        self._groups = {}
        self._assets = {}

    def answer(self, action, body):
        """The envelope of one call."""
        actions = {"CreateAssetGroup": self._create_group, "CreateAsset": self._create_asset, "GetAsset": self._look}
        result = actions[action](json.loads(body))
        return {"ResponseMetadata": {"RequestId": "1", "Action": action, "Version": "2024-01-01"}, "Result": result}

    def _create_group(self, fields):
        identifier = f"group-{next(self._numbers)}"
        self._groups[identifier] = fields["Name"]
        return {"Id": identifier}

    def _create_asset(self, fields):
        assert fields["GroupId"] in self._groups
        identifier = f"asset-{next(self._numbers)}"
        self._assets[identifier] = {"Id": identifier, "GroupId": fields["GroupId"], "Looks": 0}
        return {"Id": identifier}

    def _look(self, fields):
        asset = self._assets[fields["Id"]]
        asset["Looks"] += 1
        return {**asset, "Status": "Active" if asset["Looks"] > 1 else "Processing"}
