"""Microvolts as 16-bit numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg.recording import Recording

RESOLUTIONS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0)
"""Microvolts a unit to choose from, the finest that holds the lead; IEC 60601-2-25 asks for 5 at most."""

MISSING: Final = -32768
LARGEST: Final = 32767


@dataclass(frozen=True, slots=True)
class Quantised:
    """Leads as 16-bit numbers, shape (leads, n), the microvolts of a unit of each lead, whether any is missing."""

    numbers: npt.NDArray[np.int16]
    resolutions: tuple[float, ...]
    missing: bool


def quantised(recording: Recording) -> Quantised:
    """The recording's samples as 16-bit numbers, NaN as `MISSING`. Raises ValueError for more than 3.27 V."""
    numbers = np.empty(recording.samples.shape, np.int16)
    resolutions = []
    missing = False
    for row, samples in enumerate(recording.samples):
        absent = ~np.isfinite(samples)
        largest = float(np.max(np.abs(samples), initial=0.0, where=~absent))
        resolution = next((step for step in RESOLUTIONS if largest <= LARGEST * step), None)
        if resolution is None:
            raise ValueError(f"lead {recording.leads[row]} reaches {largest / 1e3:.0f} mV, beyond what 16 bits hold")
        numbers[row] = np.where(absent, MISSING, np.rint(np.where(absent, 0, samples) / resolution)).astype(np.int16)
        resolutions.append(resolution)
        missing = missing or bool(absent.any())
    return Quantised(numbers, tuple(resolutions), missing)


def require_complete(stored: Quantised, format_name: str) -> None:
    """Raise ValueError where samples are missing and the format cannot say so."""
    if stored.missing:
        raise ValueError(f"{format_name} cannot mark missing samples; write WFDB or DICOM")
