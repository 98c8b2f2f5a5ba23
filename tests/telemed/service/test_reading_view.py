"""What a reader finds on the harness: saved views, rows with their evidence, the report, and what can be done."""

from __future__ import annotations

import pytest

from telemed.domain.consent import ConsentGiver
from telemed.domain.errors import Forbidden, Invalid, NotFound
from telemed.domain.evidence import EvidenceType
from telemed.domain.people import Person, Role
from telemed.domain.report import VersionKind
from telemed.service import case_reading as reading
from telemed.service import case_request as case_request
from telemed.service import reporting, saved_views
from telemed.service.ports.saved_views import SavedView
from telemed.service.queries import CaseFilter, View
from telemed.service.reading_view import claimable, open_for_reading, read_prior
from telemed.service.saved_views import MAX_VIEWS
from tests.telemed.harness import Harness

COLLEAGUE = Person("imaging3.main", "周一鸣", "MAIN", frozenset({Role.SPECIALIST}), frozenset({"imaging"}))


async def test_a_view_is_kept_replaced_and_forgotten_by_its_owner_alone(harness: Harness) -> None:
    await harness.do("imaging.huba", saved_views.save_view, " 急诊 ", "?priority=stat")
    await harness.do("imaging.huba", saved_views.save_view, "急诊", "priority=urgent")
    assert await harness.ask("imaging.huba", saved_views.views_of) == [SavedView("急诊", "priority=urgent")]
    assert await harness.ask("imaging.hubb", saved_views.views_of) == []
    with pytest.raises(NotFound):
        await harness.do("imaging.hubb", saved_views.remove_view, "急诊")
    await harness.do("imaging.huba", saved_views.remove_view, "急诊")
    assert await harness.ask("imaging.huba", saved_views.views_of) == []


async def test_views_have_a_name_and_a_number_that_fits_a_menu(harness: Harness) -> None:
    with pytest.raises(Invalid):
        await harness.do("imaging.huba", saved_views.save_view, "  ", "")
    for number in range(MAX_VIEWS):
        await harness.do("imaging.huba", saved_views.save_view, f"{number}", "")
    with pytest.raises(Invalid):
        await harness.do("imaging.huba", saved_views.save_view, "one more", "")
    await harness.do("imaging.huba", saved_views.save_view, "0", "priority=stat")


async def test_who_sees_no_cases_keeps_no_views(harness: Harness) -> None:
    with pytest.raises(Forbidden):
        await harness.do("auditor", saved_views.save_view, "all", "")


async def test_listed_cases_carry_their_evidence_and_consent(harness: Harness) -> None:
    case = await harness.requested("consultation")
    await harness.do("clinic1", case_request.record_consent, case.id, ConsentGiver.PATIENT, "张伟", None)
    queries, reader = harness.application.queries, harness.people["consult.huba"]
    found = await queries.cases(reader, CaseFilter(view=View.UNCLAIMED, ids=(case.id,)), None, 10)
    assert [each.id for each in found.cases] == [case.id]
    assert (found.evidence[case.id].consented, dict(found.evidence[case.id].pieces)) == (True, {})
    other = await queries.cases(reader, CaseFilter(view=View.MINE, ids=(case.id,)), None, 10)
    assert other.cases == []


async def test_a_need_is_found_by_the_field_of_its_centre(harness: Harness) -> None:
    wanted = await harness.requested("consultation", speciality="NEUROLOGY")
    await harness.requested("consultation", speciality="CARDIOLOGY")
    found = await harness.application.queries.cases(harness.people["consult.huba"], CaseFilter(need="NEUROLOGY"), None, 10)
    assert [each.id for each in found.cases] == [wanted.id]


async def test_missing_evidence_is_said_until_it_is_there(harness: Harness) -> None:
    case = await harness.requested("consultation")
    before = await harness.ask("consult.huba", open_for_reading, case.id)
    assert list(before.view.missing) == [EvidenceType.DOCUMENT.value, "consent"]


async def test_the_reading_view_has_the_draft_the_colleagues_and_the_second_signature(harness: Harness) -> None:
    await harness.add_person(COLLEAGUE)
    case = await harness.at_main()
    opened = await harness.ask("imaging.main", open_for_reading, case.id)
    assert opened.report is not None
    assert opened.two_person
    assert "imaging3.main" in {each.username for each in opened.colleagues}
    assert "imaging.main" not in {each.username for each in opened.colleagues}
    with pytest.raises(NotFound):
        await harness.ask("imaging.huba", open_for_reading, case.id)  # it declined the case


async def test_members_have_no_reading_view(harness: Harness) -> None:
    case = await harness.requested()
    for stranger, refusal in (("clinic1", Forbidden), ("clinic2", NotFound), ("imaging.hubb", NotFound)):
        with pytest.raises(refusal):
            await harness.ask(stranger, open_for_reading, case.id)


async def test_a_reviewer_may_hand_on_what_another_reader_holds(harness: Harness) -> None:
    await harness.add_person(COLLEAGUE)
    case = await harness.at_main()
    assert "reassign" in (await harness.ask("imaging2.main", open_for_reading, case.id)).view.actions
    assert "reassign" not in (await harness.ask("imaging3.main", open_for_reading, case.id)).view.actions
    await harness.do("imaging2.main", reading.reassign_case, case.id, "imaging3.main", "交班")
    assert (await harness.case(case.id)).claimed_by == "imaging3.main"


async def test_only_a_new_version_can_be_thrown_away(harness: Harness) -> None:
    first = await harness.written()
    assert "discard" not in (await harness.ask("imaging.huba", open_for_reading, first.id)).view.actions
    await harness.sign(first.id, "imaging.huba")
    await harness.do("imaging.huba", reporting.new_version, first.id, VersionKind.AMENDMENT, "更正", None)
    assert "discard" in (await harness.ask("imaging.huba", open_for_reading, first.id)).view.actions


async def test_what_can_be_claimed_from_a_list(harness: Harness) -> None:
    waiting, held = await harness.requested(), await harness.claimed()
    assert claimable(harness.people["imaging.huba"], waiting, harness.application.region.network)
    assert not claimable(harness.people["imaging.huba"], held, harness.application.region.network)
    assert not claimable(harness.people["imaging2.main"], waiting, harness.application.region.network)


async def test_a_prior_is_read_with_its_report(harness: Harness) -> None:
    before = await harness.signed()
    prior = await harness.ask("imaging.huba", read_prior, before.id)
    case, report = prior.case, prior.report
    assert case.id == before.id
    assert report is not None
    assert report.released
    with pytest.raises(NotFound):
        await harness.ask("imaging.hubb", read_prior, before.id)
