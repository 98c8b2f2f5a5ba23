"""Evidence finds its case: by accession number, by patient and time, later, by hand; the same thing twice is one thing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydicom.uid import generate_uid

from dicom_gateway import Intake, Source
from dicom_gateway.stability import StudyWatch
from telemed.adapters.clock import utc_now
from telemed.adapters.dicom.study_intake import DicomStudyIntake
from telemed.adapters.dicom.study_repository import StableStudyJobs
from telemed.adapters.jobs.worker import Worker
from telemed.domain.case import Case
from telemed.domain.errors import Forbidden, InvalidTransition, NotFound
from telemed.domain.evidence import Evidence
from telemed.domain.jobs import JobKind
from telemed.service import case_reading as reading
from telemed.service import case_request as case_request
from telemed.service import evidence
from telemed.service import matching as matching
from telemed.service.files import DamagedFile, UnknownKind, attach_file
from telemed.service.ports.studies import StudyFacts
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.harness import CARD, Harness, patient_card


@dataclass
class Modality:
    """Sends studies as an institution's device does, and lets the worker do what follows."""

    harness: Harness
    intake: Intake

    async def send(self, owner: str = "CLINIC1", study: str = "", accession: str = "", patient: str = "", **attributes: Any) -> str:
        """Send one image; returns the study's UID. Nothing is placed before `work`."""
        uid = study or str(generate_uid())
        image = ct_slice(**{"StudyInstanceUID": uid, "AccessionNumber": accession, "PatientID": patient} | CARD | attributes)
        received = await self.intake.receive(part10_of(image), owner, Source("dimse", calling_ae=owner))
        assert received.status == 0
        return uid

    async def work(self) -> None:
        self.harness.clock.now = max(self.harness.clock.now, utc_now())
        worker = Worker(self.harness.application)
        while await worker.once():
            pass

    async def of_case(self, case: Case) -> list[tuple[str | None, int]]:
        """Study and number of images of each piece of evidence of the case."""
        async with self.harness.application.reading() as work:
            found = await work.evidence.of_case(case.id)
        assert (await self.harness.case(case.id)).evidence_count == len(found)
        return [(e.study_instance_uid, e.instances) for e in found]

    async def unmatched(self) -> list[str]:
        async with self.harness.application.reading() as work:
            return [study.study_instance_uid for study in await work.studies.unmatched(None, 50)]

    async def facts(self, uid: str, owner: str = "CLINIC1") -> StudyFacts:
        async with self.harness.application.reading() as work:
            found = await work.studies.facts(owner, uid)
        assert found is not None
        return found


@pytest.fixture
def modality(harness: Harness, intake: Intake) -> Modality:
    return Modality(harness, intake)


