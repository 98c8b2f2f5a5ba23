"""HL7 annotated ECG (PORT_MT020001): one rhythm series, leads as lists of whole numbers with their scale."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ecg.formats.dates import known_day
from ecg.leads import STANDARD_12, lead_number
from ecg.recording import Recording
from ecg.writers.identity import content_uuid
from ecg.writers.quantise import quantised, require_complete
from ecg.xml_text import xml_text

NAME: Final = "aecg"
MDC: Final = "2.16.840.1.113883.6.24"
ACT_CODE: Final = "2.16.840.1.113883.5.4"
LOINC: Final = "2.16.840.1.113883.6.1"
GENDER: Final = "2.16.840.1.113883.5.1"
_REPORTED: Final = {
    "rate": ("MDC_ECG_HEART_RATE", "bpm"),
    "p_duration": ("MDC_ECG_TIME_PD_P", "ms"),
    "pr": ("MDC_ECG_TIME_PD_PR", "ms"),
    "qrs_duration": ("MDC_ECG_TIME_PD_QRS", "ms"),
    "qt": ("MDC_ECG_TIME_PD_QT", "ms"),
    "qtc_bazett": ("MDC_ECG_TIME_PD_QTCB", "ms"),
    "qtc_fridericia": ("MDC_ECG_TIME_PD_QTCF", "ms"),
    "axis": ("MDC_ECG_ANGLE_QRS_FRONT", "deg"),
}


def write(recording: Recording) -> bytes:
    """An aECG document. Raises ValueError for missing samples, which it has no number for."""
    stored = quantised(recording)
    require_complete(stored, "aECG")
    root = Element("AnnotatedECG", {"xmlns": "urn:hl7-org:v3", "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"})
    root.set("type", "Observation")
    SubElement(root, "id", root=str(content_uuid(recording, stored, "document")))
    SubElement(root, "code", code="93000", codeSystem="2.16.840.1.113883.6.12", codeSystemName="CPT-4")
    end = recording.start + timedelta(seconds=recording.duration) if recording.start else None
    _interval(root, recording.start, end)
    _subject(root, recording)
    _age(root, recording)
    series = SubElement(SubElement(root, "component"), "series")
    SubElement(series, "id", root=str(content_uuid(recording, stored, "series")))
    SubElement(series, "code", code="RHYTHM", codeSystem=ACT_CODE)
    _interval(series, recording.start, end)
    _author(series, recording)
    sequences = SubElement(SubElement(series, "component"), "sequenceSet")
    _time(sequences, recording)
    for lead, numbers, resolution in zip(recording.leads, stored.numbers, stored.resolutions, strict=True):
        value = _sequence(sequences, _lead_code(lead), MDC, "SLIST_PQ")
        SubElement(value, "origin", value="0", unit="uV")
        SubElement(value, "scale", value=f"{resolution:g}", unit="uV")
        SubElement(value, "digits").text = " ".join(map(str, numbers.tolist()))
    _annotations(series, recording)
    for element in root.iter():
        element.text = xml_text(element.text) if element.text else None
        element.attrib = {name: xml_text(value) for name, value in element.attrib.items()}
    indent(root)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _lead_code(lead: str) -> str:
    return f"MDC_ECG_LEAD_{lead.upper() if lead in STANDARD_12 or lead_number(lead) is not None else lead}"


def _moment(time: datetime) -> str:
    zone = time.strftime("%z")
    return f"{time:%Y%m%d%H%M%S}.{time.microsecond // 1000:03d}{zone}"


def _interval(parent: Element, start: datetime | None, end: datetime | None) -> None:
    span = SubElement(parent, "effectiveTime")
    if start is None or end is None:
        span.set("nullFlavor", "UNK")
        return
    SubElement(span, "low", value=_moment(start), inclusive="true")
    SubElement(span, "high", value=_moment(end), inclusive="false")


def _subject(root: Element, recording: Recording) -> None:
    patient = recording.patient
    subject = root
    for tag in ("componentOf", "timepointEvent", "componentOf", "subjectAssignment", "subject", "trialSubject"):
        subject = SubElement(subject, tag)
    SubElement(subject, "id", extension=patient.id) if patient.id else SubElement(subject, "id", nullFlavor="UNK")
    person = SubElement(subject, "subjectDemographicPerson")
    if patient.name:
        SubElement(person, "name").text = patient.name
    sex = {"male": "M", "female": "F", "other": "UN"}.get(patient.sex)
    if sex:
        SubElement(person, "administrativeGenderCode", code=sex, codeSystem=GENDER)
    if born := known_day(patient.birth_date):
        SubElement(person, "birthTime", value=born.isoformat().replace("-", ""))


def _age(root: Element, recording: Recording) -> None:
    if recording.patient.age_years is not None:
        observation = SubElement(SubElement(root, "controlVariable"), "relatedObservation")
        SubElement(observation, "code", code="21612-7", codeSystem=LOINC, displayName="Reported Age")
        SubElement(observation, "value", {"xsi:type": "PQ", "value": f"{recording.patient.age_years:g}", "unit": "a"})


def _author(series: Element, recording: Recording) -> None:
    device = recording.device
    author = SubElement(SubElement(series, "author"), "seriesAuthor")
    made = SubElement(author, "manufacturedSeriesDevice")
    SubElement(made, "id", extension=device.serial) if device.serial else SubElement(made, "id", nullFlavor="UNK")
    SubElement(made, "manufacturerModelName").text = device.model
    SubElement(SubElement(author, "manufacturerOrganization"), "name").text = device.manufacturer


def _sequence(sequences: Element, code: str, system: str, kind: str) -> Element:
    sequence = SubElement(SubElement(sequences, "component"), "sequence")
    SubElement(sequence, "code", code=code, codeSystem=system)
    return SubElement(sequence, "value", {"xsi:type": kind})


def _time(sequences: Element, recording: Recording) -> None:
    absolute = recording.start is not None
    value = _sequence(sequences, "TIME_ABSOLUTE" if absolute else "TIME_RELATIVE", ACT_CODE, "GLIST_TS" if absolute else "GLIST_PQ")
    if recording.start is not None:
        SubElement(value, "head", value=_moment(recording.start))
    else:
        SubElement(value, "head", value="0", unit="s")
    SubElement(value, "increment", value=repr(1 / recording.rate), unit="s")


def _annotations(series: Element, recording: Recording) -> None:
    if not recording.reported and not recording.statements:
        return
    found = SubElement(SubElement(series, "subjectOf"), "annotationSet")
    for name, value in recording.reported.items():
        if name in _REPORTED:
            code, unit = _REPORTED[name]
            annotation = SubElement(SubElement(found, "component"), "annotation")
            SubElement(annotation, "code", code=code, codeSystem=MDC)
            SubElement(annotation, "value", {"xsi:type": "PQ", "value": f"{value:g}", "unit": unit})
    for statement in recording.statements:
        annotation = SubElement(SubElement(found, "component"), "annotation")
        SubElement(annotation, "code", code="MDC_ECG_INTERPRETATION_STATEMENT", codeSystem=MDC)
        SubElement(annotation, "value", {"xsi:type": "ST"}).text = statement
