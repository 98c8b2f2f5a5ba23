"""Tracings are read when they arrive, whichever door they take; what is critical opens the loop; readers edit long ones."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

import ecg
from dicom_gateway import Intake
from ecg.synthesis import Day, holter, resting
from storage import fingerprint
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.region import add_setting
from telemed.adapters.dicom.study_intake import DicomStudyIntake
from telemed.adapters.jobs import queue as jobs
from telemed.adapters.jobs.worker import Handler, Worker
from telemed.centres.ecg import service as ecg_reading
from telemed.centres.ecg.adapters.jobs import EcgReader
from telemed.centres.ecg.adapters.stored_objects import TracingObjects
from telemed.centres.ecg.adapters.tables import ecg_tracing
from telemed.centres.ecg.adapters.tracing_reader import StoredTracingReader
from telemed.centres.ecg.adapters.watched_folder import WatchedFolder
from telemed.centres.ecg.domain import TRACINGS, EditKind, Tracing, TracingKind
from telemed.centres.ecg.extension import open_detected_criticals
from telemed.centres.ecg.ports import CRITICAL as ECG_CRITICAL
from telemed.centres.ecg.ports import REQUESTS as ECG_REQUESTS
from telemed.centres.ecg.ports import Tracings
from telemed.domain.case import Case, CaseKind, Priority
from telemed.domain.errors import DomainError, Invalid, InvalidTransition, NotFound
from telemed.domain.evidence import Evidence
from telemed.domain.network import HubService
from telemed.domain.people import Role
from telemed.service import case_reading as reading
from telemed.service import case_request as case_request
from telemed.service import criticals, reporting
from telemed.service.contradictions import Contradicted
from telemed.service.files import UnknownKind, attach_file
from telemed.service.queries import CaseFilter, View
from telemed.verification import verify_objects
from tests.telemed.harness import SECTIONS, Harness, patient_card

STARTED = datetime(2026, 11, 20, 8, 30)


def file_of(kind: str, form: str = "aecg", number: str = "P00001", seed: int = 3, **more: object) -> bytes:
    who = ecg.Patient(number, "张伟", "male", "1961-03-05")
    return ecg.write(resting(kind, seed=seed, patient=who, start=STARTED, **more).recording, None, form)  # type: ignore[arg-type]


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


@pytest.fixture(scope="session")
def analysts() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


class Ward:
    """The ECG centre at work: files come in, the worker's jobs are done on request."""

    def __init__(self, harness: Harness, intake: Intake, analysts: Executor) -> None:
        self.harness, self.intake, self.pool = harness, intake, analysts
        self.door = DicomStudyIntake(intake, harness.application.engine)
        self.reader = EcgReader(harness.application, analysts, str)
        self.results = StoredTracingReader(harness.application.store, analysts)

    async def attach(self, case_id: str, content: bytes, name: str = "ecg", by: str = "clinic1") -> Evidence:
        return await attach_file(self.harness.application, self.door, self.harness.people[by], case_id, name, pieces(content))

    async def work(self) -> None:
        """All that waits for the worker, quick and long."""
        self.harness.clock.forward(seconds=5)  # what came from outside asks by the real clock
        detected = open_detected_criticals(self.harness.application)
        worker = Worker(self.harness.application, {"read-ecg": Handler(self.reader, long=True), "open-detected-criticals": detected})
        while await worker.once():
            await worker.finish()

    async def tracings(self, case_id: str) -> list[Tracing]:
        async with self.harness.application.reading() as work:
            return await work.repository(Tracings).of_cases([case_id])

    async def read(self, content: bytes, **more: object) -> tuple[Case, Tracing]:
        """A requested case with this file, read."""
        case = await self.harness.draft("ecg", **more)  # type: ignore[arg-type]
        await self.attach(case.id, content)
        await self.harness.do("clinic1", case_request.submit_case, case.id)
        await self.work()
        (tracing,) = await self.tracings(case.id)
        return await self.harness.case(case.id), tracing

    async def rule(self, name: str, value: object) -> None:
        async with self.harness.application.engine.begin() as connection:
            await connection.execute(sa.delete(t.region_setting).where(t.region_setting.c.name == name))
            await add_setting(connection, name, value)
        await self.harness.application.refresh()


