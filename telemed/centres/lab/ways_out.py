"""Ways out: connections to members' systems, and messages that go over them, in their order, each until it is answered.

A message is sent until its own acknowledgement comes. One that is answered with an error waits for a person, one that is rejected is
not sent again; neither holds up those behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from telemed.centres.lab.domain import LabJob
from telemed.domain.case import Case
from telemed.domain.device import lies_outside
from telemed.domain.errors import FieldError, Invalid, NotFound
from telemed.domain.people import Person
from telemed.domain.policy import Action, require
from telemed.domain.report import Report
from telemed.domain.states import StateMachine, rows
from telemed.service.identity import new_id
from telemed.service.ports.unit_of_work import UnitOfWork

CODE: Final = "lab"
RESULTS: Final = "ORU^R01"

SENT_TYPES: Final = (RESULTS,)
"""Message types that a connection may be told to send."""

BACK_OFF: Final = (5, 30, 120, 600, 3600)
"""Seconds until the next try after so many failures in a row; the last one repeats (as jobs do)."""

HELD_FOR: Final = timedelta(minutes=5)
"""How long a connection is one worker's: longer than a message may wait for its answer. A worker that died loses it then."""

MAX_DELIVERIES: Final = 200


class DeliveryState(StrEnum):
    """What became of a message on its way: `held` waits for a person."""

    WAITING = "waiting"
    SENT = "sent"
    HELD = "held"
    REFUSED = "refused"


DELIVERY: Final = StateMachine(
    "delivery",
    rows("waiting", "accept", DeliveryState.SENT)
    | rows("waiting", "hold", DeliveryState.HELD)
    | rows("waiting", "refuse", DeliveryState.REFUSED)
    | rows("held refused", "send-again", DeliveryState.WAITING),
)

OUTCOMES: Final = {"AA": "accept", "CA": "accept", "AE": "hold", "CE": "hold", "AR": "refuse", "CR": "refuse"}
"""What an acknowledgement (MSA-1, HL7 table 0008) does to a message."""


@dataclass(slots=True)
class Connection:
    """A member's system that messages are sent to. `sends`: message types; `mode`: original or enhanced (HL7 v2.5.1 section 2.9).

    `authority`: certificates (PEM) of which its own must be; empty: those that the machine trusts. `failures` in a row, and the last one
    in words. `held_until`: one worker sends over it until then.
    """

    id: str
    member: str
    host: str
    port: int
    tls: bool
    authority: str
    sends: tuple[str, ...]
    character_set: str
    mode: str
    created_at: datetime
    paused: bool = False
    failures: int = 0
    error: str = ""
    next_at: datetime | None = None
    held_until: datetime | None = None
    sent_at: datetime | None = None


@dataclass(slots=True)
class Delivery:
    """One message on its way. `about` names what it tells of: the same thing is told once over a connection."""

    id: str
    connection_id: str
    about: str
    type: str
    control_id: str
    body: bytes
    created_at: datetime
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    answer_code: str = ""
    reason: str = ""
    settled_at: datetime | None = None


class WaysOut(Protocol):
    """Connections and what goes over them."""

    async def connections(self, member: str = "") -> list[Connection]: ...
    async def connection(self, connection_id: str) -> Connection | None:
        """Locked for the rest of a writing transaction."""
        ...

    async def at(self, member: str, host: str, port: int) -> Connection | None: ...
    async def put(self, connection: Connection) -> None: ...
    async def add(self, delivery: Delivery) -> None:
        """Put a message behind those that wait. The same thing is told once."""
        ...

    async def first(self, connection_id: str) -> Delivery | None:
        """The oldest that waits."""
        ...

    async def delivery(self, delivery_id: str) -> Delivery | None: ...
    async def save(self, delivery: Delivery) -> None: ...
    async def deliveries(self, connection_id: str, state: DeliveryState | None, limit: int) -> list[Delivery]:
        """Newest first, without their bytes."""
        ...

    async def waiting(self) -> dict[str, int]:
        """How many wait, by connection."""
        ...


def wake(work: UnitOfWork, connection_id: str, after: datetime | None = None) -> None:
    """Have what waits sent, now or later."""
    work.outbox.job(LabJob.SEND, {"connection": connection_id}, key=f"lab-out:{connection_id}", after=after)


async def on_released(work: UnitOfWork, case: Case, report: Report) -> None:
    """A report is the member's to have: it is told to the systems that the member has for it."""
    if case.centre == CODE and await work.repository(WaysOut).connections(case.member):
        payload = {"case": case.id, "version": report.version}
        work.outbox.job(LabJob.TELL_REPORT, payload, key=f"lab-report:{case.id}:{report.version}")


async def enter_connection(work: UnitOfWork, person: Person, wanted: Connection) -> Connection:
    """Enter a system, or change one that stands at this address. Raises Forbidden or Invalid."""
    require(person, Action.CONNECTION_MANAGE)
    institution = work.region.network.institutions.get(wanted.member)
    if institution is None or not institution.active:
        raise Invalid(FieldError("member", "no-institution"))
    wrong = [each for each in wanted.sends if each not in SENT_TYPES]
    if wrong or not wanted.sends:
        raise Invalid(FieldError("sends", "choice", ", ".join(SENT_TYPES)))
    if lies_outside(wanted.host, work.region.network):
        raise Invalid(FieldError("address", "address-outside", str(work.region.network.device_networks)))
    known = await work.repository(WaysOut).at(wanted.member, wanted.host, wanted.port)
    if known is not None:
        wanted.id, wanted.created_at, wanted.paused = known.id, known.created_at, known.paused
        wanted.sent_at = known.sent_at
    await work.repository(WaysOut).put(wanted)
    _on_record(work, person, wanted, "entered")
    wake(work, wanted.id)
    return wanted


