"""Records of one person at several members: who is told when they are found, joined, doubted or taken apart.

A line goes into the history of the newest case that shows the record. It never says which other institution it is, nor who
acted there: that a patient is known elsewhere too is all that concerns the member. Only what a person decided rings the bell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from telemed.domain.events import CaseEvent
from telemed.domain.patient import Patient
from telemed.domain.people import SYSTEM, Person, Role
from telemed.domain.policy import Action
from telemed.service.ports.unit_of_work import UnitOfWork

JOINED_BY_ONE_MEMBER = "joined-by-one-member"
"""Rule of a doubt: a member says that two records of its own are one person, and another member's record goes with one of them."""


async def tell_matched(work: UnitOfWork, patient: Patient, same: Sequence[tuple[Patient, str]], actor: str) -> None:
    """A rule found these records to be of the same person: each other member that has one is told, once and quietly."""
    rules = {other.id: rule for other, rule in same}
    for other in _one_of_each_member(other for other, _rule in same if other.member != patient.member):
        rule = rules[other.id]
        await _tell(work, other, CaseEvent.PATIENT_MATCHED, SYSTEM, {"rule": rule})
        detail = {"other": patient.id, "rule": rule}
        work.outbox.audit(Action.PATIENT_MATCH, actor, patient.member, f"patient/{other.id}", detail=detail)


async def doubt_beyond(work: UnitOfWork, kept: Patient, joined: Patient) -> None:
    """A member joined two of its records: other members' records that go with one of them may go with the other as well."""
    for own, beside in ((joined, kept), (kept, joined)):
        if own.master_id == beside.master_id:
            continue
        for other in await work.patients.under_master(beside.master_id):
            if other.member != own.member:
                await work.patients.suggest(own.id, other.id, JOINED_BY_ONE_MEMBER)
                await _tell(work, other, CaseEvent.PATIENT_DOUBTED, SYSTEM, {})


async def tell_joined(work: UnitOfWork, operator: Person, kept: Patient, joined: Patient, reason: str) -> None:
    """The operator is about to join two masters: each member that has a record under one of them is told."""
    others = [record for master in (kept, joined) for record in await work.patients.under_master(master.master_id)]
    for record in _one_of_each_member([kept, joined, *others]):
        await _tell(work, record, CaseEvent.PATIENT_JOINED, operator.username, {"reason": reason})


async def tell_split(work: UnitOfWork, person: Person, patient: Patient, reason: str) -> None:
    """A record is about to leave its groups: the other members that have one there are told, and its own if the operator does it."""
    operator = person.has(Role.OPERATOR)
    others = [other for other in await work.patients.under_master(patient.master_id) if other.member != patient.member]
    actor, detail = (person.username, {"reason": reason}) if operator else (SYSTEM, {})
    for record in _one_of_each_member([*[patient] * operator, *others]):
        await _tell(work, record, CaseEvent.PATIENT_SPLIT, actor, detail)


def _one_of_each_member(records: Iterable[Patient]) -> list[Patient]:
    found: dict[str, Patient] = {}
    for record in records:
        found.setdefault(record.member, record)
    return list(found.values())


async def _tell(work: UnitOfWork, record: Patient, event: CaseEvent, actor: str, detail: Mapping[str, str]) -> None:
    case = await work.cases.newest_of_record(record.id)
    if case is not None:
        work.outbox.event(case, event, actor, detail)
