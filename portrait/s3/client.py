"""The boto3 client of a store: settings for S3-compatible storages, signatures with known hashes, a fast path for PUT.

This module loads botocore, so it is imported when a store is made and not before. No bucket is probed (contract §5).
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3.session
import botocore
from attrs import frozen
from botocore.awsrequest import AWSRequest, AWSResponse, HeadersDict
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import create_parser

from portrait.errors import UsageError
from portrait.s3.files import FilePart
from portrait.s3.keys import parse_base_url
from portrait.urls import HttpUrl

if TYPE_CHECKING:
    from botocore.httpsession import URLLib3Session
    from botocore.signers import RequestSigner
    from mypy_boto3_s3 import S3Client


CONNECT_SECONDS = 10
READ_SECONDS = 60
_R2 = ".r2.cloudflarestorage.com"


def make_client(
    *,
    endpoint_url: str | None,
    region: str | None,
    access_key: str | None,
    secret_key: str | None,
    session_token: str | None,
    connections: int,
) -> S3Client:
    """Make a client for a storage; None leaves an option to boto3's own environment and profiles.

    The environment's proxies are used, but never to reach this machine.

    Raises:
        UsageError: The options contradict each other, or the endpoint is not a plain address.
    """
    endpoint = None if endpoint_url is None else parse_base_url("endpoint_url", endpoint_url)
    config = Config(
        signature_version="s3v4",
        # Contract §5: R2 and others refuse the checksums that boto3 adds since 1.36 (M).
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # Our own attempts know which answers are worth another one, and can be stopped.
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=connections,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        tcp_keepalive=True,
        s3={"addressing_style": "path" if endpoint else "auto"},
    )
    direct = config.merge(Config(proxies={}))  # None reads the environment
    region = _region(region, endpoint)

    def make(config: Config) -> S3Client:
        client: S3Client = session.client("s3", endpoint_url=endpoint_url, region_name=region, config=config)
        return client

    try:
        session = boto3.session.Session(
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=session_token,
        )
        if endpoint is not None:
            client = make(direct if endpoint.is_loopback else config)
        else:  # boto3 may find one in its own environment or profile
            client = make(config)
            if parse_base_url("The endpoint in boto3's configuration", client.meta.endpoint_url).is_loopback:
                client = make(direct)
    except (BotoCoreError, ValueError) as error:
        raise UsageError(
            f"No S3 client can be made: {error}",
            advice="Check endpoint_url=, region= and boto3's own configuration (AWS_PROFILE, ~/.aws/config).",
        ) from error
    sign_with_known_hash(client)
    return client


def _region(region: str | None, endpoint: HttpUrl | None) -> str | None:
    if region is not None or endpoint is None:
        return region
    # Contract §5: R2's region is `auto` (D). MinIO and alike take the oldest one.
    return "auto" if endpoint.host.endswith(_R2) else "us-east-1"


def validate_client(client: S3Client) -> None:
    """See that a caller's client does not add checksums that its storage may refuse.

    Raises:
        UsageError: It does, and the storage is not AWS.
    """
    host = parse_base_url("The client's endpoint", client.meta.endpoint_url).host
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return
    config: Any = client.meta.config
    if config.request_checksum_calculation != "when_required":
        raise UsageError(
            f"The client given adds checksums that S3-compatible storages such as {host} refuse.",
            advice="Make it with botocore.config.Config(request_checksum_calculation='when_required', "
            "response_checksum_validation='when_required').",
        )


_CHECKSUM = "x-amz-checksum-sha256"
_SIGNED_HERE = "portrait_signed"
"""Set in a request's context where it is signed here: plain V4, with the client's own key."""
_OPERATIONS = ("PutObject", "UploadPart")


@frozen
class _Signer:
    """botocore's signature of S3, with the hash of the body taken as known."""

    signer: RequestSigner
    name: str
    region: str

    @classmethod
    def of(cls, request: AWSRequest, signer: RequestSigner) -> _Signer:
        """As boto3 would sign that request."""
        signing = request.context["signing"]
        return cls(signer, signing["signing_name"], signing["region"])

    def sign(self, request: AWSRequest) -> None:
        """Sign a request."""
        auth: Any = self.signer.get_auth_instance(self.name, self.region, "s3v4")
        auth.payload = _known_hash
        auth.add_auth(request)


