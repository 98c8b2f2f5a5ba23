"""Rows that go with a case or with a patient's record, in every table, those of the centres too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.schema import metadata
from telemed.adapters.database.unit_of_work import SqlUnitOfWork
from telemed.adapters.retention.findings import REPORT, Findings, name_digest
from telemed.adapters.retention.study_rows import erase_steps, erase_studies_of_case
from telemed.adapters.stored_objects import StoredObjects
from telemed.domain.attestation import AttestedKind

NOT_OF_THE_CASE: Final = frozenset({"file_aside"})
"""Tables that name a case and are another person's: a file that was taken away from it."""

ATTESTED: Final = {
    AttestedKind.REPORT: sa.select(t.report.c.case_id, t.report.c.version).where(t.report.c.released_at.is_not(None)),
    AttestedKind.IDENTITY: sa.select(t.case.c.id).where(t.case.c.completed_at.is_not(None)),
    AttestedKind.CONSENT: sa.select(t.consent.c.id),
    AttestedKind.CRITICAL: sa.select(t.critical_value.c.id),
    AttestedKind.EVIDENCE: sa.select(t.evidence.c.id).where(t.evidence.c.key != ""),
}
"""What of a case the trail has digests of: it says that they are gone."""


async def erase_case(work: SqlUnitOfWork, sources: Sequence[StoredObjects], case_id: str, found: Findings) -> None:
    """Take away all rows of a case, and the patient's record with the last one. Nothing happens where it is gone."""
    connection, c = work.connection, t.case.c
    columns = (c.member, c.accession_number, c.patient_id)
    case = (await connection.execute(sa.select(*columns).where(c.id == case_id).with_for_update())).one_or_none()
    if case is None:
        return
    for source in sources:
        found.take(await source.of_case(connection, case_id))
    r = t.report.c
    released = sa.select(r.verification_code, r.pdf_sha256).where(r.case_id == case_id, r.released_at.is_not(None))
    found.names |= {(REPORT, name_digest(code), digest) for code, digest in (await connection.execute(released)).all() if code}
    for kind, rows in ATTESTED.items():
        named = rows.where(c.id == case_id) if kind is AttestedKind.IDENTITY else rows.where(sa.literal_column("case_id") == case_id)
        for key in (await connection.execute(named)).all():
            work.touched.note(kind, *key)
    await erase_studies_of_case(connection, case_id, case.member, found)
    await erase_steps(connection, case.member, case.accession_number, found)
    await _erase_rows(work, case_id, found)
    if not (await connection.execute(sa.select(c.id).where(c.patient_id == case.patient_id).limit(1))).first():
        await erase_patient(work, case.patient_id, found)


async def _erase_rows(work: SqlUnitOfWork, case_id: str, found: Findings) -> None:
    """Every table that names the case, what hangs on it first."""
    connection = work.connection
    there = await connection.run_sync(lambda sync: set(sa.inspect(sync).get_table_names()))
    naming = {table for table in metadata.sorted_tables if "case_id" in table.c and table.name not in NOT_OF_THE_CASE}
    for table in reversed([table for table in metadata.sorted_tables if table.name in there]):
        where = _goes_with(table, naming, case_id)
        if where is not None:
            found.counts[table.name] += (await connection.execute(sa.delete(table).where(where))).rowcount
    await connection.execute(sa.delete(t.job).where(t.job.c.payload["case_id"].as_string() == case_id))


def _goes_with(table: sa.Table, naming: set[sa.Table], case_id: str) -> sa.ColumnElement[bool] | None:
    """The condition of rows that go; None for a table that has none."""
    if table is t.case:
        return t.case.c.id == case_id
    if table in naming:
        return table.c.case_id == case_id
    for key in table.foreign_keys:
        if key.column.table in naming:
            return key.parent.in_(sa.select(key.column).where(key.column.table.c.case_id == case_id))
    return None


async def erase_patient(work: SqlUnitOfWork, patient_id: str, found: Findings) -> None:
    """Take away a patient's record that no case shows any more."""
    connection, p, d, c = work.connection, t.patient.c, t.patient_doubt.c, t.reconciliation.c
    await work.patients.split(patient_id)
    work.touched.note(AttestedKind.PATIENT, patient_id)
    gone: list[tuple[sa.Table, sa.ColumnElement[bool]]] = [
        (t.reconciliation, sa.or_(c.patient_id == patient_id, c.other_id == patient_id)),
        (t.patient_doubt, sa.or_(d.first == patient_id, d.second == patient_id)),
        (t.patient_identifier, t.patient_identifier.c.patient_id == patient_id),
        (t.patient, p.id == patient_id),
    ]
    for table, where in gone:
        found.counts[table.name] += (await connection.execute(sa.delete(table).where(where))).rowcount
