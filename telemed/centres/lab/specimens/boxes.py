"""Use cases of boxes: packed, made ready, given, taken, cancelled, lost, looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from telemed.centres.lab.specimens.access import CENTRE, box_for, relation_to_box, specimen_for
from telemed.centres.lab.specimens.domain import MAX_IN_BOX, NO_NAME, Box, BoxView, CaseName, Content, Handover, Side, Specimen
from telemed.centres.lab.specimens.numbers import Barcode
from telemed.centres.lab.specimens.ports import Boxes, BoxFilter, LogReader, Specimens, Temperatures
from telemed.centres.lab.specimens.states import BOX, BoxState
from telemed.domain.case import Case
from telemed.domain.errors import FieldError, Forbidden, Invalid, InvalidTransition, NotFound
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, may, relations, require
from telemed.service.ports.unit_of_work import UnitOfWork

PAGE: Final = 100
CLOCKS_APART: Final = timedelta(minutes=10)
"""A telephone's clock may run ahead by this much (practice); later is no time of a handover."""

ACTION_OF_STEP: Final[Mapping[str, Action]] = {
    "add": Action.SPECIMEN_PACK,
    "remove": Action.SPECIMEN_PACK,
    "ready": Action.SPECIMEN_SEND,
    "reopen": Action.SPECIMEN_SEND,
    "send": Action.SPECIMEN_SEND,
    "hand-over": Action.SPECIMEN_SEND,
    "cancel": Action.SPECIMEN_SEND,
    "take-over": Action.SPECIMEN_CARRY,
    "lose": Action.SPECIMEN_LOSE,
    "reconcile": Action.SPECIMEN_RECEIVE,
}
"""By step of the box's table: the action of the policy table."""


async def open_box(work: UnitOfWork, person: Person, reader: LogReader, hub: str, temperature: str, request_key: str = "") -> Box:
    """A new box to a hub of the laboratory. The same request (by its key) again gives the same box. Raises Forbidden, Invalid."""
    require(person, Action.SPECIMEN_PACK)
    boxes = work.repository(Boxes)
    if request_key and (before := await boxes.of_request(person.institution, request_key)):
        return before
    band = reader.band(temperature)
    faults = [] if band else [FieldError("temperature", "band", temperature)]
    if work.region.network.service(CENTRE, hub) is None or hub == person.institution:
        hubs = ", ".join(each.hub for each in work.region.network.hubs(CENTRE))
        faults.append(FieldError("to", "choice", hubs))
    if faults or band is None:
        raise Invalid(*faults)
    day = work.now.astimezone(work.region.network.zone).date()
    number = await work.repository(Specimens).next_number(Barcode.BOX, day)
    box = Box(number, person.institution, hub, temperature, *band, person.username, work.now, request_key)
    await boxes.add(box)
    _audit(work, person, Action.SPECIMEN_PACK, box)
    return box


def _audit(work: UnitOfWork, person: Person, action: Action, box: Box, **detail: object) -> None:
    detail = {"status": box.state.value, "hub": box.hub} | detail
    work.outbox.audit(action, person.username, person.institution, f"box/{box.id}", detail=detail)


async def add_specimen(work: UnitOfWork, person: Person, box_id: str, number: str, version: str = "") -> Specimen:
    """Put a tube into a box. One that was only labelled counts as collected now.

    Raises NotFound, Forbidden, StaleVersion; InvalidTransition where it is in a box already, has left, or the box is closed.
    """
    box = await box_for(work, person, box_id, Action.SPECIMEN_PACK, version)
    tube = await specimen_for(work, person, number, Action.SPECIMEN_PACK)
    box.apply("add")
    if len(await work.repository(Boxes).contents(box.id)) >= MAX_IN_BOX:
        raise Invalid(FieldError("number", "too-many", str(MAX_IN_BOX)))
    if tube.collected_at is None:
        tube.collected_at, tube.collected_by = work.now, person.username
    tube.apply("pack")
    tube.box_id = box.id
    await work.repository(Specimens).save(tube)
    await work.repository(Boxes).put_content(Content(box.id, number, person.username, work.now))
    await work.repository(Boxes).save(box)
    _audit(work, person, Action.SPECIMEN_PACK, box, number=number)
    return tube


async def remove_specimen(work: UnitOfWork, person: Person, box_id: str, number: str, version: str = "") -> Specimen:
    """Take a tube out of a box that is being packed. Raises NotFound, Forbidden, StaleVersion, InvalidTransition."""
    box = await box_for(work, person, box_id, Action.SPECIMEN_PACK, version)
    tube = await specimen_for(work, person, number, Action.SPECIMEN_PACK)
    if tube.box_id != box.id:
        raise NotFound("specimen", number)
    box.apply("remove")
    tube.apply("unpack")
    tube.box_id = ""
    await work.repository(Specimens).save(tube)
    await work.repository(Boxes).drop_content(box.id, number)
    await work.repository(Boxes).save(box)
    _audit(work, person, Action.SPECIMEN_PACK, box, number=number)
    return tube


