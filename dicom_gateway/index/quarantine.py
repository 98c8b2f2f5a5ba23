"""Objects that could not be read or entered, kept where a person sees them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from dicom_gateway.index.recording import insert_new
from dicom_gateway.index.tables import dicom_quarantine

MAX_REASON = 1000  # characters


@dataclass(frozen=True, slots=True)
class QuarantinedObject:
    """One row of `dicom_quarantine`; `offset` is the byte at which reading failed, where that is known."""

    owner: str
    object_key: str
    size: int
    sha256: str
    reason: str
    received_at: datetime
    received_by: str
    calling_ae: str | None
    peer_address: str | None
    offset: int | None = None


def quarantine(connection: sa.Connection, found: QuarantinedObject) -> bool:
    """Put `found` on record inside the caller's transaction. Return False where the owner's same bytes are on record already."""
    row = {**asdict(found), "reason": found.reason[:MAX_REASON]}
    statement = insert_new(connection.dialect, dicom_quarantine, "owner", "sha256").values(row)
    return bool(connection.execute(statement).rowcount)
