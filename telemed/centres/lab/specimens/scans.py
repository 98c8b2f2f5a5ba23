"""Use case of a scan: what the code is, which step is due there, done once, and taken back if it was a slip."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from telemed.centres.lab.specimens import boxes, receipt, registering
from telemed.centres.lab.specimens.access import box_for, specimen_for
from telemed.centres.lab.specimens.domain import Specimen, handover_differs
from telemed.centres.lab.specimens.numbers import Barcode, what_is
from telemed.centres.lab.specimens.ports import Boxes, Scans, Specimens
from telemed.centres.lab.specimens.scanning import Scan, Scanned, Station, Tone
from telemed.centres.lab.specimens.states import BoxState, Condition, SpecimenState
from telemed.domain.errors import Forbidden, Invalid, InvalidTransition, NotFound
from telemed.domain.people import Person
from telemed.domain.policy import Action
from telemed.service.application import Application
from telemed.service.execution import execute
from telemed.service.ports.unit_of_work import UnitOfWork

_ = str  # marks text for the translation catalogue

KEPT: Final = timedelta(days=30)
"""For so long a scan that comes again is known: a telephone may lie in a drawer over the holidays (practice)."""

WORDS: Final[Mapping[str, str]] = {
    "collected": _("Collected"),
    "packed": _("In the box"),
    "already-packed": _("Already in this box"),
    "other-box": _("In another box"),
    "choose-box": _("Scan a box first, or open a new one"),
    "box-in-hand": _("Box in hand"),
    "box-closed": _("This box is closed"),
    "not-taken-over": _("No courier has confirmed this box: confirm it first"),
    "received": _("Arrived"),
    "already-received": _("Already received"),
    "unexpected": _("Not on the manifest: received as unexpected"),
    "missing": _("Missing"),
    "rejected": _("Rejected"),
    "condition": _("Condition of the next tube"),
    "courier": _("Courier"),
    "choose-courier": _("Scan or write the courier first"),
    "taken-over": _("Taken over"),
    "already-taken": _("Taken over before"),
    "seal-differs": _("Taken over; the seal is not the one that was given"),
    "not-given": _("Not given yet: the sender must hand it over first"),
    "not-this-step": _("Nothing is to be done with it here"),
    "left": _("Has left already"),
    "unknown": _("Unknown code: lay it aside"),
    "not-found": _("No such number here: lay it aside"),
    "refused": _("Refused"),
    "undone": _("Taken back"),
}
"""By step: what is said of a scan."""


async def scan(application: Application, person: Person, station: Station, wanted: Scan) -> Scanned:
    """Do the step that is due and say what it was. The same scan again (by its id) says the same and does nothing.

    A refusal of the rules is an answer, not an error: the tube in the hand needs a word.
    """
    try:
        return await execute(application, _scan_once, person, station, wanted)
    except (NotFound, Forbidden):
        return _said(wanted, "not-found", Tone.CRITICAL)
    except (InvalidTransition, Invalid) as refusal:
        return _said(wanted, "refused", Tone.CRITICAL, facts=_why(refusal))


def _why(refusal: InvalidTransition | Invalid) -> dict[str, str]:
    """The state that forbids it, or the first fault."""
    if isinstance(refusal, InvalidTransition):
        return {"why": refusal.state}
    return {"field": refusal.errors[0].field, "fault": refusal.errors[0].code, "expected": refusal.errors[0].expected}


def _said(wanted: Scan, step: str, tone: Tone, **more: object) -> Scanned:
    kept: dict[str, object] = {"box": wanted.box, "condition": wanted.condition, "reason": wanted.reason, "courier": wanted.courier}
    return Scanned(wanted.id, wanted.code, step, tone, **(kept | more))  # type: ignore[arg-type]  # fields by name


async def _scan_once(work: UnitOfWork, person: Person, station: Station, wanted: Scan) -> Scanned:
    scans = work.repository(Scans)
    known = await scans.get(wanted.id)
    if known is not None:
        if await scans.person_of(wanted.id) != person.username:
            raise NotFound("scan", wanted.id)
        return known
    kind, text = what_is(wanted.code)
    step = STEPS.get((station, kind))
    said = _said(wanted, "unknown" if kind is Barcode.UNKNOWN else "not-this-step", Tone.CRITICAL)
    if step is not None:
        said = await step(work, person, wanted, text)
    await scans.put(said, person.username, work.now)
    await scans.forget(work.now - KEPT)
    return said


async def _pack(work: UnitOfWork, person: Person, wanted: Scan, number: str) -> Scanned:
    """At the member: collect a tube, and put it into the box in hand."""
    tube = await specimen_for(work, person, number, Action.SPECIMEN_PACK)
    facts = {"container": tube.container}
    if tube.box_id:
        step = "already-packed" if tube.box_id == wanted.box else "other-box"
        return _said(wanted, step, Tone.NEAR, specimen=number, facts=facts | {"box": tube.box_id})
    if tube.state not in (SpecimenState.REGISTERED, SpecimenState.COLLECTED):
        return _said(wanted, "left", Tone.CRITICAL, specimen=number, facts=facts)
    if wanted.box:
        await boxes.add_specimen(work, person, wanted.box, number)
        return _said(wanted, "packed", Tone.DONE, specimen=number, undo=True, facts=facts)
    if tube.state is SpecimenState.COLLECTED:
        return _said(wanted, "choose-box", Tone.NEAR, specimen=number, facts=facts)
    await registering.collect_specimen(work, person, number)
    return _said(wanted, "collected", Tone.DONE, specimen=number, undo=True, facts=facts)


async def _take_box_in_hand(work: UnitOfWork, person: Person, wanted: Scan, number: str) -> Scanned:
    box = await box_for(work, person, number, Action.SPECIMEN_PACK)
    if box.state is not BoxState.DRAFT:
        return _said(wanted, "box-closed", Tone.NEAR, box=box.id)
    return _said(wanted, "box-in-hand", Tone.DONE, box=box.id)


async def _open_arrival(work: UnitOfWork, person: Person, wanted: Scan, number: str) -> Scanned:
    """At the hub: the box whose tubes are scanned next."""
    box = await box_for(work, person, number, Action.SPECIMEN_RECEIVE)
    if box.state is BoxState.SENT:
        return _said(wanted, "not-taken-over", Tone.NEAR, box=box.id)
    return _said(wanted, "box-in-hand", Tone.DONE, box=box.id)


async def _receive(work: UnitOfWork, person: Person, wanted: Scan, number: str) -> Scanned:
    """At the hub: the tube in its condition, in the box in hand, or else in its own."""
    tube = await work.repository(Specimens).get(number)
    if tube is None:
        raise NotFound("specimen", number)
    box_id = wanted.box or tube.box_id
    if not box_id:
        return _said(wanted, "choose-box", Tone.NEAR, specimen=number)
    condition = Condition(wanted.condition)
    before = await _content_condition(work, box_id, number)
    content = await receipt.receive_specimen(work, person, box_id, number, receipt.Found(condition, wanted.reason))
    if before is condition:
        return _said(wanted, "already-received", Tone.NEAR, box=box_id, specimen=number)
    step = {Condition.MISSING: "missing", Condition.REJECTED: "rejected"}.get(condition, "received")
    tone = Tone.DONE if condition is Condition.GOOD else Tone.NEAR
    if content.unexpected:
        step, tone = ("unexpected" if step == "received" else step), Tone.NEAR
    facts = {"container": tube.container, "condition": condition.value, "reason": content.reason}
    return _said(wanted, step, tone, box=box_id, specimen=number, condition="good", reason="", undo=before is None, facts=facts)


async def _content_condition(work: UnitOfWork, box_id: str, number: str) -> Condition | None:
    contents = await work.repository(Boxes).contents(box_id)
    return next((content.condition for content in contents if content.number == number), None)


async def _set_condition(_work: UnitOfWork, _person: Person, wanted: Scan, text: str) -> Scanned:
    """At the hub: a printed card says how the next tube is."""
    word, _, reason = text.partition("-")
    return _said(wanted, "condition", Tone.DONE, condition=word.lower(), reason=reason)


async def _set_courier(_work: UnitOfWork, _person: Person, wanted: Scan, text: str) -> Scanned:
    return _said(wanted, "courier", Tone.DONE, courier=text)


async def _take_over(work: UnitOfWork, person: Person, wanted: Scan, number: str) -> Scanned:
    """At the courier: the taker's side of the handover."""
    box = await box_for(work, person, number, Action.SPECIMEN_CARRY)
    if box.state in (BoxState.DRAFT, BoxState.READY):
        return _said(wanted, "not-given", Tone.CRITICAL, box=box.id)
    if box.state is not BoxState.SENT:
        return _said(wanted, "already-taken", Tone.NEAR, box=box.id)
    if not wanted.courier:
        return _said(wanted, "choose-courier", Tone.NEAR, box=box.id)
    at = min(wanted.at, work.now) if wanted.at else None  # a telephone's clock may run ahead; what was done was done
    await boxes.take_box(work, person, number, wanted.courier, wanted.seal, at)
    view = await work.repository(Boxes).handovers(number)
    differs = handover_differs(view)
    if "seal" in differs:
        return _said(wanted, "seal-differs", Tone.NEAR, box=box.id, undo=True)
    return _said(wanted, "taken-over", Tone.DONE, box=box.id, undo=True)


