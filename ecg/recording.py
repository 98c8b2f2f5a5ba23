"""One ECG recording, whatever file it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Patient:
    """The patient as the device sent it; empty where the file is silent. `sex` is male, female, other or unknown."""

    id: str = ""
    name: str = ""
    sex: str = "unknown"
    birth_date: str = ""
    age_years: float | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """The recording device as the file names it."""

    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    institution: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """Samples of all leads with what the file says of them.

    `samples` is float32 in microvolts, shape (leads, n); a sample that the file marks as padding or invalid is NaN.
    `rate` is in Hz. `start` is the time of the first sample as the device's clock had it (naive where the file names
    no zone). `statements` is the file's own interpretation, one line each, never ours. `reported` holds the
    device's own measurements under the names of `Measurements` (rate in 1/min, durations in ms, axis in degrees).
    """

    leads: tuple[str, ...]
    samples: npt.NDArray[np.float32]
    rate: float
    start: datetime | None = None
    patient: Patient = field(default_factory=Patient)
    device: Device = field(default_factory=Device)
    statements: tuple[str, ...] = ()
    format: str = ""
    filters: str = ""
    reported: Mapping[str, float] = field(default_factory=dict)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / self.rate)

    def lead(self, name: str) -> npt.NDArray[np.float32]:
        """Samples of one lead in microvolts, shape (n,). Raises KeyError for a lead that is not there."""
        if name not in self.leads:
            raise KeyError(name)
        samples: npt.NDArray[np.float32] = self.samples[self.leads.index(name)]
        return samples


class UnreadableECG(ValueError):
    """The file cannot be read: `format` found (or "unknown"), byte `offset` where reading stopped, and the `reason`."""

    def __init__(self, format: str, offset: int, reason: str) -> None:  # noqa: A002  (the field's name)
        super().__init__(f"{format} at byte {offset}: {reason}")
        self.format, self.offset, self.reason = format, offset, reason

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is made again in another process."""
        return type(self), (self.format, self.offset, self.reason)