@pytest.fixture
async def ward(harness: Harness, intake: Intake, analysts: Executor) -> Ward:
    return Ward(harness, intake, analysts)


@pytest.mark.parametrize("form", ["aecg", "edf", "dicom", "wfdb"])
async def test_a_tracing_of_any_format_is_read_when_it_arrives(ward: Ward, form: str) -> None:
    case, tracing = await ward.read(file_of("sinus", form))
    assert tracing.kind is TracingKind.RESTING
    assert len(tracing.leads) == 12
    assert 60 < tracing.proposal["measurements"]["rate"] < 90
    assert next(statement["code"] for statement in tracing.proposal["statements"]) == "sinus-rhythm"
    (evidence,) = await ward.harness.ask("clinic1", lambda work, person, case_id: work.evidence.of_case(case_id), case.id)
    assert evidence.type == TRACINGS.type
    assert "ecg-read" in await ward.harness.history(case.id)


async def test_the_samples_on_the_screen_are_those_that_were_sent(ward: Ward) -> None:
    content = file_of("sinus")
    _, tracing = await ward.read(content)
    sent = ecg.read(content)
    found = np.frombuffer(await ward.results.samples(tracing, 0, 100, 900, ("V2", "I")), "<i2").reshape(2, 900)
    for row, lead in enumerate(("V2", "I")):
        np.testing.assert_allclose(found[row], sent.lead(lead)[100:1000], atol=0.51)
    with pytest.raises(Invalid):
        await ward.results.samples(tracing, 0, 0, 10, ("V9",))
    with pytest.raises(Invalid):
        await ward.results.samples(tracing, 7, 0, 10, ())


@pytest.mark.database
async def test_reading_again_changes_nothing(ward: Ward) -> None:
    case, tracing = await ward.read(file_of("inferior-infarction"))
    await ward.reader({"case_id": case.id, "evidence_id": tracing.evidence_id})
    assert [t.id for t in await ward.tracings(case.id)] == [tracing.id]
    assert (await ward.harness.history(case.id)).count("critical-declare") == 1


async def test_a_dicom_object_finds_its_case_by_itself_and_is_read(ward: Ward) -> None:
    """As a cart sends it by C-STORE: the study's own way to its case."""
    case = await ward.harness.requested("ecg", patient=patient_card(1))
    await ward.door.receive(pieces(file_of("atrial-fibrillation", "dicom")), "CLINIC1", "test")
    await ward.work()
    (tracing,) = await ward.tracings(case.id)
    assert tracing.source
    assert next(statement["code"] for statement in tracing.proposal["statements"]) == "atrial-fibrillation"


async def test_a_normal_report_of_fibrillation_takes_a_reason(ward: Ward) -> None:
    case, _ = await ward.read(file_of("atrial-fibrillation"))
    await ward.harness.do("ecg.huba", reading.claim_case, case.id)
    normal = {"findings": "窦性心律，P-R 间期正常。", "impression": "正常心电图。"}
    await ward.harness.save(case.id, "ecg.huba", normal)
    with pytest.raises(Contradicted) as refused:
        await ward.harness.sign(case.id, "ecg.huba")
    assert [(each.code, each.said, each.against) for each in refused.value.found] == [("rhythm", "窦性心律", "Atrial fibrillation")]
    await ward.harness.save(case.id, "ecg.huba", {"findings": "P 波消失，代之以 f 波。", "impression": "心房颤动。"})
    await ward.harness.sign(case.id, "ecg.huba")


async def test_what_cannot_be_read_stays_stored_and_says_why(ward: Ward) -> None:
    case, tracing = await ward.read(file_of("sinus")[:9000])
    assert tracing.kind is TracingKind.UNREADABLE
    assert tracing.reason
    (evidence,) = await ward.harness.ask("clinic1", lambda work, person, case_id: work.evidence.of_case(case_id), case.id)
    assert len(await ward.harness.application.store.read(evidence.key)) == 9000


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04" + bytes(14) + b"\0" * 8 + b"\x08\0\0\0word.xml", b"100 2 360 650000\n100.dat 212", b"hello 12\n"]
)
async def test_files_that_only_look_like_a_tracing_are_refused(ward: Ward, content: bytes) -> None:
    case = await ward.harness.draft("ecg")
    with pytest.raises(UnknownKind):
        await ward.attach(case.id, content)


