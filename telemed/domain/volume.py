"""Volumes that are counted of each institution's day, beside the evidence that it sent (counted under its `EvidenceType`)."""

from __future__ import annotations

from enum import StrEnum


class Volume(StrEnum):
    """Counted under the member that asked, with the centre; what a hub did also names the hub.
    `C_STORE` counts every image that came by DICOM C-STORE, new or repeated: it shows that the line is alive."""

    REQUEST = "request"
    CONSULTATION = "consultation"
    REPORT = "report"
    DEADLINE_KEPT = "deadline-kept"
    DEADLINE_MISSED = "deadline-missed"
    C_STORE = "c-store"
