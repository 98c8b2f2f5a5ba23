"""Cases that a device opens: a member may say that every ECG of its carts is a request."""

from __future__ import annotations

from telemed.domain.case import Case, CaseKind, Priority
from telemed.domain.errors import DomainError
from telemed.domain.people import Person, Role
from telemed.service.case_request import create_case, submit_case
from telemed.service.patients import Demographics
from telemed.service.ports.unit_of_work import UnitOfWork

CENTRE = "ecg"
CART = "ecg-cart"
"""Who stands in the history for what a device did."""

REASON = "心电图机自动上传"
"""The request's reason, in the language of the region's own texts."""


def cart_of(member: str) -> Person:
    """The member's carts as one who may make its requests; nobody can sign in as them."""
    return Person(CART, CART, member, frozenset({Role.MEMBER_STAFF}), frozenset({CENTRE}))


async def open_request(
    work: UnitOfWork, member: str, card: Demographics, accession_number: str = "", recording: str = "resting"
) -> Case | None:
    """A case made and sent in the member's name. None where the card or the number cannot be taken: a person has to look."""
    cart = cart_of(member)
    request = {"reason": REASON, "recording": recording}
    if accession_number and not await work.cases.with_accession(member, accession_number):
        request["accession_number"] = accession_number
    try:
        case = await create_case(work, cart, CENTRE, CaseKind.DIAGNOSIS, Priority.ROUTINE, card, request)
        return await submit_case(work, cart, case.id)
    except DomainError:
        return None
