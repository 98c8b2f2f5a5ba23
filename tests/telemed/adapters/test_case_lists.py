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
from telemed.service import case_reading as reading
from telemed.service import case_request as case_request
from telemed.service import criticals
from telemed.service.access import relation_to
from telemed.service.queries import CaseFilter, View
from tests.telemed.harness import Harness, patient_card, resident_id

pytestmark = pytest.mark.database

EVERYTHING = CaseFilter()


async def walk(harness: Harness, username: str, wanted: CaseFilter = EVERYTHING, limit: int = 3) -> list[Case]:
    """All pages, one after the other."""
    found: list[Case] = []
    cursor = None
    while True:
        page = await harness.application.queries.cases(harness.people[username], wanted, cursor, limit)
        found += page.cases
        if page.next is None:
            return found
        cursor = page.next


def ids(cases: Sequence[Case]) -> list[str]:
    return [case.id for case in cases]


async def a_bit_of_everything(harness: Harness) -> list[Case]:
    """Cases of several members and centres in most states."""
    made = [await harness.draft(), await harness.draft("ecg", "clinic2")]
    made += [await harness.requested(), await harness.requested("ecg", priority=Priority.STAT), await harness.requested(by="clinic3")]
    made += [await harness.requested(modality="PT"), await harness.claimed(), await harness.written(priority=Priority.URGENT)]
    risen, back, gone, failed = [await harness.requested() for _ in range(4)]
    await harness.do("imaging.huba", reading.escalate_case, risen.id, "x")
    await harness.do("imaging.huba", reading.return_case, back.id, "x")
    await harness.do("clinic1", case_request.cancel_case, gone.id, "x")
    for reader in ("imaging.huba", "imaging.main"):
        await harness.do(reader, reading.decline_case, failed.id, "x")
    found = await harness.claimed()
    await harness.do("imaging.huba", criticals.declare_critical, found.id, "x")
    return [await harness.case(case.id) for case in (*made, risen, back, gone, failed, found)]


async def test_everybody_lists_what_the_policy_lets_them_see(harness: Harness) -> None:
    """Against the rule itself, case by case. A hub's list leaves out what it only keeps open, nobody else lists a draft."""
    made = await a_bit_of_everything(harness)
    for username, person in harness.people.items():
        if not (may(person, Action.CASE_READ) or may(person, Action.CASE_READ_METADATA)):
            with pytest.raises(Forbidden):
                await walk(harness, username)
            continue
        expected = set()
        async with harness.application.reading() as work:
            for case in made:
                relation = await relation_to(work, person, case)
                visible = may(person, Action.CASE_READ, relation) or may(person, Action.CASE_READ_METADATA, relation)
                own = case.member == person.institution
                listed = own or (case.status != "draft" and (case.hub == person.institution or username == "operator"))
                if visible and listed:
                    expected.add(case.id)
        assert set(ids(await walk(harness, username))) == expected, username


async def test_a_hub_sees_the_most_pressing_first_and_a_member_the_newest(harness: Harness) -> None:
    for priority in (Priority.ROUTINE, Priority.STAT, Priority.URGENT, Priority.STAT, Priority.ASAP, Priority.ROUTINE):
        await harness.requested(priority=priority)
        harness.clock.forward(minutes=1)
    at_hub = await walk(harness, "imaging.huba")
    assert [case.priority for case in at_hub] == ["stat", "stat", "asap", "urgent", "routine", "routine"]
    for one, following in itertools.pairwise(at_hub):
        assert one.due_at is not None
        assert following.due_at is not None
        assert one.priority != following.priority or one.due_at <= following.due_at
    of_member = await walk(harness, "clinic1")
    assert [case.created_at for case in of_member] == sorted((case.created_at for case in of_member), reverse=True)


@pytest.mark.parametrize("username", ["imaging.huba", "clinic1", "operator"])
async def test_no_case_twice_or_lost_while_others_come_and_go(harness: Harness, username: str) -> None:
    """Between any two pages cases are made, claimed and given away; who stayed is seen once."""
    stay = [await harness.requested(priority=list(Priority)[n % 4]) for n in range(9)]
    go = [await harness.requested() for _ in range(4)]
    seen: list[str] = []
    cursor = None
    while True:
        page = await harness.application.queries.cases(harness.people[username], EVERYTHING, cursor, 2)
        seen += ids(page.cases)
        await harness.requested(priority=Priority.STAT)
        await harness.requested()
        if go:
            await harness.do("imaging.huba", reading.decline_case, go.pop().id, "x")
        if page.next is None:
            break
        cursor = page.next
    assert len(seen) == len(set(seen))
    assert {case.id for case in stay} <= set(seen)


