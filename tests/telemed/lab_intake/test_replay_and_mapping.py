"""Messages that lie aside, read again after the repair; senders' codes that a person maps, for what came and what comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from telemed.adapters.application import SqlApplication
from telemed.adapters.database import tables as t
from telemed.centres.lab import replay, service
from telemed.centres.lab.adapters.message_reader import StoredMessageReader
from telemed.centres.lab.domain import LabMessage, MessageState, Result, ResultCode
from telemed.centres.lab.ports import LabMessages, Mappings, MessageFilter
from telemed.domain.errors import Forbidden, Invalid, InvalidTransition, NotFound
from tests.telemed.harness import Harness
from tests.telemed.lab_intake.conftest import Work
from tests.telemed.lab_intake.senders import Sender, potassium, report, said

pytestmark = pytest.mark.database

Shown = Callable[..., Awaitable[list[Result]]]

MISNAMED = report("K1", potassium("4.1"), name="测试^病人").decode().encode("gbk")
"""GBK under the name of UTF-8."""


@pytest.fixture
def again(application: SqlApplication, harness: Harness) -> Callable[..., Awaitable[LabMessage]]:
    """Replay the message that lies aside."""
    reader = StoredMessageReader(application)

    async def replayed(character_set: str = "", by: str = "operator", message_id: str = "") -> LabMessage:
        message_id = message_id or (await aside(application)).id
        return await replay.replay(application, reader, harness.people[by], message_id, character_set)

    return replayed


async def aside(application: SqlApplication) -> LabMessage:
    async with application.reading() as work:
        (found,) = await work.repository(LabMessages).listed(MessageFilter("", "", MessageState.QUARANTINED), "", 10)
        return found


async def test_a_message_is_taken_under_the_character_set_that_the_operator_names(
    sender: Sender, again: Callable[..., Awaitable[LabMessage]], results: Shown, harness: Harness
) -> None:
    assert said(await sender.send(MISNAMED)) == ["AE K1"]
    assert await results() == []
    taken = await again("GBK")
    assert taken.state is MessageState.ACCEPTED
    assert [each.value.number for each in await results()] == [4.1]
    assert [line[:2] for line in await harness.audited("message:replay")] == [("message:replay", "operator")]


async def test_a_sender_that_sends_a_replayed_message_again_hears_that_it_was_taken(
    sender: Sender, again: Callable[..., Awaitable[LabMessage]], results: Shown
) -> None:
    await sender.send(MISNAMED)
    await again("GBK")
    assert said(await sender.send(MISNAMED)) == ["AA K1"]
    assert len(await results()) == 1


async def test_a_replay_that_fails_says_why_and_may_be_tried_again(
    sender: Sender, again: Callable[..., Awaitable[LabMessage]], results: Shown
) -> None:
    await sender.send(MISNAMED)
    for character_set in ("", "ASCII", "NO SUCH SET"):
        still = await again(character_set)
        assert still.state is MessageState.QUARANTINED
        assert still.reason
    assert (await again("GB 18030-2000")).state is MessageState.ACCEPTED
    assert len(await results()) == 1


async def test_what_is_accepted_is_not_replayed(
    sender: Sender, again: Callable[..., Awaitable[LabMessage]], application: SqlApplication
) -> None:
    await sender.send(report("K1"), report("K1", potassium("6.9")))
    with pytest.raises(InvalidTransition):  # its name was accepted with other content
        await again()
    await sender.send(MISNAMED.replace(b"|K1|", b"|K2|"))
    with pytest.raises(NotFound):
        await again(message_id="nobody")
    async with application.reading() as work:
        (accepted,) = await work.repository(LabMessages).listed(MessageFilter(), "", 10)
    with pytest.raises(InvalidTransition):
        await again(message_id=accepted.id)


@pytest.mark.parametrize("by", ["clinic1", "lab.huba", "sysadmin", "auditor"])
async def test_only_the_operator_replays(by: str, sender: Sender, again: Callable[..., Awaitable[LabMessage]]) -> None:
    await sender.send(MISNAMED)
    with pytest.raises(Forbidden):
        await again("GBK", by)


OWN = "K01^血钾^L"


async def test_a_code_that_is_mapped_names_what_came_and_what_comes(
    sender: Sender, results: Shown, harness: Harness, application: SqlApplication
) -> None:
    await sender.send(report("K1", potassium("4.1", code=OWN)), report("K2", potassium("4.2", code=OWN), order="O43"))
    (waiting,) = await harness.ask("operator", service.mappings_of, True)
    assert (waiting.member, waiting.code, waiting.name, waiting.seen) == ("CLINIC1", "K01", "血钾", 2)
    reader = StoredMessageReader(application)
    assert reader.suggestions(waiting)[0][1] == "钾离子测定"
    item = reader.item("2823-3")
    assert item is not None
    assert await harness.do("operator", service.decide_mapping, "CLINIC1", "K01", item) == 2
    await sender.send(report("K3", potassium("4.3", code=OWN), order="O44"))
    found = await results(code="2823-3")
    assert sorted(each.value.number or 0 for each in found) == [4.1, 4.2, 4.3]
    assert {(each.code.wst886, each.code.loinc, each.code.local) for each in found} == {(item.wst886, "2823-3", "K01")}
    assert await harness.ask("operator", service.mappings_of, True) == []


async def test_a_mapped_result_is_corrected_under_its_own_code(
    sender: Sender, results: Shown, harness: Harness, application: SqlApplication
) -> None:
    await sender.send(report("K1", potassium("4.1", code=OWN)))
    await harness.do("operator", service.decide_mapping, "CLINIC1", "K01", StoredMessageReader(application).item("2823-3"))
    await sender.send(report("K2", potassium("4.4", "C", code=OWN), at="20261118093000+0800"))
    (stands,) = await results()
    assert (stands.value.number, stands.version, stands.code.loinc) == (4.4, 2, "2823-3")


async def test_a_decision_may_be_changed_and_leaves_what_the_sender_named_itself(
    sender: Sender, results: Shown, harness: Harness, application: SqlApplication
) -> None:
    reader = StoredMessageReader(application)
    both = "2951-2^Na^LN^K01^own^L"
    await sender.send(report("K1", potassium("4.1", code=OWN), potassium("141", code=both)))
    await harness.do("operator", service.decide_mapping, "CLINIC1", "K01", reader.item("2823-3"))
    assert await harness.do("operator", service.decide_mapping, "CLINIC1", "K01", reader.item("2075-0")) == 1
    assert sorted(each.code.loinc for each in await results()) == ["2075-0", "2951-2"]


async def test_another_members_same_code_is_another_code(
    sender: Sender, results: Shown, harness: Harness, application: SqlApplication
) -> None:
    await sender.send(report("K1", potassium("4.1", code=OWN)), report("K1", potassium("4.1", code=OWN), sender="CLINIC2"))
    await harness.do("operator", service.decide_mapping, "CLINIC1", "K01", StoredMessageReader(application).item("2823-3"))
    (theirs,) = await results(member="CLINIC2")
    assert not theirs.code.known


async def test_a_critical_value_under_an_unknown_code_is_told_once_the_code_is_known(
    sender: Sender, results: Shown, harness: Harness, application: SqlApplication, work: Work
) -> None:
    await sender.send(report("K1", potassium("7.3", code=OWN)))
    await work()
    assert await open_criticals(application) == []
    await harness.do("operator", service.decide_mapping, "CLINIC1", "K01", StoredMessageReader(application).item("2823-3"))
    await work()
    assert [each.value.flag for each in await results()] == ["HH"]
    (finding,) = await open_criticals(application)
    assert "7.3" in finding


async def open_criticals(application: SqlApplication) -> list[str]:
    async with application.engine.connect() as connection:
        return list((await connection.execute(sa.select(t.critical_value.c.finding))).scalars())


async def test_only_codes_that_came_are_mapped_to_tests_that_are_there(
    harness: Harness, application: SqlApplication, sender: Sender
) -> None:
    item = StoredMessageReader(application).item("2823-3")
    with pytest.raises(NotFound):
        await harness.do("operator", service.decide_mapping, "CLINIC1", "NOBODY", item)
    await sender.send(report("K1", potassium("4.1", code=OWN)))
    with pytest.raises(Invalid):
        await harness.do("operator", service.decide_mapping, "CLINIC1", "K01", ResultCode())
    with pytest.raises(Forbidden):
        await harness.do("clinic1", service.decide_mapping, "CLINIC1", "K01", item)


async def test_codes_that_wait_are_counted_over_many_messages(sender: Sender, application: SqlApplication) -> None:
    for n in range(3):
        await sender.send(report(f"K{n}", potassium("4.1", code=OWN), order=f"O{n}"))
    async with application.reading() as unit:
        (waiting,) = await unit.repository(Mappings).listed(open_only=True, limit=10)
    assert waiting.seen == 3
