"""Studies on their way: sent to devices with retries, earlier ones fetched from a member's PACS; what may go where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pynetdicom import AE, evt
from sqlalchemy import true
from sqlalchemy.ext.asyncio import create_async_engine

from dicom_gateway import Index, Intake, Scope, Source, start_dimse
from dicom_gateway.index import Level, Query, Target, metadata
from dicom_gateway.index_barrier import IndexBarrier
from dicom_gateway.pixels import PixelPool
from dicom_gateway.stability import StudyWatch
from dicom_gateway.upper_layer.addresses import anywhere
from storage import ObjectStore, open_store
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.dicom.device_peers import DevicePeers
from telemed.adapters.dicom.study_access import study_scope
from telemed.adapters.dicom.study_transfers import StudyTransfers
from telemed.adapters.jobs.worker import Handler, Worker
from telemed.domain.case import Case
from telemed.domain.errors import Invalid, NotFound
from telemed.domain.evidence import Evidence, EvidenceType
from telemed.domain.transfer import Transfer, TransferStatus
from telemed.roles.gateway import open_dimse
from telemed.service import transfers
from telemed.service.case_view import view_case
from telemed.service.evidence import link_study
from telemed.settings import Settings
from tests.demo_region import free_port
from tests.dicom_gateway.devices import StorageProvider, keys_of
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.harness import Harness, patient_card

pytestmark = pytest.mark.database

FIND, MOVE = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2"

ANYWHERE = DevicePeers("TELEMED", may_call=anywhere)


class Post:
    """The imaging centre with devices, and the worker's jobs done on request."""

    def __init__(self, harness: Harness, intake: Intake, store: ObjectStore, peers: DevicePeers = ANYWHERE) -> None:
        self.harness, self.intake = harness, intake
        self.index = Index(harness.application.engine, IndexBarrier(store))
        travelling = StudyTransfers(harness.application, self.index, store, intake, PixelPool(1), peers)
        self.handlers = {"send-study": Handler(travelling.send, long=True), "fetch-priors": Handler(travelling.fetch, long=True)}

    async def device(self, title: str, institution: str, port: int, *uses: str) -> None:
        row = {"title": title, "institution": institution, "host": "127.0.0.1", "port": port, "uses": frozenset(uses)}
        async with self.harness.application.engine.begin() as connection:
            await connection.execute(t.application_entity.insert().values(row))
        await self.harness.application.refresh()

    async def work(self) -> None:
        self.harness.clock.now = max(self.harness.clock.now, utc_now())
        worker = Worker(self.harness.application, self.handlers)
        while await worker.once():
            await worker.finish()

    async def case(self, images: int = 3) -> tuple[Case, Evidence]:
        """A requested case with a study."""
        case = await self.harness.requested(patient=patient_card(1))
        study = generate_uid()
        for _ in range(images):
            image = ct_slice(StudyInstanceUID=study, AccessionNumber=case.accession_number, PatientID="P00001")
            assert (await self.intake.receive(part10_of(image), "CLINIC1", Source("dimse"))).status == 0
        await self.work()
        (evidence,) = await self.evidence(case.id)
        return case, evidence

    async def evidence(self, case_id: str) -> list[Evidence]:
        async with self.harness.application.reading() as work:
            return await work.evidence.of_case(case_id)

    async def transfer(self, case_id: str) -> Transfer:
        """The only one."""
        (found,) = await self.harness.ask("clinic1", transfers.transfers_of, case_id)
        return found  # type: ignore[no-any-return]  # `ask` gives what the query gives


@pytest.fixture
async def post(harness: Harness, intake: Intake, store: ObjectStore) -> Post:
    return Post(harness, intake, store)


@asynccontextmanager
async def provider(port: int) -> AsyncIterator[StorageProvider]:
    made = StorageProvider(port)
    server = await asyncio.to_thread(made.start)
    try:
        yield made
    finally:
        await asyncio.to_thread(server.shutdown)