async def test_a_critical_tracing_opens_the_loop_and_moves_its_case_to_the_front(ward: Ward) -> None:
    stat, _ = await ward.read(file_of("sinus"), priority=Priority.STAT)
    case, tracing = await ward.read(file_of("inferior-infarction"))
    assert {hit.code for hit in tracing.critical} == {"st-limb-lateral"}
    assert case.critical_open
    page = await ward.harness.application.queries.cases(ward.harness.people["ecg.huba"], CaseFilter(view=View.UNCLAIMED), None, 10)
    assert [each.id for each in page.cases] == [case.id, stat.id]
    (value,) = await ward.harness.ask("ecg.huba", lambda work, person, case_id: work.criticals.of_case(case_id), case.id)
    assert value.found_by == ecg_reading.ANALYST


async def test_a_withdrawn_finding_does_not_come_back(ward: Ward) -> None:
    case, _ = await ward.read(file_of("inferior-infarction"))
    (value,) = await ward.harness.ask("ecg.huba", lambda work, person, case_id: work.criticals.of_case(case_id), case.id)
    await ward.harness.do("ecg.huba", criticals.withdraw_critical, case.id, value.id, "早复极，旧图如此")
    async with ward.harness.application.writing() as work:
        await ecg_reading.open_detected_criticals(work, case.id)
    assert not (await ward.harness.case(case.id)).critical_open


async def test_what_was_found_in_a_draft_waits_until_it_is_sent(ward: Ward) -> None:
    case = await ward.harness.draft("ecg")
    await ward.attach(case.id, file_of("inferior-infarction"))
    await ward.work()
    assert not (await ward.harness.case(case.id)).critical_open
    await ward.harness.do("clinic1", case_request.submit_case, case.id)
    await ward.work()
    assert (await ward.harness.case(case.id)).critical_open


async def test_a_region_sets_its_own_limits(ward: Ward) -> None:
    await ward.rule(ECG_CRITICAL, {"st-limb-lateral": None, "no-such-row": None})
    case, tracing = await ward.read(file_of("inferior-infarction"))
    assert tracing.critical == ()
    assert not case.critical_open


# ---- the watched folder ----


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / "CLINIC1").mkdir(parents=True)
    return folder


async def look(ward: Ward, carts: WatchedFolder, times: int = 2) -> None:
    """Looks a few seconds apart, as the worker takes them."""
    for _ in range(times):
        await carts.once()
        ward.harness.clock.forward(seconds=30)


@pytest.fixture
def carts(ward: Ward, inbox: Path) -> WatchedFolder:
    return WatchedFolder(ward.harness.application, inbox, ward.pool)


async def test_a_file_in_the_watched_folder_goes_to_the_case_that_waits_for_it(ward: Ward, carts: WatchedFolder, inbox: Path) -> None:
    case = await ward.harness.requested("ecg", patient=patient_card(1))
    (inbox / "CLINIC1" / "cart-0001.xml").write_bytes(file_of("sinus"))
    await look(ward, carts, 1)
    assert await ward.tracings(case.id) == []  # it may still be growing
    await look(ward, carts, 1)
    await ward.work()
    assert len(await ward.tracings(case.id)) == 1
    assert not (inbox / "CLINIC1" / "cart-0001.xml").exists()
    assert len(list((inbox / "CLINIC1" / "processed").rglob("cart-0001.xml"))) == 1


@pytest.mark.database
async def test_the_same_file_again_is_nothing_new(ward: Ward, carts: WatchedFolder, inbox: Path) -> None:
    case = await ward.harness.requested("ecg", patient=patient_card(1))
    for name in ("a.xml", "b.xml"):
        (inbox / "CLINIC1" / name).write_bytes(file_of("sinus"))
        await look(ward, carts)
    await ward.work()
    assert len(await ward.tracings(case.id)) == 1
    assert len(list((inbox / "CLINIC1" / "processed").rglob("*.xml"))) == 2


