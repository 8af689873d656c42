"""The boto3 client that the store talks through: how one is made for S3, R2, MinIO and alike, and what a caller's own
must be like.

It owns the import of boto3, which happens when a store is made and not before, and the settings that S3-compatible
storages need. It must never send a request: no bucket is probed (contract §5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import frozen

from portrait.errors import UsageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from portrait.s3.direct import DirectPut

CONNECT_SECONDS = 10
READ_SECONDS = 60
_R2 = ".r2.cloudflarestorage.com"


@frozen(kw_only=True)
class ClientOptions:
    """How to reach a storage; None leaves it to boto3's own environment and profiles."""

    endpoint_url: str | None
    region: str | None
    access_key: str | None
    secret_key: str | None
    session_token: str | None
    connections: int


def make_client(options: ClientOptions) -> S3Client:
    """Make a client for a storage.

    Raises:
        UsageError: The extra `s3` is not installed, or the options contradict each other.
    """
    try:
        import boto3  # noqa: PLC0415 - only who stores objects pays for it
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
    except ImportError as error:
        raise UsageError("Object storage needs boto3.", advice="Run: pip install 'portrait-actions[s3]'") from error
    from portrait.s3.signing import sign_with_known_hash  # noqa: PLC0415

    config = Config(
        signature_version="s3v4",
        # Contract §5: R2 and others refuse the checksums that boto3 adds since 1.36 (M).
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # Our own attempts know which answers are worth another one, and can be stopped.
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=options.connections,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        tcp_keepalive=True,
        s3={"addressing_style": "path" if options.endpoint_url else "auto"},
    )
    try:
        client: S3Client = boto3.session.Session(
            aws_access_key_id=options.access_key,
            aws_secret_access_key=options.secret_key,
            aws_session_token=options.session_token,
        ).client("s3", endpoint_url=options.endpoint_url, region_name=_region(options), config=config)
    except (BotoCoreError, ValueError) as error:
        raise UsageError(f"No S3 client can be made: {error}") from error
    sign_with_known_hash(client)
    return client


def direct_put(client: S3Client) -> DirectPut:
    """The short way for small objects, for a client that `make_client` made."""
    from portrait.s3.direct import DirectPut  # noqa: PLC0415 - loads botocore

    return DirectPut(client)


def _region(options: ClientOptions) -> str | None:
    if options.region is not None or options.endpoint_url is None:
        return options.region
    host = urlsplit(options.endpoint_url).hostname or ""
    # Contract §5: R2's region is `auto` (D). MinIO and alike take the oldest one.
    return "auto" if host.endswith(_R2) else "us-east-1"


def check_own_client(client: S3Client) -> None:
    """See that a caller's client does not add checksums that its storage may refuse.

    Raises:
        UsageError: It does, and the storage is not AWS.
    """
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return
    setting = getattr(client.meta.config, "request_checksum_calculation", "when_required")
    if setting != "when_required":
        raise UsageError(
            f"The client given adds checksums that S3-compatible storages such as {host} refuse.",
            advice="Make it with botocore.config.Config(request_checksum_calculation='when_required', "
            "response_checksum_validation='when_required').",
        )
