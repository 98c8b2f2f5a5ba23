"""The role `gateway`: DIMSE. Who may come in, what they see, where things may be sent."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import structlog

from dicom_gateway import Destination, Index, Intake, Refusal, RefusalReason, Scope, start_dimse
from dicom_gateway.dimse import DimseServer
from dicom_gateway.stability import StudyWatch
from dicom_gateway.upper_layer.limits import Limits
from storage.protocol import ObjectStore
from telemed.adapters.application import SqlApplication
from telemed.adapters.dicom.device_calls import DeviceCalls
from telemed.adapters.dicom.study_access import device_scope
from telemed.adapters.dicom.study_repository import StepArrivals
from telemed.adapters.dicom.worklist_items import WorklistItems
from telemed.bootstrap import device_peers, study_watch
from telemed.domain.network import EntityUse, Level
from telemed.extension import Parts
from telemed.listening import plain_port_error
from telemed.settings import Settings

log = structlog.get_logger()


async def dicom_gateway(parts: Parts) -> DimseServer:
    """Return the DIMSE server of an installation, listening."""
    return await open_dimse(parts.settings, parts.application, parts.index, parts.store, parts.intake, study_watch(parts))


async def open_dimse(
    settings: Settings, application: SqlApplication, index: Index, store: ObjectStore, intake: Intake, watch: StudyWatch
) -> DimseServer:
    """Listen. An AE title is one that was entered; it calls from its own networks, with a certificate that was entered for it."""
    peers, calls = device_peers(settings, application), DeviceCalls(application)

    async def admit(calling: str, called: str, address: str, certificate: bytes) -> Scope | Refusal:
        network = application.region.network
        device = network.entity(calling)
        if called != settings.ae_title:
            calls.note(calling, address, "called-title")
            return Refusal(RefusalReason.CALLED_AE_TITLE_NOT_RECOGNIZED)
        fingerprint = sha256(certificate).hexdigest() if certificate else ""
        if device is None:
            calls.note(calling, address, "switched-off" if calling in network.entities else "unknown", fingerprint)
            return Refusal(RefusalReason.CALLING_AE_TITLE_NOT_RECOGNIZED)
        if obstacle := device.obstacle_to_call(address, fingerprint):
            calls.note(calling, address, obstacle, fingerprint)
            return Refusal(RefusalReason.CALLING_AE_TITLE_NOT_RECOGNIZED)
        calls.note(calling, address)
        is_hub = network.institutions[device.institution].level in (Level.SUB_HUB, Level.MAIN_HUB)
        return device_scope(device.institution, is_hub, device.character_set)

    async def destinations(title: str, scope: Scope) -> Destination | None:
        """Only devices of the asking institution: nobody can have studies sent to somebody else."""
        devices = application.region.network.addressed(scope.owner or "", EntityUse.STORE)
        return next((peers.destination(device) for device in devices if device.title == title), None)

    return await start_dimse(
        index,
        store,
        intake,
        admit,
        ae_title=settings.ae_title,
        host=settings.host,
        port=settings.dicom_port,
        shared_port=settings.gateways > 1,
        destinations=destinations,
        tls=settings.dicom_tls_context,
        limits=Limits(rate=settings.dicom_rate or None),
        worklist=WorklistItems(application.engine, lambda: application.region),
        on_step=StepArrivals(application.now),
        watch=watch,
        on_closed=calls.written,
    )


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Serve until told to stop."""
    settings = parts.settings
    with plain_port_error(settings.host, settings.dicom_port, "TELEMED_DICOM_PORT"):
        server = await dicom_gateway(parts)
    log.info("gateway.ready", port=settings.dicom_port, ae_title=settings.ae_title)
    try:
        await stop.wait()
    finally:
        await server.close()
        await parts.intake.close()
