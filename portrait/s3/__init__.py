"""Files into S3-compatible object storage, and public addresses out: for who has no CDN for `CreateAsset` to load from.

Importing it does not load boto3; making a store does.
"""

from __future__ import annotations

from portrait.flow import CancelToken
from portrait.s3.async_store import AsyncObjectStore
from portrait.s3.errors import (
    AccessDenied,
    CredentialsRejected,
    NoSuchBucket,
    NoSuchUpload,
    NotPublic,
    PartialFailure,
    SourceChanged,
    SourceUnreadable,
    StorageBadResponse,
    StorageError,
    StorageRefused,
    StorageThrottled,
    StorageUnavailable,
    StorageUnreachable,
    StorageUnsupported,
)
from portrait.s3.models import IncompleteUpload, OnEvent, Stage, StorageWarning, StoredObject, UploadProgress
from portrait.s3.parts import Part, Plan, plan_parts
from portrait.s3.public_check import check_public
from portrait.s3.store import ObjectStore

__all__ = [
    "AccessDenied",
    "AsyncObjectStore",
    "CancelToken",
    "CredentialsRejected",
    "IncompleteUpload",
    "NoSuchBucket",
    "NoSuchUpload",
    "NotPublic",
    "ObjectStore",
    "OnEvent",
    "Part",
    "PartialFailure",
    "Plan",
    "SourceChanged",
    "SourceUnreadable",
    "Stage",
    "StorageBadResponse",
    "StorageError",
    "StorageRefused",
    "StorageThrottled",
    "StorageUnavailable",
    "StorageUnreachable",
    "StorageUnsupported",
    "StorageWarning",
    "StoredObject",
    "UploadProgress",
    "check_public",
    "plan_parts",
]
