"""Records as rows and back: the columns that statements look for, and the whole record as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar

import orjson
from cattrs import Converter

from emulator.domain.jobs import Generation, Job, Task
from emulator.domain.ports import StoredFile
from emulator.domain.records import Asset, Customer, Group, Validation

R = TypeVar("R")
Row = dict[str, Any]

_MOST = 10_000  # records of a kind that are kept by their JSON
_CONVERTER = Converter(omit_if_default=True, detailed_validation=False)


def _body(record: Any) -> str:
    return orjson.dumps(_CONVERTER.unstructure(record)).decode()


def _reader(kind: type[R]) -> Callable[[str], R]:
    """Makes records of their JSON. The same JSON gives the same record, so that its item is encoded once, too."""
    return lru_cache(_MOST)(lambda body: _CONVERTER.structure(orjson.loads(body), kind))


read_customer = _reader(Customer)
read_group = _reader(Group)
read_asset = _reader(Asset)
read_validation = _reader(Validation)
_JOB_READERS: Mapping[str, Callable[[str], Job]] = MappingProxyType(
    {kind.__name__: _reader(kind) for kind in (Task, Generation)}
)


def read_job(kind: str, body: str) -> Job:
    """The job of a row."""
    return _JOB_READERS[kind](body)


def read_file(row: Any) -> StoredFile:
    """The file of a row."""
    return StoredFile(content=row.content, content_type=row.content_type, served_until=row.served_until)


def customer_row(customer: Customer) -> Row:
    """The row of a customer."""
    return {"number": customer.number, "name": customer.name, "body": _body(customer)}


def _listed(record: Group | Asset) -> Row:
    return {
        "number": record.number,
        "id": record.id,
        "customer": record.customer,
        "project": record.project,
        "folded_name": record.name.casefold(),
        "created_second": int(record.created),
        "updated_second": int(record.updated),
        "created": record.created,
        "visible_from": record.visible_from,
        "body": _body(record),
    }


def group_row(group: Group) -> Row:
    """The row of a group."""
    return {**_listed(group), "kind": group.kind}


def asset_row(asset: Asset) -> Row:
    """The row of an asset."""
    return {
        **_listed(asset),
        "kind": asset.group_kind,
        "group_id": asset.group_id,
        "status": asset.status,
        "file": asset.file,
        "due": asset.due,
    }


def validation_row(validation: Validation) -> Row:
    """The row of a validation."""
    return {
        "number": validation.number,
        "token": validation.token,
        "expires": validation.expires,
        "body": _body(validation),
    }


def job_row(job: Job) -> Row:
    """The row of a job."""
    return {
        "number": job.number,
        "id": job.id,
        "customer": job.customer,
        "kind": type(job).__name__,
        "created": job.created,
        "due": job.due,
        "body": _body(job),
    }


def file_row(key: str, file: StoredFile) -> Row:
    """The row of a file."""
    return {
        "key": key,
        "content_type": file.content_type,
        "served_until": file.served_until,
        "content": file.content,
    }
