"""Philips Sierra XML ("restingecgdata", versions 1.03 and 1.04): base64 of raw or XLI-compressed samples.

XLI codes each lead by LZW (10-bit codes) over the high bytes, then the low bytes, of second differences; III, aVR,
aVL and aVF are stored as what I and II do not already say. Described by the sierra-ecg-tools project, whose package
`sierraecg` the tests compare with; it is not used here because it neither bounds its work nor its output.
"""

from __future__ import annotations

import base64
import binascii
import struct
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt

from ecg.formats import xml
from ecg.formats.dates import day_text, sex_of, stamp
from ecg.formats.timeline import check_shape
from ecg.leads import STANDARD_12, distinct, lead_name
from ecg.limits import MAX_CODED_SAMPLES, MAX_STATEMENTS
from ecg.recording import Device, Patient, Recording, UnreadableECG

NAME: Final = "Philips Sierra XML"
LZW_BITS: Final = 10
_REPORTED: Final = {
    "rate": "heartrate",
    "pr": "meanprint",
    "qrs_duration": "meanqrsdur",
    "qt": "meanqtint",
    "qtc_bazett": "meanqtc",
    "axis": "qrsfrontaxis",
}
Numbers = npt.NDArray[np.int64]


def recognise(head: bytes) -> bool:
    """True if the first bytes open a restingecgdata document."""
    return xml.has_root(head, "restingecgdata")


def read(content: bytes) -> Recording:
    """The recording in a Sierra document, with the device's own interpretation. Raises UnreadableECG."""
    root = xml.parse(NAME, content)
    signal = root.find("dataacquisition/signalcharacteristics")
    waveforms = root.find("waveforms/parsedwaveforms")
    if signal is None or waveforms is None:
        raise UnreadableECG(NAME, 0, "no signalcharacteristics or no parsedwaveforms")
    rate = xml.number(NAME, xml.text(signal, "samplingrate"), "samplingrate")
    resolution = xml.text(signal, "signalresolution") or xml.text(signal, "resolution")
    microvolts = xml.number(NAME, resolution, "the signal's resolution")
    duration = xml.number(NAME, waveforms.get("durationperchannel", ""), "durationperchannel")
    leads = _leads(signal, waveforms)
    length = round(duration * rate / 1000) if 0 < duration * rate < 1e12 else 0
    check_shape(NAME, 0, len(leads), length, rate)
    numbers = _numbers(waveforms, len(leads), length)
    return Recording(
        leads=distinct(leads),
        samples=(numbers * microvolts).astype(np.float32),
        rate=rate,
        start=_acquired(root),
        patient=_patient(root),
        device=_device(root),
        statements=_statements(root),
        format=NAME,
        filters=_filters(root, signal),
        reported=_reported(root),
    )


def _leads(signal: Element, waveforms: Element) -> list[str]:
    labels = waveforms.get("leadlabels", "").split()
    if labels:
        stated = xml.optional_number(waveforms.get("numberofleads", ""))
        return [lead_name(label) for label in (labels[: int(stated)] if stated and stated > 0 else labels)]
    count = xml.number(NAME, xml.text(signal, "numberchannelsallocated"), "numberchannelsallocated")
    if not 1 <= count <= 64:
        raise UnreadableECG(NAME, 0, f"{count:g} channels")
    return [STANDARD_12[n] if n < len(STANDARD_12) else f"lead {n + 1}" for n in range(int(count))]


