"""Use cases of single tubes: labelled, collected, given up, looked at, another patient's name on them settled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from dicom_gateway.person_name import readings
from telemed.centres.lab.specimens.access import CENTRE, specimen_for
from telemed.centres.lab.specimens.containers import CONTAINERS, Asked, containers_for
from telemed.centres.lab.specimens.domain import MAX_CONTAINERS, Box, Specimen, SpecimenEvent
from telemed.centres.lab.specimens.holds import Hold, Travelled, holds
from telemed.centres.lab.specimens.numbers import Barcode
from telemed.centres.lab.specimens.ports import Boxes, LogReader, Specimens
from telemed.domain.case import Case, CaseStatus
from telemed.domain.errors import FieldError, Invalid, InvalidTransition
from telemed.domain.identity_of_evidence import StatedIdentity, judge, known_patient
from telemed.domain.people import Person
from telemed.domain.policy import Action
from telemed.service.access import case_for
from telemed.service.ports.unit_of_work import UnitOfWork

NO_TUBES: Final = frozenset({CaseStatus.CANCELLED, CaseStatus.FAILED, CaseStatus.COMPLETED})
"""Nothing more is collected for a case that is over."""


class Wanted(NamedTuple):
    """A container that is asked for, with the tests of it."""

    kind: str
    items: tuple[str, ...] = ()


def propose(reader: LogReader, items: Sequence[str]) -> list[Asked]:
    """Return the containers that tests of the catalogue ask for, in the order of draw. Raises Invalid for what is no test."""
    found = reader.items(items)
    unknown = [FieldError(f"items.{place}", "no-test", items[place]) for place, codes in enumerate(found) if codes is None]
    if unknown:
        raise Invalid(*unknown)
    return containers_for([codes for codes in found if codes is not None])


def _checked(wanted: Sequence[Wanted]) -> None:
    if not wanted:
        raise Invalid(FieldError("containers", "required"))
    if len(wanted) > MAX_CONTAINERS:
        raise Invalid(FieldError("containers", "too-many", str(MAX_CONTAINERS)))
    known = ", ".join(CONTAINERS)
    faults = [FieldError(f"containers.{place}.kind", "choice", known) for place, each in enumerate(wanted) if each.kind not in CONTAINERS]
    if faults:
        raise Invalid(*faults)


async def register_specimens(
    work: UnitOfWork, person: Person, case_id: str, wanted: Sequence[Wanted], collected_at: datetime | None = None, request_key: str = ""
) -> list[Specimen]:
    """Give each container a number, in the order of draw. The same request (by its key) again gives the same numbers.

    Raises NotFound, Forbidden, InvalidTransition for a case that is over, Invalid.
    """
    case = await case_for(work, person, case_id, Action.SPECIMEN_REGISTER)
    if case.centre != CENTRE:
        raise Invalid(FieldError("case", "no-laboratory-case", case.accession_number))
    specimens = work.repository(Specimens)
    if request_key and (before := await specimens.of_request(case.id, request_key)):
        return before
    if case.status in NO_TUBES:
        raise InvalidTransition("case", case.status, "register")
    _checked(wanted)
    if collected_at is not None and collected_at > work.now:
        raise Invalid(FieldError("collected_at", "in-the-future"))
    day = work.now.astimezone(work.region.network.zone).date()
    made = []
    for each in sorted(wanted, key=lambda each: CONTAINERS[each.kind].order):
        number = await specimens.next_number(Barcode.SPECIMEN, day)
        tube = Specimen(number, case.id, case.member, each.kind, each.items, person.username, work.now, request_key)
        if collected_at is not None:
            _collect(tube, person, collected_at)
        made.append(tube)
    await specimens.add(made)
    work.outbox.step(case, person, SpecimenEvent.REGISTER, Action.SPECIMEN_REGISTER, {"times": len(made)})
    return made


def _collect(tube: Specimen, person: Person, at: datetime) -> None:
    tube.apply("collect")
    tube.collected_at, tube.collected_by = at, person.username


async def collect_specimen(work: UnitOfWork, person: Person, number: str, at: datetime | None = None) -> Specimen:
    """Say that the tube was filled. Again, it changes nothing. Raises NotFound, Forbidden, InvalidTransition, Invalid."""
    tube = await specimen_for(work, person, number, Action.SPECIMEN_COLLECT)
    if at is not None and at > work.now:
        raise Invalid(FieldError("at", "in-the-future"))
    if tube.collected_at is not None and tube.state.value in ("collected", "boxed"):
        return tube
    _collect(tube, person, at or work.now)
    await work.repository(Specimens).save(tube)
    _audit(work, person, Action.SPECIMEN_COLLECT, tube)
    return tube


async def uncollect_specimen(work: UnitOfWork, person: Person, number: str) -> Specimen:
    """Take a collection back. Raises NotFound, Forbidden, InvalidTransition."""
    tube = await specimen_for(work, person, number, Action.SPECIMEN_COLLECT)
    tube.apply("uncollect")
    tube.collected_at, tube.collected_by = None, ""
    await work.repository(Specimens).save(tube)
    _audit(work, person, Action.SPECIMEN_COLLECT, tube)
    return tube


async def void_specimen(work: UnitOfWork, person: Person, number: str) -> Specimen:
    """Say that a label is not used. Again, it changes nothing. Raises NotFound, Forbidden, InvalidTransition."""
    tube = await specimen_for(work, person, number, Action.SPECIMEN_REGISTER)
    if tube.state.value == "void":
        return tube
    tube.apply("void")
    await work.repository(Specimens).save(tube)
    _audit(work, person, Action.SPECIMEN_REGISTER, tube)
    return tube


def _audit(work: UnitOfWork, person: Person, action: Action, tube: Specimen) -> None:
    work.outbox.audit(action, person.username, person.institution, f"specimen/{tube.number}", detail={"status": tube.state.value})


class SpecimenView(NamedTuple):
    """A tube with its case, the boxes that it travelled in, and why its results are held."""

    specimen: Specimen
    case: Case | None
    boxes: tuple[Box, ...]
    holds: tuple[Hold, ...]


async def view_specimen(work: UnitOfWork, person: Person, number: str) -> SpecimenView:
    """Raises NotFound or Forbidden."""
    tube = await specimen_for(work, person, number, Action.SPECIMEN_READ)
    return (await view_specimens(work, [tube]))[0]


async def view_case_specimens(work: UnitOfWork, person: Person, case_id: str) -> list[SpecimenView]:
    """The tubes of a case. Raises NotFound or Forbidden."""
    await case_for(work, person, case_id, Action.SPECIMEN_READ)
    return await view_specimens(work, await work.repository(Specimens).of_case(case_id))


async def view_specimens(work: UnitOfWork, tubes: Sequence[Specimen]) -> list[SpecimenView]:
    """The tubes with why their results are held; a box counts with its whole way."""
    travelled = await work.repository(Boxes).travelled([tube.number for tube in tubes])
    cases = {case_id: await work.cases.get(case_id) for case_id in {tube.case_id for tube in tubes}}
    views = []
    for tube in tubes:
        ways = travelled.get(tube.number, [])
        found = holds(Travelled(tube, ways))
        views.append(SpecimenView(tube, cases[tube.case_id], tuple(ways), tuple(found)))
    return views


async def compare_label(work: UnitOfWork, tube: Specimen, stated: StatedIdentity) -> tuple[str, ...]:
    """Return what the tube's own label says otherwise than its case's patient is: name, sex, birth_date, identifiers."""
    case = await work.cases.get(tube.case_id)
    patient = await work.patients.get(case.patient.id) if case is not None else None
    if patient is None or stated.silent:
        return ()
    day = work.now.astimezone(work.region.network.zone).date()
    (judged,) = await asyncio.to_thread(judge, [(tube.number, stated)], known_patient(patient), day, readings)
    return tuple(each.value for each in judged.differs)


async def settle_label(work: UnitOfWork, person: Person, number: str, same_person: bool, reason: str) -> Specimen:
    """Say whether a tube with another patient's name is the case's after all; one that is not is rejected as doubtful (RI).

    Raises NotFound, Forbidden, InvalidTransition where there is nothing to settle.
    """
    tube = await specimen_for(work, person, number, Action.SPECIMEN_IDENTIFY)
    if not tube.differs:
        raise InvalidTransition("specimen", "identified", "identify")
    tube.differs = ()
    if not same_person:
        tube.apply("reject")
        tube.reason, tube.rejected_by, tube.rejected_at = "RI", person.username, work.now
    await work.repository(Specimens).save(tube)
    detail = {"same_person": same_person, "reason": reason}
    work.outbox.audit(Action.SPECIMEN_IDENTIFY, person.username, person.institution, f"specimen/{number}", detail=detail)
    return tube
