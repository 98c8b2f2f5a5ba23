"""Files of the `ecg` library's formats, known by their first bytes."""

from __future__ import annotations

from ecg.formats import dicom, recognise, wfdb


def is_ecg(head: bytes) -> bool:
    """True if these first bytes begin one of the library's formats.

    DICOM goes through the gateway's intake; a WFDB header is nothing without its signals.
    """
    found = recognise(head)
    return found is not None and found.name != dicom.NAME and (found.name != wfdb.NAME or wfdb.is_archive(head))
