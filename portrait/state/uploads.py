"""Unfinished uploads and their parts: so that the next run goes on where one stopped. The storage's own list is the
truth; what stands here says which upload is ours, and which ETags it answered.
"""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen
from sqlalchemy import delete, select, update

from portrait.state.database import Database, Row, Transaction
from portrait.state.records import Upload
from portrait.state.schema import PARTS, UPLOADS
from portrait.state.statements import Retention, equal, param

KEEP = 30 * 86_400.0
"""Seconds. Storages abort unfinished uploads after a week by their usual rules; whoever keeps them for longer than a
month sends them anew."""

_OLD = Retention(UPLOADS.c.begun_at, KEEP, most=1)  # each may have 10,000 parts
_FIND = select(UPLOADS).where(equal(UPLOADS, "source"))
_PARTS = select(PARTS).where(equal(PARTS, "source")).order_by(PARTS.c.number)
_CLEAR = delete(UPLOADS).where(equal(UPLOADS, "source"))
_FORGET = delete(UPLOADS).where(equal(UPLOADS, "upload_id"))
_SET_ID = update(UPLOADS).where(equal(UPLOADS, "source")).values(upload_id=param("upload_id"), foreign=param("foreign"))
_CLEAR_ETAGS = update(PARTS).where(equal(PARTS, "source")).values(etag=None)
_RECORD_PART = update(PARTS).where(equal(PARTS, "source", "number")).values(etag=param("etag"))


@frozen
class Uploads:
    """The uploads of a state, each by a digest of its source and its destination."""

    _database: Database

    def find(self, source: str) -> Upload | None:
        """What is remembered of an upload."""

        def work(transaction: Transaction) -> Upload | None:
            parts = transaction.all(_PARTS, _part, source=source)
            whole = tuple(sha256 for _, sha256, _ in parts)
            etags = {number: etag for number, _, etag in parts if etag is not None}
            if [number for number, _, _ in parts] != list(range(1, len(parts) + 1)):
                return None  # a part that nobody can read: the file is hashed again
            return transaction.first(_FIND, lambda row: _upload(row, whole, etags), source=source)

        return self._database.read(work)

    def begin(self, source: str, upload: Upload) -> None:
        """Remember an upload in place of another of the same source; it is on the disk when this returns.

        Raises:
            StateError: It cannot be remembered.
        """

        def work(transaction: Transaction) -> None:
            now = transaction.now()
            transaction.execute(_CLEAR, source=source)
            transaction.insert(UPLOADS, [{"source": source, "begun_at": now, **_row(upload)}])
            transaction.insert(PARTS, _part_rows(source, upload))
            transaction.drop_old(_OLD, now)

        self._database.write(work, durable=True)

    def set_upload_id(self, source: str, upload_id: str | None, *, foreign: bool = False) -> None:
        """Remember the storage's id; ETags of another upload are forgotten. It is on the disk when this returns."""

        def work(transaction: Transaction) -> None:
            transaction.execute(_SET_ID, source=source, upload_id=upload_id, foreign=foreign)
            transaction.execute(_CLEAR_ETAGS, source=source)

        self._database.write(work, durable=True)

    def record_part(self, source: str, number: int, etag: str) -> None:
        """Remember one part. If that is lost, the storage's list says the same."""
        self._database.write(
            lambda transaction: transaction.execute(_RECORD_PART, source=source, number=number, etag=etag)
        )

    def clear(self, source: str) -> None:
        """Forget an upload: it was completed or aborted."""
        self._database.write(lambda transaction: transaction.execute(_CLEAR, source=source))

    def forget(self, upload_ids: Collection[str]) -> None:
        """Forget uploads that are no longer on the storage, by the storage's ids."""

        def work(transaction: Transaction) -> None:
            for upload_id in sorted(upload_ids):
                transaction.execute(_FORGET, upload_id=upload_id)

        self._database.write(work)


_PLAIN = ("size", "fingerprint", "part_size", "sha256", "key", "upload_id", "foreign")


def _row(upload: Upload) -> dict[str, object]:
    return {name: getattr(upload, name) for name in _PLAIN}


def _part_rows(source: str, upload: Upload) -> list[dict[str, object]]:
    return [
        {"source": source, "number": number, "sha256": sha256, "etag": upload.etags.get(number)}
        for number, sha256 in enumerate(upload.parts, start=1)
    ]


def _part(row: Row) -> tuple[int, str, str | None]:
    return int(row["number"]), row["sha256"], row["etag"]


def _upload(row: Row, parts: tuple[str, ...], etags: dict[int, str]) -> Upload:
    plain = {name: row[name] for name in _PLAIN}
    plain |= {"size": int(row["size"]), "part_size": int(row["part_size"]), "foreign": bool(row["foreign"])}
    if not plain["part_size"] * (len(parts) - 1) < plain["size"] <= plain["part_size"] * len(parts):
        raise ValueError("the parts do not make up the file")
    return Upload(parts=parts, etags=etags, **plain)
