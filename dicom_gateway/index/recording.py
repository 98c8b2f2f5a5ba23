"""Writing a batch of received instances inside the caller's transaction.

Every writer takes rows in the same order (studies, series, instances, then the studies' dates; each sorted by key), so
that two processes writing the same study wait for each other and never deadlock. The first statement is an INSERT: on
SQLite the write lock is taken before anything is read, so a snapshot can never be too old to write.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dicom_gateway.header import InstanceHeader
from dicom_gateway.index.names import fold_name, name_groups, name_words
from dicom_gateway.index.stated_patients import StatedPatient, enter_stated_patients, stated_by
from dicom_gateway.index.tables import dicom_conflict, dicom_frame_index, dicom_instance, dicom_name_key, dicom_series, dicom_study

MAX_KNOWN = 10_000  # studies, and series, that are not asked for again


class Recorded(Enum):
    """The outcome for one instance."""

    NEW = "new"
    DUPLICATE = "duplicate"  # the same data set is there already
    CONFLICT = "conflict"  # other content under a taken SOP Instance UID: kept aside
    REPEATED_CONFLICT = "repeated conflict"  # and this content is kept aside already


@dataclass(frozen=True, slots=True)
class ReceivedInstance:
    """An instance whose bytes are safe in the store, to be entered in the index."""

    owner: str
    header: InstanceHeader
    object_key: str
    size: int
    sha256: str
    data_set_sha256: str
    received_at: datetime
    received_by: str
    calling_ae: str | None
    peer_address: str | None
    reference: str = ""
    """A word of the host's for its hook (`Source.reference`); the index does not keep it."""


@dataclass(frozen=True, slots=True)
class IndexedInstance:
    """One instance of a batch as the host's hook sees it, whatever its outcome."""

    recorded: Recorded
    study_id: int
    instance_id: int
    received: ReceivedInstance
    begins_study: bool = False
    """The study was not there before this batch: true of each of its new instances."""
    series_id: int = 0
    """Of a new instance."""


class KnownPlaces:
    """Numbers of studies and series that a commit has made lasting. Whoever uses them has them confirmed first: rows may have been
    erased since, and their numbers be another's. For several threads."""

    def __init__(self) -> None:
        self._learning = threading.Lock()
        self.studies: dict[tuple[str, str], int] = {}
        self.series: dict[tuple[str, str, str], int] = {}
        self.patients: dict[tuple[int, StatedPatient], int] = {}

    def learn(self, committed: Sequence[IndexedInstance]) -> None:
        """Take note of where the new instances of a committed batch lie."""
        with self._learning:
            for each in (each for each in committed if each.recorded is Recorded.NEW):
                self.studies[_study_of(each.received)] = each.study_id
                self.series[_series_of(each.received)] = each.series_id
                self.patients[each.study_id, stated_by(each.received.header)] = each.study_id
            _drop_oldest(self.studies)
            _drop_oldest(self.series)
            _drop_oldest(self.patients)

    def confirmed(self, connection: sa.Connection, batch: Sequence[ReceivedInstance]) -> KnownPlaces:
        """Return those places of the batch that still stand in the index under their numbers: one question for all of them."""
        found = KnownPlaces()
        wanted = {key: self.series[key] for key in map(_series_of, batch) if key in self.series}
        if not wanted:
            return found
        s, r = dicom_study.c, dicom_series.c
        places = sa.select(r.id, r.study_id, s.owner, s.study_instance_uid, r.series_instance_uid).join(dicom_study, s.id == r.study_id)
        for row in connection.execute(places.where(r.id.in_(sorted(set(wanted.values()))))):
            study = row.owner, row.study_instance_uid
            if wanted.get((*study, row.series_instance_uid)) == row.id:
                found.series[*study, row.series_instance_uid] = row.id
                found.studies[study] = row.study_id
        stated = {(found.studies[_study_of(each)], stated_by(each.header)) for each in batch if _study_of(each) in found.studies}
        found.patients = {key: key[0] for key in stated if key in self.patients}
        return found


