"""Pieces of evidence, and whom they state, as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from telemed.domain.evidence import Evidence
from telemed.domain.identity_of_evidence import IdentityFinding
from telemed.service.archives import LeftOut
from telemed.web.api.shapes import Shape
from telemed.web.problems import from_domain


class StatedPatientShape(Shape):
    """The patient as a file states them; what it does not state is empty."""

    name: str
    sex: str
    birth_date: str
    number: str
    age_years: float | None


class SettlementShape(Shape):
    by: str
    at: datetime
    reason: str


class FurtherIdentityShape(Shape):
    """`differs` names what differs from the case's patient, or from other files of the case: name, sex, birth_date, identifiers."""

    file: StatedPatientShape
    differs: list[str]
    settled: SettlementShape | None
    settled_by: str | None


class IdentityShape(FurtherIdentityShape):
    """Where a study states several patients, the one that most needs a look; `others` are the others."""

    others: list[FurtherIdentityShape] = msgspec.field(default_factory=list)


class EvidenceShape(Shape):
    id: str
    case_id: str
    type: str
    name: str
    media_type: str
    size: int
    sha256: str
    added_by: str
    added_at: datetime
    study_instance_uid: str | None
    instances: int
    facts: dict[str, Any]
    identity: IdentityShape | None = None


class LeftOutShape(Shape):
    """A file of an archive that was not taken, and why."""

    name: str
    detail: str


class EvidenceListShape(Shape):
    """Evidence of a case."""

    items: list[EvidenceShape]
    next: str | None = None


class SentEvidenceShape(EvidenceListShape):
    """Evidence that something sent became; of an archive also what was left out of it."""

    left_out: list[LeftOutShape] = msgspec.field(default_factory=list)


def left_out_shapes(left_out: Sequence[LeftOut]) -> list[LeftOutShape]:
    """What was left out of an archive, in the reader's words."""
    return [LeftOutShape(name=each.name[-120:], detail=from_domain(each.error).document()["detail"]) for each in left_out]


def evidence_shape(evidence: Evidence, findings: Sequence[IdentityFinding] = ()) -> EvidenceShape:
    """A piece of evidence with what it states of the patient, of all that is stated in the case."""
    plain = {name: getattr(evidence, name) for name in EvidenceShape.__struct_fields__ if name not in ("type", "identity")}
    own = sorted((f for f in findings if f.evidence_id == evidence.id), key=lambda f: (not f.open, not f.differs, f.number))
    identity = None
    if own:
        first, *others = own
        identity = IdentityShape(**_identity_fields(first), others=[FurtherIdentityShape(**_identity_fields(each)) for each in others])
    return EvidenceShape(**plain, type=evidence.type.value, identity=identity)


def _identity_fields(finding: IdentityFinding) -> dict[str, Any]:
    settled = None
    if finding.settled_by is not None and finding.settled_at is not None:
        settled = SettlementShape(by=finding.settled_by, at=finding.settled_at, reason=finding.reason)
    stated = {name: getattr(finding.stated, name) for name in StatedPatientShape.__struct_fields__}
    differs = [each.value for each in finding.differs]
    return {"file": StatedPatientShape(**stated), "differs": differs, "settled": settled, "settled_by": finding.settled_by}
