"""EDF, EDF+ (continuous and discontinuous) and BDF: signals in data records, 16 or 24 bits a sample.

Sources: B. Kemp et al., "A simple format for exchange of digitized polygraphic recordings" (1992); "European Data
Format 'plus'" (2003); the BioSemi description of BDF.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg.formats.cursor import Cursor, text_of
from ecg.formats.dates import day_of, moment, sex_of
from ecg.formats.timeline import Samples, empty
from ecg.leads import distinct, lead_name
from ecg.limits import MAX_LEADS, MAX_SEGMENTS
from ecg.recording import Device, Patient, Recording, UnreadableECG

NAME: Final = "EDF"
MICROVOLTS: Final = {"uv": 1.0, "µv": 1.0, "μv": 1.0, "mv": 1e3, "v": 1e6, "nv": 1e-3}
MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
ANNOTATIONS: Final = ("EDF Annotations", "BDF Annotations")
BDF_MAGIC: Final = b"\xffBIOSEMI"
_FIELDS: Final = (("label", 16), ("transducer", 80), ("unit", 8), ("low", 8), ("high", 8), ("digital_low", 8),
                  ("digital_high", 8), ("filters", 80), ("count", 8), ("reserved", 32))  # fmt: skip
_ECG_LABEL: Final = re.compile(r"^\s*(ECG|EKG)\b", re.IGNORECASE)
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Signal:
    """One signal of the header: samples a record, their place in it, and the line from stored number to microvolts."""

    label: str
    count: int
    begin: int
    gain: float
    offset: float
    filters: str


@dataclass(frozen=True, slots=True)
class _Layout:
    """Data records: where they begin, how many, how many samples and seconds each, bytes a sample."""

    at: int
    records: int
    samples: int
    seconds: float
    width: int


def recognise(head: bytes) -> bool:
    """True if the first bytes are an EDF or BDF header."""
    edf = head.startswith(b"0       ") and len(head) >= 192 and head[184:192].strip().isdigit()
    return edf or head.startswith(BDF_MAGIC)


def read(content: bytes) -> Recording:
    """The ECG signals of an EDF, EDF+ or BDF file.

    Signals labelled ECG or EKG where there are any, else all that are in volts; of these the largest group of one
    sampling rate. Gaps of a discontinuous file are NaN. Raises UnreadableECG.
    """
    at = Cursor(NAME, content)
    width = 3 if content.startswith(BDF_MAGIC) else 2
    at.take(8, "the version")
    patient_field, recording_field = (text_of(at.take(80, "the header")) for _ in range(2))
    day, clock = (text_of(at.take(8, "the start")) for _ in range(2))
    header_bytes = _whole(at, 8, "the header's length")
    kind = text_of(at.take(44, "the kind of file"))
    records, seconds = _whole(at, 8, "the number of data records"), _real(at, 8, "the length of a data record")
    count = _whole(at, 4, "the number of signals")
    if not 1 <= count <= MAX_LEADS:
        raise UnreadableECG(NAME, 252, f"{count} signals; 1 to {MAX_LEADS} can be read")
    if header_bytes != 256 * (count + 1) or not 0 < seconds <= 86_400:
        raise UnreadableECG(NAME, 184, f"a header of {header_bytes} bytes, records of {seconds:g} s, {count} signals")
    signals, timing, record_samples = _signals(at, count)
    held = (len(content) - header_bytes) // max(width * record_samples, 1)
    if records > held:
        raise UnreadableECG(NAME, len(content), f"cut short: {records} data records are promised, {held} are there")
    layout = _Layout(header_bytes, held if records < 0 else records, record_samples, seconds, width)
    chosen = _chosen(signals)
    onsets = _onsets(content, layout, timing) if timing is not None and kind.startswith(("EDF+D", "BDF+D")) else None
    return Recording(
        leads=distinct(lead_name(signal.label) for signal in chosen),
        samples=_samples(content, layout, chosen, onsets),
        rate=chosen[0].count / seconds,
        start=_start(day, clock, recording_field),
        patient=_patient(patient_field, plus=kind.startswith(("EDF+", "BDF+"))),
        device=_device(recording_field),
        format="BDF" if width == 3 else "EDF+" if kind.startswith("EDF+") else NAME,
        filters=chosen[0].filters,
    )


def _whole(at: Cursor, size: int, what: str) -> int:
    text = text_of(at.take(size, what))
    if not re.fullmatch(r"[+-]?\d{1,9}", text):
        raise UnreadableECG(NAME, at.at - size, f"{what} is {text!r}, not a whole number")
    return int(text)


def _real(at: Cursor, size: int, what: str) -> float:
    text = text_of(at.take(size, what)).replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UnreadableECG(NAME, at.at - size, f"{what} is {text!r}, not a number")
    return value


def _signals(at: Cursor, count: int) -> tuple[list[_Signal], tuple[int, int] | None, int]:
    """Signals in volts, the place and size of the annotation signal in a record, samples a record."""
    columns: dict[str, Sequence[str | float | int]] = {}
    for name, size in _FIELDS:
        if name in {"low", "high"}:
            columns[name] = [_real(at, size, f"a signal's physical {name}") for _ in range(count)]
        elif name in {"digital_low", "digital_high", "count"}:
            columns[name] = [_whole(at, size, f"a signal's {name}") for _ in range(count)]
        else:
            columns[name] = [text_of(at.take(size, f"a signal's {name}")) for _ in range(count)]
    signals: list[_Signal] = []
    timing, begin = None, 0
    for n in range(count):
        size, label = int(columns["count"][n]), str(columns["label"][n])
        if size < 0:
            raise UnreadableECG(NAME, 256, f"signal {n + 1} has {size} samples a record")
        if label in ANNOTATIONS:
            timing = timing or (begin, size)
        elif size:
            signal = _signal(label, size, begin, {name: columns[name][n] for name, _ in _FIELDS})
            signals += [signal] if signal else []
        begin += size
    if begin == 0:
        raise UnreadableECG(NAME, 256, "data records without samples")
    return signals, timing, begin


def _signal(label: str, size: int, begin: int, field: dict[str, str | float | int]) -> _Signal | None:
    factor = MICROVOLTS.get(str(field["unit"]).lower())
    if factor is None:
        return None
    low, high = float(field["low"]) * factor, float(field["high"]) * factor
    span = float(field["digital_high"]) - float(field["digital_low"])
    if span == 0 or low == high:
        raise UnreadableECG(NAME, 256, f"signal {label!r} has no range")
    gain = (high - low) / span
    return _Signal(label, size, begin, gain, low - gain * float(field["digital_low"]), str(field["filters"]))


def _chosen(signals: list[_Signal]) -> list[_Signal]:
    named = [signal for signal in signals if _ECG_LABEL.match(signal.label)] or signals
    groups: dict[int, list[_Signal]] = {}
    for signal in named:
        groups.setdefault(signal.count, []).append(signal)
    if not groups:
        raise UnreadableECG(NAME, 256, "no signal in volts")
    return max(groups.values(), key=lambda group: (len(group), group[0].count))


def _onsets(content: bytes, layout: _Layout, timing: tuple[int, int]) -> list[float]:
    """Start of each data record in seconds: the first time stamp of its annotation signal (EDF+ 2.2.4)."""
    if layout.records > MAX_SEGMENTS:
        raise UnreadableECG(NAME, 236, f"{layout.records} discontinuous records; {MAX_SEGMENTS} can be read")
    begin, size = timing
    onsets = []
    for record in range(layout.records):
        at = layout.at + layout.width * (record * layout.samples + begin)
        found = re.match(rb"([+-]\d{1,9}(?:\.\d{1,9})?)\x14", content[at : at + min(layout.width * size, 64)])
        if found is None:
            raise UnreadableECG(NAME, at, f"data record {record + 1} does not say when it begins")
        onsets.append(float(found[1]))
    if any(later < earlier for earlier, later in pairwise(onsets)):
        raise UnreadableECG(NAME, layout.at, "data records are not in order of time")
    return onsets


def _samples(content: bytes, layout: _Layout, chosen: list[_Signal], onsets: list[float] | None) -> Samples:
    size = chosen[0].count
    places = None
    length = layout.records * size
    if onsets:
        rate = size / layout.seconds
        places = [round((onset - onsets[0]) * rate) for onset in onsets]
        length = places[-1] + size
    samples = empty(NAME, 236, len(chosen), length, size / layout.seconds)
    if places:
        samples.fill(np.nan)
    stored = np.frombuffer(content, np.uint8, layout.records * layout.samples * layout.width, layout.at)
    table = stored.reshape(layout.records, layout.samples, layout.width)
    step = max(1, _BLOCK // size)
    for row, signal in enumerate(chosen):
        for first in range(0, layout.records, step):
            block = table[first : first + step, signal.begin : signal.begin + size]
            values = (_numbers(block) * signal.gain + signal.offset).astype(np.float32)
            if places is None:
                samples[row, first * size : first * size + values.size] = values.reshape(-1)
            else:
                for place, value in zip(places[first : first + step], values, strict=True):
                    samples[row, place : place + size] = value
    return samples


def _numbers(block: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Little-endian numbers of 2 or 3 bytes, shape (records, samples)."""
    low, high = block[..., 0].astype(np.int32), block[..., -1].astype(np.int8).astype(np.int32)
    if block.shape[-1] == 2:
        return high << 8 | low
    return high << 16 | block[..., 1].astype(np.int32) << 8 | low


