"""Use cases of laboratory messages and results: who may see them, what becomes of an order's results, codes that people map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from telemed.centres.lab.domain import LabJob, LabMessage, MessageState, OpenMapping, Result, ResultCode
from telemed.centres.lab.ports import LabMessages, LabResults, Mappings, MessageFilter, SheetColumns
from telemed.domain.errors import FieldError, Forbidden, Invalid, NotFound
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, may, relations, require
from telemed.service.access import relation_to
from telemed.service.application import Application
from telemed.service.execution import query
from telemed.service.ports.unit_of_work import UnitOfWork

CODE: Final = "lab"
"""The centre's code."""

SYSTEM_OF_MEMBER: Final = "lab-system"
"""Who stands in the history for what a member's laboratory system did."""

RULES: Final = "lab-rules"
"""Who stands in the history for what the table of critical values found."""

MAX_RESULTS: Final = 2000
"""Results of one answer: ten years of a patient who is seen each month (practice)."""

PAGE: Final = 100


def _sender_for(person: Person, wanted: str) -> str:
    """Return whose messages this person sees: everybody's, or those of their own institution. Raises Forbidden, NotFound."""
    allowed = relations(person, Action.MESSAGE_READ)
    if Relation.FOREIGN in allowed:
        return wanted
    if not allowed:
        raise Forbidden(Action.MESSAGE_READ)
    if wanted not in ("", person.institution):
        raise NotFound("sender", wanted)
    return person.institution


async def messages_of(work: UnitOfWork, person: Person, wanted: MessageFilter, before: str) -> tuple[list[LabMessage], str | None]:
    """Messages as metadata, newest first, and where the next page begins. Raises Forbidden or NotFound."""
    wanted = wanted._replace(sender=_sender_for(person, wanted.sender))
    found = await work.repository(LabMessages).listed(wanted, before, PAGE + 1)
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


async def count_messages(work: UnitOfWork, person: Person, wanted: MessageFilter) -> int:
    """How many there are. Raises Forbidden or NotFound."""
    return await work.repository(LabMessages).count(wanted._replace(sender=_sender_for(person, wanted.sender)))


async def message_of(work: UnitOfWork, person: Person, message_id: str) -> LabMessage:
    """One message with its content, which is somebody's: the look is on record. Raises Forbidden or NotFound."""
    require(person, Action.MESSAGE_OPEN)
    message = await work.repository(LabMessages).get(message_id)
    if message is None:
        raise NotFound("message", message_id)
    relation = Relation.OWN if message.sender == person.institution else Relation.FOREIGN
    if not may(person, Action.MESSAGE_OPEN, relation):
        raise Forbidden(Action.MESSAGE_OPEN) if may(person, Action.MESSAGE_READ, relation) else NotFound("message", message_id)
    work.outbox.audit(Action.MESSAGE_OPEN, person.username, person.institution, f"message/{message.id}", detail={"sender": message.sender})
    return message


async def settle_replay(work: UnitOfWork, person: Person, message: LabMessage, reason: str) -> LabMessage:
    """Write down that a message which lay aside was read again: accepted, or with the reason why not."""
    message.state = MessageState.QUARANTINED if reason else MessageState.ACCEPTED
    message.reason, message.replayed_at = reason, work.now
    await work.repository(LabMessages).settle(message)
    detail = {"sender": message.sender, "state": message.state.value}
    work.outbox.audit(Action.MESSAGE_REPLAY, person.username, person.institution, f"message/{message.id}", detail=detail)
    return message


async def results_of(application: Application, person: Person, member: str, patient: str, code: str) -> list[Result]:
    """What is shown of a member's patient. Raises Forbidden, or NotFound where the person has no relation to the patient."""
    return await query(application, read_results, person, member, patient, code)


async def read_results(work: UnitOfWork, person: Person, member: str, patient: str, code: str) -> list[Result]:
    """As `results_of`, in a transaction that is there."""
    require(person, Action.RESULT_READ)
    if not await _may_see(work, person, member, patient):
        raise NotFound("patient", patient)
    return await work.repository(LabResults).of_patient(member, patient, code, MAX_RESULTS)


async def versions_of(work: UnitOfWork, person: Person, result_id: str) -> list[Result]:
    """Everything that was said of a result, oldest first. Raises Forbidden or NotFound."""
    require(person, Action.RESULT_READ)
    result = await work.repository(LabResults).get(result_id)
    if result is None or not await _may_see(work, person, result.member, result.patient_number):
        raise NotFound("result", result_id)
    return await work.repository(LabResults).versions(result_id)


async def _may_see(work: UnitOfWork, person: Person, member: str, patient: str) -> bool:
    """The member's own people see its patients' results; a hub's reader those of a patient whose case their hub has."""
    if person.institution == member:
        return may(person, Action.RESULT_READ, Relation.OWN)
    if not may(person, Action.RESULT_READ, Relation.ROUTED) or not patient:
        return False
    cases = await work.cases.of_patient(member, patient, work.now.replace(year=work.now.year - 1, day=1))
    for case in cases:
        if await relation_to(work, person, case) is Relation.ROUTED:
            return True
    return False


async def mappings_of(work: UnitOfWork, person: Person, open_only: bool) -> list[OpenMapping]:
    """Codes that wait for a decision, or all. Raises Forbidden."""
    require(person, Action.MAPPING_DECIDE)
    return await work.repository(Mappings).listed(open_only, MAX_RESULTS)


async def decide_mapping(work: UnitOfWork, person: Person, member: str, local: str, code: ResultCode) -> int:
    """Say which test a sender's code is, for what came and what comes. Return how many results it names. Raises Forbidden, NotFound."""
    require(person, Action.MAPPING_DECIDE)
    if not code.known:
        raise Invalid(FieldError("item", "no-such-test"))
    seen = await work.repository(Mappings).get(member, local)
    if seen is None:
        raise NotFound("code", local)
    await work.repository(Mappings).choose(member, local, code.wst886)
    named = await work.repository(LabResults).rename(member, local, seen.item, code)
    work.outbox.job(LabJob.CODE_MAPPED, {"member": member, "code": local}, key=f"lab-mapped:{member}:{local}")
    detail = {"member": member, "code": local, "item": code.wst886, "results": named}
    work.outbox.audit(Action.MAPPING_DECIDE, person.username, person.institution, f"lab-code/{member}", detail=detail)
    return named


async def sheet_columns_of(work: UnitOfWork, person: Person) -> Mapping[str, Any]:
    """Which columns of the person's institution's sheets hold what; empty where nobody has said so. Raises Forbidden."""
    require(person, Action.RESULT_ENTER)
    return await work.repository(SheetColumns).get(person.institution) or {}


async def map_sheet_columns(work: UnitOfWork, person: Person, columns: Mapping[str, Any]) -> None:
    """Say which columns of the person's institution's sheets hold what. Raises Forbidden."""
    require(person, Action.RESULT_ENTER)
    await work.repository(SheetColumns).put(person.institution, columns, work.now)
    work.outbox.audit(Action.RESULT_ENTER, person.username, person.institution, f"sheet-columns/{person.institution}")


async def note_sheet(work: UnitOfWork, person: Person, digest: str, results: int) -> None:
    """Put on record whose hand took a sheet over. Raises Forbidden."""
    require(person, Action.RESULT_ENTER)
    detail = {"digest": digest, "results": results}
    work.outbox.audit(Action.RESULT_ENTER, person.username, person.institution, "lab/messages", detail=detail)
