"""Reports: drafts and their versions, one signature or two, sending back, amendments, addenda, and the PDF of each."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from telemed.domain.case import CaseStatus
from telemed.domain.errors import Forbidden, Invalid, InvalidTransition, NotAuthenticated, NotFound, StaleVersion, VersionRequired
from telemed.domain.people import Role
from telemed.domain.report import Report, VersionKind
from telemed.service import case_reading as reading
from telemed.service import case_request as case_request
from telemed.service import execution, reporting, signing
from tests.telemed.harness import SECTIONS, Harness

pytestmark = pytest.mark.database

WORDS = SECTIONS["imaging"]
CHANGED = {"findings": "左侧基底节区见小片状低密度影。", "impression": "腔隙性脑梗死可能。"}


async def seen_by(harness: Harness, username: str, case_id: str) -> Report | None:
    try:
        report, _ = await harness.ask(username, reporting.read_report, case_id)
    except NotFound:
        return None
    assert isinstance(report, Report)
    return report


async def pdf_text(harness: Harness, report: Report) -> str:
    """The text of the stored PDF, whose digest must be the one on record."""
    content = await harness.application.store.read(report.pdf_key)
    assert hashlib.sha256(content).hexdigest() == report.pdf_sha256
    return "".join("".join(page.extract_text().split()) for page in PdfReader(BytesIO(content)).pages)


class TestDraft:
    async def test_each_save_has_a_new_tag_and_needs_the_one_before(self, harness: Harness) -> None:
        case = await harness.claimed()
        first = await seen_by(harness, "imaging.huba", case.id)
        assert first is not None
        saved = await harness.save(case.id, "imaging.huba", {"findings": "a"}, f'"{first.entity_tag}"')
        assert saved.entity_tag != first.entity_tag
        with pytest.raises(StaleVersion) as stale:
            await harness.save(case.id, "imaging.huba", {"findings": "b"}, f'"{first.entity_tag}"')
        assert stale.value.current == saved.entity_tag
        with pytest.raises(VersionRequired):
            await harness.save(case.id, "imaging.huba", {"findings": "b"}, None)
        assert (await harness.versions(case.id))[0].sections == {"findings": "a"}

    async def test_of_two_windows_that_save_at_once_one_is_told(self, harness: Harness) -> None:
        case = await harness.claimed()
        tag = (await harness.versions(case.id))[0].entity_tag
        tries = [harness.save(case.id, "imaging.huba", {"findings": str(n)}, tag) for n in range(5)]
        done = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(type(one).__name__ for one in done) == ["Report"] + ["StaleVersion"] * 4

    async def test_the_first_save_begins_the_work_and_only_once(self, harness: Harness) -> None:
        case = await harness.written()
        assert case.status is CaseStatus.IN_PROGRESS
        await harness.save(case.id, "imaging.huba", CHANGED)
        assert (await harness.history(case.id)).count("write") == 1

    async def test_a_section_that_is_not_on_the_form_is_refused(self, harness: Harness) -> None:
        case = await harness.claimed()
        with pytest.raises(Invalid) as refused:
            await harness.save(case.id, "imaging.huba", {"findings": 5, "opinion": "x"})
        assert {e.field for e in refused.value.errors} == {"sections.findings", "sections.opinion"}

    async def test_nobody_but_the_hub_sees_it(self, harness: Harness) -> None:
        case = await harness.written()
        assert await seen_by(harness, "imaging.huba", case.id) is not None
        assert await seen_by(harness, "clinic1", case.id) is None
        for stranger in ("imaging.hubb", "ecg.huba", "imaging.main", "operator", "clinic2"):
            with pytest.raises((NotFound, Forbidden)):
                await harness.ask(stranger, reporting.read_report, case.id)

    async def test_who_does_not_hold_the_case_cannot_write(self, harness: Harness) -> None:
        case = await harness.requested()
        with pytest.raises(InvalidTransition):
            await harness.save(case.id, "imaging.huba", WORDS)


class TestSignature:
    async def test_one_signature_releases_where_one_is_asked_for(self, harness: Harness) -> None:
        case = await harness.written()
        report = await harness.sign(case.id, "imaging.huba")
        assert (report.status, report.author, report.reviewer) == ("final", "imaging.huba", None)
        assert report.released_at == report.signed_at == harness.clock.now
        done = await harness.case(case.id)
        assert (done.status, done.completed_at, done.claimed_by) == (CaseStatus.COMPLETED, harness.clock.now, None)
        assert await seen_by(harness, "clinic1", case.id) == report
        assert "颅内未见异常密度影" in await pdf_text(harness, report)
        assert report.verification_code in await pdf_text(harness, report)
        assert await harness.history(case.id) == ["create", "submit", "claim", "write", "sign"]

    async def test_a_wrong_password_signs_nothing_and_is_on_record(self, harness: Harness) -> None:
        case = await harness.written()
        with pytest.raises(NotAuthenticated):
            await signing.sign(harness.application, harness.people["imaging.huba"], case.id, "wrong")
        assert (await harness.case(case.id)).report_status == "partial"
        assert await harness.audited("report:sign") == [("report:sign", "imaging.huba", "person/imaging.huba", "refused")]

    @pytest.mark.parametrize("sections", [{}, {"findings": "x"}, {"findings": "x", "impression": " \n"}])
    async def test_an_incomplete_report_is_not_signed(self, harness: Harness, sections: dict[str, str]) -> None:
        case = await harness.claimed()
        await harness.save(case.id, "imaging.huba", sections)
        with pytest.raises(Invalid):
            await harness.sign(case.id, "imaging.huba")

    async def test_signing_twice_at_once_signs_once(self, harness: Harness) -> None:
        case = await harness.written()
        done = await asyncio.gather(*(harness.sign(case.id, "imaging.huba") for _ in range(3)), return_exceptions=True)
        assert sum(isinstance(one, Report) for one in done) == 1
        assert (await harness.history(case.id)).count("sign") == 1

    async def test_a_draft_that_was_saved_while_the_pdf_was_printed_is_not_signed(self, harness: Harness) -> None:
        """What is signed is what was printed: the saved text would not stand in the PDF."""
        case = await harness.written()
        person = harness.people["imaging.huba"]
        order = await execution.query(harness.application, reporting.prepare_signature, person, case.id, ())
        printed = await harness.application.renderer.print(order)
        await harness.save(case.id, "imaging.huba", CHANGED)
        with pytest.raises(StaleVersion):
            await harness.do("imaging.huba", reporting.sign_report, order, printed)
        assert (await harness.case(case.id)).report_status == "partial"

    async def test_a_case_that_was_given_away_meanwhile_is_not_signed(self, harness: Harness) -> None:
        case = await harness.written()
        person = harness.people["imaging.huba"]
        order = await execution.query(harness.application, reporting.prepare_signature, person, case.id, ())
        printed = await harness.application.renderer.print(order)
        await harness.do("imaging.huba", reading.escalate_case, case.id, "x")
        with pytest.raises(NotFound):
            await harness.do("imaging.huba", reporting.sign_report, order, printed)

    async def test_a_final_report_is_never_edited(self, harness: Harness) -> None:
        case = await harness.signed()
        with pytest.raises(InvalidTransition):
            await harness.save(case.id, "imaging.huba", CHANGED)
        with pytest.raises(InvalidTransition):
            await harness.sign(case.id, "imaging.huba")


class TestTwoPeople:
    async def test_the_first_signature_is_preliminary_and_the_member_waits(self, harness: Harness) -> None:
        case = await harness.at_main()
        report = await harness.sign(case.id, "imaging.main")
        assert (report.status, report.released_at) == ("preliminary", None)
        assert await seen_by(harness, "clinic1", case.id) is None
        assert (await harness.case(case.id)).status is CaseStatus.IN_PROGRESS

    async def test_the_reviewer_releases(self, harness: Harness) -> None:
        case = await harness.at_main()
        await harness.sign(case.id, "imaging.main")
        harness.clock.forward(minutes=5)
        report = await harness.review(case.id)
        assert (report.status, report.author, report.reviewer) == ("final", "imaging.main", "imaging2.main")
        assert report.reviewed_at == report.released_at == harness.clock.now
        assert (await harness.case(case.id)).status is CaseStatus.COMPLETED
        text = await pdf_text(harness, report)
        assert "李若冰" in text
        assert "贺启明" in text

    async def test_the_author_is_never_the_reviewer(self, harness: Harness) -> None:
        """Even somebody with both roles."""
        both = replace(harness.people["imaging.main"], username="both.main", roles=frozenset({Role.SPECIALIST, Role.REVIEWER}))
        await harness.add_person(both)
        case = await harness.requested(modality="PT")
        await harness.do("both.main", reading.claim_case, case.id)
        await harness.save(case.id, "both.main", WORDS)
        order = await execution.query(harness.application, reporting.prepare_signature, both, case.id, ())
        printed = await harness.application.renderer.print(order)
        await harness.do("both.main", reporting.sign_report, order, printed)
        for step, argument in ((reporting.prepare_review, ()), (reporting.send_back, "x")):
            with pytest.raises(Forbidden) as refused:
                await harness.ask("both.main", step, case.id, argument)
            assert refused.value.reason == "own-report"

    async def test_there_is_nothing_to_review_before_a_signature(self, harness: Harness) -> None:
        case = await harness.at_main()
        with pytest.raises(InvalidTransition):
            await harness.review(case.id)

    async def test_sent_back_the_author_writes_on_with_the_note_beside(self, harness: Harness) -> None:
        case = await harness.at_main()
        await harness.sign(case.id, "imaging.main")
        report = await harness.do("imaging2.main", reporting.send_back, case.id, "请描述脑室")
        assert (report.status, report.review_note, report.signed_at) == ("partial", "请描述脑室", None)
        assert (await harness.case(case.id)).claimed_by == "imaging.main"
        await harness.save(case.id, "imaging.main", CHANGED)
        await harness.sign(case.id, "imaging.main")
        assert (await harness.review(case.id)).sections == CHANGED

    async def test_what_was_sent_back_meanwhile_is_not_released(self, harness: Harness) -> None:
        case = await harness.at_main()
        await harness.sign(case.id, "imaging.main")
        person = harness.people["imaging2.main"]
        order = await execution.query(harness.application, reporting.prepare_review, person, case.id, ())
        printed = await harness.application.renderer.print(order)
        await harness.do("imaging2.main", reporting.send_back, case.id, "x")
        with pytest.raises(InvalidTransition):
            await harness.do("imaging2.main", reporting.review_report, order, printed)


class TestAmendment:
    async def test_it_is_a_version_of_its_own_and_the_first_stays_readable(self, harness: Harness) -> None:
        case = await harness.signed()
        opened = await harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.AMENDMENT, "笔误", None)
        assert (opened.version, opened.status, opened.sections) == (2, "partial", WORDS)
        seen = await seen_by(harness, "clinic1", case.id)
        assert seen is not None
        assert (seen.version, seen.status) == (1, "final"), "until it is signed, the released version counts for the member"
        await harness.save(case.id, "imaging.huba", CHANGED)
        report = await harness.sign(case.id, "imaging.huba")
        assert (report.version, report.status, report.reason) == (2, "amended", "笔误")
        first, second = await harness.versions(case.id)
        assert (first.status, first.sections, second.sections) == ("final", WORDS, CHANGED)
        assert "腔隙性脑梗死" in await pdf_text(harness, report)
        assert "未见明显异常" in await pdf_text(harness, first)
        assert (await harness.case(case.id)).status is CaseStatus.COMPLETED

    async def test_the_member_must_acknowledge_again(self, harness: Harness) -> None:
        case = await harness.signed()
        await harness.do("clinic1", case_request.acknowledge_report, case.id)
        await harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.AMENDMENT, "笔误", CHANGED)
        await harness.sign(case.id, "imaging.huba")
        assert (await harness.case(case.id)).acknowledged_at is None

    async def test_what_is_amended_after_an_addendum_is_the_report_itself(self, harness: Harness) -> None:
        case = await harness.signed()
        await harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.ADDENDUM, "补充", {"addendum": "已与临床电话沟通。"})
        await harness.sign(case.id, "imaging.huba")
        amended = await harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.AMENDMENT, "更正", None)
        assert (amended.version, amended.sections) == (3, SECTIONS["imaging"])
        await harness.sign(case.id, "imaging.huba")
        assert [(each.kind, each.status) for each in await harness.versions(case.id)] == [
            ("original", "final"),
            ("addendum", "appended"),
            ("amendment", "amended"),
        ]

    async def test_an_addendum_leaves_the_text_as_it_was(self, harness: Harness) -> None:
        case = await harness.signed()
        await harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.ADDENDUM, "补充", {"addendum": "已与临床电话沟通。"})
        report = await harness.sign(case.id, "imaging.huba")
        assert (report.version, report.status) == (2, "appended")
        text = await pdf_text(harness, report)
        assert "未见明显异常" in text
        assert "已与临床电话沟通" in text

    async def test_one_that_is_thrown_away_leaves_no_trace_for_the_member(self, harness: Harness) -> None:
        case = await harness.signed()
        await harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.AMENDMENT, "笔误", None)
        await harness.do("imaging.huba", reporting.discard_version, case.id)
        seen = await seen_by(harness, "clinic1", case.id)
        assert seen is not None
        assert seen.version == 1
        done = await harness.case(case.id)
        assert (done.status, done.report_status, done.claimed_by) == (CaseStatus.COMPLETED, "final", None)
        again = await harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.ADDENDUM, "补充", None)
        assert again.version == 3

    async def test_one_that_was_set_aside_and_thrown_away_is_not_set_aside_any_more(self, harness: Harness) -> None:
        case = await harness.signed()
        await harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.AMENDMENT, "笔误", None)
        await harness.do("imaging.huba", reading.park_case, case.id, parked=True)
        await harness.do("imaging.huba", reporting.discard_version, case.id)
        await harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.AMENDMENT, "笔误", None)
        assert (await harness.case(case.id)).parked_at is None

    async def test_only_one_at_a_time(self, harness: Harness) -> None:
        case = await harness.signed()
        opening = [harness.do("imaging.huba", reporting.new_version, case.id, VersionKind.AMENDMENT, "笔误", None) for _ in range(4)]
        done = await asyncio.gather(*opening, return_exceptions=True)
        assert sorted(type(one).__name__ for one in done) == ["InvalidTransition"] * 3 + ["Report"]

    async def test_nothing_to_amend_before_a_release(self, harness: Harness) -> None:
        case = await harness.at_main()
        await harness.sign(case.id, "imaging.main")
        with pytest.raises(InvalidTransition):
            await harness.do("imaging.main", reporting.new_version, case.id, VersionKind.AMENDMENT, "x", None)

    async def test_the_first_version_cannot_be_thrown_away(self, harness: Harness) -> None:
        case = await harness.written()
        with pytest.raises(InvalidTransition):
            await harness.do("imaging.huba", reporting.discard_version, case.id)

    async def test_at_a_hub_of_two_people_an_amendment_is_reviewed_too(self, harness: Harness) -> None:
        case = await harness.at_main()
        await harness.sign(case.id, "imaging.main")
        await harness.review(case.id)
        await harness.do("imaging.main", reporting.new_version, case.id, VersionKind.AMENDMENT, "笔误", CHANGED)
        assert (await harness.sign(case.id, "imaging.main")).status == "preliminary"
        seen = await seen_by(harness, "clinic1", case.id)
        assert seen is not None
        assert seen.version == 1
        assert (await harness.review(case.id)).status == "amended"

    async def test_another_hub_cannot(self, harness: Harness) -> None:
        case = await harness.signed()
        with pytest.raises(NotFound):
            await harness.do("imaging.main", reporting.new_version, case.id, VersionKind.AMENDMENT, "x", None)