async def _tubes(work: UnitOfWork, box: Box) -> list[Specimen]:
    """The tubes that a box holds, locked."""
    numbers = [content.number for content in await work.repository(Boxes).contents(box.id)]
    return [tube for tube in (await work.repository(Specimens).by_numbers(numbers)).values() if tube.box_id == box.id]


async def _move(work: UnitOfWork, tubes: list[Specimen], action: str, box_id: str | None = None) -> None:
    for tube in tubes:
        tube.apply(action)
        if box_id is not None:
            tube.box_id = box_id
        await work.repository(Specimens).save(tube)


async def make_ready(work: UnitOfWork, person: Person, box_id: str, version: str = "") -> Box:
    """Close a packed box. Again, it changes nothing. Raises NotFound, Forbidden, StaleVersion, InvalidTransition, Invalid if empty."""
    box = await box_for(work, person, box_id, Action.SPECIMEN_SEND, version)
    if box.state is BoxState.READY:
        return box
    box.apply("ready")
    if not await work.repository(Boxes).contents(box.id):
        raise Invalid(FieldError("specimens", "box-empty"))
    box.ready_at = work.now
    await work.repository(Boxes).save(box)
    _audit(work, person, Action.SPECIMEN_SEND, box)
    return box


async def reopen_box(work: UnitOfWork, person: Person, box_id: str, version: str = "") -> Box:
    """Open a box again that is ready and not given yet. Raises NotFound, Forbidden, StaleVersion, InvalidTransition."""
    box = await box_for(work, person, box_id, Action.SPECIMEN_SEND, version)
    box.apply("reopen")
    box.ready_at = None
    await work.repository(Boxes).save(box)
    _audit(work, person, Action.SPECIMEN_SEND, box)
    return box


async def give_box(
    work: UnitOfWork, person: Person, box_id: str, step: str, courier: str, seal: str, at: datetime | None = None, version: str = ""
) -> Box:
    """The giver's side: to a courier (`hand-over`), or to a carrier who confirms by its own number (`send`).

    The same word of the giver again changes nothing. Raises NotFound, Forbidden, StaleVersion, InvalidTransition, Invalid.
    """
    box = await box_for(work, person, box_id, Action.SPECIMEN_SEND, version)
    if await _said_before(work, box, Side.GIVEN, courier, seal):
        return box
    box.apply(step)
    box.sent_at = _moment(work, at)
    await _move(work, await _tubes(work, box), "send")
    await _hand(work, person, box, Side.GIVEN, courier, seal, box.sent_at)
    _audit(work, person, Action.SPECIMEN_SEND, box)
    return box


async def take_box(
    work: UnitOfWork, person: Person, box_id: str, courier: str, seal: str, at: datetime | None = None, version: str = ""
) -> Box:
    """The taker's side. What it says otherwise than the giver (courier, seal) stands with the box for everybody to see.

    The same word of the taker again changes nothing. Raises NotFound, Forbidden, StaleVersion, InvalidTransition, Invalid.
    """
    box = await box_for(work, person, box_id, Action.SPECIMEN_CARRY, version)
    if await _said_before(work, box, Side.TAKEN, courier, seal):
        return box
    box.apply("take-over")
    box.taken_at = _moment(work, at)
    await _hand(work, person, box, Side.TAKEN, courier, seal, box.taken_at)
    _audit(work, person, Action.SPECIMEN_CARRY, box)
    return box


async def untake_box(work: UnitOfWork, person: Person, box_id: str) -> Box:
    """Take a take-over back that was scanned by mistake. Raises NotFound, Forbidden, InvalidTransition."""
    box = await box_for(work, person, box_id, Action.SPECIMEN_CARRY)
    box.apply("untake")
    box.taken_at = None
    await work.repository(Boxes).drop_handover(box.id, Side.TAKEN.value)
    await work.repository(Boxes).save(box)
    _audit(work, person, Action.SPECIMEN_CARRY, box)
    return box


async def _said_before(work: UnitOfWork, box: Box, side: Side, courier: str, seal: str) -> bool:
    known = [each for each in await work.repository(Boxes).handovers(box.id) if each.side is side]
    return any((each.courier, each.seal) == (courier, seal) for each in known)


def _moment(work: UnitOfWork, at: datetime | None) -> datetime:
    if at is None:
        return work.now
    if at > work.now + CLOCKS_APART:
        raise Invalid(FieldError("at", "in-the-future"))
    return min(at, work.now)


