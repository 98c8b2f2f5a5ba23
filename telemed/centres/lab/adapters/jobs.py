"""Jobs of the laboratory centre: orders whose results came, and reports that were attached as files."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Final

import structlog

from lab import catalogue, hl7
from lab.critical import CriticalValue
from lab.errors import LabError
from lab.hl7 import Patient
from telemed.adapters.application import SqlApplication
from telemed.centres.lab import arrival
from telemed.centres.lab.adapters.hl7_reading import patient_number_of, read_again, subject_of
from telemed.centres.lab.adapters.judging import CRITICAL_FLAGS, CriticalRules
from telemed.centres.lab.adapters.order_reports import patient_of, report_of
from telemed.centres.lab.domain import RELEASED, RESULTS, LabMessage, ReportOrder, Result, ResultStatus
from telemed.centres.lab.intake import take_results
from telemed.centres.lab.ports import LabMessages, LabResults, ReportOrders, SheetColumns
from telemed.centres.lab.service import SYSTEM_OF_MEMBER
from telemed.domain.evidence import Evidence
from telemed.domain.patient import Identifier, Sex
from telemed.domain.texts import visible
from telemed.service.evidence_identity import compare_identities
from telemed.service.identity import new_id
from telemed.service.patients import Demographics

log = structlog.get_logger()

MEDIA_TYPE: Final = "x-application/hl7-v2+er7"
MAX_REPORT: Final = 32 << 20
"""Bytes of an attached report that are read."""

RUNG: Final = RELEASED | {ResultStatus.PRELIMINARY}
"""What is critical is told before it is final."""


def findings_of(results: Sequence[Result], patient: Patient | None, rules: CriticalRules) -> list[str]:
    """Return in words what is critical among results: what reaches a limit, and what its laboratory sent as beyond its panic limits."""
    found = []
    for each in results:
        code, value = each.code.wst886 or each.code.loinc, each.value
        if value.flag not in CRITICAL_FLAGS or each.status not in RUNG:
            continue
        subject = subject_of(patient, each.member, (each.observed_at or each.reported_at).date())
        hit = rules.reached(code, value.number, value.unit, value.comparator, subject) if code and value.number is not None else None
        item = catalogue.find(code) if code else None
        name = item.name_zh if item is not None else each.name or each.code.local
        why = f"危急值 {_limit(hit)}" if hit is not None else f"送检实验室报 {value.flag}"
        found.append(f"{name} {value.said} {value.unit}（{why}）")
    return found


def _limit(hit: CriticalValue) -> str:
    limit = hit.limit.low if hit.side == "low" else hit.limit.high
    return f"{'≤' if hit.side == 'low' else '≥'}{limit:g} {hit.limit.unit}"


class OrderArrivals:
    """Carries out `lab-results-arrived`; carried out again it finds that nothing is left to do."""

    def __init__(self, application: SqlApplication) -> None:
        self._application = application

    async def __call__(self, payload: Mapping[str, Any]) -> None:
        """The payload is `{"member", "order", "patient"}`."""
        wanted = ReportOrder(payload["member"], payload["order"], payload["patient"])
        async with self._application.reading() as work:
            order = await work.repository(ReportOrders).get(*payload.values()) or wanted
            results = await work.repository(LabResults).of_order(order.member, order.order_number, order.patient_number)
            if not results:
                return
            case = await arrival.find_case(work, order)
            newest = max(results, key=lambda each: each.reported_at)
            message = await work.repository(LabMessages).get(newest.message_id)
            columns = await work.repository(SheetColumns).get(order.member)
        critical = any(each.value.flag in CRITICAL_FLAGS for each in results)
        closed = case is not None and case.status in arrival.NOT_RUNG and case.status != "draft"
        placing = message is not None and (case is None or closed or not order.evidence_id)
        if not (placing or critical):
            return
        raw = await self.content(message) if message is not None else b""
        kind, zone = message.type if message is not None else "", self._application.region.network.zone
        patient = await asyncio.to_thread(patient_of, kind, raw, order, columns, zone)
        findings = findings_of(results, patient, CriticalRules.of(self._application.region.settings))
        if placing and message is not None:
            at = newest.reported_at.astimezone(zone)
            raw = await asyncio.to_thread(report_of, kind, raw, order, results, patient, at)
            order = await self._place(order, message, raw, patient, opens=bool(findings) and (case is None or closed))
        if findings and order.case_id:
            async with self._application.writing() as work:
                await arrival.open_criticals(work, order.case_id, findings)

    async def content(self, message: LabMessage) -> bytes:
        """Return the bytes of a message, wherever they lie."""
        if not message.key:
            return message.raw
        return b"".join([piece async for piece in self._application.store.stream(message.key)])

    async def _place(self, order: ReportOrder, message: LabMessage, raw: bytes, patient: Patient | None, *, opens: bool) -> ReportOrder:
        """Make the report evidence of its case, or of one that is opened for it. The bytes are durable before a case knows of them."""
        async with self._application.reading() as work:
            if not opens and await arrival.find_case(work, order) is None:
                return order
        evidence = Evidence(
            new_id(), "", RESULTS.type, f"{message.control_id or message.id}.hl7", SYSTEM_OF_MEMBER, self._application.now()
        )
        evidence.media_type, evidence.key = MEDIA_TYPE, f"evidence/lab/{order.member}/{evidence.id}"
        evidence.facts["patient"] = stated(patient, order.member)
        stored = await self._application.store.put(evidence.key, raw, media_type=MEDIA_TYPE)
        evidence.size, evidence.sha256 = stored.size, stored.sha256
        placed = order
        try:
            async with self._application.writing() as work:
                case = await (arrival.open_case(work, order.member, card(patient, order)) if opens else arrival.find_case(work, order))
                if case is None:
                    log.warning("lab.no_case", member=order.member, critical=opens)
                    return order
                if opens and order.case_id:
                    order = ReportOrder(order.member, order.order_number, order.patient_number)
                placed = await arrival.make_evidence(work, order, case, evidence)
        finally:
            if placed.evidence_id != evidence.id:
                await self._application.store.delete(evidence.key)
        return placed


class AttachedReports:
    """Carries out `read-lab-report`: a file with results that somebody attached to a case."""

    def __init__(self, application: SqlApplication) -> None:
        self._application = application

    async def __call__(self, payload: Mapping[str, Any]) -> None:
        """The payload is `{"case_id", "evidence_id"}`."""
        async with self._application.reading() as work:
            evidence = await work.evidence.get(payload["evidence_id"])
            case = await work.cases.get(payload["case_id"])
        if evidence is None or case is None or evidence.media_type != MEDIA_TYPE or evidence.added_by == SYSTEM_OF_MEMBER:
            return
        if evidence.size > MAX_REPORT:
            return
        raw = b"".join([piece async for piece in self._application.store.stream(evidence.key)])
        now, zone = self._application.now(), self._application.region.network.zone
        rules = CriticalRules.of(self._application.region.settings)
        reading = partial(read_again, raw, now.astimezone(zone), zone, member=case.member, rules=rules)
        fault, results = await asyncio.to_thread(reading)
        patient = await asyncio.to_thread(_patient, raw)
        async with self._application.writing() as work:
            evidence = await work.evidence.get(evidence.id)
            locked = await work.cases.get(case.id)
            if evidence is None or locked is None:
                return
            evidence.facts |= {"patient": stated(patient, case.member), "reason": fault.text if fault else ""}
            await work.evidence.save(evidence)
            for order, number in dict.fromkeys((each.order_number, each.patient_number) for each in results):
                if await work.repository(ReportOrders).get(case.member, order, number) is None:
                    await work.repository(ReportOrders).put(ReportOrder(case.member, order, number, case.id, evidence.id))
            await take_results(work, [(evidence.id, results)])
            await compare_identities(work, locked)


def _patient(raw: bytes) -> Patient | None:
    """The patient of a message; None where it cannot be read or names none."""
    try:
        return next(iter(hl7.read(hl7.parse(raw)).patients), None)
    except LabError:
        return None


def stated(patient: Patient | None, member: str) -> dict[str, str]:
    """Return what a report says of its patient."""
    if patient is None:
        return {}
    sex = "" if patient.sex == "unknown" else patient.sex
    born = patient.birth.day.isoformat() if patient.birth.day else ""
    return {"name": patient.name, "sex": sex, "birth_date": born, "number": patient_number_of(patient, member)}


def card(patient: Patient | None, order: ReportOrder) -> Demographics:
    """Return a report's patient as a member would fill the card in."""
    numbers = (Identifier(order.member, order.patient_number),) if order.patient_number else ()
    if patient is None:
        return Demographics(order.patient_number, Sex.UNKNOWN, None, numbers)
    born: date | None = patient.birth.day
    return Demographics(visible(patient.name) or order.patient_number, Sex(patient.sex), born, numbers)
