"""AWS Signature Version 4 as a server checks it, written from its description and not from botocore."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, unquote


def expected(secret: str, method: str, target: str, headers: Mapping[str, str]) -> tuple[str, str]:
    """The signature that a request should bear, and the one it bears, by its headers or by its query."""
    path, _, query = target.partition("?")
    pairs = [(unquote(k), unquote(v)) for k, _, v in (item.partition("=") for item in query.split("&") if item)]
    query_fields = dict(pairs)
    if "X-Amz-Signature" in query_fields:
        facts = {"Credential": query_fields["X-Amz-Credential"], "SignedHeaders": query_fields["X-Amz-SignedHeaders"]}
        stamp, body, got = query_fields["X-Amz-Date"], "UNSIGNED-PAYLOAD", query_fields["X-Amz-Signature"]
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if (datetime.now(UTC) - signed_at).total_seconds() > int(query_fields["X-Amz-Expires"]):  # noqa: TID251
            return "expired", got
        pairs = [pair for pair in pairs if pair[0] != "X-Amz-Signature"]
    else:
        fields = headers["authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(",")
        facts = dict(item.strip().split("=", 1) for item in fields)
        stamp, body, got = headers["x-amz-date"], headers["x-amz-content-sha256"], facts["Signature"]
    scope = facts["Credential"].split("/", 1)[1]
    encoded = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in pairs)
    names = facts["SignedHeaders"].split(";")
    canonical = "\n".join(
        [
            method,
            quote(unquote(path), safe="/-_.~"),
            "&".join(f"{k}={v}" for k, v in encoded),
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "",
            ";".join(names),
            body,
        ]
    )
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex(), got
