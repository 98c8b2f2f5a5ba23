"""EDF+ (continuous): leads as signals in microvolts, one annotation signal that keeps the time."""

from __future__ import annotations

from typing import Final

import numpy as np

from ecg.formats.dates import known_day
from ecg.formats.edf import MONTHS
from ecg.recording import Recording
from ecg.writers.quantise import quantised, require_complete

NAME: Final = "edf"
TIMING_BYTES: Final = 32
"""Room for the time stamp of a data record, a whole number of 16-bit samples."""

_MAX_SAMPLES_A_RECORD: Final = 30_720
"""EDF asks for at most 61,440 bytes a data record."""


def write(recording: Recording) -> bytes:
    """An EDF+C file. Its last data record is filled with each lead's last sample where the length asks for it.

    EDF+ has no place for an interpretation and allows ASCII only: other letters of a name become "?". Raises ValueError
    for missing samples, which EDF cannot mark.
    """
    stored = quantised(recording)
    require_complete(stored, "EDF+")
    leads, length = stored.numbers.shape
    count = _samples_a_record(length, leads, recording.rate)
    records = -(-length // count)
    padded = np.pad(stored.numbers, ((0, 0), (0, records * count - length)), mode="edge")
    seconds = count / recording.rate
    table = np.empty((records, leads * count + TIMING_BYTES // 2), "<i2")
    table[:, : leads * count] = padded.reshape(leads, records, count).transpose(1, 0, 2).reshape(records, -1)
    for record in range(records):
        stamp = f"+{record * seconds:.6f}".rstrip("0").rstrip(".") + "\x14\x14"
        table[record, leads * count :] = np.frombuffer(stamp.encode().ljust(TIMING_BYTES, b"\0"), "<i2")
    return _header(recording, stored.resolutions, count, records, seconds) + table.tobytes()


def _samples_a_record(length: int, leads: int, rate: float) -> int:
    """Samples of a lead in one data record: about a second, dividing the length where a near number does."""
    most = max(_MAX_SAMPLES_A_RECORD // leads, 1)
    usual = min(max(round(rate), 1), most)
    near = range(max(usual // 4, 1), min(usual * 4, most, length) + 1)
    whole = [count for count in near if length % count == 0 and abs(float(_real(count / rate)) * rate - count) < 1e-9]
    return min(whole, key=lambda count: abs(count - usual), default=usual)


def _real(value: float) -> str:
    """A number in the eight characters of a header field."""
    return f"{value:.7f}"[:8]


def _header(recording: Recording, resolutions: tuple[float, ...], count: int, records: int, seconds: float) -> bytes:
    signals = len(recording.leads) + 1
    start = recording.start
    day = f"{start.day:02d}-{MONTHS[start.month - 1]}-{start.year}" if start else "X"
    fixed = (
        ("0", 8),
        (_patient(recording), 80),
        (f"Startdate {day} X X {_word(recording.device.model)}", 80),
        (f"{start:%d.%m.%y}" if start else "01.01.85", 8),
        (f"{start:%H.%M.%S}" if start else "00.00.00", 8),
        (str(256 * (signals + 1)), 8),
        ("EDF+C", 44),
        (str(records), 8),
        (_real(seconds), 8),
        (str(signals), 4),
    )
    low, high = ([f"{end * resolution:.7g}"[:8] for resolution in resolutions] for end in (-32768, 32767))
    columns = (
        ([f"ECG {lead}" for lead in recording.leads], "EDF Annotations", 16),
        ([""] * (signals - 1), "", 80),
        (["uV"] * (signals - 1), "", 8),
        (low, "-1", 8),
        (high, "1", 8),
        (["-32768"] * (signals - 1), "-32768", 8),
        (["32767"] * (signals - 1), "32767", 8),
        ([recording.filters] * (signals - 1), "", 80),
        ([str(count)] * (signals - 1), str(TIMING_BYTES // 2), 8),
        ([""] * (signals - 1), "", 32),
    )
    text = [_field(value, size) for value, size in fixed]
    for values, last, size in columns:
        text += [_field(value, size) for value in (*values, last)]
    return b"".join(text)


def _field(value: str, size: int) -> bytes:
    return value.encode("ascii", "replace")[:size].ljust(size)


def _word(text: str) -> str:
    return "_".join(text.split()) or "X"


def _patient(recording: Recording) -> str:
    """EDF+'s "code sex birth-date name", X for what is not known."""
    patient = recording.patient
    day = known_day(patient.birth_date)
    born = f"{day.day:02d}-{MONTHS[day.month - 1]}-{day.year:04d}" if day else "X"
    sex = {"male": "M", "female": "F"}.get(patient.sex, "X")
    return f"{_word(patient.id)} {sex} {born} {_word(patient.name)}"