def sign_with_known_hash(client: S3Client) -> None:
    """Have a client's bodies signed by the hash they come with."""
    for operation in _OPERATIONS:
        client.meta.events.register(f"choose-signer.s3.{operation}", _leave_plain_v4_to_us)
        client.meta.events.register(f"before-sign.s3.{operation}", _sign)


def _leave_plain_v4_to_us(signature_version: Any, context: dict[str, Any], **_: Any) -> Any:
    signing = context.get("signing", {})
    plain = signature_version == "s3v4" and "region" in signing and "request_credentials" not in signing
    context[_SIGNED_HERE] = plain
    return botocore.UNSIGNED if plain else None


def _sign(request: AWSRequest, request_signer: RequestSigner, **_: Any) -> None:
    if request.context.get(_SIGNED_HERE):
        _Signer.of(request, request_signer).sign(request)


def _known_hash(request: AWSRequest) -> str:
    """The hash of a body, as its maker computed it."""
    if isinstance(request.data, FilePart):
        return str(request.data.sha256)
    return base64.b64decode(request.headers[_CHECKSUM]).hex()


_KEY = "portrait_key"
# The bucket lives elsewhere than it did: boto3 follows.
_MOVED = {"PermanentRedirect", "TemporaryRedirect", "Redirect", "AuthorizationHeaderMalformed"}


@frozen
class _Template:
    """The decisions of boto3 for a PUT to this bucket."""

    base: str
    user_agent: str
    signer: _Signer


class FastPut:
    """Sends small objects to one bucket, once boto3 has sent one; safe for use by many threads."""

    def __init__(self, client: S3Client) -> None:
        self._session: URLLib3Session | None = getattr(getattr(client, "_endpoint", None), "http_session", None)
        self._template: _Template | None = None
        self._parser = create_parser("rest-xml")
        self._shape: Any = client.meta.service_model.operation_model("PutObject").output_shape
        client.meta.events.register("before-parameter-build.s3.PutObject", _capture_key)
        client.meta.events.register("before-sign.s3.PutObject", self._capture)

    def put(self, key: str, content: bytes, headers: dict[str, str]) -> dict[str, Any] | None:
        """Send an object and return the response in boto3's form; None where boto3 has to do it.

        Args:
            key: The object's key.
            content: Its bytes.
            headers: The request's, among them the content's checksum, by which it is signed.

        Raises:
            ClientError: The storage refused.
        """
        template = self._template
        if template is None or self._session is None:
            return None
        headers = headers | {"User-Agent": template.user_agent}
        request = AWSRequest("PUT", template.base + quote(key), headers, content)
        template.signer.sign(request)
        response = self._session.send(request.prepare())
        if response.status_code < 300 and not response.content:
            return {"ResponseMetadata": _metadata(response), "ETag": response.headers.get("ETag")}
        error = self._refusal(response) if response.status_code >= 400 else None
        if error is not None and error.response["Error"].get("Code") not in _MOVED:
            raise error
        self._template = None
        return None

    def _refusal(self, response: AWSResponse) -> ClientError:
        """The result that boto3 makes of such a response."""
        fields = {
            "headers": HeadersDict(response.headers),
            "status_code": response.status_code,
            "body": response.content,
        }
        parsed: Any = self._parser.parse(fields, self._shape)
        return ClientError(parsed, "PutObject")

    def _capture(self, request: AWSRequest, request_signer: RequestSigner, **_: Any) -> None:
        """Record where and how boto3 sends a PUT; one that is not plain is ignored."""
        key, url = quote(request.context[_KEY]), str(request.url)
        if url.endswith(f"/{key}") and request.context.get(_SIGNED_HERE):
            self._template = _Template(
                url.removesuffix(key),
                request.headers["User-Agent"],
                _Signer.of(request, request_signer),
            )


def _capture_key(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_KEY] = params["Key"]


def _metadata(response: AWSResponse) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return {
        "HTTPStatusCode": response.status_code,
        "HTTPHeaders": headers,
        "RequestId": headers.get("x-amz-request-id", ""),
    }