Step = Callable[[UnitOfWork, Person, Scan, str], Awaitable[Scanned]]

STEPS: Final[Mapping[tuple[Station, Barcode], Step]] = {
    (Station.BOXES, Barcode.SPECIMEN): _pack,
    (Station.BOXES, Barcode.BOX): _take_box_in_hand,
    (Station.RECEIPT, Barcode.BOX): _open_arrival,
    (Station.RECEIPT, Barcode.SPECIMEN): _receive,
    (Station.RECEIPT, Barcode.CONDITION): _set_condition,
    (Station.COURIER, Barcode.BOX): _take_over,
    (Station.COURIER, Barcode.COURIER): _set_courier,
}
"""Where a code is scanned and what it is: the step that is due. What is not here is nothing to be done there."""


async def undo_scan(work: UnitOfWork, person: Person, scan_id: str) -> Scanned:
    """Take back what a scan did. Again, it changes nothing. Raises NotFound, Forbidden; InvalidTransition where it is too late."""
    scans = work.repository(Scans)
    known = await scans.get(scan_id)
    if known is None or await scans.person_of(scan_id) != person.username:
        raise NotFound("scan", scan_id)
    if known.undone:
        return known
    if not known.undo:
        raise InvalidTransition("scan", known.step, "undo")
    await _take_back(work, person, known)
    undone = replace(known, undone=True)
    await scans.put(undone, person.username, work.now)
    return undone


async def _take_back(work: UnitOfWork, person: Person, known: Scanned) -> Specimen | None:
    match known.step:
        case "collected":
            return await registering.uncollect_specimen(work, person, known.specimen)
        case "packed":
            return await boxes.remove_specimen(work, person, known.box, known.specimen)
        case "taken-over" | "seal-differs":
            await boxes.untake_box(work, person, known.box)
        case _:
            await receipt.take_back(work, person, known.box, known.specimen)
    return None
