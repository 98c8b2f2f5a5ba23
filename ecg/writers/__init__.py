"""Writers: one module per format, each with NAME and `write(recording) -> bytes`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ecg.recording import Recording
from ecg.writers import aecg, dicom, edf, wfdb

WRITERS: Final[Mapping[str, Callable[[Recording], bytes]]] = {
    aecg.NAME: aecg.write,
    dicom.NAME: dicom.write,
    edf.NAME: edf.write,
    wfdb.NAME: wfdb.write,
}
"""Writers by the name that `write` takes."""


def write(recording: Recording, path: str | os.PathLike[str] | None, format: str) -> bytes:  # noqa: A002  (the public name)
    """The recording's bytes in a format: "aecg", "dicom", "edf" or "wfdb" (a zip); also written to `path` if given.

    A WFDB path ending in .hea gets the header there and the signals beside it. Raises ValueError for an unknown format
    and for what the format cannot hold.
    """
    writer = WRITERS.get(format)
    if writer is None:
        raise ValueError(f"no writer for {format!r}; there is one for each of {', '.join(WRITERS)}")
    if path is None:
        return writer(recording)
    target = Path(path)
    if format == wfdb.NAME:
        content = wfdb.write(recording, target.stem)
        if target.suffix == ".hea":
            wfdb.write_beside(recording, target)
            return content
    else:
        content = writer(recording)
    target.write_bytes(content)
    return content