class TestByItself:
    async def test_by_accession_number(self, harness: Harness, modality: Modality) -> None:
        case, other = await harness.requested(), await harness.requested()
        uid = await modality.send(accession=case.accession_number, patient="ELSE")
        await modality.work()
        assert await modality.of_case(case) == [(uid, 1)]
        assert await modality.of_case(other) == []
        assert await modality.unmatched() == []
        assert (await harness.history(case.id))[-1] == "evidence"

    async def test_a_study_that_grows_stays_one_piece_of_evidence(self, harness: Harness, modality: Modality) -> None:
        case = await harness.requested()
        uid = await modality.send(accession=case.accession_number)
        await modality.work()
        for _ in range(3):
            await modality.send(study=uid, accession=case.accession_number)
        await modality.work()
        assert await modality.of_case(case) == [(uid, 4)]
        assert (await harness.history(case.id))[-2:] == ["evidence", "evidence-grew"]

    async def test_its_case_is_told_when_it_is_complete_and_again_when_more_came(self, harness: Harness, modality: Modality) -> None:
        case = await harness.requested()
        uid = await modality.send(accession=case.accession_number)
        await modality.work()
        watch = StudyWatch(harness.application.engine, quiet=timedelta(seconds=30), on_stable=StableStudyJobs([JobKind.COMPLETE_STUDY]))
        later = datetime.now(UTC) + timedelta(minutes=1)
        for images in (1, 2):
            assert [study.study_instance_uid for study in await watch.look(later)] == [uid]
            assert await watch.look(later) == []
            await modality.work()
            assert (await harness.history(case.id))[-1] == "evidence-complete"
            async with harness.application.reading() as work:
                (known,) = await work.evidence.of_case(case.id)
            assert known.facts["complete"] == known.instances == images
            if images == 1:
                await modality.send(study=uid, accession=case.accession_number)
                await modality.work()
        async with harness.application.writing() as work:
            assert await matching.complete_study(work, "CLINIC1", uid) == 0

    async def test_the_same_images_again_change_nothing(self, harness: Harness, modality: Modality) -> None:
        case = await harness.requested()
        sop = str(generate_uid())
        uid = await modality.send(accession=case.accession_number, SOPInstanceUID=sop, InstanceNumber=1)
        await modality.work()
        before = await harness.history(case.id)
        async with harness.application.writing() as work:
            await matching.match_study(work, "CLINIC1", uid)
        await modality.work()
        assert await harness.history(case.id) == before
        assert await modality.of_case(case) == [(uid, 1)]

    async def test_by_the_members_patient_and_time(self, harness: Harness, modality: Modality) -> None:
        case = await harness.requested(patient=patient_card(7))
        uid = await modality.send(patient="P00007")
        await modality.work()
        assert await modality.of_case(case) == [(uid, 1)]

    async def test_a_document_in_the_case_does_not_stand_in_its_way(self, harness: Harness, modality: Modality) -> None:
        case = await harness.draft(patient=patient_card(7))
        await harness.do("clinic1", evidence.attach, case.id, document(case, harness))
        uid = await modality.send(patient="P00007")
        await modality.work()
        assert (uid, 1) in await modality.of_case(case)

    @pytest.mark.parametrize(
        "more", [{"Modality": "MR"}, {"patient": "P00008"}, {"owner": "CLINIC2"}], ids=["other modality", "other patient", "other member"]
    )
    async def test_what_does_not_fit_stays_unmatched(self, harness: Harness, modality: Modality, more: dict[str, Any]) -> None:
        case = await harness.requested(patient=patient_card(7))
        uid = await modality.send(**({"patient": "P00007"} | more))
        await modality.work()
        assert await modality.of_case(case) == []
        assert await modality.unmatched() == [uid]

    async def test_another_members_accession_number_is_not_enough(self, harness: Harness, modality: Modality) -> None:
        case = await harness.requested()
        await modality.send(owner="CLINIC2", accession=case.accession_number)
        await modality.work()
        assert await modality.of_case(case) == []

    async def test_two_cases_that_fit_equally_well_are_no_match(self, harness: Harness, modality: Modality) -> None:
        first, second = [await harness.requested(patient=patient_card(7)) for _ in range(2)]
        uid = await modality.send(patient="P00007")
        await modality.work()
        assert [await modality.of_case(case) for case in (first, second)] == [[], []]
        assert await modality.unmatched() == [uid]

    async def test_a_second_study_of_the_patient_does_not_go_to_a_case_that_has_one(self, harness: Harness, modality: Modality) -> None:
        case = await harness.requested(patient=patient_card(7))
        first = await modality.send(patient="P00007")
        await modality.work()
        second = await modality.send(patient="P00007")
        await modality.work()
        assert await modality.of_case(case) == [(first, 1)]
        assert await modality.unmatched() == [second]

    @pytest.mark.parametrize("by", ["accession", "patient"])
    async def test_a_study_that_came_first_is_found_by_the_case_made_later(self, harness: Harness, modality: Modality, by: str) -> None:
        uid = await (modality.send(accession="RIS-7") if by == "accession" else modality.send(patient="P00007"))
        await modality.work()
        assert await modality.unmatched() == [uid]
        harness.clock.forward(days=2)
        case = await harness.draft(patient=patient_card(7), **({"accession_number": "RIS-7"} if by == "accession" else {}))
        await modality.work()
        assert await modality.of_case(case) == [(uid, 1)]
        assert await modality.unmatched() == []

    async def test_a_case_made_long_after_is_not_of_that_time_any_more(self, harness: Harness, modality: Modality) -> None:
        uid = await modality.send(patient="P00007")
        await modality.work()
        harness.clock.forward(days=4)
        case = await harness.draft(patient=patient_card(7))
        await modality.work()
        assert await modality.of_case(case) == []
        assert await modality.unmatched() == [uid]

    async def test_the_study_of_a_cancelled_case_is_free_for_the_next(self, harness: Harness, modality: Modality) -> None:
        wrong = await harness.requested(patient=patient_card(7))
        uid = await modality.send(patient="P00007")
        await modality.work()
        await harness.do("clinic1", case_request.cancel_case, wrong.id, "开错中心")
        assert await modality.unmatched() == [uid]
        right = await harness.requested(patient=patient_card(7))
        await modality.work()
        assert await modality.of_case(right) == [(uid, 1)]
        await modality.send(study=uid, patient="P00007")
        await modality.work()
        assert await modality.of_case(right) == [(uid, 2)]
        assert await modality.of_case(wrong) == [(uid, 1)], "what was shown with the cancelled case stays on record"


