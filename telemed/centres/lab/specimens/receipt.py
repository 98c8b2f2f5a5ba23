"""Use cases of the hub's bench: each tube of a box with its condition, tubes that were not on the manifest, rejection, reconciliation."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from telemed.centres.lab.specimens.access import arriving_specimen, box_for, specimen_for
from telemed.centres.lab.specimens.boxes import require_open
from telemed.centres.lab.specimens.domain import Box, Content, Specimen, SpecimenEvent
from telemed.centres.lab.specimens.ports import Boxes, Specimens
from telemed.centres.lab.specimens.registering import compare_label
from telemed.centres.lab.specimens.states import (
    REJECT_REASONS,
    SCANNED_IN,
    STEP_OF_CONDITION,
    BoxState,
    Condition,
    SpecimenState,
)
from telemed.domain.errors import FieldError, Invalid, InvalidTransition, NotFound
from telemed.domain.identity_of_evidence import StatedIdentity
from telemed.domain.people import Person
from telemed.domain.policy import Action
from telemed.service.ports.unit_of_work import UnitOfWork

NOT_STATED: Final = StatedIdentity()


class Found(NamedTuple):
    """How a tube was found: its condition, the reason of a rejection (table 0490), and whom its own label names."""

    condition: Condition
    reason: str = ""
    stated: StatedIdentity = NOT_STATED


def checked_reason(condition: Condition, reason: str) -> str:
    """Return the reason in capital letters. Raises Invalid where a rejection has none of table 0490."""
    code = reason.strip().upper()
    if condition is Condition.REJECTED and code not in REJECT_REASONS:
        raise Invalid(FieldError("reason", "choice", ", ".join(REJECT_REASONS)))
    return code if condition is Condition.REJECTED else ""


async def receive_specimen(work: UnitOfWork, person: Person, box_id: str, number: str, found: Found, version: str = "") -> Content:
    """Say in which condition a tube of a box came; one that was not on its manifest is received as unexpected.

    The same again changes nothing; another condition replaces the first until the box is reconciled. What its label says otherwise than
    its case is kept, and holds its results. Raises NotFound, Forbidden, StaleVersion, InvalidTransition, Invalid.
    """
    box = await box_for(work, person, box_id, Action.SPECIMEN_RECEIVE, version)
    reason = checked_reason(found.condition, found.reason)
    require_open(box, "receive-some")
    contents = await work.repository(Boxes).contents(box.id)
    tube = await arriving_specimen(work, person, box, number, contents)
    known = next((content for content in contents if content.number == number), None)
    differs = await compare_label(work, tube, found.stated)
    if known is not None and (known.condition, known.reason) == (found.condition, reason) and set(differs) <= set(tube.differs):
        return known
    if known is None and found.condition is Condition.MISSING:
        raise NotFound("specimen", number)
    content = known or Content(box.id, number, person.username, work.now, unexpected=True)
    if tube.box_id not in ("", box.id):
        await _leave(work, person, tube, box)
    _note(work, person, content, found.condition, reason)
    tube.differs = tuple(dict.fromkeys((*tube.differs, *differs)))
    _arrive(work, person, tube, box, content)
    await work.repository(Specimens).save(tube)
    await work.repository(Boxes).put_content(content)
    await _progress(work, box, [content if each.number == number else each for each in contents] + [content] * (known is None))
    await _tell(work, person, tube, content)
    return content


def _note(work: UnitOfWork, person: Person, content: Content, condition: Condition, reason: str) -> None:
    content.condition, content.reason = condition, reason
    content.condition_by, content.condition_at = person.username, work.now


def _arrive(work: UnitOfWork, person: Person, tube: Specimen, box: Box, content: Content) -> None:
    assert content.condition is not None
    step = STEP_OF_CONDITION[content.condition]
    if content.unexpected and step == "refuse":
        tube.apply("receive")
        step = "reject"
    if not (step == "refuse" and tube.state is SpecimenState.REJECTED) and not (step == "miss" and tube.state is SpecimenState.MISSING):
        tube.apply(step)
    tube.condition, tube.hub, tube.box_id = content.condition, box.hub, box.id
    rejected = content.condition is Condition.REJECTED
    tube.reason, tube.rejected_by, tube.rejected_at = (content.reason, person.username, work.now) if rejected else ("", "", None)
    here = content.condition is not Condition.MISSING
    tube.received_at, tube.received_by = (tube.received_at or work.now, person.username) if here else (None, "")


async def _leave(work: UnitOfWork, person: Person, tube: Specimen, found_in: Box) -> None:
    """The tube lies in another living box by its manifest: it is missing there, and the box says where it came to light."""
    boxes = work.repository(Boxes)
    other = await boxes.get(tube.box_id)
    if other is None:
        return
    contents = await boxes.contents(other.id)
    content = next((each for each in contents if each.number == tube.number), None)
    if content is None:
        return
    if other.state in SCANNED_IN:
        _note(work, person, content, Condition.MISSING, found_in.id)
        await boxes.put_content(content)
        if other.state is not BoxState.SENT:
            await _progress(work, other, contents)
    else:
        await boxes.drop_content(other.id, tube.number)


async def _progress(work: UnitOfWork, box: Box, contents: list[Content]) -> None:
    """Let the box be received, partly or wholly, as far as its manifest has conditions."""
    listed = [content for content in contents if not content.unexpected]
    known = [content for content in contents if content.condition is not None]
    waiting = [content for content in listed if content.condition is None]
    step = "receive-none" if not known else "receive-some" if waiting else "receive-all"
    box.apply(step)
    box.first_received_at = (box.first_received_at or work.now) if known else None
    box.received_at = None if waiting or not known else work.now
    await work.repository(Boxes).save(box)


async def _tell(work: UnitOfWork, person: Person, tube: Specimen, content: Content) -> None:
    """Write the receipt into the case's history and into the trail."""
    rejected = content.condition is Condition.REJECTED
    event = SpecimenEvent.REJECT if rejected else SpecimenEvent.RECEIVE
    action = Action.SPECIMEN_REJECT if rejected else Action.SPECIMEN_RECEIVE
    detail = {"number": tube.number, "status": content.condition.value if content.condition else ""}
    detail |= {"reason": content.reason} if content.reason else {}
    case = await work.cases.get(tube.case_id)
    if case is not None:
        work.outbox.event(case, event, person.username, detail)
    work.outbox.audit(action, person.username, person.institution, f"specimen/{tube.number}", detail=detail)


