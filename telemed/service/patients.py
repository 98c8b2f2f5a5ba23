"""Patients: found by their numbers or made new, compared across members, merged and split by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from telemed.domain.errors import FieldError, Invalid, NotFound
from telemed.domain.patient import (
    RESIDENT_ID,
    Identifier,
    Match,
    Patient,
    Sex,
    compare,
    normal_name,
    resident_id_facts,
    resident_id_fault,
)
from telemed.domain.people import Person, Role
from telemed.domain.policy import Action, require
from telemed.domain.reconciliation import Reconciliation, Step
from telemed.service import patient_links
from telemed.service.identity import new_id
from telemed.service.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Demographics:
    """A patient's particulars as a member fills them in."""

    name: str
    sex: Sex
    birth_date: date | None = None
    identifiers: tuple[Identifier, ...] = ()
    phone: str = ""


def check_demographics(card: Demographics, member: str) -> None:
    """Raises Invalid: an empty name, a resident number that breaks its rule or contradicts the card, a foreign system."""
    errors: list[FieldError] = []
    if not card.name.strip():
        errors.append(FieldError("patient.name", "required"))
    seen: set[str] = set()
    for place, identifier in enumerate(card.identifiers):
        field = f"patient.identifiers.{place}"
        if identifier.system not in (RESIDENT_ID, member):
            errors.append(FieldError(f"{field}.system", "choice", f"{RESIDENT_ID} {member}"))
        if identifier.system in seen:
            errors.append(FieldError(f"{field}.system", "repeated"))
        seen.add(identifier.system)
        if identifier.system == RESIDENT_ID:
            errors.extend(_resident_id_errors(card, identifier.value, f"{field}.value"))
    if errors:
        raise Invalid(*errors)


def _resident_id_errors(card: Demographics, number: str, field: str) -> list[FieldError]:
    if fault := resident_id_fault(number):
        return [FieldError(field, f"resident-id-{fault}")]
    born, _sex = resident_id_facts(number)
    if card.birth_date and card.birth_date != born:
        return [FieldError("patient.birth_date", "contradicts-resident-id", born.isoformat())]
    return []


async def find_or_add(work: UnitOfWork, member: str, card: Demographics, actor: str) -> Patient:
    """The member's own record with one of these numbers, brought up to date, or a new one matched into the index.

    The member's own number of another person (other name) is refused: one number names one patient.
    """
    check_demographics(card, member)
    wanted = Patient(new_id(), "", member, card.name.strip(), card.sex, card.birth_date, card.identifiers, card.phone)
    for known in await work.patients.known_to(member, card.identifiers):
        if normal_name(known.name) == normal_name(wanted.name):
            merged = {i.system: i for i in (*known.identifiers, *card.identifiers)}
            if known.identifier(RESIDENT_ID) not in ("", merged.get(RESIDENT_ID, Identifier("", "")).value):
                continue
            updated = replace(
                known,
                sex=known.sex if card.sex is Sex.UNKNOWN else card.sex,
                birth_date=card.birth_date or known.birth_date,
                phone=card.phone or known.phone,
                identifiers=tuple(merged.values()),
            )
            if updated != known:
                await work.patients.save(updated)
                await _note_change(work, actor, known, updated)
            return updated
        if known.identifier(member) and known.identifier(member) == wanted.identifier(member):
            raise Invalid(FieldError("patient.identifiers", "number-of-another-patient"))
    return await _add_matched(work, wanted, actor)


async def find_known(work: UnitOfWork, person: Person, number: str) -> list[Patient]:
    """The own institution's records with this number: a resident number or the institution's own."""
    require(person, Action.PATIENT_FIND)
    number = number.strip()
    wanted = (Identifier(RESIDENT_ID, number.upper()), Identifier(person.institution, number))
    return list(await work.patients.known_to(person.institution, wanted))


async def correct_demographics(work: UnitOfWork, member: str, patient_id: str, card: Demographics, actor: str) -> Patient:
    """A draft's card was changed. A record that only this draft shows is corrected; else the card finds or makes its own."""
    check_demographics(card, member)
    known = await work.patients.get(patient_id)
    others = [p for p in await work.patients.known_to(member, card.identifiers) if p.id != patient_id]
    if known is None or others or await work.cases.count_with_patient(patient_id) > 1:
        return await find_or_add(work, member, card, actor)
    await work.patients.split(patient_id)
    wanted = Patient(patient_id, patient_id, member, card.name.strip(), card.sex, card.birth_date, card.identifiers, card.phone)
    patient, found = await _matched(work, wanted)
    await work.patients.save(patient)
    await _note_change(work, actor, known, patient)
    await _note(work, patient, found, actor)
    return patient


def _written(patient: Patient) -> dict[str, str]:
    """A record as it is written, by field; numbers by `number:` and their system."""
    born = patient.birth_date.isoformat() if patient.birth_date else ""
    plain = {"name": patient.name, "sex": patient.sex.value, "birth_date": born, "phone": patient.phone}
    return plain | {f"number:{number.system}": number.value for number in patient.identifiers}


async def _note_change(work: UnitOfWork, actor: str, was: Patient, now: Patient) -> None:
    """Keep what stood in the record and does not any more. What was empty is no loss."""
    old, new = _written(was), _written(now)
    lost = {name: value for name, value in old.items() if value and value != new.get(name, "")}
    if lost:
        after = {name: new.get(name, "") for name in lost}
        await work.reconciliations.note(
            Reconciliation(Step.CHANGE, work.now, actor, now.member, "", patient_id=now.id, before=lost, after=after)
        )


