"""HL7 annotated ECG (aECG, PORT_MT020001): leads as lists of numbers with an origin and a scale.

Source: HL7 V3 Annotated ECG R1 and its implementation guide (B. Brown, F. Badilini, 2005).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element

import numpy as np

from ecg.formats import xml
from ecg.formats.dates import day_text, sex_of, stamp
from ecg.formats.timeline import Piece, Samples, check_shape, join
from ecg.leads import lead_name
from ecg.limits import MAX_SEGMENTS, MAX_STATEMENTS
from ecg.recording import Device, Patient, Recording, UnreadableECG

NAME: Final = "HL7 aECG"
MICROVOLTS: Final = {"uV": 1.0, "mV": 1e3, "V": 1e6, "nV": 1e-3}
SECONDS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_REPORTED: Final = {
    "MDC_ECG_HEART_RATE": "rate",
    "MDC_ECG_TIME_PD_P": "p_duration",
    "MDC_ECG_TIME_PD_PR": "pr",
    "MDC_ECG_TIME_PD_QRS": "qrs_duration",
    "MDC_ECG_TIME_PD_QT": "qt",
    "MDC_ECG_TIME_PD_QTCB": "qtc_bazett",
    "MDC_ECG_TIME_PD_QTCF": "qtc_fridericia",
    "MDC_ECG_ANGLE_QRS_FRONT": "axis",
}
_BLOCK: Final = 1 << 20


def recognise(head: bytes) -> bool:
    """True if the first bytes open an AnnotatedECG document."""
    return xml.has_root(head, "AnnotatedECG")


def read(content: bytes) -> Recording:
    """The rhythm series of an aECG, leads as the file has them. Raises UnreadableECG."""
    root = xml.parse(NAME, content)
    series = _rhythm(root)
    pieces: list[Piece] = []
    rate, first = 0.0, None
    for number, sequences in enumerate(series.findall("component/sequenceSet")):
        if number == MAX_SEGMENTS:
            raise UnreadableECG(NAME, 0, f"more than {MAX_SEGMENTS} sequence sets")
        begin, step = _time(sequences)
        if rate and abs(1 / step - rate) > 1e-6 * rate:
            raise UnreadableECG(NAME, 0, f"sequence sets at {rate:g} Hz and at {1 / step:g} Hz")
        rate, first = 1 / step, first if pieces else begin
        later = (begin - first).total_seconds() if begin and first and _comparable(begin, first) else 0.0
        pieces.append(_piece(sequences, round(later * rate), rate))
    if not pieces:
        raise UnreadableECG(NAME, 0, "the series has no sequence set")
    leads, samples = join(NAME, pieces, rate)
    return Recording(
        leads=leads,
        samples=samples,
        rate=rate,
        start=first or stamp(xml.attribute(series, "effectiveTime/low", "value")),
        patient=_patient(root),
        device=_device(series, root),
        statements=_statements(root),
        format=NAME,
        filters=_filters(series),
        reported=_reported(root),
    )


def _rhythm(root: Element) -> Element:
    """The series coded RHYTHM; the first one where no series carries that code."""
    found = root.findall("component/series")
    if not found:
        raise UnreadableECG(NAME, 0, "no series of waveforms")
    return next((series for series in found if xml.attribute(series, "code", "code") == "RHYTHM"), found[0])


def _comparable(one: datetime, other: datetime) -> bool:
    return (one.tzinfo is None) == (other.tzinfo is None)


def _time(sequences: Element) -> tuple[datetime | None, float]:
    """Time of the first sample and seconds between samples, from the set's time sequence."""
    for sequence in sequences.findall("component/sequence"):
        if xml.attribute(sequence, "code", "code") in {"TIME_ABSOLUTE", "TIME_RELATIVE"}:
            unit = xml.attribute(sequence, "value/increment", "unit")
            step = xml.number(NAME, xml.attribute(sequence, "value/increment", "value"), "the time increment")
            step *= SECONDS.get(unit, 0.0)
            if step <= 0:
                raise UnreadableECG(NAME, 0, f"a time increment of {step:g} in {unit[:20]!r}")
            return stamp(xml.attribute(sequence, "value/head", "value")), step
    raise UnreadableECG(NAME, 0, "a sequence set without a time sequence: the sampling rate is unknown")


