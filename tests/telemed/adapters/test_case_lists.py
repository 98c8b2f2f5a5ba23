"""Lists of cases: who sees which, in which order, page by page while cases change, by tab and by search."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemed.domain.case import Case, Priority
from telemed.domain.errors import Forbidden, Invalid
from telemed.domain.policy import Action, may
from telemed.service import casework, criticals, reading
from telemed.service.access import relation_to
from telemed.service.queries import CaseFilter, View
from tests.telemed.desk import Desk, patient_card, resident_id

EVERYTHING = CaseFilter()


async def walk(desk: Desk, username: str, wanted: CaseFilter = EVERYTHING, limit: int = 3) -> list[Case]:
    """All pages, one after the other."""
    found: list[Case] = []
    cursor = None
    while True:
        page = await desk.office.queries.cases(desk.people[username], wanted, cursor, limit)
        found += page.cases
        if page.next is None:
            return found
        cursor = page.next


def ids(cases: Sequence[Case]) -> list[str]:
    return [case.id for case in cases]


async def a_bit_of_everything(desk: Desk) -> list[Case]:
    """Cases of several members and centres in most states."""
    made = [await desk.draft(), await desk.draft("ecg", "clinic2")]
    made += [await desk.requested(), await desk.requested("ecg", priority=Priority.STAT), await desk.requested(by="clinic3")]
    made += [await desk.requested(modality="PT"), await desk.claimed(), await desk.written(priority=Priority.URGENT)]
    risen, back, gone, failed = [await desk.requested() for _ in range(4)]
    await desk.do("imaging.huba", reading.escalate_case, risen.id, "x")
    await desk.do("imaging.huba", reading.return_case, back.id, "x")
    await desk.do("clinic1", casework.cancel_case, gone.id, "x")
    for reader in ("imaging.huba", "imaging.main"):
        await desk.do(reader, reading.decline_case, failed.id, "x")
    found = await desk.claimed()
    await desk.do("imaging.huba", criticals.declare_critical, found.id, "x")
    return [await desk.case(case.id) for case in (*made, risen, back, gone, failed, found)]


async def test_everybody_lists_what_the_policy_lets_them_see(desk: Desk) -> None:
    """Against the rule itself, case by case. A hub's list leaves out what it only keeps open, nobody else lists a draft."""
    made = await a_bit_of_everything(desk)
    for username, person in desk.people.items():
        if not (may(person, Action.CASE_READ) or may(person, Action.CASE_READ_METADATA)):
            with pytest.raises(Forbidden):
                await walk(desk, username)
            continue
        expected = set()
        async with desk.office.reading() as work:
            for case in made:
                relation = await relation_to(work, person, case)
                visible = may(person, Action.CASE_READ, relation) or may(person, Action.CASE_READ_METADATA, relation)
                own = case.member == person.institution
                listed = own or (case.status != "draft" and (case.hub == person.institution or username == "operator"))
                if visible and listed:
                    expected.add(case.id)
        assert set(ids(await walk(desk, username))) == expected, username


async def test_a_hub_sees_the_most_pressing_first_and_a_member_the_newest(desk: Desk) -> None:
    for priority in (Priority.ROUTINE, Priority.STAT, Priority.URGENT, Priority.STAT, Priority.ASAP, Priority.ROUTINE):
        await desk.requested(priority=priority)
        desk.clock.forward(minutes=1)
    at_hub = await walk(desk, "imaging.huba")
    assert [case.priority for case in at_hub] == ["stat", "stat", "asap", "urgent", "routine", "routine"]
    for one, following in itertools.pairwise(at_hub):
        assert one.due_at is not None
        assert following.due_at is not None
        assert one.priority != following.priority or one.due_at <= following.due_at
    of_member = await walk(desk, "clinic1")
    assert [case.created_at for case in of_member] == sorted((case.created_at for case in of_member), reverse=True)


@pytest.mark.parametrize("username", ["imaging.huba", "clinic1", "operator"])
async def test_no_case_twice_or_lost_while_others_come_and_go(desk: Desk, username: str) -> None:
    """Between any two pages cases are made, claimed and given away; who stayed is seen once."""
    stay = [await desk.requested(priority=list(Priority)[n % 4]) for n in range(9)]
    go = [await desk.requested() for _ in range(4)]
    seen: list[str] = []
    cursor = None
    while True:
        page = await desk.office.queries.cases(desk.people[username], EVERYTHING, cursor, 2)
        seen += ids(page.cases)
        await desk.requested(priority=Priority.STAT)
        await desk.requested()
        if go:
            await desk.do("imaging.huba", reading.decline_case, go.pop().id, "x")
        if page.next is None:
            break
        cursor = page.next
    assert len(seen) == len(set(seen))
    assert {case.id for case in stay} <= set(seen)