class TestTogether:
    @pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite lets one writer in at a time
    async def test_a_claim_while_the_study_is_placed_is_not_lost(self, harness: Harness, modality: Modality) -> None:
        """Placing reads the case, and writes it later; what happened in between must stand."""
        case = await harness.requested()
        uid = await modality.send(accession=case.accession_number)
        study = await modality.facts(uid)
        async with harness.application.writing() as work:
            found, rule = await matching.find_case(work, study)
            assert found is not None
            await harness.do("imaging.huba", reading.claim_case, case.id)
            await evidence.link_study(work, study, found, rule)
        after = await harness.case(case.id)
        assert (after.claimed_by, after.evidence_count) == ("imaging.huba", 1)

    async def test_many_placings_at_once_add_it_once(self, harness: Harness, modality: Modality) -> None:
        case = await harness.requested()
        uid = await modality.send(accession=case.accession_number)

        async def place() -> None:
            async with harness.application.writing() as work:
                await matching.match_study(work, "CLINIC1", uid)

        await asyncio.gather(*(place() for _ in range(6)))
        assert await modality.of_case(case) == [(uid, 1)]

    async def test_a_study_of_two_cases_grows_in_both(self, harness: Harness, modality: Modality) -> None:
        first, second = await harness.requested(), await harness.requested()
        uid = await modality.send(accession=first.accession_number)
        await modality.work()
        await harness.do("operator", evidence.link_by_hand, second.id, "CLINIC1", uid)
        await modality.send(study=uid, accession=first.accession_number)
        await modality.work()
        assert await modality.of_case(first) == await modality.of_case(second) == [(uid, 2)]


class TestByHand:
    async def test_the_operator_links_what_found_no_case(self, harness: Harness, modality: Modality) -> None:
        case = await harness.requested()
        uid = await modality.send()
        await modality.work()
        await harness.do("operator", evidence.link_by_hand, case.id, "CLINIC1", uid)
        assert await modality.of_case(case) == [(uid, 1)]
        assert await modality.unmatched() == []
        assert (await harness.audited("evidence:link"))[0][1] == "operator"

    async def test_only_to_a_case_of_who_sent_it(self, harness: Harness, modality: Modality) -> None:
        case = await harness.requested()
        uid = await modality.send(owner="CLINIC2")
        for owner in ("CLINIC1", "CLINIC2"):
            with pytest.raises(NotFound):
                await harness.do("operator", evidence.link_by_hand, case.id, owner, uid)

    async def test_nobody_else_may(self, harness: Harness, modality: Modality) -> None:
        case = await harness.requested()
        uid = await modality.send()
        for username in ("clinic1", "imaging.huba"):
            with pytest.raises(Forbidden):
                await harness.do(username, evidence.link_by_hand, case.id, "CLINIC1", uid)


