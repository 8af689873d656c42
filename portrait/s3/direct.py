"""Small objects by the shortest way: one signed PUT over the client's own connections.

boto3 spends more on a small PUT than hashing, signing and sending it take together. So the first one goes through
boto3, which decides host and region; the following ones to the same bucket only differ in key and content, and are
built from it. It owns that copy, and gives back to boto3 whatever it has not seen before. It must never retry, nor be
used with a caller's own client, whose handlers would be passed over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from attrs import frozen
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from portrait.s3.signing import KNOWN_HASH, SIGNED_HERE, KnownHashAuth

if TYPE_CHECKING:
    from botocore.httpsession import URLLib3Session
    from botocore.signers import RequestSigner
    from mypy_boto3_s3 import S3Client

_KEY = "portrait_key"
# The bucket lives elsewhere than it did: boto3 follows.
_MOVED = {"PermanentRedirect", "TemporaryRedirect", "Redirect", "AuthorizationHeaderMalformed"}


@frozen
class _Seen:
    """What boto3 decided for a PUT to this bucket."""

    base: str
    agent: str
    signer: RequestSigner
    name: str
    region: str


class DirectPut:
    """Sends small objects to one bucket, once boto3 has sent one; safe for use by many threads."""

    def __init__(self, client: S3Client) -> None:
        self._session: URLLib3Session | None = getattr(getattr(client, "_endpoint", None), "http_session", None)
        self._seen: _Seen | None = None
        client.meta.events.register("before-parameter-build.s3.PutObject", _note_key)
        client.meta.events.register("before-sign.s3.PutObject", self._look)

    def put(self, key: str, content: bytes, headers: dict[str, str], sha256: str) -> bool:
        """Send an object; False where boto3 has to do it.

        Raises:
            ClientError: The storage refused, in boto3's own form.
        """
        seen = self._seen
        if seen is None or self._session is None:
            return False
        request = AWSRequest("PUT", seen.base + quote(key, safe="/~"), headers | {"User-Agent": seen.agent}, content)
        request.context[KNOWN_HASH] = sha256
        plain = seen.signer.get_auth_instance(seen.name, seen.region, "s3v4")
        KnownHashAuth(plain.credentials, seen.name, seen.region).add_auth(request)
        answer = self._session.send(request.prepare())
        if answer.status_code < 300:
            return True
        error = _refusal(answer)
        if answer.status_code < 400 or error.response["Error"]["Code"] in _MOVED:
            self._seen = None
            return False
        raise error

    def _look(
        self, request: AWSRequest, request_signer: RequestSigner, signing_name: str, region_name: str, **_: Any
    ) -> None:
        """See where and how boto3 sends a PUT; what is not plain is left to it."""
        signing = request.context.get("signing", {})
        key, url = quote(request.context.get(_KEY, ""), safe="/~"), str(request.url)
        if not key or not url.endswith(f"/{key}") or not request.context.get(SIGNED_HERE):
            return
        self._seen = _Seen(
            url.removesuffix(key),
            str(request.headers.get("User-Agent", "")),
            request_signer,
            signing.get("signing_name") or signing_name,
            signing.get("region") or region_name,
        )


def _note_key(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_KEY] = params["Key"]


def _refusal(answer: Any) -> ClientError:
    text = answer.content.decode("utf-8", "replace")
    found = {name: re.search(f"<{name}>(.*?)</{name}>", text, re.DOTALL) for name in ("Code", "Message")}
    headers = {name.lower(): value for name, value in answer.headers.items()}
    response: Any = {
        "Error": {name: match[1] if match else "" for name, match in found.items()},
        "ResponseMetadata": {
            "HTTPStatusCode": answer.status_code,
            "HTTPHeaders": headers,
            "RequestId": headers.get("x-amz-request-id", ""),
        },
    }
    return ClientError(response, "PutObject")
