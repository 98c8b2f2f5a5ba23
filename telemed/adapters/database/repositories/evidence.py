"""Evidence in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from telemed.adapters.database import rows as r
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import Recorder
from telemed.domain.attestation import AttestedKind
from telemed.domain.evidence import Evidence, EvidenceType, FileAside
from telemed.domain.identity_of_evidence import Difference, IdentityFinding, StatedIdentity

i, f = t.evidence_identity.c, t.file_aside.c


class EvidenceTable(Recorder):
    async def add(self, evidence: Evidence) -> None:
        self._note(evidence)
        await self._do(sa.insert(t.evidence).values(r.evidence_to_row(evidence)))

    async def save(self, evidence: Evidence) -> None:
        self._note(evidence)
        await self._do(sa.update(t.evidence).where(t.evidence.c.id == evidence.id).values(r.evidence_to_row(evidence)))

    async def get(self, evidence_id: str) -> Evidence | None:
        row = await self._one(sa.select(t.evidence).where(t.evidence.c.id == evidence_id))
        return r.evidence_from_row(row) if row else None

    async def of_case(self, case_id: str) -> list[Evidence]:
        query = sa.select(t.evidence).where(t.evidence.c.case_id == case_id).order_by(t.evidence.c.added_at, t.evidence.c.id)
        return [r.evidence_from_row(row) for row in await self._all(query)]

    async def remove(self, evidence_id: str) -> None:
        removed = await self.get(evidence_id)
        if removed is not None:
            self._note(removed)
        await self._do(sa.delete(t.evidence_identity).where(i.evidence_id == evidence_id))
        await self._do(sa.delete(t.evidence).where(t.evidence.c.id == evidence_id))

    async def identities(self, case_ids: Sequence[str]) -> list[IdentityFinding]:
        if not case_ids:
            return []
        joined = t.evidence_identity.join(t.evidence, t.evidence.c.id == i.evidence_id)
        query = sa.select(t.evidence_identity).select_from(joined).where(t.evidence.c.case_id.in_(case_ids))
        return [_finding(row) for row in await self._all(query.order_by(t.evidence.c.added_at, i.evidence_id, i.number))]

    async def add_identity(self, finding: IdentityFinding) -> None:
        await self._do(sa.insert(t.evidence_identity).values(_finding_row(finding)))

    async def save_identity(self, finding: IdentityFinding) -> None:
        await self._do(sa.update(t.evidence_identity).where(*_this(finding)).values(_finding_row(finding)))

    async def drop_identity(self, finding: IdentityFinding) -> None:
        await self._do(sa.delete(t.evidence_identity).where(*_this(finding)))

    async def set_aside(self, file: FileAside) -> None:
        await self.remove(file.evidence.id)
        row = r.evidence_to_row(file.evidence)
        kept = {name: row[name] for name in ASIDE_PLAIN}
        said = {"member": file.member, "set_aside_by": file.set_aside_by, "set_aside_at": file.set_aside_at, "reason": file.reason}
        await self._do(sa.insert(t.file_aside).values(kept | said))

    async def aside(self, file_id: str) -> FileAside | None:
        row = await self._one(self._locked(sa.select(t.file_aside).where(f.id == file_id)))
        return _aside(row) if row else None

    async def all_aside(self, limit: int) -> list[FileAside]:
        query = sa.select(t.file_aside).order_by(f.set_aside_at.desc(), f.id.desc()).limit(limit)
        return [_aside(row) for row in await self._all(query)]

    async def take_up(self, file_id: str) -> None:
        await self._do(sa.delete(t.file_aside).where(f.id == file_id))

    def _note(self, evidence: Evidence) -> None:
        if evidence.key:  # a study's objects have their digests in the index of DICOM objects
            self._touched.note(AttestedKind.EVIDENCE, evidence.id)


ASIDE_PLAIN = ("id", "case_id", "type", "name", "media_type", "key", "size", "sha256", "facts", "added_by", "added_at")


def _this(finding: IdentityFinding) -> tuple[sa.ColumnElement[bool], ...]:
    return i.evidence_id == finding.evidence_id, i.number == finding.number


def _finding_row(finding: IdentityFinding) -> dict[str, Any]:
    plain = {name: getattr(finding, name) for name in ("evidence_id", "number", "found_at", "settled_by", "settled_at", "reason")}
    stated = json.dumps(finding.as_json(), sort_keys=True)
    return plain | {"stated": stated, "differs": [each.value for each in finding.differs]}


def _finding(row: sa.RowMapping) -> IdentityFinding:
    stated = StatedIdentity(**json.loads(row["stated"]))
    plain = (row["found_at"], row["settled_by"], row["settled_at"], row["reason"])
    return IdentityFinding(row["evidence_id"], row["number"], stated, tuple(map(Difference, row["differs"])), *plain)


def _aside(row: sa.RowMapping) -> FileAside:
    plain = {name: row[name] for name in ASIDE_PLAIN}
    evidence = Evidence(**plain | {"type": EvidenceType(row["type"])})
    return FileAside(evidence, row["member"], row["set_aside_by"], row["set_aside_at"], row["reason"])