@pytest.mark.parametrize("username", ["imaging.huba", "imaging.main", "imaging2.main", "clinic1"])
async def test_the_figure_on_a_tab_is_the_length_of_its_list(harness: Harness, username: str) -> None:
    await a_bit_of_everything(harness)
    await harness.signed()
    case = await harness.at_main()
    await harness.sign(case.id, "imaging.main")
    counts = await harness.application.queries.counts(harness.people[username])
    assert counts
    for view, count in counts.items():
        assert len(await walk(harness, username, CaseFilter(view=view))) == count, view


async def test_tabs_of_a_hub(harness: Harness) -> None:
    waiting, mine = await harness.requested(modality="PT"), await harness.requested(modality="PT")
    await harness.do("imaging.main", reading.claim_case, mine.id)
    review = await harness.at_main()
    await harness.sign(review.id, "imaging.main")
    views = {view: ids(await walk(harness, "imaging.main", CaseFilter(view=view))) for view in (View.UNCLAIMED, View.MINE, View.REVIEW)}
    assert views == {View.UNCLAIMED: [waiting.id], View.MINE: [mine.id], View.REVIEW: []}, "nobody reviews their own report"
    assert ids(await walk(harness, "imaging2.main", CaseFilter(view=View.REVIEW))) == [review.id]


async def test_every_case_of_a_member_is_on_one_tab_of_three(harness: Harness) -> None:
    made = await a_bit_of_everything(harness)
    await harness.signed()
    tabs = [set(ids(await walk(harness, "clinic1", CaseFilter(view=view)))) for view in (View.ATTENTION, View.RUNNING, View.DONE)]
    assert sum(len(tab) for tab in tabs) == len(set().union(*tabs)) == sum(case.member == "CLINIC1" for case in made) + 1


class TestSearch:
    async def test_by_name_number_and_accession(self, harness: Harness) -> None:
        case = await harness.requested(patient=patient_card(33, name="欧阳小满"), accession_number="RIS-77")
        await harness.requested(patient=patient_card(34, name="张伟"))
        for q in ("欧阳小满", "欧阳", "RIS-77", "RIS", "P00033", resident_id(33)):
            assert ids(await walk(harness, "clinic1", CaseFilter(q=q))) == [case.id], q

    @pytest.mark.parametrize("q", ["%", "_", "'", '"', "\\", "* OR 1=1", "😀", "\U0010ffff"])
    async def test_characters_that_mean_something_elsewhere_mean_nothing_here(self, harness: Harness, q: str) -> None:
        await harness.requested()
        assert await walk(harness, "clinic1", CaseFilter(q=q)) == []

    async def test_it_finds_nothing_that_the_list_would_not_show(self, harness: Harness) -> None:
        case = await harness.requested(patient=patient_card(33), accession_number="RIS-77")
        for stranger in ("clinic2", "imaging.hubb", "ecg.huba"):
            for q in ("张伟", "RIS-77", "P00033", resident_id(33)):
                assert await walk(harness, stranger, CaseFilter(q=q)) == []
        await harness.do("imaging.huba", reading.escalate_case, case.id, "x")
        assert ids(await walk(harness, "imaging.huba", CaseFilter(q="RIS-77"))) == [case.id], "a hub finds again what it keeps open"

    async def test_by_the_code_of_a_report(self, harness: Harness) -> None:
        case = await harness.signed()
        (report,) = await harness.versions(case.id)
        assert ids(await walk(harness, "clinic1", CaseFilter(q=report.verification_code.lower()))) == [case.id]

    async def test_filters(self, harness: Harness) -> None:
        ct, mr = await harness.requested(), await harness.requested(modality="MR", body_part="KNEE", priority=Priority.STAT)
        ecg = await harness.requested("ecg")
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
            assert set(ids(await walk(harness, "clinic1", wanted))) == expected, wanted


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
async def test_any_cursor_is_a_place_in_this_list_or_refused(harness: Harness, cursor: str) -> None:
    for username in ("imaging.huba", "clinic1"):
        with contextlib.suppress(Invalid):
            await harness.application.queries.cases(harness.people[username], EVERYTHING, cursor or None, 10)
