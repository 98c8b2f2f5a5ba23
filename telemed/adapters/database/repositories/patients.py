"""Patients, their numbers, and the master index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Recorder, insert_or_nothing
from telemed.domain.attestation import AttestedKind
from telemed.domain.patient import RESIDENT_ID, Identifier, Patient, Sex, normal_name

INDEX_LOCK = 0x7E1E_4ED2
"""PostgreSQL advisory lock of the patient index; SQLite has one writer anyway."""


class PatientTable(Recorder):
    async def add(self, patient: Patient) -> None:
        self._touched.note(AttestedKind.PATIENT, patient.id)
        await self._do(sa.insert(t.patient).values(_row(patient)))
        await self._put_identifiers(patient)

    async def save(self, patient: Patient) -> None:
        self._touched.note(AttestedKind.PATIENT, patient.id)
        await self._do(sa.update(t.patient).where(t.patient.c.id == patient.id).values(_row(patient)))
        await self._do(sa.delete(t.patient_identifier).where(t.patient_identifier.c.patient_id == patient.id))
        await self._put_identifiers(patient)

    async def _put_identifiers(self, patient: Patient) -> None:
        if patient.identifiers:
            rows = [{"patient_id": patient.id, "system": i.system, "value": i.value} for i in patient.identifiers]
            await self._do(sa.insert(t.patient_identifier), rows)

    async def get(self, patient_id: str) -> Patient | None:
        found = await self._load(t.patient.c.id == patient_id)
        return found[0] if found else None

    async def _load(self, where: sa.ColumnElement[bool], most: int = 50) -> list[Patient]:
        people = await self._all(sa.select(t.patient).where(where).order_by(t.patient.c.id).limit(most))
        ids = [p["id"] for p in people]
        numbers = await self._all(sa.select(t.patient_identifier).where(t.patient_identifier.c.patient_id.in_(ids))) if ids else []
        by_patient: dict[str, list[Identifier]] = {}
        for number in numbers:
            by_patient.setdefault(number["patient_id"], []).append(Identifier(number["system"], number["value"]))
        return [_patient(p, by_patient.get(p["id"], [])) for p in people]

    async def get_many(self, ids: Sequence[str]) -> list[Patient]:
        """The records with these ids, at most 200."""
        return await self._load(t.patient.c.id.in_(ids), 200) if ids else []

    async def of_person(self, master_id: str, member: str) -> list[Patient]:
        return await self._load(sa.and_(t.patient.c.master_id == master_id, t.patient.c.member == member))

    async def with_number(self, value: str) -> list[str]:
        """Ids of the records that carry this number in any system, at most 200."""
        query = sa.select(t.patient_identifier.c.patient_id).where(t.patient_identifier.c.value == value).limit(200)
        return list((await self._do(query)).scalars())

    async def known_to(self, member: str, identifiers: Sequence[Identifier]) -> list[Patient]:
        if not self._reading and self._connection.dialect.name == "postgresql":
            await self._do(sa.select(sa.func.pg_advisory_xact_lock(INDEX_LOCK)))
        if not identifiers:
            return []
        return await self._load(sa.and_(t.patient.c.member == member, t.patient.c.id.in_(self._carriers(identifiers))))

    def _carriers(self, identifiers: Sequence[Identifier]) -> sa.Select[Any]:
        numbers = t.patient_identifier
        fits = [sa.and_(numbers.c.system == i.system, numbers.c.value == i.value) for i in identifiers]
        return sa.select(numbers.c.patient_id).where(sa.or_(*fits))

    async def find_duplicates(self, patient: Patient) -> list[Patient]:
        fits: list[sa.ColumnElement[bool]] = []
        if number := patient.identifier(RESIDENT_ID):
            fits.append(t.patient.c.id.in_(self._carriers([Identifier(RESIDENT_ID, number)])))
        if patient.birth_date:
            same_name = t.patient.c.match_name == normal_name(patient.name)
            fits.append(sa.and_(same_name, t.patient.c.birth_date == patient.birth_date, t.patient.c.sex == patient.sex.value))
        if not fits:
            return []
        return await self._load(sa.and_(sa.or_(*fits), t.patient.c.id != patient.id))

    async def suggest(self, first: str, second: str, rule: str) -> None:
        low, high = sorted((first, second))
        values = {"first": low, "second": high, "rule": rule, "noted_at": datetime.now(UTC)}
        await self._do(insert_or_nothing(self._connection, t.patient_doubt).values(values))

    async def in_doubt(self, first: str, second: str) -> bool:
        low, high = sorted((first, second))
        this = (t.patient_doubt.c.first == low, t.patient_doubt.c.second == high, t.patient_doubt.c.settled_at.is_(None))
        return await self._one(sa.select(t.patient_doubt.c.first).where(*this)) is not None

    async def resolve_candidate(self, first: str, second: str, at: datetime) -> bool:
        low, high = sorted((first, second))
        this = sa.and_(t.patient_doubt.c.first == low, t.patient_doubt.c.second == high)
        await self._do(sa.update(t.patient_doubt).where(this, t.patient_doubt.c.settled_at.is_(None)).values(settled_at=at))
        return await self._one(sa.select(t.patient_doubt.c.first).where(this)) is not None

    async def under_master(self, master_id: str) -> list[Patient]:
        return await self._load(t.patient.c.master_id == master_id)

    async def merge(self, kept_master: str, joined_master: str) -> int:
        return await self._join(t.patient.c.master_id, kept_master, joined_master)

    async def merge_own(self, member: str, kept_master: str, joined_master: str) -> int:
        return await self._join(t.patient.c.local_master_id, kept_master, joined_master, t.patient.c.member == member)

    async def _join(self, level: sa.ColumnElement[Any], kept: str, joined: str, *whose: sa.ColumnElement[bool]) -> int:
        """Records under one master of this level go under the other; what was asked about two of them is settled."""
        moved = await self._do(sa.update(t.patient).where(level == joined, *whose).values({level: kept}))
        together = sa.select(t.patient.c.id).where(level == kept, *whose)
        settled = sa.and_(t.patient_doubt.c.first.in_(together), t.patient_doubt.c.second.in_(together))
        await self._do(sa.update(t.patient_doubt).where(settled).values(settled_at=datetime.now(UTC)))
        return moved.rowcount

    async def split(self, patient_id: str) -> None:
        """The record leaves its groups; where it gave a group its name, the others take the oldest of theirs."""
        for level in (t.patient.c.master_id, t.patient.c.local_master_id):
            heir = sa.select(sa.func.min(t.patient.c.id)).where(level == patient_id, t.patient.c.id != patient_id)
            if oldest := (await self._do(heir)).scalar_one():
                others = sa.and_(level == patient_id, t.patient.c.id != patient_id)
                await self._do(sa.update(t.patient).where(others).values({level: oldest}))
        alone = {"master_id": patient_id, "local_master_id": patient_id}
        await self._do(sa.update(t.patient).where(t.patient.c.id == patient_id).values(alone))


def _row(patient: Patient) -> dict[str, Any]:
    return {
        "id": patient.id,
        "master_id": patient.master_id,
        "local_master_id": patient.local_master_id or patient.id,
        "member": patient.member,
        "name": patient.name,
        "match_name": normal_name(patient.name),
        "sex": patient.sex.value,
        "birth_date": patient.birth_date,
        "phone": patient.phone,
    }


def _patient(row: Any, identifiers: list[Identifier]) -> Patient:
    facts = (row["id"], row["master_id"], row["member"], row["name"], Sex(row["sex"]), row["birth_date"])
    return Patient(*facts, tuple(identifiers), row["phone"], row["local_master_id"])
