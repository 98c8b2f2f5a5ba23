"""What a reader finds on the desk: saved views, rows with their evidence, the report, and what can be done."""

from __future__ import annotations

import pytest

from telemed.domain.consent import ConsentGiver
from telemed.domain.errors import Forbidden, Invalid, NotFound
from telemed.domain.evidence import EvidenceType
from telemed.domain.people import Person, Role
from telemed.domain.report import VersionKind
from telemed.service import casework, reading, reporting, saved_views
from telemed.service.desk import claimable, open_desk, read_prior
from telemed.service.ports import SavedView
from telemed.service.queries import CaseFilter, View
from telemed.service.saved_views import MOST_VIEWS
from tests.telemed.desk import Desk

COLLEAGUE = Person("imaging3.main", "周一鸣", "MAIN", frozenset({Role.SPECIALIST}), frozenset({"imaging"}))


async def test_a_view_is_kept_replaced_and_forgotten_by_its_owner_alone(desk: Desk) -> None:
    await desk.do("imaging.huba", saved_views.save_view, " 急诊 ", "?priority=stat")
    await desk.do("imaging.huba", saved_views.save_view, "急诊", "priority=urgent")
    assert await desk.ask("imaging.huba", saved_views.views_of) == [SavedView("急诊", "priority=urgent")]
    assert await desk.ask("imaging.hubb", saved_views.views_of) == []
    with pytest.raises(NotFound):
        await desk.do("imaging.hubb", saved_views.remove_view, "急诊")
    await desk.do("imaging.huba", saved_views.remove_view, "急诊")
    assert await desk.ask("imaging.huba", saved_views.views_of) == []


async def test_views_have_a_name_and_a_number_that_fits_a_menu(desk: Desk) -> None:
    with pytest.raises(Invalid):
        await desk.do("imaging.huba", saved_views.save_view, "  ", "")
    for number in range(MOST_VIEWS):
        await desk.do("imaging.huba", saved_views.save_view, f"{number}", "")
    with pytest.raises(Invalid):
        await desk.do("imaging.huba", saved_views.save_view, "one more", "")
    await desk.do("imaging.huba", saved_views.save_view, "0", "priority=stat")


async def test_who_sees_no_cases_keeps_no_views(desk: Desk) -> None:
    with pytest.raises(Forbidden):
        await desk.do("auditor", saved_views.save_view, "all", "")


async def test_listed_cases_carry_their_evidence_and_consent(desk: Desk) -> None:
    case = await desk.requested("consultation")
    await desk.do("clinic1", casework.record_consent, case.id, ConsentGiver.PATIENT, "张伟", None)
    queries, reader = desk.office.queries, desk.people["consult.huba"]
    found = await queries.cases(reader, CaseFilter(view=View.UNCLAIMED, ids=(case.id,)), None, 10)
    assert [each.id for each in found.cases] == [case.id]
    assert (found.evidence[case.id].consented, dict(found.evidence[case.id].pieces)) == (True, {})
    other = await queries.cases(reader, CaseFilter(view=View.MINE, ids=(case.id,)), None, 10)
    assert other.cases == []


async def test_a_need_is_found_by_the_field_of_its_centre(desk: Desk) -> None:
    wanted = await desk.requested("consultation", speciality="NEUROLOGY")
    await desk.requested("consultation", speciality="CARDIOLOGY")
    found = await desk.office.queries.cases(desk.people["consult.huba"], CaseFilter(need="NEUROLOGY"), None, 10)
    assert [each.id for each in found.cases] == [wanted.id]


async def test_missing_evidence_is_said_until_it_is_there(desk: Desk) -> None:
    case = await desk.requested("consultation")
    desk_before = await desk.ask("consult.huba", open_desk, case.id)
    assert list(desk_before.view.missing) == [EvidenceType.DOCUMENT.value, "consent"]


async def test_the_desk_has_the_draft_the_colleagues_and_the_second_signature(desk: Desk) -> None:
    await desk.add_person(COLLEAGUE)
    case = await desk.at_main()
    opened = await desk.ask("imaging.main", open_desk, case.id)
    assert opened.report is not None
    assert opened.two_person
    assert "imaging3.main" in {each.username for each in opened.colleagues}
    assert "imaging.main" not in {each.username for each in opened.colleagues}
    with pytest.raises(NotFound):
        await desk.ask("imaging.huba", open_desk, case.id)  # it declined the case


async def test_members_have_no_desk(desk: Desk) -> None:
    case = await desk.requested()
    for stranger, refusal in (("clinic1", Forbidden), ("clinic2", NotFound), ("imaging.hubb", NotFound)):
        with pytest.raises(refusal):
            await desk.ask(stranger, open_desk, case.id)


async def test_a_reviewer_may_hand_on_what_another_reader_holds(desk: Desk) -> None:
    await desk.add_person(COLLEAGUE)
    case = await desk.at_main()
    assert "reassign" in (await desk.ask("imaging2.main", open_desk, case.id)).view.actions
    assert "reassign" not in (await desk.ask("imaging3.main", open_desk, case.id)).view.actions
    await desk.do("imaging2.main", reading.reassign_case, case.id, "imaging3.main", "交班")
    assert (await desk.case(case.id)).claimed_by == "imaging3.main"


async def test_only_a_new_version_can_be_thrown_away(desk: Desk) -> None:
    first = await desk.written()
    assert "discard" not in (await desk.ask("imaging.huba", open_desk, first.id)).view.actions
    await desk.sign(first.id, "imaging.huba")
    await desk.do("imaging.huba", reporting.new_version, first.id, VersionKind.AMENDMENT, "更正", None)
    assert "discard" in (await desk.ask("imaging.huba", open_desk, first.id)).view.actions


async def test_what_can_be_claimed_from_a_list(desk: Desk) -> None:
    waiting, held = await desk.requested(), await desk.claimed()
    assert claimable(desk.people["imaging.huba"], waiting)
    assert not claimable(desk.people["imaging.huba"], held)
    assert not claimable(desk.people["imaging2.main"], waiting)


async def test_a_prior_is_read_with_its_report(desk: Desk) -> None:
    before = await desk.signed()
    case, report = await desk.ask("imaging.huba", read_prior, before.id)
    assert case.id == before.id
    assert report is not None
    assert report.released
    with pytest.raises(NotFound):
        await desk.ask("imaging.hubb", read_prior, before.id)
