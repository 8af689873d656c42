"""Unfinished uploads and their parts: so that the next run goes on where one stopped. The storage's own list is the
truth; what stands here says which upload is ours, and which ETags it answered.
"""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen
from sqlalchemy import RowMapping, delete, insert, select, update

from portrait.state.database import Database, Transaction
from portrait.state.records import Upload
from portrait.state.schema import PARTS, UPLOADS

KEEP = 30 * 86_400.0
"""Seconds. Storages abort unfinished uploads after a week by their usual rules; whoever keeps them for longer than a
month sends them anew."""
_DROPPED = 1  # each may have 10,000 parts

_BATCH = 500  # statements with more variables are refused by older SQLite


@frozen
class Uploads:
    """The uploads of a state, each by a digest of its source and its destination."""

    _database: Database

    def find(self, source: str) -> Upload | None:
        """What is remembered of an upload."""

        def work(transaction: Transaction) -> Upload | None:
            parts = transaction.all(select(PARTS).where(PARTS.c.source == source).order_by(PARTS.c.number), _part)
            whole = tuple(sha256 for _, sha256, _ in parts)
            etags = {number: etag for number, _, etag in parts if etag is not None}
            if [number for number, _, _ in parts] != list(range(1, len(parts) + 1)):
                return None  # a part that nobody can read: the file is hashed again
            rows = select(UPLOADS).where(UPLOADS.c.source == source)
            return transaction.first(rows, lambda row: _upload(row, whole, etags))

        return self._database.read(work)

    def begin(self, source: str, upload: Upload) -> None:
        """Remember an upload in place of another of the same source; it is on the disk when this returns.

        Raises:
            StateError: It cannot be remembered.
        """

        def work(transaction: Transaction) -> None:
            now = transaction.now()
            transaction.execute(delete(UPLOADS).where(UPLOADS.c.source == source))
            transaction.upsert(UPLOADS, {"source": source, "begun_at": now, **_row(upload)})
            if upload.parts:
                transaction.execute(insert(PARTS), _part_rows(source, upload))
            transaction.drop_oldest(UPLOADS, UPLOADS.c.begun_at, now - KEEP, _DROPPED)

        self._database.write(work, durable=True)

    def set_upload_id(self, source: str, upload_id: str | None, *, foreign: bool = False) -> None:
        """Remember the storage's id; ETags of another upload are forgotten. It is on the disk when this returns."""

        def work(transaction: Transaction) -> None:
            found = update(UPLOADS).where(UPLOADS.c.source == source).values(upload_id=upload_id, foreign=foreign)
            transaction.execute(found)
            transaction.execute(update(PARTS).where(PARTS.c.source == source).values(etag=None))

        self._database.write(work, durable=True)

    def record_part(self, source: str, number: int, etag: str) -> None:
        """Remember one part. If that is lost, the storage's list says the same."""
        part = update(PARTS).where(PARTS.c.source == source, PARTS.c.number == number).values(etag=etag)
        self._database.write(lambda transaction: transaction.execute(part))

    def clear(self, source: str) -> None:
        """Forget an upload: it was completed or aborted."""
        self._database.write(lambda transaction: transaction.execute(delete(UPLOADS).where(UPLOADS.c.source == source)))

    def forget(self, upload_ids: Collection[str]) -> None:
        """Forget uploads that are no longer on the storage, by the storage's ids."""
        ids = sorted(upload_ids)

        def work(transaction: Transaction) -> None:
            for start in range(0, len(ids), _BATCH):
                transaction.execute(delete(UPLOADS).where(UPLOADS.c.upload_id.in_(ids[start : start + _BATCH])))

        self._database.write(work)


_PLAIN = ("size", "fingerprint", "part_size", "sha256", "key", "upload_id", "foreign")


def _row(upload: Upload) -> dict[str, object]:
    return {name: getattr(upload, name) for name in _PLAIN}


def _part_rows(source: str, upload: Upload) -> list[dict[str, object]]:
    return [
        {"source": source, "number": number, "sha256": sha256, "etag": upload.etags.get(number)}
        for number, sha256 in enumerate(upload.parts, start=1)
    ]


def _part(row: RowMapping) -> tuple[int, str, str | None]:
    return int(row["number"]), row["sha256"], row["etag"]


def _upload(row: RowMapping, parts: tuple[str, ...], etags: dict[int, str]) -> Upload:
    plain = {name: row[name] for name in _PLAIN}
    plain |= {"size": int(row["size"]), "part_size": int(row["part_size"]), "foreign": bool(row["foreign"])}
    return Upload(parts=parts, etags=etags, **plain)