def _numbers(waveforms: Element, leads: int, length: int) -> Numbers:
    """Stored numbers, shape (leads, length), limb leads made whole."""
    if waveforms.get("dataencoding", "") != "Base64":
        raise UnreadableECG(NAME, 0, f"waveforms encoded as {waveforms.get('dataencoding', '')[:40]!r}, not Base64")
    try:
        stored = base64.b64decode("".join((waveforms.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableECG(NAME, 0, f"waveforms are not base64: {error}") from error
    method = waveforms.get("compressmethod") or waveforms.get("compression") or "Uncompressed"
    if method == "Uncompressed" or waveforms.get("compressflag") == "False":
        if len(stored) < 2 * leads * length:
            raise UnreadableECG(NAME, 0, f"cut short: {len(stored)} bytes for {leads} leads of {length} samples")
        return np.frombuffer(stored, "<i2", leads * length).reshape(leads, length).astype(np.int64)
    if method != "XLI":
        raise UnreadableECG(NAME, 0, f"waveforms compressed by {method[:40]!r}; XLI can be read")
    if leads * length > MAX_CODED_SAMPLES:
        raise UnreadableECG(NAME, 0, f"{leads * length} compressed samples; {MAX_CODED_SAMPLES} can be read")
    numbers = np.stack(_xli(stored, leads, length))
    if leads >= 6:
        _restore_limb_leads(numbers)
    return numbers


def _xli(stored: bytes, leads: int, length: int) -> list[Numbers]:
    """Each lead's numbers from its chunk: u32 size, u16 unknown, i16 first value, LZW codes."""
    rows: list[Numbers] = []
    at = 0
    for lead in range(leads):
        if at + 8 > len(stored):
            raise UnreadableECG(NAME, at, f"cut short: {lead} of {leads} compressed leads are there")
        size, _, first = struct.unpack_from("<IHh", stored, at)
        chunk = stored[at + 8 : at + 8 + size]
        if len(chunk) < size:
            raise UnreadableECG(NAME, at, f"cut short inside compressed lead {lead + 1}")
        halves = np.frombuffer(_lzw(chunk, 2 * length + 2), np.uint8)
        half = (halves.size + 1) // 2
        if half < length:
            raise UnreadableECG(NAME, at, f"compressed lead {lead + 1} holds {half} of {length} samples")
        low = np.zeros(half, np.uint16)
        low[: halves.size - half] = halves[half:]
        deltas = ((halves[:half].astype(np.uint16) << 8) | low).astype(np.int16).astype(np.int64)
        rows.append(_integrated(deltas[:length], first))
        at += 8 + size
    return rows


def _integrated(deltas: Numbers, first: int) -> Numbers:
    """Samples from their coded second differences: x[n] = 2 x[n-1] - x[n-2] - (previous difference, less 64)."""
    if deltas.size < 3:
        return deltas
    bends = np.concatenate(([first], deltas[2:-1] - 64))
    slopes = deltas[1] - deltas[0] - np.cumsum(bends)
    return np.concatenate((deltas[:2], deltas[1] + np.cumsum(slopes)))


def _lzw(chunk: bytes, most: int) -> bytes:
    """Bytes from LZW codes of 10 bits, high bit first; a stop after `most` bytes or at the end code."""
    table = [bytes([value]) for value in range(256)]
    full = (1 << LZW_BITS) - 1
    out = bytearray()
    before = b""
    held = bits = 0
    for byte in chunk:
        held, bits = (held << 8) | byte, bits + 8
        if bits < LZW_BITS:
            continue
        bits -= LZW_BITS
        code = held >> bits
        held &= (1 << bits) - 1
        if code == full or len(out) >= most:
            break
        if code > len(table) or (code == len(table) and not before):
            raise UnreadableECG(NAME, 0, f"an LZW code of {code} before it was defined")
        entry = table[code] if code < len(table) else before + before[:1]
        out += entry
        if before and len(table) < full:
            table.append(before + entry[:1])
        before = entry
    return bytes(out[:most])


def _restore_limb_leads(numbers: Numbers) -> None:
    """Turn what XLI keeps of III, aVR, aVL and aVF into the leads themselves, in place."""
    one, two, three, avr, avl, avf = numbers[:6]
    three[:] = two - one - three
    avr[:] = -avr - (one + two) // 2
    avl[:] = (one - three) // 2 - avl
    avf[:] = (two + three) // 2 - avf


def _acquired(root: Element) -> datetime | None:
    found = root.find("dataacquisition")
    return stamp(f"{found.get('date', '')} {found.get('time', '')}") if found is not None else None


def _patient(root: Element) -> Patient:
    person = root.find("patient/generalpatientdata")
    name = " ".join(xml.text(person, f"name/{part}") for part in ("firstname", "middlename", "lastname"))
    return Patient(
        id=xml.text(person, "patientid"),
        name=" ".join(name.split()),
        sex=sex_of(xml.text(person, "sex")),
        birth_date=day_text(xml.text(person, "age/dateofbirth")),
        age_years=xml.optional_number(xml.text(person, "age/years")),
    )


def _device(root: Element) -> Device:
    machine = root.find("dataacquisition/machine")
    described = machine.get("detaildescription", "") if machine is not None else ""
    return Device(
        manufacturer="Philips",
        model=xml.text(machine) or described,
        serial=machine.get("machineid", "") if machine is not None else "",
        institution=xml.text(root, "dataacquisition/acquirer/institutionname"),
    )


def _statements(root: Element) -> tuple[str, ...]:
    """The severity and each statement with its reason, as the device printed them."""
    found = []
    for interpretation in root.findall("interpretations/interpretation"):
        for statement in interpretation.iter("statement"):
            left, right = xml.text(statement, "leftstatement"), xml.text(statement, "rightstatement")
            found.append(f"{left} ({right})" if left and right else left or right)
        found.append(xml.text(interpretation, "severity").strip("- "))
    return tuple(text for text in found if text)[:MAX_STATEMENTS]


def _reported(root: Element) -> dict[str, float]:
    measured = root.find("interpretations/interpretation/interpretationmeasurements")
    if measured is None:
        measured = root.find("measurements/globalmeasurements")
    found = {name: xml.optional_number(xml.text(measured, tag)) for name, tag in _REPORTED.items()}
    return {name: value for name, value in found.items() if value is not None}


def _filters(root: Element, signal: Element) -> str:
    band = xml.text(signal, "signalbandwidth")
    low, high = xml.text(signal, "hipass"), xml.text(signal, "lowpass")
    if not band and low and high:
        band = f"{low}-{high}"
    notch = xml.text(root, "reportinfo/reportbandwidth/notchfiltersetting")
    return ", ".join(part for part in (f"{band} Hz" if band else "", f"notch {notch} Hz" if notch else "") if part)
