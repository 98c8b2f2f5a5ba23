"""Statuses of DIMSE responses (PS3.7 annex C, PS3.4 annexes B, C and K)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from dicom_gateway.upper_layer.commands import comment_of

SUCCESS, PENDING, PENDING_WITH_WARNING, CANCELLED = 0x0000, 0xFF00, 0xFF01, 0xFE00
SUB_OPERATIONS_FAILED = 0xB000
UNABLE_TO_PROCESS, DOES_NOT_MATCH = 0xC000, 0xA900
TOO_MANY_MATCHES, NO_SUB_OPERATIONS, DESTINATION_UNKNOWN = 0xA701, 0xA702, 0xA801
NOT_AUTHORISED = 0x0124


def status(code: int, comment: str) -> Dataset:
    """A status with its Error Comment."""
    response = Dataset()
    response.Status = code
    if comment:
        response.ErrorComment = comment_of(comment)
    return response
