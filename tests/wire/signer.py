"""Raw signed HTTP to `/`: the V4 signature by the standard library alone, written from contract §9."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass, replace
from urllib.parse import quote

from tests.wire.client import VERSION, Server

REGIONS = {"volcengine": "cn-beijing", "byteplus": "ap-southeast-1"}


@dataclass(frozen=True)
class Signer:
    """A pair of keys of a customer, at one of the two providers."""

    server: Server
    provider: str = "volcengine"
    access_key: str = "AKLTEMULATOR"
    secret_key: str = "emulator-secret"

    def headers(self, query, body, *, date=None, service="ark", region=None):
        """The headers that carry the signature of a POST to `/`."""
        date = date or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        scope = f"{date[:8]}/{region or REGIONS[self.provider]}/{service}/request"
        signed = {
            "content-type": "application/json",
            "host": "{}:{}".format(*self.server.address),
            "x-content-sha256": hashlib.sha256(body).hexdigest(),
            "x-date": date,
        }
        names = ";".join(signed)
        canonical = "&".join(f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}" for n, v in sorted(query.items()))
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        request = f"POST\n/\n{canonical}\n{lines}\n{names}\n{signed['x-content-sha256']}"
        text = f"HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = self.secret_key.encode()
        for part in (*scope.split("/"), text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        claim = f"Credential={self.access_key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
        return {**signed, "authorization": f"HMAC-SHA256 {claim}"}

    def send(self, query, body, headers):
        """A POST with headers as given; those that are None are left out."""
        target = "/?" + "&".join(f"{name}={value}" for name, value in query.items())
        return self.server.request("POST", target, body, {n: v for n, v in headers.items() if v is not None})

    def call(self, action, fields=None, *, version=VERSION, changes=None, sent=None, **options):
        """One Action; `changes` are made to the headers, `sent` replaces the body, after signing."""
        query = {name: value for name, value in {"Action": action, "Version": version}.items() if value is not None}
        body = json.dumps({} if fields is None else fields).encode()
        headers = self.headers(query, body, **options) | (changes or {})
        return self.send(query, body if sent is None else sent, headers)

    def result(self, action, **fields):
        """The `Result` of a call that succeeds."""
        answer = self.call(action, fields)
        assert (answer.status, "Error" in answer.body["ResponseMetadata"]) == (200, False), answer.raw
        return answer.body["Result"]

    def error(self, action, fields=None, **options):
        """Status, code and number of a call that is refused; the number is None where there is none."""
        answer = self.call(action, fields, **options)
        assert "Result" not in answer.body, answer.raw
        error = answer.body["ResponseMetadata"]["Error"]
        return answer.status, error["Code"], error.get("CodeN")

    def with_(self, **changes):
        """Another pair, or another provider."""
        return replace(self, **changes)
