"""Critical values: declared at the hub, told to a named clinician with read-back, acknowledged and acted on at the member."""

from __future__ import annotations

from telemed.domain.case import Case
from telemed.domain.critical import CriticalValue
from telemed.domain.errors import FieldError, Invalid, NotFound
from telemed.domain.events import CaseEvent
from telemed.domain.people import SYSTEM, Agent, Person, SoftwareAgent
from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action
from telemed.domain.report import ReportStatus, Result
from telemed.service.access import case_for, case_open_to
from telemed.service.identity import new_id
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.reporting import latest


async def declare_critical(work: UnitOfWork, person: Person, case_id: str, finding: str) -> CriticalValue:
    """A finding that somebody must be told of now: the countdown starts. The same open finding again changes nothing."""
    case = await case_open_to(work, person, case_id, CaseAction.DECLARE_CRITICAL)
    for known in await work.criticals.of_case(case.id):
        if known.running and known.finding == finding:
            return known
    return await _open(work, case, finding, person)


async def open_detected(work: UnitOfWork, case: Case, finding: str, finder: str) -> CriticalValue | None:
    """A finding of the platform itself. One that it found in this case before, even one withdrawn since, is not opened again."""
    if any(known.finding == finding and known.found_by == finder for known in await work.criticals.of_case(case.id)):
        return None
    return await _open(work, case, finding, SoftwareAgent(finder, case.hub or ""))


async def _open(work: UnitOfWork, case: Case, finding: str, finder: Agent) -> CriticalValue:
    value = CriticalValue(new_id(), case.id, finding, finder.username, work.now, work.now + work.region.tell_within)
    await work.criticals.add(value)
    await _follow(work, case)
    await _judge(work, case)
    work.outbox.step(
        case, finder, CaseEvent.CRITICAL_DECLARE, Action.CRITICAL_DECLARE, {"finding": finding}, history={"critical": value.id}
    )
    return value


async def _follow(work: UnitOfWork, case: Case) -> None:
    """The case shows whether a critical value of it is still running."""
    case.critical_open = any(v.running for v in await work.criticals.of_case(case.id))
    await work.cases.save(case)


async def _judge(work: UnitOfWork, case: Case) -> None:
    """Let the unsigned report be positive while a critical value counts; when the last is withdrawn, its reader judges again."""
    report = latest(await work.reports.versions(case.id))
    if report is None or report.status is not ReportStatus.PARTIAL or Result.POSITIVE not in work.region.centres[case.centre].results:
        return
    found = any(value.counts for value in await work.criticals.of_case(case.id))
    result = Result.POSITIVE if found else Result.NOT_JUDGED if report.result is Result.POSITIVE else report.result
    if result is not report.result:
        report.result, report.revision = result, report.revision + 1
        await work.reports.save(report)


async def _value(work: UnitOfWork, person: Person, case_id: str, value_id: str, action: Action) -> tuple[Case, CriticalValue]:
    case = await case_for(work, person, case_id, action)
    value = await work.criticals.get(value_id)
    if value is None or value.case_id != case.id:
        raise NotFound("critical value", value_id)
    return case, value


async def notify_critical(
    work: UnitOfWork, person: Person, case_id: str, value_id: str, whom: str, how: str, read_back: bool
) -> CriticalValue:
    """A named clinician was told. Without read-back the telling does not count."""
    case, value = await _value(work, person, case_id, value_id, Action.CRITICAL_TELL)
    if not read_back:
        raise Invalid(FieldError("read_back", "must-be-confirmed"))
    value.apply("tell")
    value.told_whom, value.told_how, value.read_back, value.told_by, value.told_at = whom, how, True, person.username, work.now
    await work.criticals.save(value)
    work.outbox.step(
        case, person, CaseEvent.CRITICAL_TELL, Action.CRITICAL_TELL, {"whom": whom, "how": how}, history={"critical": value.id}
    )
    return value


async def acknowledge_critical(work: UnitOfWork, person: Person, case_id: str, value_id: str) -> CriticalValue:
    """The member's clinician has it. Saying it again changes nothing."""
    case, value = await _value(work, person, case_id, value_id, Action.CRITICAL_ACKNOWLEDGE)
    if value.acknowledged_at is None or value.status == "told":
        value.apply("acknowledge")
        value.acknowledged_by, value.acknowledged_at = person.username, work.now
        await work.criticals.save(value)
        work.outbox.step(case, person, CaseEvent.CRITICAL_ACKNOWLEDGE, Action.CRITICAL_ACKNOWLEDGE, history={"critical": value.id})
    return value


async def act_on_critical(work: UnitOfWork, person: Person, case_id: str, value_id: str, action_taken: str) -> CriticalValue:
    """Record what was done for the patient; this, and only this, closes the loop."""
    case, value = await _value(work, person, case_id, value_id, Action.CRITICAL_ACT)
    value.apply("act")
    value.action, value.action_by, value.action_at = action_taken, person.username, work.now
    await work.criticals.save(value)
    await _follow(work, case)
    work.outbox.step(case, person, CaseEvent.CRITICAL_ACT, Action.CRITICAL_ACT, {"action": action_taken}, history={"critical": value.id})
    return value


async def withdraw_critical(work: UnitOfWork, person: Person, case_id: str, value_id: str, reason: str) -> CriticalValue:
    """It was not critical after all. A reason is kept; nothing disappears."""
    case, value = await _value(work, person, case_id, value_id, Action.CRITICAL_DECLARE)
    value.apply("withdraw")
    value.withdrawn_reason, value.action_by, value.action_at = reason, person.username, work.now
    await work.criticals.save(value)
    await _follow(work, case)
    await _judge(work, case)
    work.outbox.step(
        case,
        person,
        CaseEvent.CRITICAL_WITHDRAW,
        Action.CRITICAL_DECLARE,
        {"reason": reason},
        history={"critical": value.id},
        outcome="withdrawn",
    )
    return value


async def raise_overdue(work: UnitOfWork, limit: int = 50) -> int:
    """Unacknowledged values past their countdown rise to the next person: the hub's reviewers, then the operator."""
    raised = 0
    for due in await work.criticals.due(work.now, limit):
        case = await work.cases.get(due.case_id)
        value = await work.criticals.get(due.id)  # again, now that the case is locked: another worker may have been here
        if case is None or value is None or not value.escalation_due(work.now):
            continue
        value.escalations += 1
        await work.criticals.save(value)
        to = "reviewers" if value.escalations == 1 else "operator"
        agent, rise = SoftwareAgent(SYSTEM, case.hub or ""), {"to": to, "times": value.escalations}
        work.outbox.step(case, agent, CaseEvent.CRITICAL_RISE, "critical:rise", rise, history={"critical": value.id})
        raised += 1
    return raised