async def test_a_file_that_still_grows_is_left_alone(ward: Ward, carts: WatchedFolder, inbox: Path) -> None:
    case = await ward.harness.requested("ecg", patient=patient_card(1))
    content, file = file_of("sinus"), inbox / "CLINIC1" / "slow.xml"
    for end in range(1000, 5000, 1000):
        file.write_bytes(content[:end])
        await look(ward, carts, 1)
    file.write_bytes(content)
    await look(ward, carts, 2)
    await ward.work()
    (tracing,) = await ward.tracings(case.id)
    assert tracing.kind is TracingKind.RESTING


async def test_where_every_ecg_is_a_request_one_without_a_case_opens_one(ward: Ward, carts: WatchedFolder, inbox: Path) -> None:
    await ward.rule(ECG_REQUESTS, ["CLINIC1"])
    (inbox / "CLINIC1" / "x.xml").write_bytes(file_of("sinus", number="CART-77"))
    await look(ward, carts)
    await ward.door.receive(pieces(file_of("sinus", "dicom", number="CART-78", seed=9)), "CLINIC1", "test")
    await ward.work()
    async with ward.harness.application.reading() as work:
        for number in ("CART-77", "CART-78"):
            (case,) = await work.cases.of_patient("CLINIC1", number, ward.harness.clock.now - timedelta(hours=1))
            assert (case.centre, case.status, case.hub, case.patient.name) == ("ecg", "requested", "HUBA", "张伟")
            assert len(await work.repository(Tracings).of_cases([case.id])) == 1


async def test_without_that_rule_a_file_waits_for_its_case(ward: Ward, carts: WatchedFolder, inbox: Path) -> None:
    file = inbox / "CLINIC1" / "early.xml"
    file.write_bytes(file_of("sinus"))
    await look(ward, carts, 3)
    assert file.exists()
    case = await ward.harness.requested("ecg", patient=patient_card(1))
    await look(ward, carts, 2)
    assert not file.exists()
    await ward.work()
    assert len(await ward.tracings(case.id)) == 1


async def test_what_never_finds_a_case_is_put_aside_with_a_reason(ward: Ward, carts: WatchedFolder, inbox: Path) -> None:
    (inbox / "CLINIC1" / "lost.xml").write_bytes(file_of("sinus"))
    (inbox / "CLINIC1" / "note.txt").write_text("no tracing")
    (inbox / "CLINIC1" / "cut.xml").write_bytes(file_of("sinus")[:5000])
    await look(ward, carts, 3)
    ward.harness.clock.forward(days=4)
    await look(ward, carts, 2)
    failed = {file.name for file in (inbox / "CLINIC1" / "failed").iterdir()}
    assert failed == {f"{name}{end}" for name in ("lost.xml", "note.txt", "cut.xml") for end in ("", ".reason.txt")}


async def test_a_file_named_as_an_accession_number_belongs_to_that_case(ward: Ward, carts: WatchedFolder, inbox: Path) -> None:
    case = await ward.harness.requested("ecg", patient=patient_card(4))
    (inbox / "CLINIC1" / f"{case.accession_number}.xml").write_bytes(file_of("sinus", number=""))
    await look(ward, carts)
    await ward.work()
    assert len(await ward.tracings(case.id)) == 1


async def test_a_name_that_is_no_text_is_no_obstacle(ward: Ward, carts: WatchedFolder, inbox: Path) -> None:
    """A cart that writes names in GBK: the bytes are no UTF-8, and no database takes them."""
    case = await ward.harness.requested("ecg")
    (inbox / "CLINIC1" / os.fsdecode("测试7.xml".encode("gbk"))).write_bytes(file_of("sinus"))
    await look(ward, carts)
    await ward.work()
    assert len(await ward.tracings(case.id)) == 1
    async with ward.harness.application.reading() as work:
        assert [each.name for each in await work.evidence.of_case(case.id)] == ["7.xml"]


# ---- measured numbers ----


@pytest.mark.database
async def test_a_changed_number_stays_in_the_history_with_who_and_from_what(ward: Ward) -> None:
    case, tracing = await ward.read(file_of("sinus"))
    proposed = round(tracing.proposal["measurements"]["qt"])
    await ward.harness.do("ecg.huba", reading.claim_case, case.id)
    await ward.harness.save(case.id, "ecg.huba", SECTIONS["ecg"] | {"qt": proposed, "pr": 150})
    await ward.harness.save(case.id, "ecg.huba", SECTIONS["ecg"] | {"qt": proposed - 14, "pr": 150})
    lines = [line for line in await ward.harness.application.queries.history(case.id) if line.action == "measure"]
    assert [(line.actor, line.detail["measure"], line.detail["after"]) for line in lines] == [
        ("ecg.huba", "pr", 150),
        ("ecg.huba", "qt", proposed - 14),
    ]
    assert lines[1].detail["before"] == proposed