def _drop_oldest(known: dict[Any, int]) -> None:
    while len(known) > MAX_KNOWN:
        del known[next(iter(known))]


def record(connection: sa.Connection, batch: Sequence[ReceivedInstance], known: KnownPlaces | None = None) -> list[IndexedInstance]:
    """Enter `batch` and say what became of each, in the order given: of two with one SOP Instance UID the first has the place."""
    known = (known or KnownPlaces()).confirmed(connection, batch)
    ordered = sorted(
        batch,
        key=lambda r: (r.owner, r.header.study_instance_uid, r.header.series_instance_uid, r.header.sop_instance_uid),
    )
    studies, fresh_studies = _studies(connection, ordered, known)
    series, fresh_series = _series(connection, ordered, studies, known)
    entered = _instances(connection, batch, series)
    existing = _existing(connection, [r for r in ordered if r.object_key not in entered])
    outcomes: dict[str, IndexedInstance] = {}
    for received in ordered:
        if received.object_key in entered:
            recorded, instance_id = Recorded.NEW, entered[received.object_key]
            study, place = studies[_study_of(received)], series[_series_of(received)]
        else:
            row = existing[received.owner, received.header.sop_instance_uid]
            same = row.data_set_sha256 == received.data_set_sha256
            recorded, instance_id, study, place = Recorded.DUPLICATE if same else Recorded.CONFLICT, row.id, row.study_id, 0
        begins = recorded is Recorded.NEW and study in fresh_studies
        outcomes[received.object_key] = IndexedInstance(recorded, study, instance_id, received, begins, place)
    new = {(o.study_id, stated_by(o.received.header)) for o in outcomes.values() if o.recorded is Recorded.NEW}
    enter_stated_patients(connection, new - known.patients.keys())
    _frame_indexes(connection, ordered, entered)
    kept = _conflicts(connection, [o.received for o in outcomes.values() if o.recorded is Recorded.CONFLICT])
    for key, outcome in outcomes.items():
        if outcome.recorded is Recorded.CONFLICT and key not in kept:
            outcomes[key] = IndexedInstance(Recorded.REPEATED_CONFLICT, outcome.study_id, outcome.instance_id, outcome.received)
    _touch(connection, ordered, studies)
    if any(o.recorded is not Recorded.NEW for o in outcomes.values()):
        _drop_empty(connection, fresh_studies, fresh_series)
    return [outcomes[received.object_key] for received in batch]


def insert_new(dialect: sa.Dialect, table: sa.Table, *unique: str, returning: tuple[str, ...] = ()) -> Any:
    """INSERT that passes over rows whose `unique` columns are taken, and gives the columns `returning` of the others."""
    return _insert_new(dialect.name, table, unique, returning)


@lru_cache(maxsize=64)
def _insert_new(dialect: str, table: sa.Table, unique: tuple[str, ...], returning: tuple[str, ...]) -> Any:
    """Made once: making it takes longer than a transaction has for one instance."""
    kind = postgresql if dialect == "postgresql" else sqlite
    insert = kind.insert(table).on_conflict_do_nothing(index_elements=list(unique))
    return insert.returning(*(table.c[name] for name in returning)) if returning else insert


def insert_or_replace(dialect: sa.Dialect, table: sa.Table, *unique: str) -> Any:
    """INSERT that takes the place of the row with the same `unique` columns."""
    insert = (postgresql if dialect.name == "postgresql" else sqlite).insert(table)
    given = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in unique}
    return insert.on_conflict_do_update(index_elements=list(unique), set_=given)


def _study_of(r: ReceivedInstance) -> tuple[str, str]:
    return r.owner, r.header.study_instance_uid


def _series_of(r: ReceivedInstance) -> tuple[str, str, str]:
    return r.owner, r.header.study_instance_uid, r.header.series_instance_uid


