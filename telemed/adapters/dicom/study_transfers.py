"""The worker's side of transfers: studies go to devices, priors come from a member's PACS. Trying again does no harm: what a
receiver has already it answers as stored, and what we have is kept once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from dicom_gateway import Index, Intake, Source
from dicom_gateway.dimse.query_retrieve_scu import Fetched, Keep, RemoteStudy, get_study, move_study, studies_of_patient
from dicom_gateway.dimse.store_scu import Progress, Readable, send
from dicom_gateway.index import Target
from dicom_gateway.pixels import PixelPool
from dicom_gateway.upper_layer.sender import Peer, SendingFailed
from storage.protocol import ObjectStore
from telemed.adapters.application import SqlApplication
from telemed.adapters.dicom.device_failures import told
from telemed.adapters.dicom.device_peers import DevicePeers
from telemed.adapters.dicom.study_access import case_scope
from telemed.adapters.dicom.study_repository import BESIDE
from telemed.domain.case import Case
from telemed.domain.network import ApplicationEntity
from telemed.domain.transfer import Transfer, archives, destinations
from telemed.service import transfers
from telemed.service.transfers import RemotePrior

TOLD_EVERY = 1.0
"""Seconds between two notes of how far a transfer is."""

STORED_WITHIN = 120.0
"""Seconds for an object to be stored."""


class TryAgain(Exception):
    """The transfer is not over: its job is to be tried again."""


@dataclass(slots=True)
class Counts:
    total: int = 0
    completed: int = 0
    failed: int = 0


class StudyTransfers:
    """The jobs `send-study` and `fetch-priors`."""

    def __init__(
        self, application: SqlApplication, index: Index, store: ObjectStore, intake: Intake, pool: PixelPool, peers: DevicePeers
    ) -> None:
        self._application, self._index, self._intake, self._peers = application, index, intake, peers
        self._readable = Readable(store, pool)

    async def send(self, payload: Mapping[str, Any]) -> None:
        """Send a study to a device."""
        begun = await self._begin(payload)
        if begun is None:
            return
        transfer, case = begun
        device = next((d for d in destinations(self._application.region.network, case) if d.title == transfer.title), None)
        error = await self._sent(transfer, case, device) if device else f"{transfer.title} is no device that this study may go to"
        await self._end(transfer, error)

    async def fetch(self, payload: Mapping[str, Any]) -> None:
        """Fetch the patient's earlier studies."""
        begun = await self._begin(payload)
        if begun is None:
            return
        transfer, case = begun
        archive = next((d for d in archives(self._application.region.network, case) if d.title == transfer.title), None)
        error = await self._fetched(transfer, case, archive) if archive else f"{transfer.title} is no archive to ask for this case"
        await self._end(transfer, error)

    async def _begin(self, payload: Mapping[str, Any]) -> tuple[Transfer, Case] | None:
        async with self._application.writing() as work:
            return await transfers.begin(work, payload["transfer"])

    async def _end(self, transfer: Transfer, error: str) -> None:
        async with self._application.writing() as work:
            again = await transfers.end_of_try(work, transfer.id, error)
        if again:
            raise TryAgain(error)

    @asynccontextmanager
    async def _told(self, transfer: Transfer, counts: Callable[[], Counts]) -> AsyncIterator[None]:
        """While the block runs, and at its end, the transfer says how far it is."""

        async def tell() -> None:
            now = counts()
            async with self._application.writing() as work:
                await transfers.progress(work, transfer.id, now.total, now.completed, now.failed)

        async def tell_on() -> None:
            told = Counts()
            while True:
                await asyncio.sleep(TOLD_EVERY)
                if (now := counts()) != told:
                    told = Counts(now.total, now.completed, now.failed)
                    await tell()

        telling = asyncio.create_task(tell_on())
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await tell()

    async def _sent(self, transfer: Transfer, case: Case, device: ApplicationEntity) -> str:
        """Why the try failed; empty where all arrived."""
        instances = await self._index.locate(Target(studies=(transfer.study_instance_uid,)), case_scope(case))
        if not instances:
            return "the study is not here any more"
        progress = Progress(len(instances))
        peer = self._peers.peer(device)

        def counts() -> Counts:
            return Counts(len(instances), progress.completed + progress.warned, len(progress.failed))

        try:
            async with self._told(transfer, counts):
                await send(peer, instances, self._readable, progress)
        except SendingFailed as error:
            return told(peer, error)[1]
        return progress.reason if progress.failed else ""

    async def _fetched(self, transfer: Transfer, case: Case, archive: ApplicationEntity) -> str:
        """Why the try failed; empty where all came that the archive has."""
        peer = self._peers.peer(archive)
        async with self._application.reading() as work:
            number = await transfers.number_of(work, case)
            patient = await work.patients.get(case.patient.id)
            rules, oldest = work.region.priors, transfers.oldest_wanted(work.region.priors, work.now)
        if patient is None:
            return "the patient's record is gone"
        try:
            found = await asyncio.to_thread(studies_of_patient, peer, number)
        except SendingFailed as error:
            return told(peer, error)[1]
        except ValueError as error:
            return str(error)
        owner = archive.institution
        earlier = [study for study in found if transfers.is_wanted(case, patient, _prior(study), oldest, owner)][: rules.studies]
        counts = Counts(sum(study.instances for study in earlier))
        async with self._told(transfer, lambda: counts):
            # What an archive sends by C-MOVE is kept as its own institution's: a hub's would not be the case's.
            may_move = owner == case.member
            errors = [await self._one(case, peer, study, counts, may_move) for study in earlier]
            counts.total = max(counts.total, counts.completed + counts.failed)
        return next((error for error in errors if error), "")

    async def _one(self, case: Case, peer: Peer, study: RemoteStudy, counts: Counts, may_move: bool) -> str:
        """One earlier study: linked first, so that nothing takes it for the case's own, then fetched."""
        async with self._application.writing() as work:
            await transfers.expect_prior(work, case.id, _prior(study), whole=may_move)
            here = await work.studies.facts(case.member, study.study_instance_uid)
        # A hub's archive speaks for what it sends and for no more: its word of a UID would open the member's own study.
        if may_move and here is not None and 0 < study.instances <= here.instances:
            counts.completed += study.instances
            error = ""
        else:
            error = await self._retrieved(case, peer, study, counts, may_move)
            await self._index.barrier()  # what the gateway has acknowledged stands in the index
        async with self._application.writing() as work:
            await transfers.settle_prior(work, case.id, study.study_instance_uid)
        return error

    async def _retrieved(self, case: Case, peer: Peer, study: RemoteStudy, counts: Counts, may_move: bool) -> str:
        try:
            fetched = await asyncio.to_thread(get_study, peer, study, self._keeping(case, peer, counts, may_move))
            if fetched is None and not may_move:
                return f"{peer.called} knows no C-GET, by which alone a hub's archive is asked"
            if may_move and (fetched is None or not fetched.completed):
                fetched = await asyncio.to_thread(move_study, peer, study, peer.calling)
                counts.completed += fetched.completed
        except SendingFailed as error:
            return told(peer, error)[1]
        return self._fault(study, fetched or Fetched(0, 0), counts)

    def _fault(self, study: RemoteStudy, fetched: Fetched, counts: Counts) -> str:
        counts.failed += fetched.failed
        return f"{fetched.failed} objects of study {study.study_instance_uid} did not come" if fetched.failed else ""

    def _keeping(self, case: Case, peer: Peer, counts: Counts, own_archive: bool) -> Keep:
        """Return the handler that takes an object in a thread of the association and answers when it is stored."""
        loop = asyncio.get_running_loop()

        async def stored(content: bytearray, sop_class: str, sop_instance: str) -> int:
            source = Source("dimse", peer.called, peer.host, sop_class, sop_instance, reference="" if own_archive else case.id)
            received = await self._intake.receive(bytes(content), case.member, source)
            counts.completed += 1 if received.status in (0, 0xB000) else 0
            return received.status

        def keep(content: bytearray, sop_class: str, sop_instance: str) -> int:
            work = asyncio.run_coroutine_threadsafe(stored(content, sop_class, sop_instance), loop)
            with contextlib.suppress(TimeoutError):
                return work.result(STORED_WITHIN)
            work.cancel()
            return 0xA700

        return keep


def _prior(study: RemoteStudy) -> RemotePrior:
    modality = next((each for each in study.modalities if each not in BESIDE), "")
    about = (study.study_date, study.description, modality, study.accession_number)
    return RemotePrior(study.study_instance_uid, *about, study.patient_name, study.birth_date, study.sex)