# ---- long recordings ----


@pytest.fixture(scope="session")
def half_an_hour() -> bytes:
    made = holter(0.5, rate=125.0, day=Day(ventricular_share=0.02, pauses=((0.2, 4.6),)))
    return ecg.write(made.recording, None, "edf")


async def held_holter(ward: Ward, content: bytes) -> tuple[Case, Tracing]:
    case, tracing = await ward.read(content, recording="holter")
    await ward.harness.do("ecg.huba", reading.claim_case, case.id)
    return case, tracing


async def results(ward: Ward, case: Case, tracing: Tracing) -> dict[str, object]:
    found, edits = await ward.harness.ask("ecg.huba", ecg_reading.tracing_of, case.id, tracing.id)
    answer: dict[str, object] = json.loads(await ward.results.results(found, edits))
    return answer


@pytest.mark.database
async def test_a_whole_template_is_renamed_and_taken_back(ward: Ward, half_an_hour: bytes) -> None:
    case, tracing = await held_holter(ward, half_an_hour)
    assert tracing.kind is TracingKind.HOLTER
    assert {hit.code for hit in tracing.critical} == {"pause-long"}
    before = await results(ward, case, tracing)
    template = next(each for each in before["templates"] if each["name"] == "V")  # type: ignore[attr-defined]
    step = (case.id, tracing.id, EditKind.TEMPLATE, {"template": template["number"], "name": "N"})
    await ward.harness.do("ecg.huba", ecg_reading.edit_recording, *step)
    after = await results(ward, case, tracing)
    assert after["classes"]["V"] == before["classes"]["V"] - template["size"]  # type: ignore[index]
    await ward.harness.do("ecg.huba", ecg_reading.take_edit_back, case.id, tracing.id, None)
    assert await results(ward, case, tracing) == before
    _, edits = await ward.harness.ask("ecg.huba", ecg_reading.tracing_of, case.id, tracing.id)
    assert [(edit.by, edit.undone_by) for edit in edits] == [("ecg.huba", "ecg.huba")]
    with pytest.raises(NotFound):
        await ward.harness.do("ecg.huba", ecg_reading.take_edit_back, case.id, tracing.id, None)


async def test_the_objects_of_a_tracing_have_their_digests_on_record(ward: Ward, half_an_hour: bytes) -> None:
    """`telemed verify` proves each; results after an edit are a cache, which has none and stays as long as its tracing."""
    engine, store = ward.harness.application.engine, ward.harness.application.store
    case, tracing = await held_holter(ward, half_an_hour)
    step = (case.id, tracing.id, EditKind.TEMPLATE, {"template": 0, "name": "V"})
    await ward.harness.do("ecg.huba", ecg_reading.edit_recording, *step)
    await results(ward, case, tracing)
    there = [key async for key in store.list(f"{tracing.key}/")]
    cached = [key for key in there if "/revised/" in key]
    assert len(cached) == 1
    assert tracing.objects is not None
    assert {f"{tracing.key}/{stored.name}" for stored in tracing.objects} == set(there) - set(cached)
    for stored in tracing.objects:
        found = await fingerprint(store, f"{tracing.key}/{stored.name}")
        assert (found.size, found.sha256) == (stored.size, stored.sha256)
    async with engine.connect() as connection:
        assert await TracingObjects().named(connection, [*there, "ecg/nobody/samples"]) == set(there)
    checked = await verify_objects(engine, store, [TracingObjects()])
    assert (checked.good, checked.without_digest, checked.fault) == (4, 0, "")

    await store.put(f"{tracing.key}/beats", b"changed")
    await store.delete(f"{tracing.key}/samples")
    changed, missing = sorted((await verify_objects(engine, store, [TracingObjects()])).faults)
    assert f"{tracing.key}/beats was changed" in changed
    assert missing == f"{tracing.key}/samples is missing"


