"""Storage commitment, push model (PS3.4 annex J): requests that survive a restart, what is answered, and when it is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from sqlalchemy.dialects import postgresql, sqlite

from dicom_gateway.index import Index, dicom_instance
from dicom_gateway.index.workflow_tables import dicom_commitment
from storage.errors import ObjectMissing, StorageError
from storage.protocol import ObjectStore

CLASS, INSTANCE = "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"
REQUEST, ALL_COMMITTED, SOME_FAILED = 1, 1, 2  # action type, event types (PS3.4 J.3.2, J.3.3)
# Failure Reason (0008,1197): PS3.3 C.14.1.1.
PROCESSING_FAILURE, NO_SUCH_INSTANCE, CLASS_CONFLICT = 0x0110, 0x0112, 0x0119
MAX_INSTANCES = 20_000  # of one request
_PART = 500  # instances that are looked up together
# Before the next attempt to report; then the request is given up, and says why.
RETRY = tuple(timedelta(seconds=s) for s in (2, 10, 30, 60, 300, 900, 3600, 3600, 6 * 3600, 12 * 3600, 24 * 3600))
KEPT = timedelta(days=30)  # for a request that is done with
LEASE = timedelta(minutes=2)  # for one attempt; a process that dies with it loses it


@dataclass(frozen=True, slots=True)
class CommitmentRequest:
    """A request as it is kept. `instances` are pairs of SOP class and SOP instance UID."""

    id: int
    owner: str
    calling_ae: str
    peer_address: str
    transaction_uid: str
    instances: tuple[tuple[str, str], ...]
    attempts: int


class BadRequest(ValueError):
    """The action information cannot be used; the message says why."""


def instances_of(information: Dataset) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Transaction UID and instances of an N-ACTION. Raises `BadRequest`."""
    transaction = str(information.get("TransactionUID") or "").strip()
    if not transaction:
        raise BadRequest("TransactionUID is missing")
    items = information.get("ReferencedSOPSequence") or ()
    if not 0 < len(items) <= MAX_INSTANCES:
        raise BadRequest(f"ReferencedSOPSequence has 1 to {MAX_INSTANCES} items")
    pairs = tuple((str(i.get("ReferencedSOPClassUID") or ""), str(i.get("ReferencedSOPInstanceUID") or "")) for i in items)
    if not all(sop_class and sop_instance for sop_class, sop_instance in pairs):
        raise BadRequest("an item lacks its SOP class or SOP instance UID")
    return transaction, tuple(dict.fromkeys(pairs))


