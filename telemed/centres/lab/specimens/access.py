"""Whose a box or a tube is, as the policy table asks."""

from __future__ import annotations

from typing import Final

from telemed.centres.lab.specimens.domain import Box, Content, Specimen
from telemed.centres.lab.specimens.ports import Boxes, Specimens
from telemed.centres.lab.specimens.states import HIDDEN_FROM_THE_HUB, SpecimenState
from telemed.domain.errors import Forbidden, NotFound, StaleVersion
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, may, require
from telemed.service.access import relation_to
from telemed.service.ports.unit_of_work import UnitOfWork

CENTRE: Final = "lab"


def relation_to_box(person: Person, box: Box) -> Relation:
    """Own: their institution sends it. Routed: it left for their hub, and they read the laboratory's cases."""
    if person.institution == box.member:
        return Relation.OWN
    if person.institution == box.hub and CENTRE in person.centres and box.state not in HIDDEN_FROM_THE_HUB:
        return Relation.ROUTED
    return Relation.FOREIGN


def require_on_box(person: Person, action: Action, box: Box) -> None:
    """Raises NotFound where the person may not know of the box, Forbidden where they may see it but not do this."""
    relation = relation_to_box(person, box)
    if may(person, action, relation):
        return
    if may(person, Action.SPECIMEN_READ, relation):
        raise Forbidden(action)
    raise NotFound("box", box.id)


async def box_for(work: UnitOfWork, person: Person, box_id: str, action: Action, version: str = "") -> Box:
    """Return the box, if the person may do this with it, and `version` (If-Match, empty: any) is that of now.

    Raises NotFound, Forbidden, StaleVersion.
    """
    require(person, action)
    box = await work.repository(Boxes).get(box_id)
    if box is None:
        raise NotFound("box", box_id)
    require_on_box(person, action, box)
    if version not in ("", "*", str(box.version)):
        raise StaleVersion(str(box.version))
    return box


async def relation_to_specimen(work: UnitOfWork, person: Person, specimen: Specimen) -> Relation:
    """Own: their institution's. Routed: its case is, or a box in which it travelled."""
    if person.institution == specimen.member:
        return Relation.OWN
    case = await work.cases.get(specimen.case_id)
    if case is not None and await relation_to(work, person, case) is Relation.ROUTED:
        return Relation.ROUTED
    for box in (await work.repository(Boxes).travelled([specimen.number])).get(specimen.number, []):
        if relation_to_box(person, box) is Relation.ROUTED:
            return Relation.ROUTED
    return Relation.FOREIGN


async def specimen_for(work: UnitOfWork, person: Person, number: str, action: Action) -> Specimen:
    """Return the tube, if the person may do this with it. Raises NotFound or Forbidden."""
    require(person, action)
    specimen = await work.repository(Specimens).get(number)
    if specimen is None:
        raise NotFound("specimen", number)
    relation = await relation_to_specimen(work, person, specimen)
    if may(person, action, relation):
        return specimen
    if may(person, Action.SPECIMEN_READ, relation):
        raise Forbidden(action)
    raise NotFound("specimen", number)


async def arriving_specimen(work: UnitOfWork, person: Person, box: Box, number: str, contents: list[Content]) -> Specimen:
    """Return a tube that lies on the bench with this box: on its manifest, of the same sender, or of a case that the hub has.

    Raises NotFound for any other, and for a label that is not used.
    """
    specimen = await work.repository(Specimens).get(number)
    if specimen is None or specimen.state is SpecimenState.VOID:
        raise NotFound("specimen", number)
    if any(content.number == number for content in contents) or specimen.member == box.member:
        return specimen
    if await relation_to_specimen(work, person, specimen) is Relation.ROUTED:
        return specimen
    raise NotFound("specimen", number)
