"""The live feed: who listens hears every line that is theirs, once, in order, whatever the pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from telemed.domain.case import Case
from telemed.domain.events import CaseEvent
from telemed.service import case_reading as reading
from telemed.service.queries import HistoryLine
from telemed.web.feed import WAITING_LINES, Feed
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database


@pytest.fixture
async def feed(harness: Harness) -> AsyncIterator[Feed]:
    opened = Feed(harness.application)
    running = asyncio.create_task(opened.run())
    yield opened
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def heard(harness: Harness, feed: Feed, username: str, count: int, after: int | None = 0) -> list[HistoryLine]:
    """The next lines of a listener, as many as are there."""
    lines = feed.listen(harness.people[username], after)
    try:
        async with asyncio.timeout(20):
            return [await anext(lines) for _ in range(count)]
    finally:
        await lines.aclose()


async def events(harness: Harness, case: Case, count: int, action: CaseEvent = CaseEvent.EVIDENCE) -> None:
    """So many lines of history in one transaction."""
    async with harness.application.writing() as work:
        for number in range(count):
            work.outbox.event(case, action, "system", {"number": number})


async def test_the_first_lines_of_a_new_installation_are_heard(harness: Harness, feed: Feed) -> None:
    """They are committed between two looks at a history that is empty."""
    listening = asyncio.create_task(heard(harness, feed, "clinic1", 2, None))
    await asyncio.sleep(0.6)
    case = await harness.requested()
    assert [(line.case_id, line.action) for line in await listening] == [(case.id, "create"), (case.id, "submit")]


async def test_who_comes_back_hears_what_was_missed_once_and_in_order(harness: Harness, feed: Feed) -> None:
    case = await harness.requested()
    first = (await heard(harness, feed, "clinic1", 1))[0]
    await events(harness, case, 1200)
    lines = await heard(harness, feed, "clinic1", 1201, first.id)
    assert [line.id for line in lines] == sorted({line.id for line in lines})
    assert lines[0].action == "submit"
    assert [line.detail["number"] for line in lines[1:]] == list(range(1200))


async def test_lines_of_many_writers_at_once_are_all_heard_in_order(harness: Harness, feed: Feed) -> None:
    listening = asyncio.create_task(heard(harness, feed, "clinic1", 24, None))
    await asyncio.sleep(0.1)
    await asyncio.gather(*(harness.requested() for _ in range(12)))
    lines = await listening
    assert [line.id for line in lines] == sorted({line.id for line in lines})
    assert len({line.case_id for line in lines}) == 12


async def test_a_listener_who_falls_behind_is_let_go_and_misses_nothing_on_coming_back(harness: Harness, feed: Feed) -> None:
    """The lines that it still gets must be followed by the lines that it gets with Last-Event-ID."""
    case = await harness.requested()
    last = (await heard(harness, feed, "clinic1", 2))[-1].id
    lines = feed.listen(harness.people["clinic1"], last)
    waiting = asyncio.create_task(anext(lines))
    await events(harness, case, 1)
    got = [await waiting]
    for _ in range(4):
        await events(harness, case, WAITING_LINES // 2)
    await asyncio.sleep(1.5)  # time enough to be let go; where it was not, nothing is missed either
    async with asyncio.timeout(30):
        while len(got) < 2 * WAITING_LINES + 1:
            async for line in lines:
                got.append(line)
                if len(got) == 2 * WAITING_LINES + 1:
                    break
            await lines.aclose()
            lines = feed.listen(harness.people["clinic1"], got[-1].id)
    assert [line.id for line in got] == list(range(last + 1, last + 1 + len(got)))


async def test_each_hears_what_is_theirs_to_see(harness: Harness, feed: Feed) -> None:
    """The hub that gave a case away hears that it left; the next one from then on; others nothing."""
    case = await harness.claimed()
    await harness.do("imaging.huba", reading.decline_case, case.id, "x")
    await harness.do("imaging.main", reading.claim_case, case.id)
    await harness.draft(by="clinic2")
    ecg = await harness.requested("ecg", by="clinic2")
    expected = {
        "clinic1": [(case.id, a) for a in ("create", "submit", "claim", "decline", "offer", "claim")],
        "imaging.huba": [(case.id, a) for a in ("submit", "claim", "decline", "offer")],
        "imaging.main": [(case.id, a) for a in ("offer", "claim")],
        "ecg.huba": [(ecg.id, "submit")],
        "operator": [(case.id, a) for a in ("submit", "claim", "decline", "offer", "claim")] + [(ecg.id, "submit")],
    }
    for username, lines in expected.items():
        assert [(line.case_id, line.action) for line in await heard(harness, feed, username, len(lines))] == lines, username
    for silent in ("clinic3", "imaging.hubb", "ecg.main", "sysadmin", "secadmin", "auditor"):
        listening = feed.listen(harness.people[silent], 0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(listening), 0.2)
        await listening.aclose()


async def test_closed_it_lets_every_listener_go(harness: Harness, feed: Feed) -> None:
    lines = feed.listen(harness.people["clinic1"], None)
    waiting = asyncio.create_task(anext(lines))
    await asyncio.sleep(0.05)
    feed.close()
    with pytest.raises(StopAsyncIteration):
        await waiting
