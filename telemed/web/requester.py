"""Who asked for a case, and where they are reached: for the reader who must tell somebody now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from telemed.domain.case import Case
from telemed.domain.forms import CONTACT_PHONE
from telemed.domain.network import Network


@dataclass(frozen=True, slots=True)
class Telephone:
    """A number as it was written, and as an address that a telephone dials (RFC 3966)."""

    number: str

    @property
    def address(self) -> str:
        return "tel:" + re.sub(r"[^0-9+]", "", self.number)


@dataclass(frozen=True, slots=True)
class Requester:
    """`name` is empty where a device asked. `phone` is the number of the request; a number that is not known is None."""

    name: str
    phone: Telephone | None
    institution_phone: Telephone | None


def _telephone(number: str) -> Telephone | None:
    return Telephone(number) if re.search(r"[0-9]", number) else None


def requester_of(case: Case, network: Network, people: Mapping[str, str]) -> Requester:
    """Return who made the request. `people` are names by user name, without those of software."""
    institution = network.institutions.get(case.member)
    phone = _telephone(str(case.request.get(CONTACT_PHONE.name, "")))
    return Requester(people.get(case.created_by, ""), phone, _telephone(institution.phone) if institution else None)
