"""Cases that a device opens in its institution's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from telemed.domain.case import Case, CaseKind, Priority
from telemed.domain.errors import DomainError
from telemed.domain.people import Person, Role
from telemed.service.case_request import create_case, submit_case
from telemed.service.patients import Demographics
from telemed.service.ports.unit_of_work import UnitOfWork


def device_person(name: str, member: str, centre: str) -> Person:
    """Return a member's devices as one who may make its requests to a centre; nobody can sign in as them."""
    return Person(name, name, member, frozenset({Role.MEMBER_STAFF}), frozenset({centre}))


async def open_request(
    work: UnitOfWork, device: Person, demographics: Demographics, request: Mapping[str, Any], accession_number: str = ""
) -> Case | None:
    """Make a case and send it in the member's name. None if the demographics or the number cannot be taken: a person has to look."""
    (centre,) = device.centres
    wanted = dict(request)
    if accession_number and not await work.cases.with_accession(device.institution, accession_number):
        wanted["accession_number"] = accession_number
    try:
        case = await create_case(work, device, centre, CaseKind.DIAGNOSIS, Priority.ROUTINE, demographics, wanted)
        return await submit_case(work, device, case.id)
    except DomainError:
        return None
