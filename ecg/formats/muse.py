"""GE MUSE XML ("RestingECG"): base64 of 16-bit little-endian samples per lead, eight leads, the others derived."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element

import numpy as np

from ecg.formats import xml
from ecg.formats.dates import day_of, day_text, moment, sex_of
from ecg.formats.timeline import Samples, check_shape
from ecg.leads import STANDARD_12, derived_limb_leads, distinct, lead_name
from ecg.limits import MAX_STATEMENTS
from ecg.recording import Device, Patient, Recording, UnreadableECG

NAME: Final = "GE MUSE XML"
INVALID: Final = -32768
_REPORTED: Final = {
    "rate": "VentricularRate",
    "pr": "PRInterval",
    "qrs_duration": "QRSDuration",
    "qt": "QTInterval",
    "qtc_bazett": "QTCorrected",
    "axis": "RAxis",
}


def recognise(head: bytes) -> bool:
    """True if the first bytes open a RestingECG document."""
    return xml.has_root(head, "RestingECG")


def read(content: bytes) -> Recording:
    """The rhythm strip of a MUSE document. III, aVR, aVL and aVF are derived where absent. Raises UnreadableECG."""
    root = xml.parse(NAME, content)
    waveform = _rhythm(root)
    rate = xml.number(NAME, xml.text(waveform, "SampleBase"), "SampleBase")
    exponent = xml.optional_number(xml.text(waveform, "SampleExponent")) or 0.0
    if abs(exponent) > 6:
        raise UnreadableECG(NAME, 0, f"a SampleExponent of {exponent:g}")
    rate *= 10.0**exponent
    rows = [(lead_name(xml.text(data, "LeadID")), _lead(data)) for data in waveform.findall("LeadData")]
    leads, samples = _complete(rows, rate)
    return Recording(
        leads=leads,
        samples=samples,
        rate=rate,
        start=_acquired(root),
        patient=_patient(root),
        device=Device(
            "GE",
            xml.text(root, "TestDemographics/AcquisitionDevice"),
            institution=xml.text(root, "TestDemographics/SiteName"),
        ),
        statements=_statements(root),
        format=NAME,
        filters=_filters(waveform),
        reported=_reported(root),
    )


def _rhythm(root: Element) -> Element:
    waveforms = root.findall("Waveform")
    for waveform in waveforms:
        if xml.text(waveform, "WaveformType").lower() == "rhythm":
            return waveform
    raise UnreadableECG(NAME, 0, f"no rhythm waveform among {len(waveforms)} waveforms")


def _lead(data: Element) -> Samples:
    what = xml.text(data, "LeadID") or "a lead"
    unit = xml.number(NAME, xml.text(data, "LeadAmplitudeUnitsPerBit"), f"LeadAmplitudeUnitsPerBit of {what}")
    units = xml.text(data, "LeadAmplitudeUnits").upper() or "MICROVOLTS"
    factor = {"MICROVOLTS": 1.0, "MILLIVOLTS": 1000.0}.get(units)
    if factor is None:
        raise UnreadableECG(NAME, 0, f"{what} is in {units[:40]}, not in microvolts")
    coded = data.findtext("WaveFormData") or ""
    try:
        stored = base64.b64decode("".join(coded.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableECG(NAME, 0, f"samples of {what} are not base64: {error}") from error
    if len(stored) % 2:
        raise UnreadableECG(NAME, 0, f"samples of {what} end inside a number")
    numbers = np.frombuffer(stored, "<i2")
    samples = numbers.astype(np.float32) * np.float32(unit * factor)
    samples[numbers == INVALID] = np.nan
    return samples


def _complete(rows: list[tuple[str, Samples]], rate: float) -> tuple[tuple[str, ...], Samples]:
    """All leads as one array, derived limb leads added, the standard twelve in their order."""
    lengths = {samples.size for _, samples in rows}
    if len(lengths) != 1:
        raise UnreadableECG(NAME, 0, f"leads of {len(lengths)} different lengths" if lengths else "no leads")
    check_shape(NAME, 0, len(rows), lengths.pop(), rate)
    named = dict(zip(distinct(name for name, _ in rows), (samples for _, samples in rows), strict=True))
    if "I" in named and "II" in named:
        named = derived_limb_leads(named["I"], named["II"]) | named
    order = {name: place for place, name in enumerate(STANDARD_12)}
    leads = tuple(sorted(named, key=lambda name: order.get(name, len(order))))
    return leads, np.stack([named[name] for name in leads])


def _acquired(root: Element) -> datetime | None:
    day = _us_date(xml.text(root, "TestDemographics/AcquisitionDate"))
    clock = [int(part) for part in xml.text(root, "TestDemographics/AcquisitionTime").split(":") if part.isdecimal()]
    return moment(*day, *clock[:3]) if day else None


def _us_date(text: str) -> tuple[int, int, int] | None:
    """Year, month, day from MUSE's MM-DD-YYYY."""
    parts = text.replace("/", "-").split("-")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) <= 4 for part in parts):
        return None
    month, day, year = (int(part) for part in parts)
    return year, month, day


def _patient(root: Element) -> Patient:
    demographics = root.find("PatientDemographics")
    born = xml.text(demographics, "DateofBirth")
    day = _us_date(born)
    name = f"{xml.text(demographics, 'PatientFirstName')} {xml.text(demographics, 'PatientLastName')}"
    years = xml.text(demographics, "AgeUnits").upper() in {"", "YEARS"}
    return Patient(
        id=xml.text(demographics, "PatientID"),
        name=name.strip(),
        sex=sex_of(xml.text(demographics, "Gender")),
        birth_date=day_of(*day) if day else day_text(born),
        age_years=xml.optional_number(xml.text(demographics, "PatientAge")) if years else None,
    )


def _statements(root: Element) -> tuple[str, ...]:
    """Statements of the diagnosis joined into lines: MUSE marks the last statement of each line with ENDSLINE."""
    lines, line = [], ""
    for statement in root.findall("Diagnosis/DiagnosisStatement")[:MAX_STATEMENTS]:
        line = f"{line} {xml.text(statement, 'StmtText')}".strip()
        if any((flag.text or "").strip().upper() == "ENDSLINE" for flag in statement.findall("StmtFlag")):
            lines.append(line)
            line = ""
    return tuple(text for text in [*lines, line] if text)


def _filters(waveform: Element) -> str:
    low, high = xml.text(waveform, "HighPassFilter"), xml.text(waveform, "LowPassFilter")
    notch = xml.text(waveform, "ACFilter")
    band = f"{float(low) / 100:g}-{high} Hz" if low.isdecimal() and high.isdecimal() else ""
    return ", ".join(part for part in (band, f"notch {notch}" if notch and notch.upper() != "NONE" else "") if part)


def _reported(root: Element) -> dict[str, float]:
    measured = root.find("RestingECGMeasurements")
    found = {name: xml.optional_number(xml.text(measured, tag)) for name, tag in _REPORTED.items()}
    return {name: value for name, value in found.items() if value is not None}
