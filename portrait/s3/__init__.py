"""Files into S3-compatible object storage, and public addresses out: for who has no CDN for `CreateAsset` to load from.

It owns nothing but its names; it must never load boto3, which is for the moment a store is made.
"""

from __future__ import annotations

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
    StateUnwritable,
    StorageBadResponse,
    StorageError,
    StorageRefused,
    StorageThrottled,
    StorageUnavailable,
    StorageUnreachable,
    StorageUnsupported,
    UploadInterrupted,
)
from portrait.s3.models import IncompleteUpload, OnEvent, Stage, StorageWarning, StoredObject, UploadProgress
from portrait.s3.parts import Part, Plan, plan_parts
from portrait.s3.pool import CancelToken
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
    "StateUnwritable",
    "StorageBadResponse",
    "StorageError",
    "StorageRefused",
    "StorageThrottled",
    "StorageUnavailable",
    "StorageUnreachable",
    "StorageUnsupported",
    "StorageWarning",
    "StoredObject",
    "UploadInterrupted",
    "UploadProgress",
    "check_public",
    "plan_parts",
]