def new_connection(
    work_now: datetime,
    member: str,
    host: str,
    port: int,
    sends: tuple[str, ...],
    character_set: str,
    mode: str,
    authority: str,
    *,
    tls: bool,
) -> Connection:
    """Return a connection that nobody has used yet."""
    return Connection(new_id(), member, host, port, tls, authority, sends, character_set, mode, work_now)


async def pause_connection(work: UnitOfWork, person: Person, connection_id: str, *, paused: bool) -> Connection:
    """Send nothing more over it, or go on. Others are not touched. Raises Forbidden or NotFound."""
    require(person, Action.CONNECTION_MANAGE)
    connection = await work.repository(WaysOut).connection(connection_id)
    if connection is None:
        raise NotFound("connection", connection_id)
    connection.paused, connection.failures, connection.next_at = paused, 0, None
    await work.repository(WaysOut).put(connection)
    _on_record(work, person, connection, "paused" if paused else "resumed")
    if not paused:
        wake(work, connection.id)
    return connection


async def connections_of(work: UnitOfWork, person: Person) -> tuple[list[Connection], dict[str, int]]:
    """All connections, and how many messages wait on each. Raises Forbidden."""
    require(person, Action.CONNECTION_MANAGE)
    ways = work.repository(WaysOut)
    return await ways.connections(), await ways.waiting()


async def deliveries_of(work: UnitOfWork, person: Person, connection_id: str, state: DeliveryState | None) -> list[Delivery]:
    """What went over a connection, newest first. Raises Forbidden or NotFound."""
    require(person, Action.CONNECTION_MANAGE)
    if await work.repository(WaysOut).connection(connection_id) is None:
        raise NotFound("connection", connection_id)
    return await work.repository(WaysOut).deliveries(connection_id, state, MAX_DELIVERIES)


async def send_again(work: UnitOfWork, person: Person, delivery_id: str) -> Delivery:
    """Send a message once more that was answered with an error or rejected. Raises Forbidden, NotFound, InvalidTransition."""
    require(person, Action.CONNECTION_MANAGE)
    delivery = await work.repository(WaysOut).delivery(delivery_id)
    if delivery is None:
        raise NotFound("delivery", delivery_id)
    delivery.state = DELIVERY.next(delivery.state, "send-again")
    delivery.reason, delivery.settled_at = "", None
    await work.repository(WaysOut).save(delivery)
    detail = {"type": delivery.type}
    work.outbox.audit(Action.CONNECTION_MANAGE, person.username, person.institution, f"delivery/{delivery.id}", detail=detail)
    wake(work, delivery.connection_id)
    return delivery


def _on_record(work: UnitOfWork, person: Person, connection: Connection, step: str) -> None:
    detail = {"member": connection.member, "step": step, "address": f"{connection.host}:{connection.port}", "tls": connection.tls}
    work.outbox.audit(Action.CONNECTION_MANAGE, person.username, person.institution, f"connection/{connection.id}", detail=detail)


async def begin_sending(work: UnitOfWork, connection_id: str) -> Connection | None:
    """Take a connection for this worker. None where nothing is to be sent now; somebody looks again where that is not for good."""
    connection = await work.repository(WaysOut).connection(connection_id)
    if connection is None or connection.paused:
        return None
    if connection.held_until is not None and connection.held_until > work.now:
        wake(work, connection_id, after=work.now + timedelta(seconds=BACK_OFF[0]))
        return None
    if connection.next_at is not None and connection.next_at > work.now:
        wake(work, connection_id, after=connection.next_at)
        return None
    connection.held_until = work.now + HELD_FOR
    await work.repository(WaysOut).put(connection)
    return connection


async def settle(work: UnitOfWork, delivery_id: str, code: str, reason: str) -> Delivery | None:
    """Write down the answer to a message, and return the next one that waits on its connection; None where there is none, or it was
    paused meanwhile."""
    ways = work.repository(WaysOut)
    delivery = await ways.delivery(delivery_id)
    if delivery is None:
        return None
    if DELIVERY.allows(delivery.state, OUTCOMES[code]):
        delivery.state = DELIVERY.next(delivery.state, OUTCOMES[code])
        delivery.attempts += 1
        delivery.answer_code, delivery.reason, delivery.settled_at = code, reason[:300], work.now
        await ways.save(delivery)
    connection = await ways.connection(delivery.connection_id)
    if connection is None or connection.paused:
        return None
    connection.failures, connection.error, connection.next_at = 0, "", None
    connection.sent_at, connection.held_until = work.now, work.now + HELD_FOR
    await ways.put(connection)
    return await ways.first(connection.id)


async def end_sending(work: UnitOfWork, connection_id: str, error: str = "", tried: str = "") -> None:
    """Give the connection back. After an error the same message is tried again, later each time."""
    ways = work.repository(WaysOut)
    connection = await ways.connection(connection_id)
    if connection is None:
        return
    connection.held_until = None
    if error:
        connection.error = error[:300]
        connection.next_at = work.now + timedelta(seconds=BACK_OFF[min(connection.failures, len(BACK_OFF) - 1)])
        connection.failures += 1
        wake(work, connection_id, after=connection.next_at)
    if tried and (delivery := await ways.delivery(tried)) is not None:
        delivery.attempts += 1
        await ways.save(delivery)
    await ways.put(connection)
    if not error and not connection.paused and await ways.first(connection_id) is not None:
        wake(work, connection_id)  # it came after the last look