async def test_a_study_goes_to_a_workstation_of_the_hub_and_it_is_on_record(post: Post) -> None:
    case, evidence = await post.case()
    async with provider(free_port()) as workstation:
        await post.device("WS1", "HUBA", workstation.port, "store")
        asked = await post.harness.do("imaging.huba", transfers.send_study, case.id, evidence.id, "WS1")
        again = await post.harness.do("imaging.huba", transfers.send_study, case.id, evidence.id, "WS1")
        assert (asked.id, asked.status) == (again.id, TransferStatus.WAITING)
        await post.work()
    done = await post.transfer(case.id)
    assert (done.status, done.total, done.completed, done.failed, done.error) == (TransferStatus.DONE, 3, 3, 0, "")
    assert len(workstation.received) == 3
    assert (await post.harness.history(case.id))[-1] == "study-sent"
    records = await post.harness.audited("evidence:send")
    assert records == [("evidence:send", who, f"case/{case.id}", "success") for who in ("imaging.huba", "system")]


async def test_what_cannot_be_reached_is_tried_again_and_given_up_in_the_end(post: Post) -> None:
    case, evidence = await post.case()
    port = free_port()
    await post.device("WS1", "CLINIC1", port, "store")
    await post.harness.do("clinic1", transfers.send_study, case.id, evidence.id, "WS1")
    await post.work()
    waiting = await post.transfer(case.id)
    assert (waiting.status, waiting.attempts) == (TransferStatus.WAITING, 1)
    assert "WS1" in waiting.error
    async with provider(port) as workstation:
        post.harness.clock.forward(minutes=5)
        await post.work()
        assert len(workstation.received) == 3
    assert (await post.transfer(case.id)).status is TransferStatus.DONE
    other = await post.harness.do("clinic1", transfers.send_study, case.id, evidence.id, "WS1")
    for _ in range(transfers.TRIES):
        await post.work()
        post.harness.clock.forward(hours=2)
    async with post.harness.application.reading() as work:
        failed = await work.transfers.get(other.id)
    assert failed is not None
    assert (failed.status, failed.attempts) == (TransferStatus.FAILED, transfers.TRIES)


async def test_a_refusal_of_one_object_leaves_the_transfer_incomplete(post: Post) -> None:
    case, evidence = await post.case()
    async with provider(free_port()) as workstation:
        unwanted = (await post.index.locate(Target(), Scope(true())))[0].sop_instance_uid
        workstation.status = lambda uid: 0xC000 if uid == unwanted else 0
        await post.device("WS1", "CLINIC1", workstation.port, "store")
        await post.harness.do("clinic1", transfers.send_study, case.id, evidence.id, "WS1")
        for _ in range(transfers.TRIES):
            await post.work()
            post.harness.clock.forward(hours=2)
    ended = await post.transfer(case.id)
    assert (ended.status, ended.completed, ended.failed) == (TransferStatus.INCOMPLETE, 2, 1)
    assert "C000H" in ended.error


async def test_a_study_goes_nowhere_else(post: Post) -> None:
    case, evidence = await post.case()
    await post.device("WS2", "CLINIC2", 104, "store")
    await post.device("WSB", "HUBB", 104, "store")
    await post.device("PACS1", "CLINIC1", 104, "query")
    for title in ("WS2", "WSB", "PACS1", "NONE"):
        with pytest.raises(NotFound):
            await post.harness.do("clinic1", transfers.send_study, case.id, evidence.id, title)
    await post.device("WS1", "CLINIC1", 104, "store")
    for stranger in ("clinic2", "imaging.hubb", "ecg.huba"):
        with pytest.raises(NotFound):
            await post.harness.do(stranger, transfers.send_study, case.id, evidence.id, "WS1")
        with pytest.raises(NotFound):
            await post.harness.do(stranger, transfers.fetch_priors, case.id)
        with pytest.raises(NotFound):
            await post.harness.ask(stranger, transfers.transfers_of, case.id)


