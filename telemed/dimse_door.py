"""The platform's DIMSE door: who may come in, what they see, where things may be sent."""

from __future__ import annotations

from dicom_gateway import Destination, Index, Intake, Refusal, RefusalReason, Scope, start_dimse
from dicom_gateway.dimse import DimseServer
from dicom_gateway.stability import StudyWatch
from dicom_gateway.upper_layer.receiver import Limits
from storage.protocol import ObjectStore
from telemed.adapters.office import SqlOffice
from telemed.adapters.study_access import device_scope
from telemed.adapters.study_table import note_step
from telemed.adapters.worklist_items import WorklistItems
from telemed.domain.network import EntityUse, Level
from telemed.settings import Settings


async def open_dimse(
    settings: Settings,
    office: SqlOffice,
    index: Index,
    store: ObjectStore,
    intake: Intake,
    watch: StudyWatch,
) -> DimseServer:
    """Listen. An AE title is an institution's code or one of its devices; one that is not in the network is refused."""

    async def admit(calling: str, called: str, address: str) -> Scope | Refusal:
        if called != settings.ae_title:
            return Refusal(RefusalReason.CALLED_AE_TITLE_NOT_RECOGNIZED)
        network = office.region.network
        device = network.entity(calling)
        if device is None or not device.may_call_from(address):
            return Refusal(RefusalReason.CALLING_AE_TITLE_NOT_RECOGNIZED)
        is_hub = network.institutions[device.institution].level in (Level.SUB_HUB, Level.MAIN_HUB)
        return device_scope(device.institution, is_hub, device.character_set)

    async def destinations(title: str, scope: Scope) -> Destination | None:
        """Only devices of the asking institution: nobody can have studies sent to somebody else."""
        devices = office.region.network.addressed(scope.owner or "", EntityUse.STORE)
        return next((Destination(device.host, device.port) for device in devices if device.title == title), None)

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
        worklist=WorklistItems(office.engine, lambda: office.region),
        on_step=note_step,
        watch=watch,
    )
