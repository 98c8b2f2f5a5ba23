"""The platform's doors from outside: a modality sends a study, a member's doctor uploads files."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import aiohttp
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    TwelveLeadECGWaveformStorage,
)
from pynetdicom import AE

from telemed.demo.evidence_spool import sent_name
from telemed.demo.region import PASSWORD
from telemed.settings import Settings

DIMSE_SECONDS = 30
UPLOAD_SECONDS = 300
SUCCESS = 0x0000


async def send_study(settings: Settings, member: str, files: Sequence[Path]) -> None:
    """C-STORE the files in one association as the member's AE title. Returns when all are acknowledged.

    Raises ConnectionError where the gateway does not take them.
    """
    stopped = threading.Event()
    try:
        await asyncio.to_thread(_store_all, settings, member, files, stopped)
    finally:
        stopped.set()


def _store_all(settings: Settings, member: str, files: Sequence[Path], stopped: threading.Event) -> None:
    modality = AE(ae_title=member)
    modality.acse_timeout = modality.dimse_timeout = modality.network_timeout = DIMSE_SECONDS
    for sop_class in (CTImageStorage, DigitalXRayImageStorageForPresentation, TwelveLeadECGWaveformStorage):
        modality.add_requested_context(sop_class, ExplicitVRLittleEndian)
    association = modality.associate(settings.host, settings.dicom_port, ae_title=settings.ae_title)
    if not association.is_established:
        raise ConnectionError(f"{settings.ae_title} does not accept an association from {member}")
    try:
        for file in files:
            if stopped.is_set():
                return
            status = association.send_c_store(file)
            if status.get("Status") != SUCCESS:
                answer = f"status {status.Status:04X}H" if "Status" in status else "no answer"
                raise ConnectionError(f"{settings.ae_title} did not store an image of {member}: {answer}")
    finally:
        if association.is_established:
            association.release()


async def upload_files(settings: Settings, username: str, case_id: str, files: Sequence[Path]) -> None:
    """Sign in and attach the files to the case, as multipart/form-data. Raises aiohttp.ClientError."""
    api = f"http://{settings.host}:{settings.http_port}/api/v1"
    limit = aiohttp.ClientTimeout(total=UPLOAD_SECONDS)
    async with aiohttp.ClientSession(raise_for_status=True, timeout=limit) as session:
        async with session.post(f"{api}/login", json={"username": username, "password": PASSWORD}) as answer:
            token = (await answer.json())["token"]
        form = aiohttp.FormData()
        for file in files:
            form.add_field("file", await asyncio.to_thread(file.read_bytes), filename=sent_name(file))
        async with session.post(f"{api}/cases/{case_id}/files", data=form, headers={"Authorization": f"Bearer {token}"}):
            return
