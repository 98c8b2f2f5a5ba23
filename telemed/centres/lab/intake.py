"""The intake of laboratory messages: each is taken once, answered once, and kept whatever becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Final, NamedTuple, Protocol

from telemed.centres.lab.domain import RESULTS, LabJob, LabMessage, MessageName, MessageState, OpenMapping, Result, merged
from telemed.centres.lab.ports import LabMessages, LabResults, Mappings
from telemed.domain.network import Network
from telemed.domain.people import SYSTEM
from telemed.service.identity import new_id
from telemed.service.ports.unit_of_work import UnitOfWork

MAX_REFUSED_A_DAY: Final = 1000
"""Messages of strangers that are kept of one address in a day: enough to see what is wrong."""

DUPLICATE_KEY: Final = "205"
TABLE_VALUE_NOT_FOUND: Final = "103"
"""Of HL7 table 0357, message error condition codes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a message was not taken: a condition of HL7 table 0357, what it says to a person, and where in the message.

    `rejected`: sending it again is of no use (AR); else it may be (AE).
    """

    condition: str
    text: str
    segment: str = ""
    field: int = 0
    rejected: bool = False


class Answering(Protocol):
    """Writes the answer to one message in its own manner: the code of MSA-1 and the bytes."""

    def __call__(self, fault: Fault | None) -> tuple[str, bytes]: ...


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as it was read, before anything was decided. Its bytes lie in its row, or under `key` where there is one.

    `results` have no identity yet.
    """

    application: str
    sender: str
    control_id: str
    type: str
    sha256: str
    size: int
    answer: Answering
    raw: bytes
    key: str = ""
    fault: Fault | None = None
    results: tuple[Result, ...] = ()

    @property
    def name(self) -> MessageName:
        return MessageName(self.application, self.sender, self.control_id)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end of a connection: the address, and the SHA-256 of the certificate that it showed (empty: none).

    `member` is set where the place itself says whose it is: a member's folder, or a person who is signed in.
    """

    address: str
    fingerprint: str = ""
    member: str = ""


@dataclass(slots=True)
class _Batch:
    """Messages of one transaction, those that are known already among them."""

    known: dict[MessageName, list[LabMessage]]
    new: list[LabMessage] = field(default_factory=list)
    accepted: list[tuple[Incoming, LabMessage]] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)


def obstacle_of(network: Network, sender: str, caller: Caller) -> Fault | None:
    """Return why a connection from this place does not speak for MSH-4; None where it does.

    An institution's messages come from where one of its entered devices may call from, or show that device's certificate.
    """
    institution = network.institutions.get(sender)
    if institution is None or not institution.active:
        return Fault(TABLE_VALUE_NOT_FOUND, f"MSH-4: {sender or 'nothing'} is no institution of this network", "MSH", 4, rejected=True)
    if caller.member:
        wrong = Fault(TABLE_VALUE_NOT_FOUND, f"MSH-4: {sender} does not send from the place of {caller.member}", "MSH", 4, rejected=True)
        return None if caller.member == sender else wrong
    devices = [each for each in network.entities.values() if each.institution == sender and network.entity(each.title) is not None]
    if any(not each.obstacle_to_call(caller.address, caller.fingerprint) for each in devices):
        return None
    where = f"{caller.address} is entered for no device of {sender}"
    return Fault(TABLE_VALUE_NOT_FOUND, f"MSH-4: {where}", "MSH", 4, rejected=True)


class Taken(NamedTuple):
    """The answer to a message, and why it was not taken; empty: it was."""

    answer: bytes
    reason: str = ""


async def take_messages(work: UnitOfWork, offered: Sequence[tuple[Incoming, Caller]]) -> list[Taken]:
    """Take messages in their order, in one transaction, and return what became of each.

    The same content under the same name has the answer that it had. Other content under a name that was accepted is kept aside. What
    cannot be read is kept aside with the reason. What comes from a stranger is refused, and on record up to a number a day.
    """
    messages = work.repository(LabMessages)
    batch = _Batch({})
    for known in await messages.known({each.name for each, _ in offered}):
        batch.known.setdefault(known.name, []).append(known)
    answers = [await _take(work, batch, incoming, caller) for incoming, caller in offered]
    if batch.new:
        _put_on_record(work, batch.new)
    await messages.add(batch.new)
    await take_results(work, [(message.id, incoming.results) for incoming, message in batch.accepted])
    for incoming, _ in batch.accepted:
        work.outbox.count(RESULTS.type, incoming.sender)
    return answers


async def _take(work: UnitOfWork, batch: _Batch, incoming: Incoming, caller: Caller) -> Taken:
    same_name = batch.known.setdefault(incoming.name, [])
    obstacle = obstacle_of(work.region.network, incoming.sender, caller)
    if obstacle is None:
        for known in same_name:
            if known.sha256 == incoming.sha256 and known.state is not MessageState.REFUSED:
                return _answer_again(known, incoming)
    fault, state = obstacle, MessageState.REFUSED
    if fault is None:
        fault, state = incoming.fault, MessageState.QUARANTINED
    if fault is None and any(known.state is MessageState.ACCEPTED for known in same_name):
        fault = Fault(DUPLICATE_KEY, f"MSH-10: {incoming.control_id} was accepted before, with other content", "MSH", 10)
    if fault is None:
        state = MessageState.ACCEPTED
    code, answer = incoming.answer(fault)
    message = LabMessage(
        id=new_id(),
        application=incoming.application,
        sender=incoming.sender,
        control_id=incoming.control_id,
        sha256=incoming.sha256,
        type=incoming.type,
        state=state,
        reason=fault.text if fault else "",
        answer_code=code,
        answer=answer,
        address=caller.address,
        received_at=work.now,
        size=incoming.size,
        raw=b"" if incoming.key else incoming.raw,
        key=incoming.key,
    )
    if state is MessageState.REFUSED and not await _may_be_kept(work, batch, message, same_name):
        return Taken(answer, message.reason)
    same_name.append(message)
    batch.new.append(message)
    if state is MessageState.ACCEPTED:
        batch.accepted.append((incoming, message))
    return Taken(answer, message.reason)


def _answer_again(known: LabMessage, incoming: Incoming) -> Taken:
    """The answer that it had; one that lay aside and was taken by a replay since is accepted now."""
    if known.state is MessageState.ACCEPTED and known.replayed_at is not None:
        return Taken(incoming.answer(None)[1])
    return Taken(known.answer, known.reason)


async def _may_be_kept(work: UnitOfWork, batch: _Batch, message: LabMessage, same_name: Iterable[LabMessage]) -> bool:
    if any(known.sha256 == message.sha256 and known.state is MessageState.REFUSED for known in same_name):
        return False
    if message.address not in batch.refused:
        since = work.now - timedelta(days=1)
        batch.refused[message.address] = await work.repository(LabMessages).refused_since(message.address, since)
    batch.refused[message.address] += 1
    return batch.refused[message.address] <= MAX_REFUSED_A_DAY


def _put_on_record(work: UnitOfWork, taken: Sequence[LabMessage]) -> None:
    """One record a batch: how many, the first and the last, and a digest over their digests in order. Their rows name the first."""
    for message in taken:
        message.batch = taken[0].id
    digest = sha256("\n".join(message.sha256 for message in taken).encode()).hexdigest()
    detail = {"messages": len(taken), "first": taken[0].id, "last": taken[-1].id, "digest": digest}
    work.outbox.audit("message:take", SYSTEM, "", "lab/messages", detail=detail)


async def take_results(work: UnitOfWork, said: Sequence[tuple[str, Sequence[Result]]]) -> None:
    """Merge what messages say of results, in their order, and have their orders looked at."""
    said = await _with_chosen_codes(work, said)
    repository = work.repository(LabResults)
    stand = dict(await repository.by_keys({result.key for _, results in said for result in results}))
    changes: list[Result] = []
    for message_id, results in said:
        for result in results:
            now = merged(stand.get(result.key), replace(result, message_id=message_id))
            if now is not None:
                stand[result.key] = now if now.id else replace(now, id=new_id())
                changes.append(stand[result.key])
    await repository.put(changes)
    look_at_orders(work, changes)


def look_at_orders(work: UnitOfWork, results: Iterable[Result]) -> None:
    """Have the orders of these results looked at: where they belong, and whether something is critical."""
    for member, order, patient in dict.fromkeys((each.member, each.order_number, each.patient_number) for each in results):
        payload = {"member": member, "order": order, "patient": patient}
        key = sha256("|".join(payload.values()).encode()).hexdigest()
        work.outbox.job(LabJob.RESULTS_ARRIVED, payload, key=f"lab-results:{key}")


async def _with_chosen_codes(work: UnitOfWork, said: Sequence[tuple[str, Sequence[Result]]]) -> Sequence[tuple[str, Sequence[Result]]]:
    """Give codes that a person mapped the code that was chosen; note the others for a decision."""
    unknown = [result for _, results in said for result in results if not result.code.known and result.code.local]
    if not unknown:
        return said
    mappings = work.repository(Mappings)
    chosen = await mappings.chosen({(each.member, each.code.local) for each in unknown})
    open_ones: dict[tuple[str, str], OpenMapping] = {}
    for each in unknown:
        name = (each.member, each.code.local)
        if name not in chosen:
            before = open_ones.get(name)
            seen = before.seen if before else 0
            about = (each.name, each.value.unit, each.specimen, each.value.range)
            open_ones[name] = OpenMapping(*name, *about, seen + 1, work.now, work.now)
    await mappings.note(list(open_ones.values()))

    def coded(result: Result) -> Result:
        item = chosen.get((result.member, result.code.local)) if not result.code.known else None
        return replace(result, code=replace(item, local=result.code.local)) if item else result

    return [(message_id, tuple(coded(result) for result in results)) for message_id, results in said]
