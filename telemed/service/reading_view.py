"""The reader's view: one case with its report and who else could read it, from one snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from telemed.domain.case import Case
from telemed.domain.errors import NotFound
from telemed.domain.evidence import Evidence
from telemed.domain.network import Network
from telemed.domain.people import Person
from telemed.domain.permissions import CaseAction, obstacle
from telemed.domain.policy import Action, Relation, may, require_on_case
from telemed.domain.report import Report
from telemed.service.access import case_to_look_back_at, relation_to
from telemed.service.case_view import CaseView, view_case
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.prefill import prefilled
from telemed.service.reporting import read_report, two_person, visible_versions


@dataclass(frozen=True, slots=True)
class ReadingView:
    """`report` is the version that counts now (None before the first claim), `versions` all that the person may see, oldest
    first; `two_person` says whether a second person will review; `colleagues` are the other readers of this hub;
    `proposed` are the numbers that the analysis of the evidence gives for the report form."""

    view: CaseView
    report: Report | None
    versions: Sequence[Report]
    two_person: bool
    colleagues: Sequence[Person]
    proposed: Mapping[str, int] = field(default_factory=dict)


async def open_for_reading(work: UnitOfWork, person: Person, case_id: str) -> ReadingView:
    """Raises NotFound or Forbidden for who does not read cases of this hub."""
    view = await view_case(work, person, case_id)
    require_on_case(person, Action.REPORT_READ_DRAFT, view.relation, case_id)
    try:
        report, versions = await read_report(work, person, case_id)
    except NotFound:
        report, versions = None, []
    case = view.case
    hub = (report.hub if report else "") or case.hub or ""
    readers = await work.people.readers(case.hub, case.centre) if case.hub == person.institution else []
    colleagues = [reader for reader in readers if reader.username != case.claimed_by]
    numbers = await prefilled(work, case, work.region.centres[case.centre].report_form)
    return ReadingView(view, report, versions, two_person(work, hub, case.centre, case.kind), colleagues, numbers)


@dataclass(frozen=True, slots=True)
class PriorReading:
    """An earlier case with its report and evidence, as far as the person may see them. `looked_back`: it is open to them only because
    they hold another case of the patient."""

    case: Case
    report: Report | None
    evidence: Sequence[Evidence]
    looked_back: bool


async def read_prior(work: UnitOfWork, person: Person, case_id: str) -> PriorReading:
    """Raises NotFound or Forbidden."""
    case = await case_to_look_back_at(work, person, case_id, Action.REPORT_READ)
    visible = await visible_versions(work, person, case)
    looked_back = not may(person, Action.REPORT_READ, await relation_to(work, person, case))
    return PriorReading(case, visible[-1] if visible else None, await work.evidence.of_case(case_id), looked_back)


def claimable(person: Person, case: Case, network: Network) -> bool:
    """True if the person can claim the case from a list of their hub's."""
    return obstacle(CaseAction.CLAIM, person, Relation.ROUTED, case, network) is None
