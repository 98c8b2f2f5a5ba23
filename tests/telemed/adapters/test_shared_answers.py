"""What is asked once for many is for each of them what they would have been told alone."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from telemed.domain.errors import Forbidden
from telemed.domain.people import Person, Role
from telemed.service.queries import CaseFilter, View
from telemed.web.shared_answers import SharedAnswers, kind_of
from tests.telemed.adapters.test_case_lists import a_bit_of_everything
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database


def answers(harness: Harness, people: list[Person]) -> SharedAnswers:
    return SharedAnswers(harness.application, lambda: people, set)


def colleagues(people: list[Person]) -> list[Person]:
    """Each person, and another who may do the same."""
    twins = [Person(f"{p.username}.2", "另一位", p.institution, p.roles, p.centres, "医师", "en") for p in people]
    return [*people, *twins]


async def test_lists_and_figures_are_each_persons_own(harness: Harness) -> None:
    made = await a_bit_of_everything(harness)
    people = colleagues(
        [person for person in harness.people.values() if person.roles & {Role.SPECIALIST, Role.REVIEWER, Role.MEMBER_STAFF}]
    )
    shared, queries = answers(harness, people), harness.application.queries
    wanted = [CaseFilter(view=view, ids=tuple(case.id for case in made)) for view in View]
    for person in people:
        for each in wanted:
            told = await shared.cases(person, each, None, 100)
            assert told == await queries.cases(person, each, None, 100), (person.username, each.view)
        for centre in ("", "imaging", "ecg"):
            assert await shared.counts(person, centre) == await queries.counts(person, centre), (person.username, centre)
    assert len({kind_of(person) for person in people}) < len(people)


async def test_who_may_not_list_is_refused_here_too(harness: Harness) -> None:
    auditor = harness.people["auditor"]
    with pytest.raises(Forbidden):
        await answers(harness, [auditor]).cases(auditor, CaseFilter(), None, 10)


async def test_an_authors_own_report_waits_for_others(harness: Harness) -> None:
    """The figure of reports to review is another for who signed one of them."""
    reader = harness.people["imaging.huba"]
    case = await harness.written()
    async with harness.application.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE report SET status = 'preliminary' WHERE case_id = :id"), {"id": case.id})
        await connection.execute(sa.text("""UPDATE "case" SET report_status = 'preliminary' WHERE id = :id"""), {"id": case.id})
    people = colleagues([reader])
    shared = answers(harness, people)
    figures = [(await shared.counts(person))[View.REVIEW] for person in people]
    assert figures == [(await harness.application.queries.counts(person))[View.REVIEW] for person in people]
    assert figures[1] == figures[0] + 1


async def test_fifty_colleagues_ask_no_more_than_two(harness: Harness) -> None:
    await a_bit_of_everything(harness)
    first = harness.people["imaging.huba"]

    async def statements(listeners: int) -> int:
        people = [Person(f"reader{n}", "", first.institution, first.roles, first.centres) for n in range(listeners)]
        shared, count = answers(harness, people), 0

        def counting(*_: object) -> None:
            nonlocal count
            count += 1

        sync = harness.application.readers.sync_engine
        sa.event.listen(sync, "before_cursor_execute", counting)
        try:
            wanted = CaseFilter(view=View.UNCLAIMED)
            await asyncio.gather(*(shared.cases(person, wanted, None, 60) for person in people))
            await asyncio.gather(*(shared.counts(person) for person in people))
        finally:
            sa.event.remove(sync, "before_cursor_execute", counting)
        return count

    assert await statements(50) == await statements(2)
