"""The DIMSE server: associations by pynetdicom in threads, everything else on the event loop that started it."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from pynetdicom import AE, _config, evt

from dicom_gateway.dimse import services
from dicom_gateway.dimse.policy import Destinations, Policy, Refusal, RefusalReason
from dicom_gateway.index import Index, Scope
from dicom_gateway.intake import Intake
from dicom_gateway.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from storage.protocol import ObjectStore

log = logging.getLogger(__name__)

MAX_PDU = 128 << 10  # bytes we accept in one PDU; fewer, larger reads than the usual 16 K
MAX_ASSOCIATIONS = 32
ANSWER_WITHIN = 120.0  # seconds for one piece of work on the loop

# Besides storage (PS3.6 annex A): verification; find, move and get, patient root and study root.
_SERVICES = (
    "1.2.840.10008.1.1",
    "1.2.840.10008.5.1.4.1.2.1.1",
    "1.2.840.10008.5.1.4.1.2.1.2",
    "1.2.840.10008.5.1.4.1.2.1.3",
    "1.2.840.10008.5.1.4.1.2.2.1",
    "1.2.840.10008.5.1.4.1.2.2.2",
    "1.2.840.10008.5.1.4.1.2.2.3",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Archive:
    """What a service works on, and the way from an association's thread to the event loop."""

    index: Index
    store: ObjectStore
    intake: Intake
    ae_title: str
    destinations: Destinations | None
    loop: asyncio.AbstractEventLoop

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and wait for it here, in the association's thread."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result(ANSWER_WITHIN)
        except TimeoutError:
            future.cancel()
            raise


class DimseServer:
    """A listening DIMSE server; `port` is the real one where 0 was asked for."""

    def __init__(self, ae: Any, server: Any) -> None:
        self._ae = ae
        self._server = server
        self.port: int = server.socket.getsockname()[1]

    async def close(self) -> None:
        """Stop listening and end the associations."""
        await asyncio.to_thread(self._ae.shutdown)


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
    tls: ssl.SSLContext | None = None,
    max_associations: int = MAX_ASSOCIATIONS,
) -> DimseServer:
    """Listen. `policy` decides on each association, `destinations` on where C-MOVE may send (nowhere when None).

    Raises `OSError` where the port cannot be had.
    """
    # Private and unknown storage classes are accepted too; pynetdicom has this switch for the whole process only.
    _config.UNRESTRICTED_STORAGE_SERVICE = True
    ae = AE(ae_title=ae_title)
    ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    ae.maximum_pdu_size = MAX_PDU
    ae.maximum_associations = max_associations
    ae.acse_timeout = ae.network_timeout = 60
    ae.dimse_timeout = ANSWER_WITHIN
    for service in _SERVICES:
        ae.add_supported_context(service)
    archive = Archive(index, store, intake, ae_title, destinations, asyncio.get_running_loop())
    handlers = [
        (evt.EVT_REQUESTED, _admit, [archive, policy]),
        (evt.EVT_C_ECHO, lambda event: 0x0000),
        (evt.EVT_C_STORE, services.store, [archive]),
        (evt.EVT_C_FIND, services.find, [archive]),
        (evt.EVT_C_GET, services.get, [archive]),
        (evt.EVT_C_MOVE, services.move, [archive]),
    ]
    listen: Callable[..., Any] = ae.start_server
    server = await asyncio.to_thread(listen, (host, port), block=False, evt_handlers=handlers, ssl_context=tls)
    return DimseServer(ae, server)


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
