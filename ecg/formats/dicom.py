"""DICOM waveforms: 12-lead, general, ambulatory and 32-bit ECG (PS3.3 A.34, C.10.9)."""

from __future__ import annotations

import io
import math
import re
import warnings
import zlib
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset

from ecg.formats.dates import day_text, sex_of, stamp
from ecg.formats.timeline import Piece, Samples, check_shape, empty, join
from ecg.leads import lead_name, lead_of_number
from ecg.limits import MAX_FILE_BYTES, MAX_LEADS, MAX_SEGMENTS, MAX_STATEMENTS, MAX_TEXT
from ecg.recording import Device, Patient, Recording, UnreadableECG

NAME: Final = "DICOM ECG"
MICROVOLTS: Final = {"uv": 1.0, "µv": 1.0, "mv": 1e3, "v": 1e6, "nv": 1e-3}
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_SAMPLES: Final = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4"}
"""numpy type of each Waveform Sample Interpretation that is linear; mu-law and A-law are for sound."""

_REPORTED: Final = {
    ("SCPECG", "5.13.5-7"): "pr",
    ("SCPECG", "5.13.5-9"): "qrs_duration",
    ("SCPECG", "5.13.5-11"): "qt",
    ("MDC", "2:16184"): "p_duration",
    ("MDC", "2:15872"): "pr",
    ("MDC", "2:16156"): "qrs_duration",
    ("MDC", "2:16160"): "qt",
    ("MDC", "2:16168"): "rr",
    ("MDC", "2:16000"): "rr",
    ("MDC", "2:16132"): "axis",
}
"""Measurements by coding scheme and code (CID 3228, 3229, 3689); the RR interval becomes the rate."""

_CHUNK: Final = 1 << 20


def recognise(head: bytes) -> bool:
    """True if the first bytes are a DICOM file's preamble and prefix."""
    return head[128:132] == b"DICM"


def read(content: bytes) -> Recording:
    """The original multiplex groups of a DICOM ECG, padding as NaN; derived median beats are left out.

    Raises UnreadableECG.
    """
    with warnings.catch_warnings():
        # Values that break a representation's rules are met in the field and none of those read here depend on it.
        warnings.simplefilter("ignore")
        _check_deflated(content)
        try:
            dataset = pydicom.dcmread(io.BytesIO(content))
            groups = list(dataset.get("WaveformSequence") or [])
        except Exception as error:  # pydicom raises many kinds for damaged files
            raise UnreadableECG(NAME, 0, f"not readable as DICOM: {error}") from error
        if not groups:
            raise UnreadableECG(NAME, 0, f"a DICOM object without waveforms ({dataset.get('Modality', 'no modality')})")
        return _recording(dataset, groups)


def _check_deflated(content: bytes) -> None:
    """Refuse a deflated data set that would grow beyond the limit; pydicom inflates without one."""
    head = content[132:1024]
    if DEFLATED.encode() not in head:
        return
    group_length = re.search(rb"\x02\x00\x00\x00UL\x04\x00(.{4})", head, re.DOTALL)
    begin = 132 + group_length.end() + int.from_bytes(group_length[1], "little") if group_length else 0
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    size = 0
    data = content[begin:]
    try:
        while data and size <= MAX_FILE_BYTES // 4:
            size += len(inflater.decompress(data, 1 << 24))
            data = inflater.unconsumed_tail
    except zlib.error as error:
        raise UnreadableECG(NAME, begin, f"a deflated data set that does not inflate: {error}") from error
    if data:
        raise UnreadableECG(NAME, begin, f"inflates to more than {MAX_FILE_BYTES // 4} bytes")


