"""Whose evidence is it? Whatever the door, a file that states another patient is not silent, nobody signs over it, and a person
settles it: the same after all, or taken away with nothing lost."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydicom import dcmread
from pydicom.uid import generate_uid

import ecg
from dicom_gateway import Intake, Source
from dicom_gateway.person_name import readings
from ecg.synthesis import resting
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.dicom.study_intake import DicomStudyIntake
from telemed.adapters.jobs.worker import Handler, Worker
from telemed.adapters.stored_objects import EVIDENCE
from telemed.centres.ecg.adapters.jobs import EcgReader
from telemed.domain.case import Case
from telemed.domain.errors import AlreadyClaimed, DomainError, Forbidden, IdentityUnsettled, Invalid, InvalidTransition, NotFound
from telemed.domain.evidence import Evidence
from telemed.domain.identity_of_evidence import IdentityFinding, KnownPatient, StatedIdentity, differences, differences_between
from telemed.domain.jobs import JobKind
from telemed.domain.patient import Identifier, Sex
from telemed.service import case_reading as reading
from telemed.service import case_request, evidence, identity_settlement, patients, reconciliation
from telemed.service.case_view import view_case
from telemed.service.files import attach_file
from tests import real_files
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.real_files import each
from tests.telemed.harness import CARD, Harness, patient_card, resident_id

pytestmark = pytest.mark.database

OWN = CARD | {"PatientID": "", "AccessionNumber": ""}
OTHER = OWN | {"PatientName": "完全^别人", "PatientBirthDate": "20010101", "PatientSex": "F"}


@pytest.fixture(scope="module")
def pool() -> Any:
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


def image(study: str = "", **attributes: Any) -> bytes:
    return part10_of(ct_slice(**({"StudyInstanceUID": study or generate_uid()} | attributes)))


async def upload(harness: Harness, intake: Intake, case: Case, content: bytes, by: str = "clinic1") -> Evidence:
    studies = DicomStudyIntake(intake, harness.application.engine)
    return await attach_file(harness.application, studies, harness.people[by], case.id, "file", pieces(content))


async def work(harness: Harness, pool: Executor | None = None) -> None:
    harness.clock.now = max(harness.clock.now, utc_now())
    handlers = {"read-ecg": Handler(EcgReader(harness.application, pool, str))} if pool else {}
    worker = Worker(harness.application, handlers)
    while await worker.once():
        await worker.finish()


async def store(harness: Harness, intake: Intake, **attributes: Any) -> str:
    """A C-STORE from CLINIC1; returns the study's UID."""
    made = ct_slice(**({"StudyInstanceUID": generate_uid()} | attributes))
    assert (await intake.receive(part10_of(made), "CLINIC1", Source("dimse"))).status == 0
    await work(harness)
    return str(made.StudyInstanceUID)


async def findings(harness: Harness, case: Case, by: str = "clinic1") -> list[IdentityFinding]:
    return list((await harness.ask(by, view_case, case.id)).identities)


async def differing(harness: Harness, case: Case) -> list[list[str]]:
    return [[each.value for each in finding.differs] for finding in await findings(harness, case)]


async def settle(
    harness: Harness, case: Case, evidence_id: str, same: bool = True, by: str = "imaging.huba", reason: str = "电话核对"
) -> Any:
    return await harness.do(by, identity_settlement.settle_identity, case.id, evidence_id, same, reason)


ALL = ["name", "sex", "birth_date"]


