"""The DIMSE server: one port, one way in for what is stored, on an event loop in a thread of its own; the other services by
pynetdicom in threads, everything they ask for on the event loop that started it."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from pydicom import config as pydicom_config
from pynetdicom import AE, _config, evt

from dicom_gateway.commitment import CLASS as STORAGE_COMMITMENT
from dicom_gateway.commitment import Commitments
from dicom_gateway.dimse import commitment, performed_steps, services
from dicom_gateway.dimse.outgoing import Readable
from dicom_gateway.dimse.retrieve import Retrieval
from dicom_gateway.dimse.threads import ThreadedAssociations
from dicom_gateway.dimse.way_in import WayIn
from dicom_gateway.dimse.worklist import CLASS as WORKLIST
from dicom_gateway.index import Index, Scope
from dicom_gateway.intake import Intake, Received, Source
from dicom_gateway.loop_thread import LoopThread
from dicom_gateway.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom_gateway.performed_step import OnStep, PerformedSteps
from dicom_gateway.pixels import PixelPool
from dicom_gateway.policy import Destinations, Policy, Refusal, RefusalReason, Worklist
from dicom_gateway.stability import StudyWatch
from dicom_gateway.upper_layer.negotiation import MAX_PDU, VERIFICATION
from dicom_gateway.upper_layer.receiver import Limits, Receiver
from storage.protocol import ObjectStore

log = logging.getLogger(__name__)

MAX_THREADS = 32  # associations that query or retrieve
ANSWER_WITHIN = 120.0  # seconds for one piece of work on the loop

# Find, move and get, patient root and study root (PS3.6 annex A), and what goes with the work of a modality: an
# association that asks for any of these is not served by the receiver.
_SERVED_BY_THREADS = frozenset({
    "1.2.840.10008.5.1.4.1.2.1.1",
    "1.2.840.10008.5.1.4.1.2.1.2",
    "1.2.840.10008.5.1.4.1.2.1.3",
    "1.2.840.10008.5.1.4.1.2.2.1",
    "1.2.840.10008.5.1.4.1.2.2.2",
    "1.2.840.10008.5.1.4.1.2.2.3",
    WORKLIST,
    performed_steps.CLASS,
    STORAGE_COMMITMENT,
})  # fmt: skip

T = TypeVar("T")


# Who stores one file; done when that is durable.
OnClosed = Callable[[], Awaitable[None]]
Keep = Callable[[bytearray, str, Source], Coroutine[Any, Any, Received]]


@dataclass(frozen=True, slots=True)
class Archive:
    """What a service works on, and the way from an association's thread to the event loop."""

    index: Index
    store: ObjectStore
    keep: Keep
    ae_title: str
    destinations: Destinations | None
    worklist: Worklist | None
    steps: PerformedSteps
    watch: StudyWatch
    commitments: Commitments
    readable: Readable
    loop: asyncio.AbstractEventLoop

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run `work` on the loop, beside the association's thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and wait for it here, in the association's thread."""
        future = self.begin(work)
        try:
            return future.result(ANSWER_WITHIN)
        except TimeoutError:
            future.cancel()
            raise


class DimseServer:
    """A listening DIMSE server; `port` is the real one where 0 was asked for."""

    def __init__(
        self,
        receiving: LoopThread,
        way_in: WayIn,
        threads: ThreadedAssociations,
        pixels: PixelPool,
        reports: asyncio.Task[None],
        port: int,
        on_closed: OnClosed | None,
    ) -> None:
        self._receiving = receiving
        self._way_in = way_in
        self._threads = threads
        self._pixels = pixels
        self._reports = reports
        self._on_closed = on_closed
        self._closed = False
        self.port = port

    async def close(self) -> None:
        """Stop listening and end the associations. What was answered is in the index then, if that can be written. A second time
        changes nothing."""
        if self._closed:
            return
        self._closed = True
        await self._receiving.run(self._way_in.stop_listening())
        self._reports.cancel()
        await asyncio.gather(self._reports, return_exceptions=True)
        await self._threads.close()
        await self._pixels.close()
        await self._receiving.run(self._way_in.close())
        await self._receiving.close()
        if self._on_closed is not None:
            await self._on_closed()


async def start_dimse(
    index: Index,
    store: ObjectStore,
    intake: Intake,
    policy: Policy,
    *,
    ae_title: str = "TELEMED",
    host: str = "127.0.0.1",
    port: int = 11112,
    destinations: Destinations | None = None,
    worklist: Worklist | None = None,
    on_step: OnStep | None = None,
    watch: StudyWatch | None = None,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
    shared_port: bool = False,
    on_closed: OnClosed | None = None,
) -> DimseServer:
    """Listen, once what a crash may have left is in the index. `policy` decides on each association, `destinations` on where
    C-MOVE may send (nowhere when None), `worklist` on what modalities find there (nothing when None). `on_step` runs in the
    transaction that keeps a performed procedure step, `watch` is told of studies that are complete with one. Several processes
    may serve one archive on a `shared_port`, each with a journal of its own. `on_closed` is awaited once nobody can call any more.

    Raises `OSError` where the port cannot be had, `StorageError` or `SQLAlchemyError` where store or index do not work.
    """
    home, receiving = asyncio.get_running_loop(), LoopThread("dicom-receive")
    try:
        way_in = await receiving.run(WayIn.open(intake, home))
    except BaseException:
        await receiving.close()
        raise
    steps, pixels = PerformedSteps(index.engine, on_step), PixelPool(1)
    archive = Archive(
        index,
        store,
        lambda content, owner, source: receiving.run(way_in.keep(content, owner, source)),
        ae_title,
        destinations,
        worklist,
        steps,
        watch or StudyWatch(index.engine),
        Commitments(index, store),
        Readable(store, pixels),
        home,
    )
    threads = ThreadedAssociations(
        _entity(ae_title),
        (host, port),
        _handlers(archive, policy),
        lambda association, request, context: Retrieval(association, request, context, archive).serve(),
        lambda association, request: commitment.report_here(association, request, archive),
    )
    limits = limits or Limits()

    def receiver() -> Receiver:
        return Receiver(intake, way_in.store, policy, threads.serve, _SERVED_BY_THREADS, limits, tls, home)

    try:
        port = await receiving.run(way_in.listen(receiver, host, port, shared=shared_port))
    except OSError:
        await receiving.run(way_in.close())
        await receiving.close()
        raise
    reports = asyncio.create_task(commitment.Reporter(archive.commitments, ae_title, destinations).run())
    return DimseServer(receiving, way_in, threads, pixels, reports, port, on_closed)


def _entity(ae_title: str) -> AE:
    """What pynetdicom serves with, and its settings for the whole process."""
    # Private and unknown storage classes are accepted too; pynetdicom has this switch for the whole process only.
    _config.UNRESTRICTED_STORAGE_SERVICE = True
    _config.LOG_HANDLER_LEVEL = "none"  # it would describe every message in words, read or not
    # What devices ask and report is judged here, key by key; pydicom would write a warning for each odd value.
    pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE
    ae = AE(ae_title=ae_title)
    ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    ae.maximum_pdu_size = MAX_PDU
    ae.maximum_associations = MAX_THREADS
    ae.acse_timeout = ae.network_timeout = 60
    ae.dimse_timeout = ANSWER_WITHIN
    for service in (VERIFICATION, *sorted(_SERVED_BY_THREADS)):
        ae.add_supported_context(service)
    return ae


def _handlers(archive: Archive, policy: Policy) -> list[Any]:
    """Who answers what pynetdicom takes apart."""
    return [
        (evt.EVT_REQUESTED, _admit, [archive, policy]),
        (evt.EVT_C_ECHO, lambda event: 0x0000),
        (evt.EVT_C_STORE, services.store, [archive]),
        (evt.EVT_C_FIND, services.find, [archive]),
        (evt.EVT_N_CREATE, performed_steps.create, [archive]),
        (evt.EVT_N_ACTION, commitment.request, [archive]),
        (evt.EVT_N_SET, performed_steps.change, [archive]),
    ]


def _admit(event: Any, archive: Archive, policy: Policy) -> None:
    """Ask the policy, and refuse or note the scope on the association."""
    association = event.assoc
    request = association.requestor.primitive
    calling, called = request.calling_ae_title.strip(), request.called_ae_title.strip()
    address = str(association.requestor.address or "")
    decision: Scope | Refusal
    try:
        decision = archive.wait(policy(calling, called, address))
    except Exception:
        log.exception("the association policy failed for %s at %s", calling, address)
        decision = Refusal(RefusalReason.TEMPORARY_CONGESTION)
    if isinstance(decision, Refusal):
        log.info("association of %s at %s refused: %s", calling, address, decision.reason.name)
        association.acse.send_reject(*decision.reason.value)
        association.is_rejected = True
        evt.trigger(association, evt.EVT_REJECTED, {})
        association.kill()
        return
    association.scope = decision