def _studies(
    connection: sa.Connection, ordered: list[ReceivedInstance], known: KnownPlaces
) -> tuple[dict[tuple[str, str], int], list[int]]:
    """Ids of all studies of the batch, and which of them are new."""
    lasting = {key: known.studies[key] for key in map(_study_of, ordered) if key in known.studies}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for r in (each for each in ordered if _study_of(each) not in lasting):
        rows.setdefault(
            _study_of(r),
            {
                "owner": r.owner,
                "study_instance_uid": r.header.study_instance_uid,
                **r.header.study,
                "patient_name_folded": fold_name(r.header.study["patient_name"]),
                "referring_physician_name_folded": fold_name(r.header.study["referring_physician_name"]),
                "listed_at": (r.header.study["study_date"] or "") + (r.header.study["study_time"] or ""),
                "first_received_at": r.received_at,
                "last_received_at": r.received_at,
            },
        )
    if not rows:
        return lasting, []
    c = dicom_study.c
    unique = ("owner", "study_instance_uid")
    statement = insert_new(connection.dialect, dicom_study, *unique, returning=("id", *unique))
    found = {(row.owner, row.study_instance_uid): row.id for row in connection.execute(statement, list(rows.values()))}
    fresh = list(found.values())
    enter_name_keys(connection, {study: rows[key]["patient_name"] for key, study in found.items()})
    missing = [key for key in rows if key not in found]
    if missing:
        query = sa.select(c.id, c.owner, c.study_instance_uid).where(
            c.owner.in_({owner for owner, _ in missing}), c.study_instance_uid.in_([uid for _, uid in missing])
        )
        found |= {(row.owner, row.study_instance_uid): row.id for row in connection.execute(query)}
    return found | lasting, fresh


def enter_name_keys(connection: sa.Connection, names: dict[int, str | None]) -> None:
    """Insert the keys by which studies, given by number, are found by these names of their patients."""
    keys = [
        {"kind": kind, "text": text, "study_id": study}
        for study, name in names.items()
        for kind, texts in (("g", name_groups(name)), ("w", name_words(name)))
        for text in texts
    ]
    if keys:
        connection.execute(dicom_name_key.insert(), keys)


def _series(
    connection: sa.Connection, ordered: list[ReceivedInstance], studies: dict[tuple[str, str], int], known: KnownPlaces
) -> tuple[dict[tuple[str, str, str], int], list[int]]:
    """Ids of all series of the batch by owner, study and series UID, and which of them are new."""
    lasting = {key: known.series[key] for key in map(_series_of, ordered) if key in known.series}
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for r in (each for each in ordered if _series_of(each) not in lasting):
        study = studies[_study_of(r)]
        rows.setdefault(
            (study, r.header.series_instance_uid),
            {"study_id": study, "series_instance_uid": r.header.series_instance_uid, **r.header.series},
        )
    if not rows:
        return lasting, []
    c = dicom_series.c
    unique = ("study_id", "series_instance_uid")
    statement = insert_new(connection.dialect, dicom_series, *unique, returning=("id", *unique))
    found = {(row.study_id, row.series_instance_uid): row.id for row in connection.execute(statement, list(rows.values()))}
    fresh = list(found.values())
    missing = [key for key in rows if key not in found]
    if missing:
        query = sa.select(c.id, c.study_id, c.series_instance_uid).where(
            c.study_id.in_({study for study, _ in missing}), c.series_instance_uid.in_([uid for _, uid in missing])
        )
        found |= {(row.study_id, row.series_instance_uid): row.id for row in connection.execute(query)}
    keys = {_series_of(r) for r in ordered} - lasting.keys()
    return lasting | {(owner, study, series): found[studies[owner, study], series] for owner, study, series in keys}, fresh


def _instances(connection: sa.Connection, batch: Sequence[ReceivedInstance], series: dict[tuple[str, str, str], int]) -> dict[str, int]:
    """Ids of the instances that are new, by object key."""
    first: dict[tuple[str, str], ReceivedInstance] = {}
    for r in batch:
        first.setdefault((r.owner, r.header.sop_instance_uid), r)
    rows = [
        {
            "series_id": series[_series_of(r)],
            "owner": r.owner,
            "sop_instance_uid": r.header.sop_instance_uid,
            "sop_class_uid": r.header.sop_class_uid,
            "transfer_syntax_uid": r.header.transfer_syntax_uid,
            **r.header.instance,
            "pixel_data_offset": r.header.pixel_data_offset,
            **_provenance(r),
        }
        for r in (first[key] for key in sorted(first))
    ]
    statement = insert_new(connection.dialect, dicom_instance, "owner", "sop_instance_uid", returning=("id", "object_key"))
    return {row.object_key: row.id for row in connection.execute(statement, rows)}


