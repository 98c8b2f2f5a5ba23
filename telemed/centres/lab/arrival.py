"""Results that arrived: they become evidence of their case, and what is critical among them opens the loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from telemed.centres.lab.domain import RESULTS, LabJob, ReportOrder, Result
from telemed.centres.lab.ports import LabResults, ReportOrders
from telemed.centres.lab.service import CODE, RULES, SYSTEM_OF_MEMBER
from telemed.domain.case import Case, CaseStatus
from telemed.domain.evidence import MATCH_WINDOW, Evidence
from telemed.domain.identity_of_evidence import StatedIdentity
from telemed.domain.people import Person
from telemed.domain.policy import Action
from telemed.service.access import case_for
from telemed.service.criticals import open_detected
from telemed.service.device_orders import device_person, open_request
from telemed.service.evidence import CLOSED_TO_EVIDENCE, add_evidence
from telemed.service.patients import Demographics
from telemed.service.ports.unit_of_work import UnitOfWork

REASON: Final = "检验系统自动上报危急值"
"""The request's reason, in the language of the region's own texts."""

MAX_EARLIER: Final = 20
"""Earlier results of a test that stand beside it: what a small course can show (practice)."""

NOT_RUNG: Final = frozenset({CaseStatus.DRAFT, CaseStatus.CANCELLED, CaseStatus.COMPLETED, CaseStatus.FAILED})
"""Nobody reads the case now."""


async def find_case(work: UnitOfWork, order: ReportOrder) -> Case | None:
    """Return the case that an order's results belong to: the one that has them, the one of this accession number (ORC-2, OBR-2), else
    the only open laboratory case of the patient without results. Two that fit equally well are no match: a person decides."""
    if order.case_id and (case := await work.cases.get(order.case_id)) is not None:
        return case
    if order.order_number and order.order_number.isascii():
        numbered = await work.cases.with_accession(order.member, order.order_number)
        found = [case for case in numbered if case.centre == CODE and case.status not in CLOSED_TO_EVIDENCE]
        if len(found) == 1:
            return found[0]
    if not order.patient_number:
        return None
    fitting = []
    for case in await work.cases.of_patient(order.member, order.patient_number, work.now - MATCH_WINDOW):
        if case.centre != CODE or case.status in (*CLOSED_TO_EVIDENCE, CaseStatus.COMPLETED):
            continue
        if not any(each.type == RESULTS.type for each in await work.evidence.of_case(case.id)):
            fitting.append(case)
    return fitting[0] if len(fitting) == 1 else None


async def open_case(work: UnitOfWork, member: str, patient: Demographics) -> Case | None:
    """Open a case in the member's name for results that cannot wait for one. None where the patient cannot be taken."""
    return await open_request(work, device_person(SYSTEM_OF_MEMBER, member, CODE), patient, {"reason": REASON})


async def make_evidence(work: UnitOfWork, order: ReportOrder, case: Case, evidence: Evidence) -> ReportOrder:
    """Let the stored report be evidence of the case. May be repeated: an order has one."""
    known = await work.repository(ReportOrders).get(order.member, order.order_number, order.patient_number)
    if known is not None and known.case_id == case.id and known.evidence_id:
        return known
    case = await work.cases.get(case.id) or case
    evidence.case_id = case.id
    await add_evidence(work, case, evidence, SYSTEM_OF_MEMBER)
    detail = {"type": evidence.type.value, "name": evidence.name}
    work.outbox.audit(Action.EVIDENCE_ADD, SYSTEM_OF_MEMBER, case.member, f"case/{case.id}", detail=detail)
    made = ReportOrder(order.member, order.order_number, order.patient_number, case.id, evidence.id)
    await work.repository(ReportOrders).put(made)
    return made


async def open_criticals(work: UnitOfWork, case_id: str, findings: Sequence[str]) -> None:
    """Open the loop for each finding of a case that is read now. The same finding again opens nothing."""
    case = await work.cases.get(case_id)
    if case is None or case.status in NOT_RUNG:
        return
    for finding in findings:
        await open_detected(work, case, finding, RULES)


async def on_submit(work: UnitOfWork, case: Case) -> None:
    """Have the case's results looked at for critical values, now that it has a hub."""
    for order in await work.repository(ReportOrders).of_case(case.id):
        payload = {"member": order.member, "order": order.order_number, "patient": order.patient_number}
        work.outbox.job(LabJob.RESULTS_ARRIVED, payload, key=f"lab-submitted:{order.evidence_id}")


async def stated_identities(work: UnitOfWork, case: Case) -> dict[str, list[StatedIdentity]]:
    """Return by evidence the patients that the case's laboratory reports state."""
    found: dict[str, list[StatedIdentity]] = {}
    for evidence in await work.evidence.of_case(case.id):
        stated: Mapping[str, Any] | None = evidence.facts.get("patient") if evidence.type == RESULTS.type else None
        if stated:
            name, sex, born, number = (str(stated.get(each) or "") for each in ("name", "sex", "birth_date", "number"))
            found[evidence.id] = [StatedIdentity(name, sex, born, number)]
    return found


async def read_case_results(work: UnitOfWork, person: Person, case_id: str) -> tuple[list[Result], dict[str, list[Result]]]:
    """Return what is shown of the case's orders, and by result what came before it. Raises NotFound or Forbidden."""
    await case_for(work, person, case_id, Action.EVIDENCE_READ)
    found = await results_of_case(work, case_id)
    return found, await earlier_results(work, found)


async def results_of_case(work: UnitOfWork, case_id: str) -> list[Result]:
    """Return what is shown of the case's orders, in the order of their reports."""
    found: list[Result] = []
    for order in await work.repository(ReportOrders).of_case(case_id):
        of_order = await work.repository(LabResults).of_order(order.member, order.order_number, order.patient_number)
        found += [each for each in of_order if each.shown]
    return found


async def earlier_results(work: UnitOfWork, results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return, by result, what the same test of the same patient said before, oldest first."""
    earlier: dict[str, list[Result]] = {}
    for result in results:
        code = result.code.wst886 or result.code.loinc or result.code.local
        known = await work.repository(LabResults).of_patient(result.member, result.patient_number, code, MAX_EARLIER)
        earlier[result.id] = [each for each in reversed(known) if each.id != result.id]
    return earlier
