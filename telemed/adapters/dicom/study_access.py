"""Who may see which studies: the cases' rule, said over the study index."""

from __future__ import annotations

import sqlalchemy as sa

from dicom_gateway.index import Division, Scope, dicom_instance, dicom_study
from telemed.adapters.database import tables as t
from telemed.adapters.database.queries.cases import visible_to
from telemed.adapters.database.timeline import earlier_for
from telemed.adapters.dicom.case_instances import belongs_to, given_to, is_divided
from telemed.domain.case import Case
from telemed.domain.errors import Forbidden
from telemed.domain.metadata import METADATA_ATTRIBUTES
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, relations, require


def study_scope(person: Person, action: str) -> Scope:
    """Return the reach of a signed-in person in DICOMweb, for `search`, `retrieve`, `store` or `worklist`.

    A member's people: what their institution sent. A hub's people: of studies that are evidence of cases they may read, the
    instances that these cases received; so of answered cases of a patient of whom they hold one.
    The operator may search (the metadata of all members, by metadata alone) and not retrieve.
    """
    if action == "worklist":  # workitems are cases: whoever lists them asks the policy
        return Scope(sa.false(), person.institution, attributes=_shown_to(person))
    if action == "store":
        require(person, Action.EVIDENCE_STORE)
        return Scope(dicom_study.c.owner == person.institution, person.institution)
    wanted = Action.EVIDENCE_READ if action == "retrieve" or not person_sees_all(person) else Action.CASE_READ_METADATA
    allowed = relations(person, wanted)
    if not allowed:
        raise Forbidden(wanted)
    if Relation.FOREIGN in allowed:
        return Scope(sa.true(), attributes=METADATA_ATTRIBUTES)
    own = person.institution if Relation.OWN in allowed else None
    return _scope(own, sa.or_(visible_to(person, search=True), earlier_for(person)) if Relation.ROUTED in allowed else None)


def person_sees_all(person: Person) -> bool:
    return Relation.FOREIGN in relations(person, Action.CASE_READ_METADATA)


def _shown_to(person: Person) -> frozenset[str] | None:
    """The attributes of everybody's cases that this person sees; None for who sees their own cases whole, and no others."""
    return METADATA_ATTRIBUTES if person_sees_all(person) else None


def device_scope(institution: str, is_hub: bool, character_set: str = "") -> Scope:
    """Return the reach of an institution's devices: they store as it, find and fetch what it sent, and a hub's also what it reads now."""
    routed = sa.and_(t.case.c.hub == institution, t.case.c.status != "draft") if is_hub else None
    return _scope(institution, routed, character_set)


def case_scope(case: Case) -> Scope:
    """Return the reach of whoever is given the images of one case."""
    return _scope(None, t.case.c.id == case.id)


def _scope(own: str | None, cases: sa.ColumnElement[bool] | None, character_set: str = "") -> Scope:
    """What this institution sent, and what is evidence of these cases. The case's member is the study's owner, or UIDs could be
    borrowed; of a study that came for several cases each has its part."""
    s, e, c, x = dicom_study.c, t.evidence.c, t.case.c, t.case_instance.c
    owned = s.owner == own if own else sa.false()
    if cases is None:
        return Scope(owned, own, character_set)
    joined = t.evidence.join(t.case, c.id == e.case_id)
    of_cases = sa.select(sa.literal(1)).select_from(joined).where(e.study_instance_uid == s.study_instance_uid, c.member == s.owner, cases)
    received = sa.exists().where(x.case_id == e.case_id, x.study_instance_uid == e.study_instance_uid).correlate(t.evidence)
    evidence = sa.exists(of_cases.where(sa.or_(e.whole, received)).correlate(dicom_study))
    part = of_cases.where(sa.or_(given_to(e.case_id), sa.and_(e.whole, belongs_to(e.case_id)))).correlate(dicom_study, dicom_instance)
    division = Division(sa.and_(sa.not_(owned), is_divided()), sa.exists(part))
    return Scope(sa.or_(owned, evidence), own, character_set, division)