PDF = b"%PDF-1.7\n" + bytes(range(256)) * 300


def document(case: Case, harness: Harness) -> Evidence:
    return Evidence("e" * 32, case.id, evidence.EvidenceType.DOCUMENT, "scan.pdf", "clinic1", harness.clock.now, sha256="0" * 64)


async def pieces(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


class TestFiles:
    async def attach(self, harness: Harness, modality: Modality, case: Case, content: bytes, name: str = "病历.pdf") -> Evidence:
        door = DicomStudyIntake(modality.intake, harness.application.engine)
        return await attach_file(harness.application, door, harness.people["clinic1"], case.id, name, pieces(content))

    async def test_the_bytes_are_kept_as_they_came(self, harness: Harness, modality: Modality) -> None:
        case = await harness.draft()
        kept = await self.attach(harness, modality, case, PDF)
        assert (kept.type, kept.media_type, kept.name, kept.size) == ("document", "application/pdf", "病历.pdf", len(PDF))
        assert await harness.application.store.read(kept.key) == PDF

    async def test_the_same_file_again_is_the_same_evidence(self, harness: Harness, modality: Modality) -> None:
        case = await harness.draft()
        done = await asyncio.gather(*(self.attach(harness, modality, case, PDF, f"{n}.pdf") for n in range(4)))
        assert len({one.id for one in done}) == 1
        assert len(await modality.of_case(case)) == 1
        assert [key async for key in harness.application.store.list("evidence/")] == [done[0].key], "no copy is left behind"

    async def test_a_dicom_file_goes_through_the_intake(self, harness: Harness, modality: Modality) -> None:
        case = await harness.draft()
        image = ct_slice()
        kept = await self.attach(harness, modality, case, part10_of(image))
        again = await self.attach(harness, modality, case, part10_of(image))
        await modality.work()
        assert (kept.type, kept.study_instance_uid, kept.id) == ("dicom-study", image.StudyInstanceUID, again.id)
        assert await modality.of_case(case) == [(image.StudyInstanceUID, 1)]

    async def test_what_nobody_knows_and_what_is_damaged_is_refused(self, harness: Harness, modality: Modality) -> None:
        case = await harness.draft()
        for content in (b"", b"hello", bytes(5000)):
            with pytest.raises(UnknownKind):
                await self.attach(harness, modality, case, content)
        with pytest.raises(DamagedFile):
            await self.attach(harness, modality, case, bytes(128) + b"DICM" + b"\xff" * 50)
        assert await modality.of_case(case) == []

    async def test_a_name_that_would_hurt_is_cleaned(self, harness: Harness, modality: Modality) -> None:
        case = await harness.draft()
        kept = await self.attach(harness, modality, case, PDF, "a\r\nb\x00c" + "长" * 300 + ".pdf")
        assert len(kept.name) == 255
        assert kept.name.isprintable()
        assert kept.name.endswith(".pdf")

    async def test_a_closed_case_takes_none(self, harness: Harness, modality: Modality) -> None:
        case = await harness.requested()
        await harness.do("clinic1", case_request.cancel_case, case.id, "x")
        with pytest.raises(InvalidTransition):
            await self.attach(harness, modality, case, PDF)

    async def test_a_hub_that_asked_further_up_adds_nothing_more(self, harness: Harness, modality: Modality) -> None:
        case = await harness.requested()
        await harness.do("imaging.huba", reading.escalate_case, case.id, "x")
        with pytest.raises(NotFound):
            await harness.do("imaging.huba", evidence.attach, case.id, document(case, harness))