async def take_back(work: UnitOfWork, person: Person, box_id: str, number: str) -> Content:
    """Take the receipt of a tube back, as if it had not been scanned. Raises NotFound, Forbidden, InvalidTransition."""
    box = await box_for(work, person, box_id, Action.SPECIMEN_RECEIVE)
    require_open(box, "receive-some")
    contents = await work.repository(Boxes).contents(box.id)
    content = next((each for each in contents if each.number == number and each.condition is not None), None)
    tube = await work.repository(Specimens).get(number)
    if content is None or tube is None:
        raise NotFound("specimen", number)
    tube.apply("give-back" if content.unexpected else "unreceive")
    tube.condition, tube.received_at, tube.received_by, tube.differs = None, None, "", ()
    tube.reason, tube.rejected_by, tube.rejected_at = "", "", None
    tube.box_id = "" if content.unexpected else box.id
    await work.repository(Specimens).save(tube)
    await _drop_or_clear(work, content)
    left = [replace(each, condition=None) if each.number == number else each for each in contents]
    await _progress(work, box, [each for each in left if not (each.unexpected and each.number == number)])
    detail = {"number": number, "was": "received"}
    work.outbox.audit(Action.SPECIMEN_RECEIVE, person.username, person.institution, f"specimen/{number}", detail=detail)
    return content


async def _drop_or_clear(work: UnitOfWork, content: Content) -> None:
    if content.unexpected:
        await work.repository(Boxes).drop_content(content.box_id, content.number)
        return
    cleared = replace(content, condition=None, reason="", condition_by="", condition_at=None)
    await work.repository(Boxes).put_content(cleared)


async def reconcile_box(work: UnitOfWork, person: Person, box_id: str, version: str = "") -> Box:
    """Close the receipt: every tube of the manifest has a condition. Again, it changes nothing.

    Raises NotFound, Forbidden, StaleVersion, InvalidTransition.
    """
    box = await box_for(work, person, box_id, Action.SPECIMEN_RECEIVE, version)
    if box.state is BoxState.RECONCILED:
        return box
    box.apply("reconcile")
    box.ended_at, box.ended_by = work.now, person.username
    numbers = [content.number for content in await work.repository(Boxes).contents(box.id)]
    for tube in (await work.repository(Specimens).by_numbers(numbers)).values():
        if tube.box_id == box.id:
            tube.box_id = ""
            await work.repository(Specimens).save(tube)
    await work.repository(Boxes).save(box)
    detail = {"status": box.state.value, "hub": box.hub}
    work.outbox.audit(Action.SPECIMEN_RECEIVE, person.username, person.institution, f"box/{box.id}", detail=detail)
    return box


async def reject_specimen(work: UnitOfWork, person: Person, number: str, reason: str) -> Specimen:
    """Reject a tube, with a reason of table 0490: its sender before it left, the hub after it came. Again, it changes nothing.

    Raises NotFound, Forbidden, Invalid; InvalidTransition for a sender whose tube is on its way, and for a hub that has not received it.
    """
    tube = await specimen_for(work, person, number, Action.SPECIMEN_REJECT)
    code = checked_reason(Condition.REJECTED, reason)
    if tube.state is SpecimenState.REJECTED and tube.reason == code:
        return tube
    own = person.institution == tube.member
    if not own and tube.state is SpecimenState.RECEIVED and tube.hub != person.institution:
        raise InvalidTransition("specimen", f"received by {tube.hub}", "reject")
    tube.apply("withdraw" if own else "reject")
    tube.reason, tube.rejected_by, tube.rejected_at = code, person.username, work.now
    await work.repository(Specimens).save(tube)
    detail = {"number": tube.number, "reason": code, "status": tube.state.value}
    case = await work.cases.get(tube.case_id)
    if case is not None:
        work.outbox.event(case, SpecimenEvent.REJECT, person.username, detail)
    work.outbox.audit(Action.SPECIMEN_REJECT, person.username, person.institution, f"specimen/{number}", detail=detail)
    return tube