def _month_day(text: str) -> tuple[int, int, int] | None:
    """Year, month and day from EDF+'s dd-MMM-yyyy."""
    match = re.fullmatch(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})", text)
    if match is None or match[2].upper() not in MONTHS:
        return None
    return int(match[3]), MONTHS.index(match[2].upper()) + 1, int(match[1])


def _start(day: str, clock: str, recording: str) -> datetime | None:
    """Start from the header; the year's century from EDF+'s start date, else by EDF's rule that 85 is 1985."""
    parts = [int(part) for part in re.findall(r"\d+", f"{day} {clock}")][:6]
    if len(parts) != 6:
        return None
    words = recording.split()
    if words[:2] == ["Startdate", "X"] and parts == [1, 1, 85, 0, 0, 0]:
        return None  # EDF+ 2.1.3.4: the start is not known
    full = _month_day(words[1]) if len(words) > 1 and words[0] == "Startdate" else None
    year = full[0] if full else parts[2] + (1900 if parts[2] >= 85 else 2000)
    return moment(year, parts[1], parts[0], *parts[3:])


def _patient(field: str, *, plus: bool) -> Patient:
    """EDF+ keeps code, sex, birth date and name apart; plain EDF has free text, kept as the name."""
    words = [word.replace("_", " ") if word != "X" else "" for word in field.split()]
    if not plus or len(words) < 4:
        return Patient(name=field if field != "X X X X" else "")
    born = _month_day(words[2])
    return Patient(words[0], words[3], sex_of(words[1]), day_of(*born) if born else "")


def _device(field: str) -> Device:
    """Equipment is the fifth word of EDF+'s "Startdate dd-MMM-yyyy code technician equipment"."""
    words = field.split()
    if len(words) < 5 or words[0] != "Startdate":
        return Device()
    return Device(model=words[4].replace("_", " ") if words[4] != "X" else "")
