"""Attributes of a study that a person corrects: the index answers with what is right, and keeps what was received.

Objects are never changed. Queries go by the corrected values; metadata carry them together with the Original Attributes
Sequence (PS3.3 C.12.1.1.9). An instance that comes later does not undo a correction: a study's row is that of its first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from dicom_gateway.index.attributes import attribute_named
from dicom_gateway.index.names import fold_name
from dicom_gateway.index.recording import enter_name_keys, insert_new
from dicom_gateway.index.tables import dicom_correction, dicom_name_key, dicom_study

CORRECTABLE: Mapping[str, str] = {
    "PatientName": "patient_name",
    "PatientID": "patient_id",
    "PatientBirthDate": "patient_birth_date",
    "PatientSex": "patient_sex",
    "AccessionNumber": "accession_number",
}
"""Keywords and the columns of `dicom_study` that hold them: whose study it is, and which order it answers."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One attribute as it holds now (None: empty), and as it was received; `tag` as eight hex digits, `at` in UTC."""

    keyword: str
    tag: str
    vr: str
    value: str | None
    original: str | None
    at: datetime


def correct(connection: sa.Connection, study_id: int, values: Mapping[str, str], at: datetime) -> None:
    """Let `values` hold, by keywords of CORRECTABLE; empty ones make the attribute empty. What was received is kept once.

    The caller holds the transaction. Raises KeyError for an attribute that cannot be corrected.
    """
    columns = {CORRECTABLE[keyword]: value or None for keyword, value in values.items()}
    if not columns:
        return
    row = connection.execute(sa.select(dicom_study).where(dicom_study.c.id == study_id).with_for_update()).mappings().one()
    kept = insert_new(connection.dialect, dicom_correction, "study_id", "keyword")
    originals = [
        {"study_id": study_id, "keyword": keyword, "original": row[CORRECTABLE[keyword]], "corrected_at": at.astimezone(UTC)}
        for keyword in values
    ]
    connection.execute(kept, originals)
    _hold(connection, study_id, columns)


def restore(connection: sa.Connection, study_id: int) -> None:
    """Restore the values as received. The caller holds the transaction."""
    c = dicom_correction.c
    rows = connection.execute(sa.select(c.keyword, c.original).where(c.study_id == study_id)).all()
    if rows:
        connection.execute(dicom_correction.delete().where(c.study_id == study_id))
        _hold(connection, study_id, {CORRECTABLE[row.keyword]: row.original for row in rows})


def _hold(connection: sa.Connection, study_id: int, columns: Mapping[str, str | None]) -> None:
    """Write the columns, what follows from them, and that the study was corrected once more."""
    values: dict[str, Any] = {**columns, "revision": dicom_study.c.revision + 1}
    if "patient_name" in columns:
        values["patient_name_folded"] = fold_name(columns["patient_name"])
        connection.execute(dicom_name_key.delete().where(dicom_name_key.c.study_id == study_id))
        enter_name_keys(connection, {study_id: columns["patient_name"]})
    connection.execute(dicom_study.update().where(dicom_study.c.id == study_id).values(values))


def corrections(connection: sa.Connection, study_ids: Sequence[int]) -> dict[int, tuple[Correction, ...]]:
    """The corrections of these studies, by study; studies without one are left out."""
    if not study_ids:
        return {}
    c = dicom_correction.c
    query = sa.select(dicom_study, c.keyword, c.original, c.corrected_at).join_from(dicom_study, dicom_correction)
    found: dict[int, tuple[Correction, ...]] = {}
    for row in connection.execute(query.where(dicom_study.c.id.in_(study_ids)).order_by(c.keyword)).mappings():
        attribute = attribute_named(row["keyword"])
        if attribute is None:
            continue
        at = row["corrected_at"] if row["corrected_at"].tzinfo else row["corrected_at"].replace(tzinfo=UTC)
        now = row[CORRECTABLE[row["keyword"]]]
        one = Correction(attribute.keyword, attribute.tag, attribute.vr, now, row["original"], at)
        found[row["id"]] = (*found.get(row["id"], ()), one)
    return found