def _recording(dataset: Dataset, groups: list[Dataset]) -> Recording:
    if len(groups) > MAX_SEGMENTS:
        raise UnreadableECG(NAME, 0, f"{len(groups)} multiplex groups; {MAX_SEGMENTS} can be read")
    original = [group for group in groups if group.get("WaveformOriginality") != "DERIVED"] or groups[:1]
    rate = _number(original[0].get("SamplingFrequency"), "Sampling Frequency")
    same = [group for group in original if group.get("SamplingFrequency") == original[0].get("SamplingFrequency")]
    little = dataset.original_encoding[1] is not False
    pieces = []
    for group in same:
        offset = group.get("MultiplexGroupTimeOffset")
        start = round(_number(offset, "Multiplex Group Time Offset") * rate / 1000) if offset is not None else 0
        pieces.append(_piece(group, start, rate, little))
    leads, samples = join(NAME, pieces, rate)
    return Recording(
        leads=leads,
        samples=samples,
        rate=rate,
        start=_start(dataset),
        patient=_patient(dataset),
        device=_device(dataset),
        statements=_statements(dataset),
        format=NAME,
        filters=_filters(same[0]),
        reported=_reported(dataset),
    )


def _number(value: Any, what: str) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise UnreadableECG(NAME, 0, f"{what} is {str(value)[:40]!r}, not a number")
    return found


def _piece(group: Dataset, start: int, rate: float, little: bool) -> Piece:
    channels = list(group.get("ChannelDefinitionSequence") or [])
    count = int(_number(group.get("NumberOfWaveformChannels"), "Number of Waveform Channels"))
    length = int(_number(group.get("NumberOfWaveformSamples"), "Number of Waveform Samples"))
    if count != len(channels) or count > MAX_LEADS:
        raise UnreadableECG(NAME, 0, f"{count} channels, {len(channels)} described")
    check_shape(NAME, 0, count, length, rate)
    kind = _SAMPLES.get(str(group.get("WaveformSampleInterpretation")))
    if kind is None:
        raise UnreadableECG(NAME, 0, f"samples of kind {str(group.get('WaveformSampleInterpretation'))[:16]!r}")
    number = np.dtype(kind).newbyteorder("<" if little else ">")
    data = group.get("WaveformData")
    if not isinstance(data, bytes) or len(data) < count * length * number.itemsize:
        held = len(data) if isinstance(data, bytes) else 0
        raise UnreadableECG(NAME, 0, f"cut short: {count} channels of {length} samples in {held} bytes")
    stored = np.frombuffer(data, number, count * length).reshape(length, count)
    padded = _padding(group.get("WaveformPaddingValue"), number)
    scaled = [_scale(channel) for channel in channels]
    volts = [n for n, scale in enumerate(scaled) if scale is not None]
    if not volts:
        raise UnreadableECG(NAME, 0, "no channel in volts: the samples cannot be drawn to scale")
    samples = empty(NAME, 0, len(volts), length, rate)
    for row, n in enumerate(volts):
        _fill(samples[row], stored[:, n], scaled[n] or (1.0, 0.0), padded)
    return Piece(start, [_lead(channels[n]) for n in volts], samples)


def _padding(declared: Any, number: np.dtype[Any]) -> list[int]:
    """Stored numbers that stand for "no sample": the lowest a signed number can be, which carts pad with whether they
    declare it or not, and the declared one. Carts also declare 0, which is a sample like any other: not masked."""
    lowest = [int(np.iinfo(number).min)] if number.kind == "i" else []
    if isinstance(declared, bytes) and len(declared) >= number.itemsize:
        value = int(np.frombuffer(declared[: number.itemsize], number)[0])
        return lowest + [value] * (value != 0)
    return lowest


def _fill(row: Samples, stored: npt.NDArray[Any], scale: tuple[float, float], padded: list[int]) -> None:
    """Stored numbers as microvolts into `row`, in blocks, so that a long recording is not copied as a whole."""
    factor, baseline = scale
    for begin in range(0, row.size, _CHUNK):
        block = stored[begin : begin + _CHUNK]
        row[begin : begin + _CHUNK] = block.astype(np.float64) * factor + baseline
        for value in padded:
            row[begin : begin + _CHUNK][block == value] = np.nan


