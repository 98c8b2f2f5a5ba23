"""Is this report genuine? What anybody may learn who has its code: that it is ours, whole, and whose signatures are on it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from storage.errors import ObjectMissing
from telemed.domain.errors import NotFound
from telemed.domain.patient import masked_name
from telemed.domain.policy import Action
from telemed.service.application import Application
from telemed.service.identity import VERIFICATION_ALPHABET
from telemed.service.ports.retention import ErasedName
from telemed.service.ports.signer import SignatureCheck, UnreadablePdf

CODE_LENGTH = 12
PUBLIC = "public"
"""The actor of the audit trail for who did not sign in."""
MAX_BYTES = 64 * 1024 * 1024
"""A printed report is below a megabyte; a file beyond this is not ours."""


class SignatureInspector(Protocol):
    """Checks the signatures of a report file, away from the event loop and within a time limit."""

    async def inspect(self, pdf: bytes) -> Sequence[SignatureCheck]:
        """Raises UnreadablePdf, or TimeoutError after the limit."""
        ...


@dataclass(frozen=True, slots=True)
class Authenticity:
    """A report as anybody with its code sees it. `sha256` is of the signed PDF as issued; `intact`: the stored file still has that digest.

    `newer`: a later version was released. `signatures` None: they could not be checked just now. Of the patient only a
    masked name, of the accession number only its end.
    """

    code: str
    hub: str
    member: str
    centre: str
    status: str
    version: int
    released_at: datetime | None
    newer: bool
    newest_status: str
    patient: str
    accession_end: str
    sha256: str
    intact: bool
    signatures: Sequence[SignatureCheck] | None


def normal_code(text: str) -> str:
    """The code as it is kept: capitals, without the spaces and dashes of print. Raises NotFound for what is no code."""
    code = "".join(c for c in text.upper() if c not in " -\u2010\u2013")
    if len(code) != CODE_LENGTH or not set(code) <= set(VERIFICATION_ALPHABET):
        raise NotFound("report", "code")
    return code


async def check_report(application: Application, inspector: SignatureInspector, text: str) -> Authenticity:
    """The report with this code. Raises NotFound for an unknown one. The look is put on record."""
    code = normal_code(text)
    found = await application.queries.report_by_code(code)
    if found is None:
        raise NotFound("report", "code")
    case, report, released = found
    pdf = await _stored(application, report.pdf_key)
    intact = pdf is not None and hashlib.sha256(pdf).hexdigest() == report.pdf_sha256
    newest = released[-1] if released else report
    async with application.writing() as work:
        work.outbox.audit(Action.REPORT_VERIFY, PUBLIC, "", f"case/{case.id}", "success" if intact else "altered")
    return Authenticity(
        code=code,
        hub=report.hub,
        member=case.member,
        centre=case.centre,
        status=report.status.value,
        version=report.version,
        released_at=report.released_at,
        newer=newest.version > report.version,
        newest_status=newest.status.value,
        patient=masked_name(case.patient.name),
        accession_end=case.accession_number[-4:],
        sha256=report.pdf_sha256,
        intact=intact,
        signatures=await _signatures(inspector, pdf) if pdf is not None and intact else None,
    )


async def erased_report(application: Application, text: str) -> ErasedName | None:
    """Return what is left of a report that was erased after its period; None for a code that was never one. The look is put on record."""
    code = normal_code(text)
    async with application.reading() as work:
        found = await work.erasures.erased_report(code)
    if found is not None:
        async with application.writing() as work:
            work.outbox.audit(Action.REPORT_VERIFY, PUBLIC, "", f"erasure/{found.erasure_id}", "erased")
    return found


async def _stored(application: Application, key: str) -> bytes | None:
    try:
        if await application.store.size(key) > MAX_BYTES:
            return None
        return await application.store.read(key)
    except ObjectMissing:
        return None


async def _signatures(inspector: SignatureInspector, pdf: bytes) -> Sequence[SignatureCheck] | None:
    try:
        return await inspector.inspect(pdf)
    except (UnreadablePdf, TimeoutError):
        return None