async def test_objects_of_before_digests_were_kept_are_counted_and_missed(ward: Ward) -> None:
    engine, store = ward.harness.application.engine, ward.harness.application.store
    _, tracing = await ward.read(file_of("sinus"))
    async with engine.begin() as connection:
        await connection.execute(sa.update(ecg_tracing).values(objects=None))
    (old,) = await ward.tracings(tracing.case_id)
    assert old.objects is None
    checked = await verify_objects(engine, store, [TracingObjects()])
    assert (checked.good, checked.without_digest, checked.fault) == (0, 2, "")
    await store.delete(f"{tracing.key}/samples")
    assert (await verify_objects(engine, store, [TracingObjects()])).fault == f"{tracing.key}/samples is missing"


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("template", {"template": 999, "name": "V"}),
        ("template", {"template": True, "name": "V"}),
        ("template", {"template": 0, "name": "X"}),
        ("beat", {"beat": -1, "name": "N"}),
        ("strip", {"begin": 1e9}),
        ("strip", {"begin": 5, "seconds": 1000}),
        ("strip", {"begin": "x"}),
    ],
)
async def test_edits_that_say_nothing_sensible_are_refused(ward: Ward, half_an_hour: bytes, kind: str, detail: dict[str, object]) -> None:
    case, tracing = await held_holter(ward, half_an_hour)
    with pytest.raises(Invalid):
        await ward.harness.do("ecg.huba", ecg_reading.edit_recording, case.id, tracing.id, EditKind(kind), detail)


async def test_only_who_holds_the_case_edits(ward: Ward, half_an_hour: bytes) -> None:
    case, tracing = await ward.read(half_an_hour)
    for who in ("ecg.huba", "ecg.hubb", "clinic1"):
        with pytest.raises((DomainError, InvalidTransition)):
            await ward.harness.do(who, ecg_reading.edit_recording, case.id, tracing.id, EditKind.STRIP, {"begin": 1})
    with pytest.raises(NotFound):
        await ward.harness.ask("ecg.hubb", ecg_reading.tracing_of, case.id, tracing.id)


@pytest.mark.database
async def test_nothing_is_edited_once_the_report_is_signed(ward: Ward, half_an_hour: bytes) -> None:
    """What waits for its reviewer shows the edits that its author signed; sent back, the author may edit again."""
    await ward.harness.put_service(HubService("HUBA", "ecg", two_person=frozenset({CaseKind.DIAGNOSIS.value})))
    second = await ward.harness.add_person(
        replace(ward.harness.people["ecg.huba"], username="second.huba", roles=frozenset({Role.REVIEWER}))
    )
    case, tracing = await held_holter(ward, half_an_hour)
    strip = (case.id, tracing.id, EditKind.STRIP, {"begin": 1})
    await ward.harness.do("ecg.huba", ecg_reading.edit_recording, *strip)
    await ward.harness.save(case.id, "ecg.huba", SECTIONS["ecg"] | {"impression": "窦性停搏"})
    await ward.harness.sign(case.id, "ecg.huba")
    with pytest.raises(InvalidTransition):
        await ward.harness.do("ecg.huba", ecg_reading.edit_recording, *strip)
    with pytest.raises(InvalidTransition):
        await ward.harness.do("ecg.huba", ecg_reading.take_edit_back, case.id, tracing.id, None)
    _, edits = await ward.harness.ask("ecg.huba", ecg_reading.tracing_of, case.id, tracing.id)
    assert [edit.counts for edit in edits] == [True]
    await ward.harness.do(second, reporting.send_back, case.id, "请补充最长RR间期")
    _, edits = await ward.harness.do("ecg.huba", ecg_reading.edit_recording, *strip)
    assert len(edits) == 2


@pytest.mark.database
async def test_a_long_job_is_taken_once_and_held(ward: Ward) -> None:
    case = await ward.harness.draft("ecg")
    await ward.attach(case.id, file_of("sinus"))
    engine, now = ward.harness.application.engine, ward.harness.clock.now
    assert await jobs.take(engine, now, 10, kinds=("match-unmatched",))
    (job,) = await jobs.take(engine, now, 10, kinds=("read-ecg",))
    later = now + jobs.LEASE - timedelta(seconds=1)
    await jobs.prolong(engine, job, later)
    assert not await jobs.take(engine, later + timedelta(seconds=30), 10, kinds=("read-ecg",))