def _scale(channel: Dataset) -> tuple[float, float] | None:
    """Microvolts a unit and the baseline in microvolts; None for a channel that is not in volts.

    PS3.3 C.10.9.1.4: value = stored x sensitivity x correction factor, zero lying at the baseline.
    """
    units = channel.get("ChannelSensitivityUnitsSequence")
    factor = MICROVOLTS.get(str(units[0].get("CodeValue", "")).lower()) if units else None
    if factor is None or channel.get("ChannelSensitivity") is None:
        return None
    sensitivity = _number(channel.get("ChannelSensitivity"), "Channel Sensitivity")
    correction = channel.get("ChannelSensitivityCorrectionFactor")
    baseline = channel.get("ChannelBaseline")
    factor_of = _number(correction, "Channel Sensitivity Correction Factor") if correction is not None else 1.0
    return (
        sensitivity * factor_of * factor,
        _number(baseline, "Channel Baseline") * factor if baseline is not None else 0.0,
    )


def _lead(channel: Dataset) -> str:
    """Lead from its code: "2:61" of MDC and "5.6.3-9-61" of SCPECG both end in EN 1064's number."""
    source = channel.get("ChannelSourceSequence")
    code = source[0] if source else Dataset()
    match = re.fullmatch(r"(?:2:|5\.6\.3-9-)(\d{1,3})", str(code.get("CodeValue", "")))
    if match and int(match[1]) and str(code.get("CodingSchemeDesignator", "")) in {"MDC", "SCPECG"}:
        return lead_of_number(int(match[1]))
    return lead_name(str(channel.get("ChannelLabel") or code.get("CodeMeaning") or "?"))


def _start(dataset: Dataset) -> datetime | None:
    acquired = stamp(str(dataset.get("AcquisitionDateTime") or ""))
    day = str(dataset.get("ContentDate") or dataset.get("StudyDate") or "")
    return acquired or stamp(day + str(dataset.get("ContentTime") or dataset.get("StudyTime") or ""))


def _patient(dataset: Dataset) -> Patient:
    age = re.fullmatch(r"(\d{3})([DWMY])", str(dataset.get("PatientAge") or ""))
    years = {"Y": 1.0, "M": 1 / 12, "W": 1 / 52.18, "D": 1 / 365.25}
    return Patient(
        id=_text(dataset, "PatientID"),
        name=_text(dataset, "PatientName").replace("^", " ").strip(),
        sex=sex_of(str(dataset.get("PatientSex") or "")),
        birth_date=day_text(str(dataset.get("PatientBirthDate") or "")),
        age_years=int(age[1]) * years[age[2]] if age else None,
    )


def _text(dataset: Dataset, keyword: str) -> str:
    """A text of the data set; one that a stray backslash made into several values is put together again."""
    value = dataset.get(keyword)
    if isinstance(value, pydicom.multival.MultiValue):
        return "\\".join(map(str, value))[:MAX_TEXT]
    return str(value or "")[:MAX_TEXT]


def _device(dataset: Dataset) -> Device:
    names = ("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "InstitutionName")
    return Device(*(_text(dataset, name) for name in names))


def _annotations(dataset: Dataset) -> list[Dataset]:
    return list(dataset.get("WaveformAnnotationSequence") or [])[:10_000]


def _statements(dataset: Dataset) -> tuple[str, ...]:
    texts = [str(item.get("UnformattedTextValue") or "").strip() for item in _annotations(dataset)]
    return tuple(text[:MAX_TEXT] for text in texts if text)[:MAX_STATEMENTS]


def _reported(dataset: Dataset) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in _annotations(dataset):
        concept, value = item.get("ConceptNameCodeSequence"), item.get("NumericValue")
        if not concept or value is None:
            continue
        key = str(concept[0].get("CodingSchemeDesignator", "")), str(concept[0].get("CodeValue", ""))
        single = value[0] if isinstance(value, (list, pydicom.multival.MultiValue)) and value else value
        if key in _REPORTED:
            found.setdefault(_REPORTED[key], _number(single, "a measurement"))
    rr = found.pop("rr", 0.0)
    return found | ({"rate": round(60_000 / rr, 1)} if rr > 0 else {})


def _filters(group: Dataset) -> str:
    channels = group.get("ChannelDefinitionSequence") or []
    first = channels[0] if channels else Dataset()
    low, high, notch = (first.get(f"{name}Frequency") for name in ("FilterLow", "FilterHigh", "NotchFilter"))
    band = f"{low}-{high} Hz" if low is not None and high is not None else ""
    return ", ".join(part for part in (band, f"notch {notch} Hz" if notch else "") if part)
