"""Identifiers made from content, so that writing a recording twice gives one object and not two."""

from __future__ import annotations

import hashlib
import uuid

from ecg.recording import Recording
from ecg.writers.quantise import Quantised


def content_uuid(recording: Recording, stored: Quantised, part: str) -> uuid.UUID:
    """A UUID for one part (study, series, ...) of what is written of this recording."""
    digest = hashlib.sha256(stored.numbers.tobytes())
    digest.update(repr((stored.resolutions, recording.leads, recording.rate, recording.start)).encode())
    digest.update(repr((recording.patient, recording.device)).encode())
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{part} {digest.hexdigest()}")