@pytest.fixture
async def pacs(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """A member's PACS, which is another gateway: called with images it holds them, and gives its port."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'pacs.sqlite'}")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    store = open_store((tmp_path / "pacs").as_uri())
    intake = Intake(engine, store)

    async def everybody(calling: str, called: str, address: str, certificate: bytes) -> Scope:
        return Scope(true(), "PACS")

    server = await start_dimse(Index(engine, IndexBarrier(store)), store, intake, everybody, ae_title="PACS1", port=0)

    async def hold(*images: Dataset) -> int:
        for image in images:
            assert (await intake.receive(part10_of(image), "PACS", Source("dimse"))).status == 0
        return server.port

    yield hold
    await server.close()
    await intake.close()
    await store.close()
    await engine.dispose()


def earlier(study: str, day: str, patient: str = "P00001") -> Dataset:
    about = {"StudyInstanceUID": study, "StudyDate": day, "PatientID": patient}
    return ct_slice(**about, AccessionNumber="", PatientBirthDate="", PatientSex="")


async def test_earlier_studies_come_from_the_pacs_and_are_no_evidence_of_the_case(post: Post, pacs: Callable[..., Any]) -> None:
    case = await post.harness.requested(patient=patient_card(1))  # its own images are still on their way
    first, second, foreign = (str(generate_uid()) for _ in range(3))
    images = [earlier(first, "20230102"), earlier(first, "20230102"), earlier(second, "20230304"), earlier(foreign, "20230304", "P00002")]
    await post.device("PACS1", "CLINIC1", await pacs(*images), "query")
    await post.harness.do("imaging.huba", transfers.fetch_priors, case.id)
    await post.work()
    done = await post.transfer(case.id)
    assert (done.status, done.completed, done.failed, done.error) == (TransferStatus.DONE, 3, 0, "")
    found = await post.evidence(case.id)
    assert {(e.study_instance_uid, e.type, e.instances, e.facts["study_date"]) for e in found} == {
        (first, EvidenceType.PRIOR_STUDY, 2, "20230102"),
        (second, EvidenceType.PRIOR_STUDY, 1, "20230304"),
    }
    view = await post.harness.ask("imaging.huba", view_case, case.id)
    assert view.missing == ["dicom-study"]
    async with post.harness.application.reading() as work:
        assert await work.studies.unmatched("CLINIC1", 10) == []
    for who, sees in (("imaging.huba", True), ("clinic1", True), ("imaging.hubb", False), ("clinic2", False)):
        assert await studies_seen(post, who) == ({first, second} if sees else set()), who
    assert (await post.harness.history(case.id))[-1] == "priors-fetched"
    await post.harness.do("imaging.huba", transfers.fetch_priors, case.id)  # once more: all is here
    await post.work()
    assert len(await post.evidence(case.id)) == 2


async def studies_seen(post: Post, who: str) -> set[str]:
    """What this person finds through DICOMweb."""
    found = await post.index.find(Query(Level.STUDY, []), study_scope(post.harness.people[who], "search"))
    return {each["StudyInstanceUID"] for each in found}


async def test_a_pacs_without_c_get_sends_by_c_move(post: Post, store: ObjectStore) -> None:
    case = await post.harness.requested(patient=patient_card(1))
    port, study = free_port(), str(generate_uid())
    settings = Settings(dicom_port=port)
    door = await open_dimse(settings, post.harness.application, post.index, store, post.intake, StudyWatch(post.harness.application.engine))
    pacs = AE(ae_title="PACS1")
    for each in (FIND, MOVE):
        pacs.add_supported_context(each)

    def find(event: Any) -> Any:
        for patient in ("P00001", "P00002"):  # it matches loosely: the second is not for us
            yield 0xFF00, keys_of(QueryRetrieveLevel="STUDY", PatientID=patient, StudyInstanceUID=study, StudyDate="20230102")

    def move(event: Any) -> Any:
        assert event.move_destination == "TELEMED"
        contexts = AE()
        contexts.add_requested_context(CTImageStorage, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
        yield "127.0.0.1", door.port, {"contexts": contexts.requested_contexts}
        yield 1
        image = earlier(study, "20230102")
        part10_of(image)  # gives it its file meta information, which pynetdicom wants
        yield 0xFF00, image

    handlers = [(evt.EVT_C_FIND, find), (evt.EVT_C_MOVE, move)]
    server = await asyncio.to_thread(lambda: pacs.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers))
    try:
        await post.device("PACS1", "CLINIC1", server.server_address[1], "query")  # type: ignore[union-attr]  # it does not block
        await post.harness.do("clinic1", transfers.fetch_priors, case.id)
        await post.work()
    finally:
        await asyncio.to_thread(server.shutdown)  # type: ignore[union-attr]  # it does not block
        await door.close()
    assert (await post.transfer(case.id)).status is TransferStatus.DONE
    (prior,) = await post.evidence(case.id)
    assert (prior.type, prior.study_instance_uid, prior.instances) == (EvidenceType.PRIOR_STUDY, study, 1)


async def test_without_a_pacs_or_a_number_nothing_can_be_fetched(post: Post) -> None:
    case = await post.harness.requested(patient=patient_card(1))
    with pytest.raises(Invalid):
        await post.harness.do("clinic1", transfers.fetch_priors, case.id)
    assert "fetch-priors" not in (await post.harness.ask("clinic1", view_case, case.id)).actions
    await post.device("PACS1", "CLINIC1", free_port(), "query")
    assert "fetch-priors" in (await post.harness.ask("clinic1", view_case, case.id)).actions
    nameless = await post.harness.draft(patient=patient_card(2, identifiers=()))
    with pytest.raises(Invalid):
        await post.harness.do("clinic1", transfers.fetch_priors, nameless.id)
    await post.harness.do("clinic1", transfers.fetch_priors, case.id)
    await post.work()
    transfer = await post.transfer(case.id)
    assert (transfer.status, transfer.attempts) == (TransferStatus.WAITING, 1)
    assert "PACS1" in transfer.error


async def test_the_study_that_is_to_be_read_is_no_prior(post: Post, pacs: Callable[..., Any]) -> None:
    case = await post.harness.requested(patient=patient_card(1))
    today = f"{case.created_at:%Y%m%d}"
    same, recent, other = (str(generate_uid()) for _ in range(3))
    numbered = earlier(same, "20200101")
    numbered.AccessionNumber = case.accession_number
    ultrasound = earlier(other, today)
    ultrasound.Modality = "US"
    await post.device("PACS1", "CLINIC1", await pacs(numbered, earlier(recent, today), ultrasound), "query")
    await post.harness.do("imaging.huba", transfers.fetch_priors, case.id)
    await post.work()
    assert [(e.study_instance_uid, e.type) for e in await post.evidence(case.id)] == [(other, EvidenceType.PRIOR_STUDY)]


async def test_a_prior_that_is_sent_with_the_cases_number_becomes_its_evidence(post: Post, pacs: Callable[..., Any]) -> None:
    case, study = await post.harness.requested(patient=patient_card(1)), str(generate_uid())
    await post.device("PACS1", "CLINIC1", await pacs(earlier(study, "20230102")), "query")
    await post.harness.do("imaging.huba", transfers.fetch_priors, case.id)
    await post.work()
    async with post.harness.application.writing() as work:
        facts = await work.studies.facts("CLINIC1", study)
        assert facts is not None
        await link_study(work, replace(facts, accession_number=case.accession_number), case, "")
    (evidence,) = await post.evidence(case.id)
    assert (evidence.type, (await post.harness.case(case.id)).evidence_count) == (EvidenceType.DICOM_STUDY, 1)


async def test_a_hubs_pacs_opens_nothing_that_the_member_has(post: Post, pacs: Callable[..., Any]) -> None:
    """It gives its study the UID of one that the member has of somebody else: the case has what it sends, and not what the member keeps."""
    study = str(generate_uid())
    about = {"StudyInstanceUID": study, "StudyDate": "20230102", "PatientID": "P00001", "AccessionNumber": ""}
    known = about | {"PatientName": "张伟", "PatientBirthDate": "19610305", "PatientSex": "M"}
    kept, given = ct_slice(**known | {"PatientID": "P00002"}), ct_slice(**known)
    assert (await post.intake.receive(part10_of(kept), "CLINIC1", Source("dimse"))).status == 0
    case = await post.harness.requested(patient=patient_card(1))
    await post.device("PACS1", "HUBA", await pacs(given), "query")
    await post.harness.do("imaging.huba", transfers.fetch_priors, case.id)
    await post.work()
    (prior,) = await post.evidence(case.id)
    assert (prior.type, prior.whole, prior.instances) == (EvidenceType.PRIOR_STUDY, False, 1)
    for who, sees in (("imaging.huba", {given.SOPInstanceUID}), ("clinic1", {kept.SOPInstanceUID, given.SOPInstanceUID})):
        found = await post.index.find(Query(Level.IMAGE, []), study_scope(post.harness.people[who], "search"))
        assert {each["SOPInstanceUID"] for each in found} == sees
