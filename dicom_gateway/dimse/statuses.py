"""Statuses of DIMSE responses (PS3.7 annex C, PS3.4 annexes B, C and K)."""

from __future__ import annotations

from pydicom.dataset import Dataset

SUCCESS, PENDING, PENDING_WITH_WARNING, CANCELLED = 0x0000, 0xFF00, 0xFF01, 0xFE00
SUB_OPERATIONS_FAILED = 0xB000
UNABLE_TO_PROCESS, DOES_NOT_MATCH = 0xC000, 0xA900
TOO_MANY_MATCHES, NO_SUB_OPERATIONS, DESTINATION_UNKNOWN = 0xA701, 0xA702, 0xA801
NOT_AUTHORISED = 0x0124
_COMMENT = 64  # characters of Error Comment (0000,0902), a long string


def status(code: int, comment: str) -> Dataset:
    """A status with its Error Comment."""
    response = Dataset()
    response.Status = code
    if comment:
        response.ErrorComment = comment_of(comment)
    return response


def comment_of(comment: str) -> str:
    """As much of a sentence as Error Comment holds, in its characters."""
    return comment.encode("ascii", "replace").decode()[:_COMMENT].replace("\\", "/")
