"""WFDB: a header and one signal file of format 16, together as a zip or side by side."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Final

from ecg.recording import Recording
from ecg.writers.quantise import Quantised, quantised

NAME: Final = "wfdb"
_FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the same recording gives the same bytes


def write(recording: Recording, record: str = "ecg") -> bytes:
    """A zip of `record`.hea and `record`.dat. Samples are kept within half a unit of their lead's resolution."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _files(recording, record).items():
            archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def write_beside(recording: Recording, header: Path) -> None:
    """Write the header to `header` (ending in .hea) and the signals beside it."""
    for name, content in _files(recording, header.stem).items():
        header.with_name(name).write_bytes(content)


def _files(recording: Recording, record: str) -> dict[str, bytes]:
    name = re.sub(r"[^A-Za-z0-9_\-]", "_", record) or "ecg"
    stored = quantised(recording)
    return {
        f"{name}.hea": _header(recording, stored, name).encode(),
        f"{name}.dat": stored.numbers.T.astype("<i2").tobytes(),
    }


def _header(recording: Recording, stored: Quantised, name: str) -> str:
    leads, length = stored.numbers.shape
    start = f" {recording.start:%H:%M:%S} {recording.start:%d/%m/%Y}" if recording.start else ""
    lines = [f"{name} {leads} {recording.rate:.10g} {length}{start}"]
    for lead, numbers, resolution in zip(recording.leads, stored.numbers, stored.resolutions, strict=True):
        checksum = int(numbers.sum(dtype="int64")) & 0xFFFF
        signed = checksum - 65536 if checksum > 32767 else checksum
        lines.append(f"{name}.dat 16 {1000 / resolution:.10g}(0)/mV 16 0 {numbers[0]} {signed} 0 {_line(lead)}")
    patient = recording.patient
    if patient.age_years is not None:
        lines.append(f"#<age>: {patient.age_years:.0f}")
    if patient.sex in {"male", "female"}:
        lines.append(f"#<sex>: {patient.sex[0].upper()}")
    if recording.statements:
        lines += ["#<diagnoses>:", *(f"#{_line(statement)}" for statement in recording.statements)]
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    return " ".join(text.split())
