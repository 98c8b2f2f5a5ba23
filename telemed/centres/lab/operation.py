"""What an operator asks of the laboratory's traffic: who sends, who went silent, what lies aside; and a member's own orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from telemed.centres.lab.domain import LabMessage, MessageState, OpenMapping, Result, ResultStatus
from telemed.centres.lab.ports import LabMessages, Mappings
from telemed.domain.errors import FieldError, Forbidden, Invalid, NotFound
from telemed.domain.patient import Patient
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, may, relations, require
from telemed.service.ports.unit_of_work import UnitOfWork

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
QUIET_AFTER: Final = timedelta(hours=4)
"""A system that sent in the last week and not for so long is quiet: a laboratory's working morning (practice)."""
SILENT_AFTER: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)

PAGE: Final = 100
MAPPINGS: Final = 50
"""Codes of one page: each is compared with every test of the catalogue."""
READ_AT_ONCE: Final = 1500
"""Newest results that one page of orders is made of."""
ORDERS: Final = 60
LONGEST_REASON: Final = 500


CRITICAL: Final = ("LL", "HH")
OUTSIDE: Final = (*CRITICAL, "A", "L", "H")
"""Flags (HL7 table 0078) of what is out of range, the gravest first."""


class Standing(StrEnum):
    ACTIVE = "active"
    QUIET = "quiet"
    SILENT = "silent"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages of one sender. `aside` wait for a person; `refused` were not from here, in the last day."""

    sender: str
    last_at: datetime | None = None
    hour: int = 0
    day: int = 0
    week: int = 0
    aside: int = 0
    refused: int = 0

    def standing(self, now: datetime) -> Standing:
        if self.last_at is None:
            return Standing.NEVER
        silent = now - self.last_at
        if silent >= SILENT_AFTER:
            return Standing.SILENT
        return Standing.QUIET if silent >= QUIET_AFTER else Standing.ACTIVE


class MessageTraffic(Protocol):
    async def of_senders(self, senders: Sequence[str], now: datetime) -> list[Traffic]:
        """The traffic of these senders, and of nobody else."""
        ...

    async def aside(self, sender: str, state: MessageState, before: str, limit: int) -> list[LabMessage]:
        """Messages that were not accepted, newest first, those before the message of this id; without their content."""
        ...

    async def waiting(self) -> int:
        """Orders whose results have come and whose case is still looked for."""
        ...


class MemberOrders(Protocol):
    async def newest(self, member: str, before: datetime | None, limit: int) -> list[Result]:
        """A member's results by the time of their report, newest first; those reported before."""
        ...

    async def numbered(self, member: str, number: str, limit: int) -> list[Result]:
        """A member's results of this order number or patient number."""
        ...

    async def records(self, member: str, numbers: Sequence[str]) -> Mapping[str, Patient]:
        """The member's patients by their number there."""
        ...


@dataclass(slots=True)
class Order:
    """One order's results as a line of the member's board."""

    member: str
    number: str
    patient_number: str
    reported_at: datetime
    results: list[Result] = field(default_factory=list)

    @property
    def outside(self) -> list[Result]:
        """Results that are out of range, critical ones first."""
        found = [each for each in self.results if each.value.flag in OUTSIDE]
        return sorted(found, key=lambda each: (OUTSIDE.index(each.value.flag), each.name))

    @property
    def critical(self) -> int:
        return sum(each.value.flag in CRITICAL for each in self.results)

    @property
    def preliminary(self) -> int:
        return sum(each.status in (ResultStatus.PRELIMINARY, ResultStatus.REGISTERED) for each in self.results)

    @property
    def corrected(self) -> int:
        return sum(each.status in (ResultStatus.CORRECTED, ResultStatus.AMENDED) for each in self.results)


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Orders newest first; `next` is the time before which the following page begins, None where there is none."""

    orders: tuple[Order, ...]
    records: Mapping[str, Patient]
    next: datetime | None = None


def orders_of(results: Iterable[Result]) -> list[Order]:
    """Return results, newest first, as orders in the order of their newest result."""
    found: dict[tuple[str, str], Order] = {}
    for result in results:
        key = (result.order_number, result.patient_number)
        order = found.get(key)
        if order is None:
            order = found[key] = Order(result.member, result.order_number, result.patient_number, result.reported_at)
        if result.shown:
            order.results.append(result)
    return [order for order in found.values() if order.results]


async def orders_page(work: UnitOfWork, person: Person, number: str, before: datetime | None) -> OrderPage:
    """Return a page of the orders of the person's own institution. Raises Forbidden."""
    if not may(person, Action.RESULT_READ, Relation.OWN):
        raise Forbidden(Action.RESULT_READ)
    repository, member = work.repository(MemberOrders), person.institution
    if number:
        orders, following = orders_of(await repository.numbered(member, number, READ_AT_ONCE)), None
    else:
        results = await repository.newest(member, before, READ_AT_ONCE)
        orders, following = _cut(orders_of(results), whole=len(results) < READ_AT_ONCE)
    numbers = sorted({order.patient_number for order in orders if order.patient_number})
    return OrderPage(tuple(orders), await repository.records(member, numbers), following)


