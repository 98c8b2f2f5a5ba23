"""The report of one order, as evidence of its case: the message itself where it speaks of that patient alone, else one that is written.

A sheet or a message may hold results of many patients; nobody's case shows another's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

from lab import hl7
from lab.errors import LabError
from lab.hl7 import Observation, Order, Patient, Value
from lab.hl7.content import SEXES
from lab.hl7.datatypes import Code, Identifier
from lab.hl7.header import Sender
from lab.hl7.reports import OrderGroup, write_results
from lab.hl7.times import read_time, write_time
from lab.hl7.writing import Envelope
from telemed.centres.lab.adapters.hl7_reading import patient_number_of
from telemed.centres.lab.adapters.other_formats import ASTM, SHEET, preview
from telemed.centres.lab.domain import ReportOrder, Result, ResultStatus
from telemed.service.identity import new_id

STATUS_CODES: Final = {
    ResultStatus.PRELIMINARY: "P",
    ResultStatus.FINAL: "F",
    ResultStatus.AMENDED: "C",
    ResultStatus.CORRECTED: "C",
    ResultStatus.REGISTERED: "I",
}
"""OBX-11 (HL7 table 0085)."""


def patient_of(kind: str, raw: bytes, order: ReportOrder, columns: Mapping[str, Any] | None, zone: tzinfo) -> Patient | None:
    """Return what a message says of the patient of an order; None where it cannot be read or says nothing."""
    if kind == ASTM:
        return _known_by_number(order)
    try:
        if kind == SHEET:
            return _in_sheet(raw, order, columns or {}, zone)
        patients = hl7.read(hl7.parse(raw), zone).patients
    except LabError:
        return None
    fitting = [each for each in patients if patient_number_of(each, order.member) == order.patient_number]
    return next(iter(fitting or patients), None)


def report_of(kind: str, raw: bytes, order: ReportOrder, results: Sequence[Result], patient: Patient | None, at: datetime) -> bytes:
    """Return the bytes that become evidence: HL7 v2 in any case."""
    if kind not in (ASTM, SHEET):
        try:
            if len(hl7.read(hl7.parse(raw)).patients) <= 1:
                return raw
        except LabError:
            return raw
    envelope = Envelope(Sender("TELEMED", order.member), Sender("TELEMED", ""), new_id()[-20:], at)
    placer = Identifier(order.order_number, order.member)
    group = OrderGroup(Order(control="RE", placer=placer, status_code="F"), [_observation(each) for each in results if each.shown])
    return write_results(envelope, patient or _known_by_number(order) or Patient(), [group])


def _known_by_number(order: ReportOrder) -> Patient | None:
    return Patient(identifiers=[Identifier(order.patient_number, order.member, "MR")]) if order.patient_number else None


def _in_sheet(raw: bytes, order: ReportOrder, columns: Mapping[str, Any], zone: tzinfo) -> Patient | None:
    for row in preview(raw, columns, zone)[1].results:
        if row.patient == order.patient_number and row.specimen == order.order_number:
            numbers = [Identifier(row.patient, order.member, "MR")] if row.patient else []
            return Patient(identifiers=numbers, family=row.name, sex=SEXES.get(row.sex.strip().upper(), "unknown"), birth=row.birth)
    return _known_by_number(order)


def _observation(result: Result) -> Observation:
    value, code = result.value, result.code
    number = Value("number", "NM", value.as_sent, value.text, value.number, value.comparator)
    written = number if value.number is not None else Value("text", "ST", value.as_sent, value.text)
    names = [(code.loinc, result.name, "LN")] if code.loinc else []
    names += [(code.wst886, result.name, "WST886")] if code.wst886 else []
    names += [(code.local, result.name, "L")] if code.local else []
    first, second = [*names, ("", "", ""), ("", "", "")][:2]
    return Observation(
        code=Code(*first, *second),
        value=written,
        sub_id=result.sub_id,
        unit=value.unit,
        range=value.range,
        flags=(value.flag,) if value.flag else (),
        status_code=STATUS_CODES.get(result.status, "F"),
        observed=read_time(write_time(result.observed_at)) if result.observed_at else read_time(""),
    )