async def test_an_uploaded_file_of_another_person_forbids_the_signature(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    await upload(harness, intake, case, image(**OTHER))
    assert await differing(harness, case) == [ALL]
    assert (await harness.case(case.id)).identity_open
    assert "identity-differs" in await harness.history(case.id)
    with pytest.raises(IdentityUnsettled) as refused:
        await harness.sign(case.id, "imaging.huba")
    assert refused.value.differs == tuple(ALL)
    await harness.save(case.id, "imaging.huba", {"findings": "草稿可以写", "impression": "草稿"})


async def test_the_same_person_in_another_spelling_is_signed_at_once(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    await upload(harness, intake, case, image(**OWN))
    await upload(harness, intake, case, image(**OWN | {"PatientName": "WEI^ZHANG", "PatientSex": "O", "PatientBirthDate": ""}))
    assert await differing(harness, case) == [[], []]
    assert not (await harness.case(case.id)).identity_open
    await harness.sign(case.id, "imaging.huba")


async def test_a_study_that_finds_its_case_by_number_is_compared(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    await store(harness, intake, **OTHER | {"AccessionNumber": case.accession_number})
    assert await differing(harness, case) == [ALL]
    with pytest.raises(IdentityUnsettled):
        await harness.sign(case.id, "imaging.huba")


async def test_a_study_that_the_operator_links_is_compared_and_one_taken_away_asks_no_more(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    uid = await store(harness, intake, **OTHER)
    await harness.do("operator", evidence.link_by_hand, case.id, "CLINIC1", uid)
    assert (await harness.case(case.id)).identity_open
    await harness.do("operator", evidence.unlink_study, case.id, "CLINIC1", uid, "他人")
    assert not (await harness.case(case.id)).identity_open
    await harness.sign(case.id, "imaging.huba")


async def test_what_arrived_and_was_not_compared_yet_forbids_the_signature_too(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    study = generate_uid()
    await upload(harness, intake, case, image(study, **OWN))
    await intake.receive(image(study, **OTHER), "CLINIC1", Source("dimse"))
    assert not (await harness.case(case.id)).identity_open
    with pytest.raises(IdentityUnsettled):
        await harness.sign(case.id, "imaging.huba")
    await work(harness)
    assert (await harness.case(case.id)).identity_open


async def test_two_patients_in_one_study_are_told_apart(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    study = generate_uid()
    await upload(harness, intake, case, image(study, **OWN | {"PatientID": "A-1"}))
    await upload(harness, intake, case, image(study, **OWN | {"PatientID": "A-1"}))
    assert await differing(harness, case) == [[]]
    await upload(harness, intake, case, image(study, **OWN | {"PatientID": "A-2"}))
    assert sorted(await differing(harness, case)) == [[], ["identifiers"]]


async def test_two_files_of_two_people_differ_although_the_case_is_silent(harness: Harness, intake: Intake) -> None:
    case = await harness.claimed(patient=patient_card(9, birth_date=None, identifiers=()))
    await upload(harness, intake, case, image(**OWN | {"PatientBirthDate": "19800101"}))
    await upload(harness, intake, case, image(**OWN | {"PatientBirthDate": "19900202"}))
    assert await differing(harness, case) == [[], ["birth_date"]]


async def test_a_number_of_another_patient_of_the_institution_differs(harness: Harness, intake: Intake) -> None:
    await harness.draft(patient=patient_card(71, name="李娜"))
    await harness.draft(by="clinic2", patient=patient_card(72, "CLINIC2", name="李娜"))
    case = await harness.claimed(patient=patient_card(73))
    await upload(harness, intake, case, image(**OWN | {"PatientID": "P00071"}))
    await upload(harness, intake, case, image(**OWN | {"PatientID": "P00072"}))
    await upload(harness, intake, case, image(**OWN | {"PatientID": "P00073"}))
    await upload(harness, intake, case, image(**OWN | {"PatientID": resident_id(73)}))
    await upload(harness, intake, case, image(**OWN | {"PatientID": resident_id(74)}))
    assert await differing(harness, case) == [["identifiers"], [], [], [], ["identifiers"]]


async def test_names_and_numbers_of_records_that_are_the_same_person_are_theirs(harness: Harness, intake: Intake) -> None:
    other = await harness.draft(patient=patient_card(81, name="张小伟", identifiers=(Identifier("CLINIC1", "P00081"),)))
    case = await harness.claimed(patient=patient_card(82))
    await upload(harness, intake, case, image(**OWN | {"PatientName": "Zhang^Xiaowei", "PatientID": "P00081"}))
    assert await differing(harness, case) == [["name", "identifiers"]]
    await harness.do("operator", patients.merge_patients, case.patient.id, other.patient.id, "改名")
    await upload(harness, intake, case, image(**OWN))
    assert await differing(harness, case) == [[], []]
    assert not (await harness.case(case.id)).identity_open


async def test_who_holds_the_case_settles_it_with_a_reason(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    study = generate_uid()
    kept = await upload(harness, intake, case, image(study, **OTHER))
    await settle(harness, case, kept.id, reason="急诊登记时用了别名")
    (finding,) = await findings(harness, case)
    assert (finding.settled_by, finding.reason, finding.open) == ("imaging.huba", "急诊登记时用了别名", False)
    assert [each.value for each in finding.differs] == ALL
    assert "identity-settled" in await harness.history(case.id)
    assert ("evidence:identify", "imaging.huba", f"case/{case.id}", "success") in await harness.audited("evidence:identify")
    await settle(harness, case, kept.id, reason="再说一遍")
    assert (await findings(harness, case))[0].reason == "急诊登记时用了别名"
    await upload(harness, intake, case, image(study, **OTHER))
    assert not (await harness.case(case.id)).identity_open
    await upload(harness, intake, case, image(study, **OTHER | {"PatientBirthDate": "19610305"}))
    assert (await harness.case(case.id)).identity_open
    await settle(harness, case, kept.id)
    await harness.sign(case.id, "imaging.huba")


async def test_the_same_identity_in_two_files_is_settled_at_once(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    first = await upload(harness, intake, case, image(**OTHER))
    await upload(harness, intake, case, image(**OTHER))
    await upload(harness, intake, case, image(**OTHER | {"PatientName": "又一^个人"}))
    await settle(harness, case, first.id)
    assert [finding.open for finding in await findings(harness, case)] == [False, False, True]


async def test_the_members_people_settle_it_too_and_nobody_else(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    kept = await upload(harness, intake, case, image(**OTHER))
    refusals: dict[str, type[DomainError]] = {
        "imaging.hubb": NotFound,
        "clinic2": NotFound,
        "operator": Forbidden,
        "imaging2.main": NotFound,
        "auditor": NotFound,
    }
    for username, refusal in refusals.items():
        with pytest.raises(refusal):
            await settle(harness, case, kept.id, by=username)
    with pytest.raises(Invalid):
        await settle(harness, case, kept.id, reason="  ")
    with pytest.raises(NotFound):
        await settle(harness, await harness.written(), kept.id)
    await settle(harness, case, kept.id, by="clinic1")
    assert not (await harness.case(case.id)).identity_open


async def test_a_reader_who_does_not_hold_the_case_cannot_settle_it(harness: Harness, intake: Intake) -> None:
    case = await harness.at_main()
    kept = await upload(harness, intake, case, image(**OTHER))
    with pytest.raises((AlreadyClaimed, Forbidden)):
        await settle(harness, case, kept.id, by="imaging2.main")
    await settle(harness, case, kept.id, by="imaging.main")


async def test_a_file_that_agrees_has_nothing_to_settle(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    kept = await upload(harness, intake, case, image(**OWN))
    for same in (True, False):
        with pytest.raises(InvalidTransition):
            await settle(harness, case, kept.id, same)


async def test_a_review_waits_for_the_settlement_too(harness: Harness, intake: Intake) -> None:
    case = await harness.at_main()
    await harness.sign(case.id, "imaging.main")
    kept = await upload(harness, intake, case, image(**OTHER))
    with pytest.raises(IdentityUnsettled):
        await harness.review(case.id)
    await settle(harness, case, kept.id, by="clinic1")
    await harness.review(case.id)


async def test_a_study_of_somebody_else_goes_back_to_the_operator(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    uid = await store(harness, intake, **OTHER | {"AccessionNumber": case.accession_number})
    (finding,) = await findings(harness, case)
    await settle(harness, case, finding.evidence_id, same=False, reason="不是本人")
    kept = await harness.case(case.id)
    assert (kept.identity_open, kept.evidence_count) == (False, 0)
    (waiting,) = await harness.ask("operator", reconciliation.unmatched_studies, "", 5)
    assert waiting.study.study_instance_uid == uid
    await work(harness)
    assert await findings(harness, case) == []  # it does not come back by itself
    assert "evidence-unlinked" in await harness.history(case.id)
    await harness.sign(case.id, "imaging.huba")


async def test_a_correction_by_the_operator_is_what_the_study_states(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    study = str(generate_uid())
    await store(harness, intake, **OTHER | {"StudyInstanceUID": study, "AccessionNumber": case.accession_number})
    right = reconciliation.StudyAttributes("Zhang^Wei=张^伟", None, date(1961, 3, 5), Sex.MALE)
    await harness.do("operator", reconciliation.correct_study, "CLINIC1", study, right, "技师选错病人")
    assert await differing(harness, case) == [[]]
    assert not (await harness.case(case.id)).identity_open
    await store(harness, intake, **OTHER | {"StudyInstanceUID": study, "PatientName": "第三^个人"})
    assert (await harness.case(case.id)).identity_open


async def test_a_card_that_becomes_another_patients_opens_the_question_again(harness: Harness, intake: Intake) -> None:
    case = await harness.draft()
    kept = await upload(harness, intake, case, image(**OTHER))
    await settle(harness, case, kept.id, by="clinic1")
    await harness.do("clinic1", case_request.edit_case, case.id, None, None, None, patient_card(90, name="李四"))
    assert (await harness.case(case.id)).identity_open
    right = patient_card(90, name="完全别人", birth_date=date(2001, 1, 1), identifiers=())
    await harness.do("clinic1", case_request.edit_case, case.id, None, None, None, right)
    assert await differing(harness, case) == [["sex"]]


def tracing(**who: Any) -> bytes:
    return ecg.write(resting("sinus", seed=3, patient=ecg.Patient(**who)).recording, None, "aecg")


async def test_a_tracing_of_another_person_forbids_the_signature(harness: Harness, intake: Intake, pool: Executor) -> None:
    case = await harness.written("ecg", "ecg.huba")
    await upload(harness, intake, case, tracing(id="191010101010", name="Peter Karlsson", sex="male", birth_date="1968-01-01"))
    await work(harness, pool)
    assert await differing(harness, case) == [["name", "birth_date"]]
    with pytest.raises(IdentityUnsettled):
        await harness.sign(case.id, "ecg.huba")


async def test_a_tracing_that_is_set_aside_keeps_its_bytes_and_can_be_given_to_its_case(
    harness: Harness, intake: Intake, pool: Executor
) -> None:
    case, right = await harness.written("ecg", "ecg.huba"), await harness.requested("ecg", patient=patient_card(95, name="Peter Karlsson"))
    content = tracing(name="Karlsson^Peter", sex="male")
    kept = await upload(harness, intake, case, content)
    await work(harness, pool)
    await settle(harness, case, kept.id, same=False, by="ecg.huba", reason="不是本人")
    assert (await harness.case(case.id)).evidence_count == 0
    assert "evidence-set-aside" in await harness.history(case.id)
    async with harness.application.engine.connect() as connection:
        assert await EVIDENCE.named(connection, [kept.key]) == {kept.key}
    (waiting,) = await harness.ask("operator", identity_settlement.files_aside, 10)
    assert (waiting.file.evidence.sha256, waiting.accession_number) == (kept.sha256, case.accession_number)
    elsewhere = await harness.requested("ecg", by="clinic2")
    with pytest.raises(NotFound):
        await harness.do("operator", identity_settlement.give_file, kept.id, elsewhere.accession_number, "x")
    with pytest.raises(Forbidden):
        await harness.do("clinic1", identity_settlement.give_file, kept.id, right.accession_number, "x")
    given = await harness.do("operator", identity_settlement.give_file, kept.id, right.accession_number, "核对")
    await work(harness, pool)
    assert b"".join([piece async for piece in harness.application.store.stream(given.key)]) == content
    assert await differing(harness, right) == [[]]
    assert await harness.ask("operator", identity_settlement.files_aside, 10) == []
    with pytest.raises(NotFound):
        await harness.do("operator", identity_settlement.give_file, kept.id, right.accession_number, "核对")


async def test_who_sees_metadata_alone_never_sees_what_a_file_states(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    await upload(harness, intake, case, image(**OTHER))
    assert await findings(harness, case, "operator") == []


async def test_stated_identities_are_sealed_in_the_database(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    await upload(harness, intake, case, image(**OTHER | {"PatientID": "K-4711"}))
    async with harness.application.engine.connect() as connection:
        raw = (await connection.execute(sa.select(sa.type_coerce(t.evidence_identity.c.stated, sa.String)))).scalars().all()
    assert raw
    assert not any("4711" in text or "2001" in text for text in raw)


async def test_the_worker_compares_what_was_there_before(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    await upload(harness, intake, case, image(**OTHER))
    async with harness.application.engine.begin() as connection:
        await connection.execute(sa.delete(t.evidence_identity))
        await connection.execute(sa.update(t.case).values(identity_open=False))
    async with harness.application.writing() as unit:
        unit.outbox.job(JobKind.COMPARE_IDENTITIES, {"case_id": case.id})
    await work(harness)
    assert await differing(harness, case) == [ALL]
    assert (await harness.case(case.id)).identity_open


async def test_cases_that_are_released_again_keep_the_question(harness: Harness, intake: Intake) -> None:
    case = await harness.written()
    await upload(harness, intake, case, image(**OTHER))
    await harness.do("imaging.huba", reading.release_case, case.id)
    assert (await harness.case(case.id)).identity_open


NOBODY = KnownPatient(("张伟",), Sex.MALE, date(1961, 3, 5), resident_id(1), frozenset({"P00001"}))


@pytest.mark.parametrize("path", [*each("dicom/**/*.dcm"), *each("dicom-cases/**/*.dcm")])
def test_headers_of_real_images_can_be_compared(path: Path) -> None:
    header = dcmread(path, force=True, stop_before_pixels=True)
    stated = StatedIdentity(*(str(header.get(name) or "") for name in ("PatientName", "PatientSex", "PatientBirthDate", "PatientID")))
    same_to_itself(stated)


def test_headers_of_real_recordings_can_be_compared() -> None:
    paths = [*real_files.files("ecg/**/*.*"), *real_files.files("ecg-cases/*.*")]
    if not paths:
        pytest.skip(real_files.absent("ecg"))
    compared = 0
    for path in paths:
        with contextlib.suppress(ecg.UnreadableECG):  # what is no recording of its own, or a damaged one
            who = ecg.read(path).patient
            same_to_itself(StatedIdentity(who.name, who.sex, who.birth_date, who.id, who.age_years))
            compared += 1
    assert compared


def same_to_itself(stated: StatedIdentity) -> None:
    assert differences_between(stated, stated, readings, one_study=True) == ()
    assert set(differences(stated, NOBODY, date(2026, 3, 5), readings)) <= {"name", "sex", "birth_date", "identifiers"}