def _provenance(r: ReceivedInstance) -> dict[str, Any]:
    return {
        "object_key": r.object_key,
        "size": r.size,
        "sha256": r.sha256,
        "data_set_sha256": r.data_set_sha256,
        "received_at": r.received_at,
        "received_by": r.received_by,
        "calling_ae": r.calling_ae,
        "peer_address": r.peer_address,
    }


def _existing(connection: sa.Connection, repeated: list[ReceivedInstance]) -> dict[tuple[str, str], Any]:
    if not repeated:
        return {}
    c = dicom_instance.c
    query = (
        sa.select(c.id, c.owner, c.sop_instance_uid, c.data_set_sha256, dicom_series.c.study_id)
        .join(dicom_series)
        .where(
            c.owner.in_({r.owner for r in repeated}),
            c.sop_instance_uid.in_([r.header.sop_instance_uid for r in repeated]),
        )
    )
    return {(row.owner, row.sop_instance_uid): row for row in connection.execute(query)}


def _frame_indexes(connection: sa.Connection, ordered: list[ReceivedInstance], entered: dict[str, int]) -> None:
    rows = [
        {"instance_id": entered[r.object_key], "packed": r.header.frames.pack()}
        for r in ordered
        if r.object_key in entered and r.header.frames is not None
    ]
    if rows:
        connection.execute(dicom_frame_index.insert(), rows)


def _conflicts(connection: sa.Connection, conflicting: list[ReceivedInstance]) -> set[str]:
    """Keep conflicts aside; returns the object keys of those that were not there yet."""
    if not conflicting:
        return set()
    rows = [
        {
            "owner": r.owner,
            "sop_instance_uid": r.header.sop_instance_uid,
            "study_instance_uid": r.header.study_instance_uid,
            "series_instance_uid": r.header.series_instance_uid,
            "transfer_syntax_uid": r.header.transfer_syntax_uid,
            **_provenance(r),
        }
        for r in conflicting
    ]
    unique = ("owner", "sop_instance_uid", "data_set_sha256")
    statement = insert_new(connection.dialect, dicom_conflict, *unique, returning=("object_key",))
    return {row.object_key for row in connection.execute(statement, rows)}


def _touch(connection: sa.Connection, ordered: list[ReceivedInstance], studies: dict[tuple[str, str], int]) -> None:
    """Note when something last arrived for each study, one row at a time in key order; it is not stable then."""
    latest: dict[int, datetime] = {}
    for r in ordered:
        study = studies[_study_of(r)]
        latest[study] = max(latest.get(study, r.received_at), r.received_at)
    connection.execute(_ARRIVED, [{"study": study, "at": at} for study, at in latest.items()])


_ARRIVED = dicom_study.update().where(dicom_study.c.id == sa.bindparam("study")).values(last_received_at=sa.bindparam("at"), stable_at=None)


def _drop_empty(connection: sa.Connection, studies: list[int], series: list[int]) -> None:
    """Take back studies and series of this batch that only a conflict named: nobody else has seen them yet."""
    if series:
        filled = sa.exists().where(dicom_instance.c.series_id == dicom_series.c.id)
        connection.execute(dicom_series.delete().where(dicom_series.c.id.in_(series), ~filled))
    if studies:
        filled = sa.exists().where(dicom_series.c.study_id == dicom_study.c.id)
        empty = list(connection.scalars(sa.select(dicom_study.c.id).where(dicom_study.c.id.in_(studies), ~filled)))
        if empty:  # SQLite cascades only where foreign keys are switched on
            connection.execute(dicom_name_key.delete().where(dicom_name_key.c.study_id.in_(empty)))
            connection.execute(dicom_study.delete().where(dicom_study.c.id.in_(empty)))