@pytest.mark.parametrize("username", ["imaging.huba", "imaging.main", "imaging2.main", "clinic1"])
async def test_the_figure_on_a_tab_is_the_length_of_its_list(desk: Desk, username: str) -> None:
    await a_bit_of_everything(desk)
    await desk.signed()
    case = await desk.at_main()
    await desk.sign(case.id, "imaging.main")
    counts = await desk.office.queries.counts(desk.people[username])
    assert counts
    for view, count in counts.items():
        assert len(await walk(desk, username, CaseFilter(view=view))) == count, view


async def test_tabs_of_a_hub(desk: Desk) -> None:
    waiting, mine = await desk.requested(modality="PT"), await desk.requested(modality="PT")
    await desk.do("imaging.main", reading.claim_case, mine.id)
    review = await desk.at_main()
    await desk.sign(review.id, "imaging.main")
    views = {view: ids(await walk(desk, "imaging.main", CaseFilter(view=view))) for view in (View.UNCLAIMED, View.MINE, View.REVIEW)}
    assert views == {View.UNCLAIMED: [waiting.id], View.MINE: [mine.id], View.REVIEW: []}, "nobody reviews their own report"
    assert ids(await walk(desk, "imaging2.main", CaseFilter(view=View.REVIEW))) == [review.id]


async def test_every_case_of_a_member_is_on_one_tab_of_three(desk: Desk) -> None:
    made = await a_bit_of_everything(desk)
    await desk.signed()
    tabs = [set(ids(await walk(desk, "clinic1", CaseFilter(view=view)))) for view in (View.ATTENTION, View.RUNNING, View.DONE)]
    assert sum(len(tab) for tab in tabs) == len(set().union(*tabs)) == sum(case.member == "CLINIC1" for case in made) + 1


class TestSearch:
    async def test_by_name_number_and_accession(self, desk: Desk) -> None:
        case = await desk.requested(patient=patient_card(33, name="欧阳小满"), accession_number="RIS-77")
        await desk.requested(patient=patient_card(34, name="张伟"))
        for q in ("欧阳小满", "欧阳", "RIS-77", "RIS", "P00033", resident_id(33)):
            assert ids(await walk(desk, "clinic1", CaseFilter(q=q))) == [case.id], q

    @pytest.mark.parametrize("q", ["%", "_", "'", '"', "\\", "* OR 1=1", "😀", "\U0010ffff"])
    async def test_characters_that_mean_something_elsewhere_mean_nothing_here(self, desk: Desk, q: str) -> None:
        await desk.requested()
        assert await walk(desk, "clinic1", CaseFilter(q=q)) == []

    async def test_it_finds_nothing_that_the_list_would_not_show(self, desk: Desk) -> None:
        case = await desk.requested(patient=patient_card(33), accession_number="RIS-77")
        for stranger in ("clinic2", "imaging.hubb", "ecg.huba"):
            for q in ("张伟", "RIS-77", "P00033", resident_id(33)):
                assert await walk(desk, stranger, CaseFilter(q=q)) == []
        await desk.do("imaging.huba", reading.escalate_case, case.id, "x")
        assert ids(await walk(desk, "imaging.huba", CaseFilter(q="RIS-77"))) == [case.id], "a hub finds again what it keeps open"

    async def test_by_the_code_of_a_report(self, desk: Desk) -> None:
        case = await desk.signed()
        (report,) = await desk.versions(case.id)
        assert ids(await walk(desk, "clinic1", CaseFilter(q=report.verification_code.lower()))) == [case.id]

    async def test_filters(self, desk: Desk) -> None:
        ct, mr = await desk.requested(), await desk.requested(modality="MR", body_part="KNEE", priority=Priority.STAT)
        ecg = await desk.requested("ecg")
        for wanted, expected in (
            (CaseFilter(centre="ecg"), {ecg.id}),
            (CaseFilter(need="MR"), {mr.id}),
            (CaseFilter(body_part="HEAD"), {ct.id}),
            (CaseFilter(priority="stat"), {mr.id}),
            (CaseFilter(status="requested,draft"), {ct.id, mr.id, ecg.id}),
            (CaseFilter(status="completed"), set()),
            (CaseFilter(hub="HUBA", member="CLINIC1"), {ct.id, mr.id, ecg.id}),
            (CaseFilter(hub="MAIN"), set()),
        ):
            assert set(ids(await walk(desk, "clinic1", wanted))) == expected, wanted


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


parts = st.lists(
    st.sampled_from(["due", "new", "0" * 32, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "a\x00b"])
    | st.integers()
    | st.none()
    | st.floats(allow_nan=False),
    max_size=5,
)


@given(cursor=st.text(max_size=30) | parts.map(packed) | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2).map(packed))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_cursor_is_a_place_in_this_list_or_refused(desk: Desk, cursor: str) -> None:
    for username in ("imaging.huba", "clinic1"):
        with contextlib.suppress(Invalid):
            await desk.office.queries.cases(desk.people[username], EVERYTHING, cursor or None, 10)
