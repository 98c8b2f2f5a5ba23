"""Rows of the study index that go with a case, or with a study that is no case's. What another case has stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dicom_gateway.index import (
    dicom_conflict,
    dicom_instance,
    dicom_performed_step,
    dicom_quarantine,
    dicom_series,
    dicom_series_document,
    dicom_study,
)
from telemed.adapters.database import tables as t
from telemed.adapters.retention.findings import STUDY, Findings, name_digest
from telemed.adapters.stored_objects import RecordedObject

CHUNK = 500
"""Rows that one statement names: SQLite takes some 32,000 parameters, PostgreSQL as many."""

_e, _x, _i = t.evidence.c, t.case_instance.c, dicom_instance.c


async def erase_studies_of_case(connection: AsyncConnection, case_id: str, owner: str, found: Findings) -> None:
    """Take away the instances that are this case's and no other's, and each study that is empty then. Called before the case's own
    rows go."""
    named = sa.select(_e.study_instance_uid).where(_e.case_id == case_id, _e.study_instance_uid.is_not(None))
    received = sa.select(_x.study_instance_uid).where(_x.case_id == case_id)
    for uid in sorted((await connection.execute(named.union(received))).scalars()):
        await _erase_instances(connection, owner, uid, await _of_the_case(connection, case_id, owner, uid), found)


async def _of_the_case(connection: AsyncConnection, case_id: str, owner: str, uid: str) -> sa.ColumnElement[bool]:
    """The condition on `dicom_instance` of one study: it goes with the case."""
    same = (_x.owner == _i.owner, _x.sop_instance_uid == _i.sop_instance_uid)
    elsewhere = sa.exists().where(*same, _x.case_id != case_id)
    given = sa.exists().where(*same, _x.case_id == case_id)
    given_alone = sa.exists().where(*same, _x.case_id == case_id, _x.alone)
    whole = sa.select(_e.case_id).join(t.case, t.case.c.id == _e.case_id)
    whole = whole.where(t.case.c.member == owner, _e.study_instance_uid == uid, _e.whole)
    holders = set((await connection.execute(whole)).scalars())
    if holders - {case_id}:
        return sa.and_(given_alone, ~elsewhere)
    return ~elsewhere if case_id in holders else sa.and_(given, ~elsewhere)


async def erase_study(connection: AsyncConnection, owner: str, uid: str, found: Findings) -> None:
    """Take away a study that is no case's, whole."""
    await _erase_instances(connection, owner, uid, sa.true(), found)


async def _erase_instances(connection: AsyncConnection, owner: str, uid: str, which: sa.ColumnElement[bool], found: Findings) -> None:
    s, r = dicom_study.c, dicom_series.c
    study = (await connection.execute(sa.select(s.id).where(s.owner == owner, s.study_instance_uid == uid))).scalar_one_or_none()
    if study is not None:
        series = sa.select(r.id).where(r.study_id == study)
        rows = (await connection.execute(sa.select(_i.id, _i.object_key, _i.sha256).where(_i.series_id.in_(series), which))).all()
        found.take(RecordedObject(key, digest) for _, key, digest in rows)
        found.counts["dicom_instance"] += len(rows)
        for ids in _chunks([row.id for row in rows]):
            await connection.execute(sa.delete(dicom_instance).where(_i.id.in_(ids)))
        await connection.execute(sa.delete(dicom_series_document).where(dicom_series_document.c.series_id.in_(series)))
        await connection.execute(sa.delete(dicom_series).where(r.study_id == study, ~sa.exists().where(_i.series_id == r.id)))
        if (await connection.execute(sa.select(r.id).where(r.study_id == study).limit(1))).first() is not None:
            return
        found.counts["dicom_study"] += (await connection.execute(sa.delete(dicom_study).where(s.id == study))).rowcount
    await _erase_what_names(connection, owner, uid, found)


async def _erase_what_names(connection: AsyncConnection, owner: str, uid: str, found: Findings) -> None:
    """A study is gone: so goes what was set aside of it, was measured, reported or corrected."""
    found.names.add((STUDY, name_digest(owner, uid), ""))
    c = dicom_conflict.c
    aside = (c.owner == owner, c.study_instance_uid == uid)
    found.take(RecordedObject(*row) for row in (await connection.execute(sa.select(c.object_key, c.sha256).where(*aside))).all())
    conditions = {
        dicom_conflict: c.owner == owner,
        dicom_performed_step: dicom_performed_step.c.owner == owner,
        t.unmatched_study: t.unmatched_study.c.owner == owner,
        t.study_quality: t.study_quality.c.owner == owner,
        t.model_proposal: t.model_proposal.c.owner == owner,
        t.reconciliation: t.reconciliation.c.member == owner,
    }
    for table, owned in conditions.items():
        gone = await connection.execute(sa.delete(table).where(owned, table.c.study_instance_uid == uid))
        found.counts[table.name] += gone.rowcount
    payload = t.job.c.payload
    of_study = (payload["study"].as_string() == uid, payload["owner"].as_string() == owner)
    await connection.execute(sa.delete(t.job).where(*of_study))


async def erase_steps(connection: AsyncConnection, owner: str, accession_number: str, found: Findings) -> None:
    """Take away what modalities reported under the case's accession number."""
    p = dicom_performed_step.c
    gone = await connection.execute(sa.delete(dicom_performed_step).where(p.owner == owner, p.accession_number == accession_number))
    found.counts["dicom_performed_step"] += gone.rowcount


async def erase_quarantined(connection: AsyncConnection, owner: str, sha256: str, found: Findings) -> None:
    """Take away an object that could not be read or placed."""
    q = dicom_quarantine.c
    where = (q.owner == owner, q.sha256 == sha256)
    found.take(RecordedObject(*row) for row in (await connection.execute(sa.select(q.object_key, q.sha256).where(*where))).all())
    found.counts["dicom_quarantine"] += (await connection.execute(sa.delete(dicom_quarantine).where(*where))).rowcount


def _chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    left = iter(ids)
    while some := list(islice(left, CHUNK)):
        yield some