def _piece(sequences: Element, start: int, rate: float) -> Piece:
    rows: dict[str, Samples] = {}
    for sequence in sequences.findall("component/sequence"):
        code = xml.attribute(sequence, "code", "code")
        value = sequence.find("value")
        if code.startswith("TIME_") or value is None or value.find("digits") is None:
            continue
        rows[lead_name(code)] = _lead(value, code)
    lengths = {samples.size for samples in rows.values()}
    if len(lengths) != 1:
        raise UnreadableECG(NAME, 0, f"leads of {len(lengths)} different lengths" if lengths else "no leads")
    check_shape(NAME, 0, len(rows), lengths.pop(), rate)
    return Piece(start, tuple(rows), np.stack(list(rows.values())))


def _lead(value: Element, code: str) -> Samples:
    """Samples in microvolts: origin + digit * scale, each with its own unit."""
    parts = []
    for part, default in (("origin", "0"), ("scale", "1")):
        unit = xml.attribute(value, part, "unit") or "uV"
        if unit not in MICROVOLTS:
            raise UnreadableECG(NAME, 0, f"{code[:40]} is in {unit[:20]}, not in volts")
        parts.append(MICROVOLTS[unit] * xml.number(NAME, xml.attribute(value, part, "value") or default, part))
    origin, scale = parts
    digits = value.findtext("digits") or ""
    try:
        blocks = [np.array(block.split(), dtype=np.float64) for block in _blocks(digits, code)]
    except ValueError as error:
        raise UnreadableECG(NAME, 0, f"{code[:40]} holds what is no number: {error}") from error
    numbers = np.concatenate(blocks) if blocks else np.empty(0)
    return (origin + numbers * scale).astype(np.float32)


def _blocks(digits: str, code: str) -> Iterator[str]:
    """The list of numbers in pieces, so that its words never stand in memory all at once."""
    at = 0
    while at < len(digits):
        stop = min(at + _BLOCK, len(digits))
        while stop < len(digits) and not digits[stop].isspace():
            stop += 1
            if stop - at > _BLOCK + 64:
                raise UnreadableECG(NAME, 0, f"{code[:40]} holds a number of more than 64 digits")
        yield digits[at:stop]
        at = stop


def _patient(root: Element) -> Patient:
    subject = root.find(".//subjectAssignment/subject/trialSubject")
    person = subject.find("subjectDemographicPerson") if subject is not None else None
    name = person.find("name") if person is not None else None
    age = None  # LOINC 21612-7, reported age
    for variable in root.findall("controlVariable/relatedObservation"):
        if xml.attribute(variable, "code", "code") == "21612-7" and xml.attribute(variable, "value", "unit") == "a":
            age = xml.optional_number(xml.attribute(variable, "value", "value"))
    return Patient(
        id=xml.attribute(subject, "id", "extension"),
        name=" ".join(" ".join(name.itertext()).split())[:200] if name is not None else "",
        sex=sex_of(xml.attribute(person, "administrativeGenderCode", "code")),
        birth_date=day_text(xml.attribute(person, "birthTime", "value")),
        age_years=age,
    )


def _device(series: Element, root: Element) -> Device:
    author = series.find("author/seriesAuthor")
    return Device(
        manufacturer=xml.text(author, "manufacturerOrganization/name"),
        model=xml.text(author, "manufacturedSeriesDevice/manufacturerModelName"),
        serial=xml.attribute(author, "manufacturedSeriesDevice/id", "extension"),
        institution=xml.text(root, "location/testingSite/location/name"),
    )


def _annotations(root: Element) -> Iterator[Element]:
    yield from root.iter("annotation")


def _statements(root: Element) -> tuple[str, ...]:
    """Texts of the annotations coded as interpretation."""
    found = []
    for annotation in _annotations(root):
        if xml.attribute(annotation, "code", "code").startswith("MDC_ECG_INTERPRETATION"):
            value = xml.text(annotation, "value") or xml.attribute(annotation, "value", "displayName")
            found.append(value)
    return tuple(text for text in found if text)[:MAX_STATEMENTS]


def _reported(root: Element) -> dict[str, float]:
    found: dict[str, float] = {}
    for annotation in _annotations(root):
        name = _REPORTED.get(xml.attribute(annotation, "code", "code"))
        value = xml.optional_number(xml.attribute(annotation, "value", "value"))
        if name and value is not None:
            found.setdefault(name, value)
    return found


def _filters(series: Element) -> str:
    parts = []
    for variable in series.findall("controlVariable/controlVariable"):
        kind = xml.attribute(variable, "code", "code").rpartition("FILTER_")[2].replace("_", " ").lower()
        parts += [
            f"{kind} {xml.attribute(detail, 'value', 'value')} Hz"
            for detail in variable.findall("component/controlVariable")
            if "FREQ" in xml.attribute(detail, "code", "code")
        ]
    return ", ".join(parts)[:200]
