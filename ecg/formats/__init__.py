"""Readers: one module per format, each with NAME, `recognise(head)`, `read(content)`; found by content, not by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ecg.formats import aecg, dicom, edf, ishne, muse, scp, sierra, wfdb
from ecg.limits import MAX_FILE_BYTES
from ecg.recording import Recording, UnreadableECG

HEAD_BYTES: Final = 8192
"""First bytes of a file, by which its format is recognised."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read. `read_file` is there for records whose files lie beside each other."""

    name: str
    recognise: Callable[[bytes], bool]
    read: Callable[[bytes], Recording]
    read_file: Callable[[Path], Recording] | None = None


FORMATS: Final = (
    Format(dicom.NAME, dicom.recognise, dicom.read),
    Format(ishne.NAME, ishne.recognise, ishne.read),
    Format(aecg.NAME, aecg.recognise, aecg.read),
    Format(sierra.NAME, sierra.recognise, sierra.read),
    Format(muse.NAME, muse.recognise, muse.read),
    Format(edf.NAME, edf.recognise, edf.read),
    Format(scp.NAME, scp.recognise, scp.read),
    Format(wfdb.NAME, wfdb.recognise, wfdb.read, wfdb.read_file),
)
"""In order of how sure their mark is."""


def recognise(head: bytes) -> Format | None:
    """The format of a file from its first `HEAD_BYTES` bytes, or None."""
    return next((format_ for format_ in FORMATS if format_.recognise(head)), None)


def read(source: str | os.PathLike[str] | bytes | bytearray | memoryview) -> Recording:
    """Read an ECG of any known format from a path or from its bytes.

    Samples come back in microvolts, float32, shape (leads, n), padding as NaN. A WFDB record is given as its header's
    path, or as a zip of header and signal files. Raises UnreadableECG for what cannot be read, and OSError only where
    the path itself cannot be opened.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            size = os.fstat(file.fileno()).st_size
            found = _known(head, size)
            if found.read_file is not None:
                return _guarded(found, lambda: found.read_file(path))  # type: ignore[misc]  # tested the line above
            content = head + file.read(MAX_FILE_BYTES - len(head) + 1)
    else:
        content = bytes(source)
        found = _known(content[:HEAD_BYTES], len(content))
    return _guarded(found, lambda: found.read(content))


def _known(head: bytes, size: int) -> Format:
    found = recognise(head)
    if found is None:
        reason = "an empty file" if not head else "no ECG format that is known here"
        raise UnreadableECG("unknown", 0, reason)
    if size > MAX_FILE_BYTES:
        raise UnreadableECG(found.name, 0, f"{size} bytes; {MAX_FILE_BYTES} can be read")
    return found


def _without_infinities(recording: Recording) -> Recording:
    """Samples that a text or a scale makes infinite are marked as missing."""
    for row in recording.samples:
        if (infinite := np.isinf(row)).any():
            row[infinite] = np.nan
    return recording


def _guarded(format_: Format, reading: Callable[[], Recording]) -> Recording:
    """Run a reader so that a damaged file gives UnreadableECG and nothing else."""
    try:
        with np.errstate(all="ignore"):
            return _without_infinities(reading())
    except UnreadableECG:
        raise
    except Exception as error:  # whatever damage the reader did not foresee is still damage of the file
        raise UnreadableECG(format_.name, 0, f"damaged: {type(error).__name__}: {error}") from error
