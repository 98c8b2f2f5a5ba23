"""The DIMSE server: one port. Storage is served on an event loop in a thread of its own; the other services by pynetdicom in
threads, everything they ask for on the event loop that started the server."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from pydicom import config as pydicom_config
from pydicom.uid import UID
from pynetdicom import AE, _config, evt
from pynetdicom.presentation import PresentationContext

from dicom_gateway.commitment import CLASS as STORAGE_COMMITMENT
from dicom_gateway.commitment import Commitments
from dicom_gateway.dimse import commitment, mpps, services
from dicom_gateway.dimse.context import ANSWER_WITHIN, ServiceContext
from dicom_gateway.dimse.retrieve import Retrieval
from dicom_gateway.dimse.storage_service import StorageService
from dicom_gateway.dimse.store_scu import Readable
from dicom_gateway.dimse.threads import ThreadedAssociations
from dicom_gateway.dimse.worklist import CLASS as WORKLIST
from dicom_gateway.index import Index, Scope
from dicom_gateway.intake import Intake
from dicom_gateway.mpps import OnStep, PerformedSteps
from dicom_gateway.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom_gateway.pixels import PixelPool
from dicom_gateway.policy import Destinations, Policy, Refusal, RefusalReason, Worklist
from dicom_gateway.stability import StudyWatch
from dicom_gateway.transfer_syntax import IMPLICIT_VR_LITTLE_ENDIAN
from dicom_gateway.upper_layer.limits import Limits
from dicom_gateway.upper_layer.negotiation import MAX_PDU, VERIFICATION
from storage.protocol import ObjectStore

log = logging.getLogger(__name__)

MAX_THREADS = 32  # associations that query or retrieve

# Find, move and get, patient root and study root (PS3.6 annex A), and what goes with the work of a modality: an
# association that asks for any of these is not served by the receiver.
_HANDED_OFF = frozenset({
    "1.2.840.10008.5.1.4.1.2.1.1",
    "1.2.840.10008.5.1.4.1.2.1.2",
    "1.2.840.10008.5.1.4.1.2.1.3",
    "1.2.840.10008.5.1.4.1.2.2.1",
    "1.2.840.10008.5.1.4.1.2.2.2",
    "1.2.840.10008.5.1.4.1.2.2.3",
    WORKLIST,
    mpps.CLASS,
    STORAGE_COMMITMENT,
})  # fmt: skip
_NOT_THERE = "1.2.840.10008.5.1.1.9"  # Basic Grayscale Print Management


OnClosed = Callable[[], Awaitable[None]]


class DimseServer:
    """A listening DIMSE server; `port` is the real one where 0 was asked for."""

    def __init__(
        self,
        storage: StorageService,
        threads: ThreadedAssociations,
        pixels: PixelPool,
        reports: asyncio.Task[None],
        port: int,
        on_closed: OnClosed | None,
    ) -> None:
        self._storage = storage
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
        await self._storage.stop_listening()
        self._reports.cancel()
        await asyncio.gather(self._reports, return_exceptions=True)
        await self._threads.close()
        await self._pixels.close()
        await self._storage.close()
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
    may serve one archive on a `shared_port`, each with a write-ahead log of its own. `on_closed` is awaited once nobody can
    call any more.

    Raises `OSError` where the port cannot be had, `StorageError` or `SQLAlchemyError` where store or index do not work.
    """
    storage = await StorageService.open(intake)
    steps, pixels = PerformedSteps(index.engine, on_step), PixelPool(1)
    service = ServiceContext(
        index,
        storage.keep,
        ae_title,
        destinations,
        worklist,
        steps,
        watch or StudyWatch(index.engine),
        Commitments(index, store),
        Readable(store, pixels),
        asyncio.get_running_loop(),
    )
    threads = ThreadedAssociations(
        _entity(ae_title),
        (host, port),
        _handlers(service, policy),
        lambda association, request, context: Retrieval(association, request, context, service).serve(),
        lambda association, request: commitment.report_here(association, request, service),
    )
    try:
        port = await storage.listen(host, port, policy, threads.serve, _HANDED_OFF, limits or Limits(), tls, shared=shared_port)
    except OSError:
        await storage.close()
        raise
    reports = asyncio.create_task(commitment.Reporter(service.commitments, ae_title, destinations).run())
    return DimseServer(storage, threads, pixels, reports, port, on_closed)


def _entity(ae_title: str) -> AE:
    """Return the application entity that pynetdicom serves with; make pynetdicom's settings, which are those of the process."""
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
    for service in (VERIFICATION, *sorted(_HANDED_OFF)):
        ae.add_supported_context(service)
    return ae


def _handlers(service: ServiceContext, policy: Policy) -> list[Any]:
    """Return the handlers of the events of pynetdicom."""
    return [
        (evt.EVT_REQUESTED, _admit, [service, policy]),
        (evt.EVT_C_ECHO, lambda event: 0x0000),
        (evt.EVT_C_STORE, services.store, [service]),
        (evt.EVT_C_FIND, services.find, [service]),
        (evt.EVT_N_CREATE, mpps.create, [service]),
        (evt.EVT_N_ACTION, commitment.request, [service]),
        (evt.EVT_N_SET, mpps.change, [service]),
    ]


def _admit(event: Any, service: ServiceContext, policy: Policy) -> None:
    """Ask the policy, and refuse or note the scope on the association."""
    association = event.assoc
    request = association.requestor.primitive
    calling, called = request.calling_ae_title.strip(), request.called_ae_title.strip()
    address = str(association.requestor.address or "")
    decision: Scope | Refusal
    try:
        decision = service.wait(policy(calling, called, address, association.certificate))
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
    _refuse_empty(request.presentation_context_definition_list)


def _refuse_empty(contexts: Iterable[PresentationContext]) -> None:
    """Make contexts that propose nothing, which pynetdicom would accept or stumble over, such that it refuses: of a service that is not
    there. Their answers name none (PS3.8 9.3.3.2)."""
    for context in contexts:
        if not context.abstract_syntax or not any(context.transfer_syntax):
            context.abstract_syntax = UID(_NOT_THERE)
            context.transfer_syntax = [UID(IMPLICIT_VR_LITTLE_ENDIAN)]