async def _add_matched(work: UnitOfWork, wanted: Patient, actor: str) -> Patient:
    patient, found = await _matched(work, wanted)
    await work.patients.add(patient)
    await _note(work, patient, found, actor)
    return patient


async def _matched(work: UnitOfWork, wanted: Patient) -> tuple[Patient, list[tuple[Patient, Match, str]]]:
    """The record under its master, and the records that are, or may be, the same person's, each with the verdict and the rule."""
    found: list[tuple[Patient, Match, str]] = []
    for other in await work.patients.find_duplicates(wanted):
        verdict, rule = compare(wanted, other)
        if verdict is not Match.DIFFERENT:
            found.append((other, verdict, rule))
    same = [other.master_id for other, verdict, _rule in found if verdict is Match.SAME]
    return replace(wanted, master_id=same[-1] if same else wanted.id), found


async def _note(work: UnitOfWork, patient: Patient, found: list[tuple[Patient, Match, str]], actor: str) -> None:
    """What may be the same person is for a person to look at; whose record a rule found to be the same is told."""
    for other, verdict, rule in found:
        if verdict is Match.POSSIBLE:
            await work.patients.suggest(patient.id, other.id, rule)
    same = [(other, rule) for other, verdict, rule in found if verdict is Match.SAME]
    await patient_links.tell_matched(work, patient, same, actor)


async def record_of(work: UnitOfWork, person: Person, patient_id: str) -> Patient:
    """The record, for its member's own people and the operator. Raises NotFound for anybody else."""
    patient = await work.patients.get(patient_id)
    if patient is None or not (person.has(Role.OPERATOR) or patient.member == person.institution):
        raise NotFound("patient", patient_id)
    return patient


async def merge_patients(work: UnitOfWork, person: Person, kept_id: str, joined_id: str, reason: str) -> Patient:
    """Two records are one person. Both keep what each member wrote.

    Of the operator: they share a master from now on, with all that is under it, and their members are told. Of a member: its
    own records alone are one person to it; what that would mean for records of others is a doubt for the operator.
    Raises Invalid where it is one record.
    """
    require(person, Action.PATIENT_MERGE)
    if kept_id == joined_id:
        raise Invalid(FieldError("joined", "repeated"))
    kept, joined = await record_of(work, person, kept_id), await record_of(work, person, joined_id)
    if person.has(Role.OPERATOR):
        was, now = joined.master_id, kept.master_id
        if was != now:
            await patient_links.tell_joined(work, person, kept, joined, reason)
            await work.patients.merge(now, was)
    else:
        was, now = joined.local_master_id, kept.local_master_id
        if was != now:
            await work.patients.merge_own(person.institution, now, was)
            await patient_links.doubt_beyond(work, kept, joined)
    if was != now:
        await _note_step(work, person, Step.MERGE, kept, reason, joined.id, {"master": was}, {"master": now})
    detail = {"joined": joined_id, "reason": reason, "was": was}
    work.outbox.audit(Action.PATIENT_MERGE, person.username, person.institution, f"patient/{kept_id}", detail=detail)
    return kept


async def split_patient(work: UnitOfWork, person: Person, patient_id: str, reason: str) -> None:
    """The record was not the same person after all: it is alone again, and no other record moves."""
    require(person, Action.PATIENT_MERGE)
    patient = await record_of(work, person, patient_id)
    await patient_links.tell_split(work, person, patient, reason)
    await work.patients.split(patient_id)
    was = patient.master_id if patient.master_id != patient.id else patient.local_master_id
    await _note_step(work, person, Step.SPLIT, patient, reason, before={"master": was}, after={"master": patient.id})
    detail = {"split": True, "reason": reason, "was": was}
    work.outbox.audit(Action.PATIENT_MERGE, person.username, person.institution, f"patient/{patient_id}", detail=detail)


async def names_in_doubt(work: UnitOfWork, person: Person, first_id: str, second_id: str) -> tuple[Patient, Patient]:
    """Return two records that a person has to compare, with their names; the look is on record for each.

    Raises NotFound where the two are in no doubt: names are shown to whoever has to decide, and no others.
    """
    require(person, Action.PATIENT_COMPARE)
    first, second = await record_of(work, person, first_id), await record_of(work, person, second_id)
    if not await work.patients.in_doubt(first.id, second.id):
        raise NotFound("doubt", f"{first_id} {second_id}")
    for record, other in ((first, second), (second, first)):
        work.outbox.audit(Action.PATIENT_COMPARE, person.username, person.institution, f"patient/{record.id}", detail={"other": other.id})
    return first, second


async def mark_distinct(work: UnitOfWork, person: Person, first_id: str, second_id: str, reason: str) -> None:
    """Two records that looked alike are two people: the question is not asked again."""
    require(person, Action.PATIENT_MERGE)
    first, second = await record_of(work, person, first_id), await record_of(work, person, second_id)
    if not await work.patients.resolve_candidate(first.id, second.id, work.now):
        raise NotFound("doubt", f"{first_id} {second_id}")
    await _note_step(work, person, Step.DIFFERENT, first, reason, second.id)
    detail = {"other": second.id, "different": True, "reason": reason}
    work.outbox.audit(Action.PATIENT_MERGE, person.username, person.institution, f"patient/{first.id}", detail=detail)


async def _note_step(
    work: UnitOfWork,
    person: Person,
    step: Step,
    record: Patient,
    reason: str,
    other: str = "",
    before: Mapping[str, str] = MappingProxyType({}),
    after: Mapping[str, str] = MappingProxyType({}),
) -> None:
    entry = Reconciliation(
        step, work.now, person.username, record.member, reason, patient_id=record.id, other_id=other, before=before, after=after
    )
    await work.reconciliations.note(entry)
