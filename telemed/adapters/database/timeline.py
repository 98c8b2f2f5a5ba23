"""The timeline of a patient of whom somebody holds a case: conditions over cases and records."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from telemed.adapters.database import tables as t
from telemed.domain.case import HELD, CaseStatus
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, may


def records_in_hand(username: str) -> sa.Select[Any]:
    """Select the patient records that are the same person as one whose case this reader holds now: under the same master, or by the
    word of the record's own member."""
    held, mine, same = t.case.alias("held"), t.patient.alias("mine"), t.patient.alias("same")
    one_person = sa.or_(same.c.master_id == mine.c.master_id, same.c.local_master_id == mine.c.local_master_id)
    joined = held.join(mine, mine.c.id == held.c.patient_id).join(same, one_person)
    return sa.select(same.c.id).select_from(joined).where(held.c.claimed_by == username, held.c.status.in_(sorted(HELD)))


def earlier_for(person: Person) -> sa.ColumnElement[bool]:
    """The answered cases that the policy opens to this person while they hold another of the same patient."""
    if not may(person, Action.TIMELINE_READ, Relation.EARLIER):
        return sa.false()
    return sa.and_(t.case.c.status == CaseStatus.COMPLETED, t.case.c.patient_id.in_(records_in_hand(person.username)))