async def _hand(work: UnitOfWork, person: Person, box: Box, side: Side, courier: str, seal: str, at: datetime) -> None:
    await work.repository(Boxes).add_handover(Handover(box.id, side, courier, seal, at, person.username, work.now))
    await work.repository(Boxes).save(box)


async def cancel_box(work: UnitOfWork, person: Person, box_id: str, reason: str, version: str = "") -> Box:
    """Give a box up that has not left: its tubes are free again. Raises NotFound, Forbidden, StaleVersion, InvalidTransition."""
    return await _end(work, person, box_id, ("cancel", "unpack"), Action.SPECIMEN_SEND, reason, version)


async def lose_box(work: UnitOfWork, person: Person, box_id: str, reason: str, version: str = "") -> Box:
    """Say that a box that left did not come: its tubes are missing, and their cases say so. Raises as `cancel_box`."""
    return await _end(work, person, box_id, ("lose", "lose"), Action.SPECIMEN_LOSE, reason, version)


async def _end(work: UnitOfWork, person: Person, box_id: str, steps: tuple[str, str], action: Action, reason: str, version: str) -> Box:
    box = await box_for(work, person, box_id, action, version)
    of_box, of_tubes = steps
    if box.state is BOX.table.get((BoxState.READY, of_box), BoxState.LOST) and box.reason == reason:
        return box
    tubes = await _tubes(work, box)
    box.apply(of_box)
    box.reason, box.ended_at, box.ended_by = reason, work.now, person.username
    await _move(work, tubes, of_tubes, "")
    await work.repository(Boxes).save(box)
    _audit(work, person, action, box, reason=reason)
    return box


def _bounds(person: Person) -> BoxFilter:
    """Whose boxes a person may see in lists. Raises Forbidden."""
    allowed = relations(person, Action.SPECIMEN_LIST)
    if Relation.FOREIGN in allowed:
        return BoxFilter()
    if Relation.OWN in allowed:
        return BoxFilter(member=person.institution)
    if Relation.ROUTED in allowed and CENTRE in person.centres:
        return BoxFilter(hub=person.institution)
    raise Forbidden(Action.SPECIMEN_LIST)


async def list_boxes(work: UnitOfWork, person: Person, states: frozenset[BoxState], before: str) -> tuple[list[Box], str | None]:
    """Boxes, the newest first, and where the next page begins. Raises Forbidden."""
    found = await work.repository(Boxes).listed(_bounds(person)._replace(states=states), before, PAGE + 1)
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


async def view_box(work: UnitOfWork, person: Person, reader: LogReader, box_id: str) -> BoxView:
    """A box with its tubes, handovers and temperature. Raises NotFound or Forbidden."""
    box = await box_for(work, person, box_id, Action.SPECIMEN_READ)
    boxes, temperatures = work.repository(Boxes), work.repository(Temperatures)
    contents = await boxes.contents(box.id)
    specimens = await work.repository(Specimens).by_numbers([content.number for content in contents])
    readings = await temperatures.readings(box.id)
    relation = relation_to_box(person, box)
    steps = [step for step, action in ACTION_OF_STEP.items() if BOX.allows(box.state, step) and may(person, action, relation)]
    return BoxView(
        box,
        contents,
        specimens,
        await boxes.handovers(box.id),
        await temperatures.logs(box.id),
        await reader.assess(readings, box.low, box.high),
        await _named(work, person, specimens),
        frozenset(steps),
    )


async def _named(work: UnitOfWork, person: Person, specimens: Mapping[str, Specimen]) -> dict[str, CaseName]:
    """Patients and accession numbers by case, of those cases that the person may read."""
    if not may(person, Action.CASE_READ) or (person.institution != _member_of(specimens) and CENTRE not in person.centres):
        return {}
    return await work.repository(Specimens).case_names({tube.case_id for tube in specimens.values()}, person.institution)


def _member_of(specimens: Mapping[str, Specimen]) -> str:
    return next((tube.member for tube in specimens.values()), "")


async def specimens_at_hand(work: UnitOfWork, person: Person) -> list[tuple[Specimen, CaseName]]:
    """The member's tubes in no box, each with its patient and accession number. Raises Forbidden."""
    require(person, Action.SPECIMEN_PACK)
    found = await work.repository(Specimens).at_hand(person.institution, PAGE)
    names = await _named(work, person, {tube.number: tube for tube in found})
    return [(tube, names.get(tube.case_id, NO_NAME)) for tube in found]


async def unlabelled_cases(work: UnitOfWork, person: Person) -> list[Case]:
    """The member's cases that have no tube yet. Raises Forbidden."""
    require(person, Action.SPECIMEN_REGISTER)
    return await work.repository(Specimens).unlabelled(person.institution, PAGE)


def require_open(box: Box, step: str) -> None:
    """Raises InvalidTransition where the box's table forbids the step."""
    if not BOX.allows(box.state, step):
        raise InvalidTransition("box", box.state, step)
