"""Who may see which studies: the cases' rule, said over the study index."""

from __future__ import annotations

import sqlalchemy as sa

from dicom_gateway.index import Scope, dicom_study
from telemed.adapters.database import tables as t
from telemed.adapters.database.queries.cases import visible_to
from telemed.domain.errors import Forbidden
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, relations, require


def study_scope(person: Person, action: str) -> Scope:
    """Return the reach of a signed-in person in DICOMweb, for `search`, `retrieve`, `store` or `worklist`.

    A member's people: what their institution sent. A hub's people: studies that are evidence of cases they may read.
    The operator may search (the metadata of all members) and not retrieve.
    """
    if action == "worklist":  # workitems are cases: whoever lists them asks the policy
        return Scope(sa.false(), person.institution)
    if action == "store":
        require(person, Action.EVIDENCE_STORE)
        return Scope(dicom_study.c.owner == person.institution, person.institution)
    wanted = Action.EVIDENCE_READ if action == "retrieve" or not person_sees_all(person) else Action.CASE_READ_METADATA
    allowed = relations(person, wanted)
    if not allowed:
        raise Forbidden(wanted)
    if Relation.FOREIGN in allowed:
        return Scope(sa.true())
    clauses: list[sa.ColumnElement[bool]] = []
    if Relation.OWN in allowed:
        clauses.append(dicom_study.c.owner == person.institution)
    if Relation.ROUTED in allowed:
        clauses.append(_evidence_of_visible_cases(person))
    return Scope(sa.or_(*clauses), person.institution if Relation.OWN in allowed else None)


def person_sees_all(person: Person) -> bool:
    return Relation.FOREIGN in relations(person, Action.CASE_READ_METADATA)


def _evidence_of_visible_cases(person: Person) -> sa.ColumnElement[bool]:
    return _evidence_of(visible_to(person, search=True))


def _evidence_of(cases: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Studies that are evidence of such cases; the case's member is the study's owner, or UIDs could be borrowed."""
    e, c = t.evidence.c, t.case.c
    same = sa.and_(e.study_instance_uid == dicom_study.c.study_instance_uid, c.member == dicom_study.c.owner)
    return sa.exists(sa.select(sa.literal(1)).select_from(t.evidence.join(t.case, c.id == e.case_id)).where(same, cases))


def device_scope(institution: str, is_hub: bool, character_set: str = "") -> Scope:
    """Return the reach of an institution's devices: they store as it, find and fetch what it sent, and a hub's also what it reads now."""
    own: sa.ColumnElement[bool] = dicom_study.c.owner == institution
    if not is_hub:
        return Scope(own, institution, character_set)
    routed = _evidence_of(sa.and_(t.case.c.hub == institution, t.case.c.status != "draft"))
    return Scope(sa.or_(own, routed), institution, character_set)