class Commitments:
    """All requests, and what their reports say."""

    def __init__(self, index: Index, store: ObjectStore) -> None:
        self._engine, self._index, self._store = index.engine, index, store
        self._forgotten_at: datetime | None = None

    async def keep(
        self, owner: str, calling_ae: str, peer_address: str, transaction_uid: str, instances: Sequence[tuple[str, str]]
    ) -> CommitmentRequest:
        """Make the request durable. The same transaction again is reported again."""
        now, c = datetime.now(UTC), dicom_commitment.c
        again = {"instances": [list(pair) for pair in instances], "attempts": 0, "next_at": now + LEASE, "reported_at": None, "error": None}
        row = {
            "owner": owner,
            "calling_ae": calling_ae,
            "peer_address": peer_address,
            "transaction_uid": transaction_uid,
            "created_at": now,
        }
        async with self._engine.begin() as connection:
            kind = postgresql if connection.dialect.name == "postgresql" else sqlite
            insert = kind.insert(dicom_commitment).values(row | again)
            keys = ["owner", "calling_ae", "transaction_uid"]
            kept = insert.on_conflict_do_update(index_elements=keys, set_=again | {"peer_address": peer_address}).returning(c.id)
            number = (await connection.execute(kept)).scalar_one()
        return CommitmentRequest(number, owner, calling_ae, peer_address, transaction_uid, tuple(instances), 0)

    async def due(self, limit: int = 20) -> list[CommitmentRequest]:
        """Take requests whose report is due; nobody else takes them for a while."""
        now, c = datetime.now(UTC), dicom_commitment.c
        waiting = sa.select(c.id).where(c.next_at <= now).order_by(c.next_at).limit(limit)
        async with self._engine.execution_options(reading=True).connect() as connection:
            if not (ids := list(await connection.scalars(waiting))):
                return []  # without taking the write lock
        lease = dicom_commitment.update().where(c.id.in_(ids), c.next_at <= now).values(next_at=now + LEASE)
        async with self._engine.begin() as connection:
            rows = (await connection.execute(lease.returning(dicom_commitment))).all()
        return [
            CommitmentRequest(
                r.id, r.owner, r.calling_ae, r.peer_address or "", r.transaction_uid, tuple(map(tuple, r.instances)), r.attempts
            )
            for r in rows
        ]

    async def reported(self, request: CommitmentRequest) -> None:
        """The requester has confirmed the report."""
        await self._note(request, {"next_at": None, "reported_at": datetime.now(UTC), "error": None})

    async def left(self, request: CommitmentRequest) -> None:
        """The requester did not stay for the report: it is due on a new association, at once."""
        await self._note(request, {"next_at": datetime.now(UTC)})

    async def not_reported(self, request: CommitmentRequest, why: str, *, for_good: bool = False) -> None:
        """The report did not arrive: it is tried again later, or, after the last attempt or `for_good`, given up."""
        attempts = request.attempts + 1
        again = None if for_good or attempts > len(RETRY) else datetime.now(UTC) + RETRY[attempts - 1]
        await self._note(request, {"attempts": attempts, "next_at": again, "error": why[:1000]})

    async def forget(self) -> None:
        """Delete what was done with long ago; looks once an hour."""
        now, c = datetime.now(UTC), dicom_commitment.c
        if self._forgotten_at is not None and now - self._forgotten_at < timedelta(hours=1):
            return
        self._forgotten_at = now
        async with self._engine.begin() as connection:
            await connection.execute(dicom_commitment.delete().where(c.next_at.is_(None), c.created_at < now - KEPT))

    async def _note(self, request: CommitmentRequest, values: dict[str, object]) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(dicom_commitment.update().where(dicom_commitment.c.id == request.id).values(values))

    async def report(self, request: CommitmentRequest) -> tuple[int, Dataset]:
        """Event type and event information. An instance counts as safe when it is in the index and its object in the store."""
        await self._index.barrier()
        information = Dataset()
        committed: list[Dataset] = []
        failed: list[Dataset] = []
        information.TransactionUID = request.transaction_uid
        for start in range(0, len(request.instances), _PART):
            part = request.instances[start : start + _PART]
            known = await self._known(request.owner, [sop_instance for _, sop_instance in part])
            for sop_class, sop_instance in part:
                reason = await self._failure(known.get(sop_instance), sop_class)
                item = Dataset()
                item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
                if reason is not None:
                    item.FailureReason = reason
                (committed if reason is None else failed).append(item)
        if committed:
            information.ReferencedSOPSequence = DicomSequence(committed)
        if failed:
            information.FailedSOPSequence = DicomSequence(failed)
        return (SOME_FAILED if failed else ALL_COMMITTED), information

    async def _known(self, owner: str, uids: list[str]) -> dict[str, tuple[str, str, int]]:
        c = dicom_instance.c
        query = sa.select(c.sop_instance_uid, c.sop_class_uid, c.object_key, c.size)
        rows = await self._index.rows(query.where(c.owner == owner, c.sop_instance_uid.in_(uids)))
        return {row.sop_instance_uid: (row.sop_class_uid, row.object_key, row.size) for row in rows}

    async def _failure(self, known: tuple[str, str, int] | None, sop_class: str) -> int | None:
        if known is None:
            return NO_SUCH_INSTANCE
        if known[0] != sop_class:
            return CLASS_CONFLICT
        try:
            return None if await self._store.size(known[1]) == known[2] else PROCESSING_FAILURE
        except ObjectMissing:
            return PROCESSING_FAILURE
        except StorageError as error:
            raise StoreAway(str(error)) from error


class StoreAway(Exception):
    """The store does not answer: nothing can be said of the instances now."""
