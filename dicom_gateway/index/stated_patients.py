"""The patients that the instances of a study state. A study's own row is that of its first instance; another patient among the later
ones is not to be overlooked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dicom_gateway.header import InstanceHeader
from dicom_gateway.index.tables import dicom_stated_patient


class StatedPatient(NamedTuple):
    """Patient's Name, Patient ID, Patient's Birth Date and Patient's Sex as one instance has them; None where it has none."""

    name: str | None
    number: str | None
    birth_date: str | None
    sex: str | None

    @property
    def digest(self) -> str:
        return hashlib.sha256("\\".join(part or "" for part in self).encode("utf-8", "surrogatepass")).hexdigest()


def stated_by(header: InstanceHeader) -> StatedPatient:
    """Return the patient that the instance states."""
    return StatedPatient(*(header.study[name] for name in ("patient_name", "patient_id", "patient_birth_date", "patient_sex")))


def enter_stated_patients(connection: sa.Connection, stated: Iterable[tuple[int, StatedPatient]]) -> None:
    """Note patients of studies, given by number; those that are known are passed over. Rows are taken in the order of their keys."""
    rows = [
        {
            "study_id": study,
            "digest": patient.digest,
            "patient_name": patient.name,
            "patient_id": patient.number,
            "patient_birth_date": patient.birth_date,
            "patient_sex": patient.sex,
        }
        for study, patient in sorted(stated, key=lambda each: (each[0], each[1].digest))
    ]
    if rows:
        kind = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(kind.insert(dicom_stated_patient).on_conflict_do_nothing(), rows)


def stated_patients(connection: sa.Connection, study_id: int) -> list[StatedPatient]:
    """Return the patients that a study's instances state, in a fixed order."""
    s = dicom_stated_patient.c
    query = sa.select(s.patient_name, s.patient_id, s.patient_birth_date, s.patient_sex).where(s.study_id == study_id).order_by(s.digest)
    return [StatedPatient(*row) for row in connection.execute(query)]
