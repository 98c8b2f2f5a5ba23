"""Of a study each case has what it received: at the gateway's doors, for whoever reads the case and whoever is sent its images."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from pydicom.uid import generate_uid

from dicom_gateway import Index, Intake, Scope, Source
from dicom_gateway.index import Level, Match, Query, Target, attribute_named
from telemed.adapters.clock import utc_now
from telemed.adapters.dicom.study_access import case_scope, device_scope, study_scope
from telemed.adapters.dicom.study_intake import DicomStudyIntake
from telemed.adapters.jobs.worker import Worker
from telemed.domain.case import Case
from telemed.domain.errors import BorrowedStudy
from telemed.domain.evidence import Evidence
from telemed.service import case_request, evidence
from telemed.service.files import attach_file
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database


@dataclass
class Doors:
    """Images come in by device and by upload; every way of asking for those of one study."""

    harness: Harness
    intake: Intake
    index: Index

    async def send(self, study: str, **attributes: str) -> str:
        image = ct_slice(**({"StudyInstanceUID": study, "AccessionNumber": ""} | attributes))
        assert (await self.intake.receive(part10_of(image), "CLINIC1", Source("dimse", calling_ae="CLINIC1"))).status == 0
        await self.work()
        return str(image.SOPInstanceUID)

    async def attach(self, case: Case, study: str, by: str = "clinic1", **attributes: str) -> tuple[str, Evidence]:
        image = ct_slice(**({"StudyInstanceUID": study, "AccessionNumber": ""} | attributes))

        async def content() -> AsyncIterator[bytes]:
            yield part10_of(image)

        application = self.harness.application
        door = DicomStudyIntake(self.intake, application.engine)
        kept = await attach_file(application, door, self.harness.people[by], case.id, "image.dcm", content())
        return str(image.SOPInstanceUID), kept

    async def work(self) -> None:
        self.harness.clock.now = max(self.harness.clock.now, utc_now())
        worker = Worker(self.harness.application)
        while await worker.once():
            pass

    async def seen(self, scope: Scope, study: str) -> set[str]:
        """The instances of the study in this scope: found at every level, counted, and located."""
        named = attribute_named("StudyInstanceUID")
        assert named is not None
        match = Match(named, (study,))
        found = await self.index.find(Query(Level.IMAGE, [match]), scope)
        located = await self.index.locate(Target(studies=[study]), scope)
        uids = {each["SOPInstanceUID"] for each in found}
        assert {each.sop_instance_uid for each in located} == uids
        for level in (Level.STUDY, Level.SERIES):
            rows = await self.index.find(Query(level, [match]), scope)
            assert sum(each[COUNTED[level]] for each in rows) == len(uids)
            assert all(each[COUNTED[level]] for each in rows)
        assert len(await self.index.find(Query(Level.PATIENT, [match]), scope)) == bool(uids)
        return uids

    async def everybody(self, study: str, case: Case) -> list[set[str]]:
        """Reader, hub's device, receiver of the case's images, the member's people, the member's device."""
        people = self.harness.people
        scopes = [study_scope(people["imaging.huba"], "retrieve"), device_scope("HUBA", True), case_scope(case)]
        scopes += [study_scope(people["clinic1"], "retrieve"), device_scope("CLINIC1", False)]
        return [await self.seen(scope, study) for scope in scopes]


COUNTED = {Level.STUDY: "NumberOfStudyRelatedInstances", Level.SERIES: "NumberOfSeriesRelatedInstances"}


@pytest.fixture
def doors(harness: Harness, intake: Intake) -> Doors:
    return Doors(harness, intake, Index(harness.application.engine))


async def test_a_study_of_two_cases_shows_each_what_it_was_given(doors: Doors) -> None:
    study = str(generate_uid())
    first = await doors.harness.draft()
    of_first, _ = await doors.attach(first, study)
    by_device = await doors.send(study)
    second = await doors.harness.requested()
    of_second, kept = await doors.attach(second, study)
    assert (kept.whole, kept.instances) == (False, 1)
    assert await doors.everybody(study, second) == [{of_second}] * 3 + [{of_first, by_device, of_second}] * 2
    await doors.harness.do("clinic1", case_request.submit_case, first.id)
    assert await doors.seen(case_scope(first), study) == {of_first, by_device}
    assert await doors.seen(case_scope(second), study) == {of_second}
    assert await doors.seen(study_scope(doors.harness.people["imaging.hubb"], "retrieve"), study) == set()


async def test_the_whole_study_given_a_second_time_is_evidence_of_both(doors: Doors) -> None:
    study, sop = str(generate_uid()), str(generate_uid())
    same = {"SOPInstanceUID": sop, "SeriesInstanceUID": str(generate_uid()), "InstanceNumber": "1"}
    first, second = await doors.harness.requested(), await doors.harness.requested()
    for case in (first, second):
        _, kept = await doors.attach(case, study, **same)
        assert (kept.whole, kept.instances) == (True, 1)
    later = await doors.send(study)
    assert await doors.seen(case_scope(first), study) == await doors.seen(case_scope(second), study) == {sop, later}


async def test_a_hub_opens_nothing_by_a_uid_whether_it_comes_before_or_after_the_study(doors: Doors) -> None:
    case, before, after = await doors.harness.requested(), str(generate_uid()), str(generate_uid())
    own, kept = await doors.attach(case, before, "imaging.huba")
    assert not kept.whole
    for study in (before, after):
        await doors.send(study)
    with pytest.raises(BorrowedStudy):
        await doors.attach(case, after, "imaging.huba")
    assert (await doors.everybody(before, case))[:3] == [{own}] * 3
    assert (await doors.everybody(after, case))[:3] == [set()] * 3
    async with doors.harness.application.reading() as work:
        assert {study.study_instance_uid for study in await work.studies.unmatched("CLINIC1", 9)} == {before, after}


async def test_the_operator_makes_a_part_the_whole_by_linking_it(doors: Doors) -> None:
    case, study = await doors.harness.requested(), str(generate_uid())
    own, _ = await doors.attach(case, study, "imaging.huba")
    sent = await doors.send(study)
    await doors.harness.do("operator", evidence.link_by_hand, case.id, "CLINIC1", study)
    assert await doors.everybody(study, case) == [{own, sent}] * 5
    await doors.harness.do("operator", evidence.unlink_study, case.id, "CLINIC1", study, "another patient")
    assert await doors.everybody(study, case) == [set()] * 3 + [{own, sent}] * 2


async def test_the_images_of_a_case_that_was_withdrawn_look_for_another_as_a_study(doors: Doors) -> None:
    case, study = await doors.harness.requested(), str(generate_uid())
    uid, _ = await doors.attach(case, study)
    await doors.harness.do("clinic1", case_request.cancel_case, case.id, "mistake")
    other = await doors.harness.requested()
    await doors.harness.do("operator", evidence.link_by_hand, other.id, "CLINIC1", study)
    assert await doors.seen(case_scope(other), study) == {uid}
