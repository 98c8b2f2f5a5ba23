"""A message is taken once, answered as often as it comes, and kept whatever becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from telemed.adapters.application import SqlApplication
from telemed.adapters.database.tables import application_entity
from telemed.centres.lab.adapters.tables import lab_message, lab_result_version
from telemed.centres.lab.domain import LabMessage, MessageState, Result
from telemed.centres.lab.ports import LabMessages, MessageFilter
from tests.telemed.harness import Harness
from tests.telemed.lab_intake.senders import Sender, potassium, report, said

pytestmark = pytest.mark.database

Shown = Callable[..., Awaitable[list[Result]]]


async def messages(application: SqlApplication, state: MessageState = MessageState.ACCEPTED, sender: str = "CLINIC1") -> list[LabMessage]:
    async with application.reading() as work:
        return await work.repository(LabMessages).listed(MessageFilter(sender, "", state), "", 100)


async def test_the_same_again_has_the_same_answer_and_is_one(application: SqlApplication, sender: Sender, results: Shown) -> None:
    first = await sender.send(report("K1"))
    assert said(first) == ["AA K1"]
    assert await sender.send(report("K1")) == first
    assert len(await messages(application)) == 1
    assert [each.version for each in await results()] == [1]


async def test_other_content_under_a_taken_name_is_kept_aside_and_changes_nothing(
    application: SqlApplication, sender: Sender, results: Shown
) -> None:
    await sender.send(report("K1"))
    answer = await sender.send(report("K1", potassium("6.9")))
    assert said(answer) == ["AE K1"]
    assert b"205" in answer
    (aside,) = await messages(application, MessageState.QUARANTINED)
    assert "MSH-10" in aside.reason
    assert [each.value.number for each in await results()] == [4.1]
    assert await sender.send(report("K1", potassium("6.9"))) == answer
    assert len(await messages(application, MessageState.QUARANTINED)) == 1


async def test_the_same_name_of_another_sender_or_system_is_another_message(sender: Sender, application: SqlApplication) -> None:
    other_system = report("K1").replace(b"|LIS|", b"|LIS2|", 1)
    answers = await sender.send(report("K1"), report("K1", sender="CLINIC2"), other_system)
    assert said(answers) == ["AA K1"] * 3
    assert len(await messages(application, sender="")) == 3


async def test_one_message_over_many_connections_at_once_is_one(listener: int, application: SqlApplication, results: Shown) -> None:
    senders = [await Sender.to(listener) for _ in range(8)]
    answers = await asyncio.gather(*(each.send(report("K1")) for each in senders))
    assert {tuple(said(answer)) for answer in answers} == {("AA K1",)}
    assert len(await messages(application)) == 1
    assert len(await results()) == 1
    for each in senders:
        await each.close()


async def test_one_commit_takes_what_came_meanwhile_and_leaves_one_record(
    listener: int, harness: Harness, application: SqlApplication
) -> None:
    senders = [await Sender.to(listener) for _ in range(8)]
    await asyncio.gather(*(each.send(*(report(f"K{place}-{n}") for n in range(10))) for place, each in enumerate(senders)))
    records = await harness.audited("message:take")
    assert 1 <= len(records) < 80
    async with application.engine.connect() as connection:
        found = (await connection.execute(sa.select(lab_message.c.batch, sa.func.count()).group_by(lab_message.c.batch))).all()
    assert len(found) == len(records)
    assert sum(count for _, count in found) == 80
    for each in senders:
        await each.close()


async def test_a_batch_is_answered_message_by_message_in_one_frame(sender: Sender, application: SqlApplication) -> None:
    inner = b"".join(report(f"B{n}") for n in (1, 2, 3))
    answer = await sender.send(b"FHS|^~\\&|LIS|CLINIC1\rBHS|^~\\&|LIS|CLINIC1\r" + inner + b"BTS|3\rFTS|1\r")
    assert said(answer) == ["AA B1", "AA B2", "AA B3"]
    assert len(await messages(application)) == 3


NO_HL7 = {
    "nothing": (b"", "AE "),
    "something else": (b"GET / HTTP/1.1", "AE "),
    "MSH alone": (b"MSH", "AE "),
    "no control id": (b"MSH|^~\\&|LIS|CLINIC1|||20261118||ORU^R01||P|2.5\r", "AE "),
    "an unknown type": (report("K2", kind="ZZZ^Z99"), "AR K2"),
    "a message that brings no results": (report("K3", kind="ADT^A01"), "AR K3"),
    "wrong characters": (report("K4", potassium("4.1") + "测试").decode().encode("gbk"), "AE K4"),
}


@pytest.mark.parametrize("named", NO_HL7)
async def test_what_cannot_be_read_is_answered_and_the_connection_stays(named: str, sender: Sender) -> None:
    content, _ = NO_HL7[named]
    answer = await sender.send(content)
    assert said(answer)[0].split()[0] in ("AE", "AR")
    assert said(await sender.send(report("K9"))) == ["AA K9"]


async def test_what_cannot_be_read_of_a_member_lies_in_quarantine_with_its_bytes_and_a_reason(
    sender: Sender, application: SqlApplication
) -> None:
    wrong = report("K4", potassium("4.1")).decode().encode("gbk")
    await sender.send(wrong)
    (aside,) = await messages(application, MessageState.QUARANTINED)
    assert "UTF-8" in aside.reason
    async with application.reading() as work:
        kept = await work.repository(LabMessages).get(aside.id)
    assert kept is not None
    assert kept.raw == wrong


async def test_a_large_message_lies_in_the_store(sender: Sender, application: SqlApplication) -> None:
    large = report("K1") + b"OBX|2|ED|PDF||^application^pdf^Base64^" + b"QUJD" * 100_000 + b"||||||F\r"
    assert said(await sender.send(large)) == ["AA K1"]
    (message,) = await messages(application)
    assert message.key
    assert b"".join([piece async for piece in application.store.stream(message.key)]) == large


async def test_a_stranger_is_refused_and_on_record_as_often_as_a_day_allows(
    sender: Sender, application: SqlApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telemed.centres.lab.intake.MAX_REFUSED_A_DAY", 3)
    answers = await sender.send(*(report(f"K{n}", sender="NOBODY9") for n in range(5)))
    assert said(answers) == [f"AR K{n}" for n in range(5)]
    assert await sender.send(report("K0", sender="NOBODY9"))
    assert len(await messages(application, MessageState.REFUSED, "NOBODY9")) == 3


async def test_a_member_that_calls_from_elsewhere_is_refused(listener: int, application: SqlApplication, sender: Sender) -> None:
    async with application.engine.begin() as connection:
        change = (
            sa.update(application_entity)
            .where(application_entity.c.institution == "CLINIC1")
            .values(calls_from=frozenset({"192.0.2.0/24"}))
        )
        await connection.execute(change)
    await application.refresh()
    answer = await sender.send(report("K1"))
    assert said(answer) == ["AR K1"]
    assert b"127.0.0.1 is entered for no device of CLINIC1" in answer


async def test_control_characters_in_texts_do_no_harm(sender: Sender, results: Shown) -> None:
    """PostgreSQL keeps no NUL in a text."""
    rows = (potassium("4.1"), "OBX|2|ST|N1^Note\x00^L||a\x00b\x01c\\X00\\d||||||F")
    assert said(await sender.send(report("K1", *rows, name="测\x00试^病人"))) == ["AA K1"]
    assert len(await results()) == 2


async def test_each_version_names_the_message_that_said_it(sender: Sender, application: SqlApplication) -> None:
    await sender.send(report("K1"), report("K2", potassium("4.4"), at="20261118090000+0800"))
    async with application.engine.connect() as connection:
        said_by = (
            (await connection.execute(sa.select(lab_result_version.c.message_id).order_by(lab_result_version.c.version))).scalars().all()
        )
    assert said_by == [message.id for message in reversed(await messages(application))]