def _cut(orders: list[Order], *, whole: bool) -> tuple[list[Order], datetime | None]:
    """As many orders as a page has; the last one of a reading that was cut may lack results, and begins the next page."""
    most = min(ORDERS, len(orders) if whole else len(orders) - 1)
    if most >= len(orders) or most < 1:
        return orders, None
    return orders[:most], orders[most].reported_at + timedelta(microseconds=1)


def senders_for(person: Person, members: Iterable[str]) -> list[str]:
    """Return whose traffic a person sees: everybody's, or that of their own institution. Raises Forbidden."""
    allowed = relations(person, Action.MESSAGE_READ)
    if Relation.FOREIGN in allowed:
        return sorted(members)
    if Relation.OWN in allowed:
        return [person.institution]
    raise Forbidden(Action.MESSAGE_READ)


async def traffic_of(work: UnitOfWork, person: Person) -> list[Traffic]:
    """Return the traffic of every sender that the person may see. Raises Forbidden."""
    network = work.region.network
    entered = {each.institution for each in network.entities.values()}
    members = [code for code, each in network.institutions.items() if each.active and code in entered]
    return await work.repository(MessageTraffic).of_senders(senders_for(person, members), work.now)


async def waiting_orders(work: UnitOfWork, person: Person) -> int:
    """How many orders wait to find their case. Raises Forbidden."""
    require(person, Action.MESSAGE_READ)
    return await work.repository(MessageTraffic).waiting()


async def set_aside(work: UnitOfWork, person: Person, sender: str, state: MessageState, before: str) -> tuple[list[LabMessage], str | None]:
    """Messages that lie aside as metadata, newest first, and where the next page begins. Raises Forbidden."""
    allowed = relations(person, Action.MESSAGE_READ)
    if not allowed:
        raise Forbidden(Action.MESSAGE_READ)
    wanted = sender if Relation.FOREIGN in allowed else person.institution
    found = await work.repository(MessageTraffic).aside(wanted, state, before, PAGE + 1)
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


async def open_mappings(work: UnitOfWork, person: Person) -> list[OpenMapping]:
    """Codes that wait for a decision, those seen last first. Raises Forbidden."""
    require(person, Action.MAPPING_DECIDE)
    return await work.repository(Mappings).listed(True, MAPPINGS + 1)


async def open_message(work: UnitOfWork, person: Person, message_id: str, reason: str) -> LabMessage:
    """Return a message with its content, for a reason that is on record. Raises Forbidden, NotFound or Invalid."""
    require(person, Action.MESSAGE_OPEN)
    message = await work.repository(LabMessages).get(message_id)
    if message is None:
        raise NotFound("message", message_id)
    relation = Relation.OWN if message.sender == person.institution else Relation.FOREIGN
    if not may(person, Action.MESSAGE_OPEN, relation):
        raise NotFound("message", message_id)
    reason = reason.strip()
    if not reason:
        raise Invalid(FieldError("reason", "required"))
    detail = {"sender": message.sender, "reason": reason[:LONGEST_REASON]}
    work.outbox.audit(Action.MESSAGE_OPEN, person.username, person.institution, f"message/{message.id}", detail=detail)
    return message
