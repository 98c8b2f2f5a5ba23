"""Messages to members' systems: sent until their own answer comes, in order, once; errors go to a person, refusals are not repeated."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import sqlalchemy as sa

from telemed.adapters.application import SqlApplication
from telemed.adapters.database.tables import region_setting
from telemed.adapters.jobs.worker import Handler, Worker
from telemed.centres.lab import ways_out
from telemed.centres.lab.adapters.delivery import Deliveries
from telemed.centres.lab.adapters.report_messages import ReportMessages
from telemed.centres.lab.domain import LabJob
from telemed.centres.lab.ways_out import DELIVERY, OUTCOMES, Connection, Delivery, DeliveryState
from telemed.domain.errors import Forbidden, Invalid, InvalidTransition, NotFound
from telemed.service.ports.region import DEMONSTRATION
from tests.demo_region import free_port
from tests.telemed.harness import Harness
from tests.telemed.lab_intake.receivers import Receiver
from tests.telemed.moments import Clock

ANSWER_SECONDS = 0.3
"""Short: a silent receiver is silent for so long in real time."""


@pytest.fixture
def out(application: SqlApplication) -> Callable[[], Awaitable[None]]:
    """Do what is due for the worker."""
    handlers = {
        LabJob.TELL_REPORT: Handler(ReportMessages(application)),
        LabJob.SEND: Handler(Deliveries(application, ANSWER_SECONDS), long=True),
    }

    async def done() -> None:
        worker = Worker(application, handlers)
        while await worker.once():
            await worker.finish()

    return done


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    opened = Receiver()
    yield opened
    await opened.close()


async def connect(harness: Harness, port: int, member: str = "CLINIC1", mode: str = "original") -> Connection:
    wanted = ways_out.new_connection(
        harness.application.now(), member, "127.0.0.1", port, ("ORU^R01",), "UNICODE UTF-8", mode, "", tls=False
    )
    entered: Connection = await harness.do("operator", ways_out.enter_connection, wanted)
    return entered


async def signed(harness: Harness, text: str = "钾偏高，请复查。", by: str = "clinic1") -> str:
    case = await harness.claimed("lab", "lab.huba", by=by)
    await harness.save(case.id, "lab.huba", {"interpretation": text})
    await harness.sign(case.id, "lab.huba")
    return case.id


async def state_of(harness: Harness, connection: Connection) -> list[tuple[str, int]]:
    """State and attempts of what went over it, oldest first."""
    found: list[Delivery] = await harness.ask("operator", ways_out.deliveries_of, connection.id, None)
    return [(each.state.value, each.attempts) for each in reversed(found)]


Out = Callable[[], Awaitable[None]]


@pytest.mark.database
async def test_a_signed_report_goes_to_the_members_system_once(harness: Harness, out: Out, receiver: Receiver) -> None:
    connection = await connect(harness, await receiver.listen())
    await signed(harness)
    await out()
    (told,) = receiver.got
    text = told.decode()
    assert "钾偏高，请复查。" in text
    assert "|ORU^R01^ORU_R01|" in text
    assert "|TELEMED|HUBA|" in text
    assert "P00001^^^CLINIC1^MR" in text
    assert await state_of(harness, connection) == [("sent", 1)]
    await out()
    assert len(receiver.got) == 1


async def test_an_amended_report_is_another_message_and_says_so(harness: Harness, out: Out, receiver: Receiver) -> None:
    from telemed.domain.report import VersionKind
    from telemed.service import reporting

    await connect(harness, await receiver.listen())
    case_id = await signed(harness)
    await harness.do("lab.huba", reporting.new_version, case_id, VersionKind.AMENDMENT, "更正", {"interpretation": "钾正常。"})
    await harness.sign(case_id, "lab.huba")
    await out()
    assert len(set(receiver.control_ids)) == 2
    assert "|||||C|" in receiver.got[1].decode()
    assert "钾正常" in receiver.got[1].decode()


async def test_other_centres_reports_and_members_without_a_connection_send_nothing(harness: Harness, out: Out, receiver: Receiver) -> None:
    await connect(harness, await receiver.listen(), "CLINIC2")
    await harness.signed("ecg", "ecg.huba")
    await signed(harness)
    await out()
    assert receiver.got == []


@pytest.mark.database
async def test_a_silent_peer_a_wrong_id_and_then_its_own_answer(harness: Harness, out: Out, clock: Clock, receiver: Receiver) -> None:
    answers = iter([None, b"AA|WRONG"])
    receiver.answering = lambda _, control: next(answers, b"AA|" + control)
    connection = await connect(harness, await receiver.listen())
    await signed(harness)
    await out()
    assert len(receiver.got) == 1
    await out()
    assert len(receiver.got) == 1  # it backs off
    clock.forward(seconds=6)
    await out()
    assert len(receiver.got) == 2
    clock.forward(seconds=6)
    await out()
    assert len(receiver.got) == 2  # longer each time
    clock.forward(seconds=31)
    await out()
    assert len(receiver.got) == 3
    assert len(set(receiver.control_ids)) == 1
    assert receiver.lines == 3  # a late answer is not heard by the next try
    assert await state_of(harness, connection) == [("sent", 3)]
    clock.forward(hours=5)
    await out()
    assert len(receiver.got) == 3


@pytest.mark.database
async def test_a_peer_that_is_gone_for_an_hour_gets_all_in_order_once(harness: Harness, out: Out, clock: Clock) -> None:
    port = free_port()
    connection = await connect(harness, port)
    for n in range(3):
        await signed(harness, f"报告{n}")
        await out()
        clock.forward(minutes=20)
    assert await state_of(harness, connection) == [("waiting", 3), ("waiting", 0), ("waiting", 0)]
    back = Receiver()
    await back.listen(port)
    clock.forward(hours=2)
    await out()
    assert [next(n for n in range(3) if f"报告{n}" in each.decode()) for each in back.got] == [0, 1, 2]
    assert {state for state, _ in await state_of(harness, connection)} == {"sent"}
    await back.close()


@pytest.mark.parametrize(("code", "state"), [("AE", "held"), ("CE", "held"), ("AR", "refused"), ("CR", "refused")])
async def test_an_error_goes_to_a_person_and_a_refusal_is_not_repeated_and_neither_holds_up_the_next(
    code: str, state: str, harness: Harness, out: Out, clock: Clock, receiver: Receiver
) -> None:
    receiver.answering = lambda before, control: (code.encode() if not before else b"AA") + b"|" + control + b"|no such patient"
    connection = await connect(harness, await receiver.listen())
    await signed(harness, "报告0")
    await signed(harness, "报告1")
    await out()
    clock.forward(hours=5)
    await out()
    assert len(receiver.got) == 2
    assert await state_of(harness, connection) == [(state, 1), ("sent", 1)]
    (waits,) = await harness.ask("operator", ways_out.deliveries_of, connection.id, DeliveryState(state))
    assert (waits.answer_code, waits.reason) == (code, "no such patient")
    await harness.do("operator", ways_out.send_again, waits.id)
    await out()
    assert receiver.control_ids[2] == receiver.control_ids[0]
    assert await state_of(harness, connection) == [("sent", 2), ("sent", 1)]
    with pytest.raises(InvalidTransition):
        await harness.do("operator", ways_out.send_again, waits.id)


async def test_a_paused_connection_waits_and_others_go_on(harness: Harness, out: Out, receiver: Receiver) -> None:
    other = Receiver()
    paused = await connect(harness, await receiver.listen())
    await connect(harness, await other.listen(), "CLINIC2")
    await harness.do("operator", ways_out.pause_connection, paused.id, paused=True)
    await signed(harness)
    await signed(harness, by="clinic2")
    await out()
    assert (len(receiver.got), len(other.got)) == (0, 1)
    await harness.do("operator", ways_out.pause_connection, paused.id, paused=False)
    await out()
    assert len(receiver.got) == 1
    await other.close()


async def test_a_worker_that_died_with_a_connection_loses_it(
    harness: Harness, out: Out, clock: Clock, receiver: Receiver, application: SqlApplication
) -> None:
    connection = await connect(harness, await receiver.listen())
    async with application.writing() as work:
        assert await ways_out.begin_sending(work, connection.id) is not None
    await signed(harness)
    await out()
    assert receiver.got == []
    clock.forward(minutes=6)
    await out()
    assert len(receiver.got) == 1


async def test_enhanced_mode_asks_for_the_accept_answer_alone(harness: Harness, out: Out, receiver: Receiver) -> None:
    receiver.answering = lambda _, control: b"CA|" + control
    connection = await connect(harness, await receiver.listen(), mode="enhanced")
    await signed(harness)
    await out()
    assert receiver.got[0].split(b"\r")[0].split(b"|")[14:16] == [b"AL", b"NE"]
    assert await state_of(harness, connection) == [("sent", 1)]


async def test_the_same_address_again_changes_the_connection(harness: Harness) -> None:
    first = await connect(harness, 2575)
    again = await connect(harness, 2575, mode="enhanced")
    found, waiting = await harness.ask("operator", ways_out.connections_of)
    assert [(each.id, each.mode) for each in found] == [(first.id, "enhanced")]
    assert again.id == first.id
    assert waiting == {}


async def test_only_the_operator_enters_connections_and_only_to_members_and_for_types_that_are_sent(harness: Harness) -> None:
    def wanted(member: str = "CLINIC1", sends: tuple[str, ...] = ("ORU^R01",), host: str = "10.2.0.1") -> Connection:
        return ways_out.new_connection(harness.application.now(), member, host, 2575, sends, "GBK", "original", "", tls=False)

    for person in ("clinic1", "lab.huba", "sysadmin", "auditor"):
        with pytest.raises(Forbidden):
            await harness.do(person, ways_out.enter_connection, wanted())
        with pytest.raises(Forbidden):
            await harness.ask(person, ways_out.connections_of)
    for wrong in (
        wanted("NOBODY9"),
        wanted(sends=("ADT^A01",)),
        wanted(sends=()),
        wanted(host="169.254.169.254"),
        wanted(host="192.0.2.1"),
    ):
        with pytest.raises(Invalid):
            await harness.do("operator", ways_out.enter_connection, wrong)
    with pytest.raises(NotFound):
        await harness.do("operator", ways_out.pause_connection, "nobody", paused=True)


ALLOWED = {
    ("waiting", "accept"): "sent",
    ("waiting", "hold"): "held",
    ("waiting", "refuse"): "refused",
    ("held", "send-again"): "waiting",
    ("refused", "send-again"): "waiting",
}


@pytest.mark.parametrize(("state", "action"), [*itertools.product(DeliveryState, sorted(DELIVERY.actions))])
def test_every_pair_of_state_and_action(state: DeliveryState, action: str) -> None:
    wanted = ALLOWED.get((state.value, action))
    if wanted is None:
        with pytest.raises(InvalidTransition):
            DELIVERY.next(state, action)
    else:
        assert DELIVERY.next(state, action).value == wanted
    assert set(OUTCOMES.values()) < DELIVERY.actions


async def test_a_system_is_called_in_the_networks_of_devices_and_nowhere_else(
    application: SqlApplication, harness: Harness, receiver: Receiver, out: Callable[[], Awaitable[None]]
) -> None:
    """A name may turn to another address after it was entered: the address is judged when it is called."""
    connection = await connect(harness, await receiver.listen())
    async with application.engine.begin() as database:  # no demonstration any more: this machine is no device
        await database.execute(sa.delete(region_setting).where(region_setting.c.name == DEMONSTRATION))
    await application.refresh()
    await signed(harness)
    await out()
    assert receiver.got == []
    assert [state for state, _ in await state_of(harness, connection)] == ["waiting"]
