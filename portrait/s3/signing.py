"""Signed payloads without hashing them again: botocore's own V4 signature, with the SHA-256 that is known already.

botocore hashes every body it signs over http, and signs none over https. We know the hash of each body before it is
sent, so both are signed: the storage refuses bytes that are not the ones that were hashed, which no change of the file
between hashing and sending can get past. It owns two event handlers of a client that this package made; it must never
touch a caller's own client, nor know files or uploads.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import botocore
from botocore.auth import S3SigV4Auth

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest
    from botocore.signers import RequestSigner
    from mypy_boto3_s3 import S3Client

_CHECKSUM = "x-amz-checksum-sha256"
KNOWN_HASH = "portrait_sha256"
"""Where a request's context may hold the hash of its body."""
SIGNED_HERE = "portrait_signed"
"""Set in a request's context where it is signed here: plain V4, with the client's own key."""
_OPERATIONS = ("PutObject", "UploadPart")


class KnownHashAuth(S3SigV4Auth):
    """botocore's signature of S3, with the hash of the body taken as known."""

    def payload(self, request: AWSRequest) -> str:
        """The hash of the body, from whoever made the body."""
        return _known_hash(request)


def sign_with_known_hash(client: S3Client) -> None:
    """Have a client's bodies signed by the hash they come with."""
    for operation in _OPERATIONS:
        client.meta.events.register(f"choose-signer.s3.{operation}", _leave_plain_v4_to_us)
        client.meta.events.register(f"before-sign.s3.{operation}", _sign)


def _leave_plain_v4_to_us(signature_version: Any, context: dict[str, Any], **_: Any) -> Any:
    plain = signature_version == "s3v4" and not context.get("signing", {}).get("request_credentials")
    context[SIGNED_HERE] = plain
    return botocore.UNSIGNED if plain else None


def _sign(request: AWSRequest, request_signer: RequestSigner, signing_name: str, region_name: str, **_: Any) -> None:
    if not request.context.get(SIGNED_HERE):
        return
    signing = request.context.get("signing", {})
    region = signing.get("region") or region_name
    name = signing.get("signing_name") or signing_name
    plain = request_signer.get_auth_instance(name, region, "s3v4")
    KnownHashAuth(plain.credentials, name, region).add_auth(request)


def _known_hash(request: AWSRequest) -> str:
    known = getattr(request.data, "sha256", None) or request.context.get(KNOWN_HASH)
    if isinstance(known, str):
        return known
    stated = request.headers[_CHECKSUM]
    return base64.b64decode(stated if isinstance(stated, str) else stated.decode()).hex()
