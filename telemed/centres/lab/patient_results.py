"""Whose results of a patient a person may see: their own institution's, those of a case that they read, and with an open case all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Protocol

from telemed.centres.lab.domain import LabMessage, Result
from telemed.centres.lab.ports import LabMessages, LabResults
from telemed.domain.case import Case, CaseStatus
from telemed.domain.errors import NotFound
from telemed.domain.patient import Identifier, Patient
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, may
from telemed.service.access import relation_to
from telemed.service.ports.unit_of_work import UnitOfWork

OPEN: Final = frozenset({CaseStatus.REQUESTED, CaseStatus.ACCEPTED, CaseStatus.IN_PROGRESS, CaseStatus.ON_HOLD})
"""States in which somebody asks, or answers, about the patient now."""

YEAR: Final = timedelta(days=366)
"""So long a hub that had a case of the patient sees that member's results (practice, as the reading panel does)."""

MOST: Final = 2000
"""Results of one view: ten years of a patient who is seen each month (practice)."""

Source = tuple[str, str]
"""A member, and the patient's number there."""


class PatientRecords(Protocol):
    async def same_person(self, patient: Patient) -> list[Patient]:
        """The records of one person: those under the same master, and those that their own member says are one."""
        ...

    async def cases_of(self, records: Sequence[str]) -> list[Case]:
        """Cases of these records that were sent and not cancelled, newest first, at most 100."""
        ...

    async def results_of(self, sources: Sequence[Source], limit: int) -> list[Result]:
        """What is shown of a person under these numbers, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class PatientResults:
    """A person's results as far as the reader may see them. `record` is None where no member has entered the patient.

    `elsewhere`: those of all institutions are among them, by this open case. `asks_consent`: the open case whose consent would open them.
    `truncated`: there are more than are shown.
    """

    id: str
    member: str
    number: str
    record: Patient | None
    sources: tuple[Source, ...] = ()
    results: tuple[Result, ...] = ()
    elsewhere: Case | None = None
    asks_consent: Case | None = None
    truncated: bool = False

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(member for member, _number in self.sources))


async def patient_results(work: UnitOfWork, person: Person, patient_id: str) -> PatientResults:
    """Return what this person may see of a patient, who is named by a record or by any result. Raises NotFound."""
    found = await _opened(work, person, patient_id)
    results = await work.repository(PatientRecords).results_of(found.sources, MOST + 1)
    return replace(found, results=tuple(results[:MOST]), truncated=len(results) > MOST)


@dataclass(frozen=True, slots=True)
class ResultHistory:
    """Everything that was said of a result, oldest first, each with the message that said it, where that is still known."""

    patient: PatientResults
    versions: tuple[Result, ...]
    messages: Mapping[str, LabMessage]


async def result_history(work: UnitOfWork, person: Person, result_id: str) -> ResultHistory:
    """Return what was said of a result. Raises NotFound where the person may not see its institution's results of the patient."""
    result = await work.repository(LabResults).get(result_id)
    if result is None:
        raise NotFound("result", result_id)
    found = await _opened(work, person, result_id)
    if (result.member, result.patient_number) not in found.sources:
        raise NotFound("result", result_id)
    versions = await work.repository(LabResults).versions(result_id)
    messages = {}
    for message_id in dict.fromkeys(version.message_id for version in versions):
        message = await work.repository(LabMessages).get(message_id)
        if message is not None:
            messages[message_id] = message
    return ResultHistory(found, tuple(versions), messages)


async def _opened(work: UnitOfWork, person: Person, patient_id: str) -> PatientResults:
    """The patient with the sources that this person may see, without results. Raises NotFound."""
    found = await _named(work, patient_id)
    if found is None:
        raise NotFound("patient", patient_id)
    records = [] if found.record is None else await work.repository(PatientRecords).same_person(found.record)
    cases = await work.repository(PatientRecords).cases_of([record.id for record in records])
    related = [(case, await relation_to(work, person, case)) for case in cases]
    everybody, asks_consent = await _elsewhere(work, person, related)
    mine = {person.institution} if may(person, Action.RESULT_READ, Relation.OWN) else set()
    if may(person, Action.RESULT_READ, Relation.ROUTED):
        recent = work.now - YEAR
        mine |= {case.member for case, relation in related if relation is Relation.ROUTED and case.created_at >= recent}
    if everybody is None and found.member not in mine:
        raise NotFound("patient", patient_id)
    sources = [(record.member, number) for record in records if (number := record.identifier(record.member))]
    sources = list(dict.fromkeys([(found.member, found.number), *sources]))
    allowed = tuple(source for source in sources if source[1] and (everybody is not None or source[0] in mine))
    return replace(found, sources=allowed, elsewhere=everybody, asks_consent=asks_consent)


async def _named(work: UnitOfWork, patient_id: str) -> PatientResults | None:
    """The patient of a record's id, or of a result's."""
    record = await work.patients.get(patient_id)
    if record is not None:
        return PatientResults(record.id, record.member, record.identifier(record.member), record)
    result = await work.repository(LabResults).get(patient_id)
    if result is None or not result.patient_number:
        return None
    member, number = result.member, result.patient_number
    known = await work.patients.known_to(member, [Identifier(member, number)])
    return PatientResults(known[0].id if known else patient_id, member, number, known[0] if known else None)


async def _elsewhere(work: UnitOfWork, person: Person, related: Sequence[tuple[Case, Relation]]) -> tuple[Case | None, Case | None]:
    """Return the open case by which this person sees the results of all institutions, or else the one whose consent is wanted for it.

    A hub sees them while it has the case; a member while its own case is open and the patient's consent to it is on record.
    """
    wanted: Case | None = None
    for case, relation in related:
        if case.status not in OPEN or not may(person, Action.RESULT_READ_ELSEWHERE, relation):
            continue
        if relation is Relation.ROUTED or await work.consents.of_case(case.id):
            return case, None
        wanted = wanted or case
    return None, wanted
