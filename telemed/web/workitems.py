"""Open cases that rest on studies as unified procedure steps (PS3.4 annex CC): a reading station works with cases through UPS-RS.

Who may list, take and withdraw a case here may do so there, by the same rules: a claim is IN PROGRESS, and the person who
holds the case is who holds the workitem, so the Transaction UID is taken and not asked for again. What has no counterpart is
refused with a reason: cases are made by members, and completed by a signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from dicom_gateway.workitems import Refused, State, Workitem
from dicom_gateway.workitems.rules import CHANGES, Change, Item, value_of
from telemed.domain.case import Case, CaseStatus, Priority
from telemed.domain.evidence import STUDIES, Evidence, EvidenceType
from telemed.domain.policy import Action
from telemed.domain.texts import visible
from telemed.service.access import case_for
from telemed.service.application import Application
from telemed.service.case_reading import claim_case
from telemed.service.case_request import cancel_case
from telemed.service.queries import CaseFilter
from telemed.web.security import person_of

MAX_LISTED = 500
_REASON = "00741238"  # Reason For Cancellation

STATES: Mapping[CaseStatus, State] = {
    CaseStatus.REQUESTED: State.SCHEDULED,
    CaseStatus.ACCEPTED: State.IN_PROGRESS,
    CaseStatus.IN_PROGRESS: State.IN_PROGRESS,
    CaseStatus.COMPLETED: State.COMPLETED,
    CaseStatus.CANCELLED: State.CANCELED,
}
"""Cases in other states (drafts, cases that wait for the member) are nobody's to perform, and are not listed."""

PRIORITIES: Mapping[Priority, str] = {Priority.ROUTINE: "LOW", Priority.URGENT: "MEDIUM", Priority.ASAP: "MEDIUM", Priority.STAT: "HIGH"}
"""Scheduled Procedure Step Priority (0074,1200) has three values."""

_SEXES = {"male": "M", "female": "F", "other": "O"}


class CaseWorkitems:
    """Implements `dicom_gateway.workitems.WorkitemRepository`."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def listed(self, request: web.Request, owner: str | None, state: State | None) -> Sequence[Workitem]:
        """Cases that the person may list, in the order of the worklist."""
        found: list[Case] = []
        for centre in self._centres():
            page = await self._application.queries.cases(person_of(request), CaseFilter(centre=centre), None, MAX_LISTED)
            found += page.cases
        return [workitem_of(case, ()) for case in found if case.status in STATES and state in (None, STATES[case.status])]

    def _centres(self) -> list[str]:
        """Return the centres whose cases rest on studies."""
        return [centre.code for centre in self._application.region.centres.values() if centre.expected == STUDIES]

    async def workitem(self, request: web.Request, owner: str | None, uid: str) -> Workitem:
        """One case, with the studies that it rests on."""
        async with self._application.reading() as work:
            case = await case_for(work, person_of(request), _case_id(uid), Action.CASE_READ)
            if case.status not in STATES or case.centre not in self._centres():
                raise _absent()
            return workitem_of(case, await work.evidence.of_case(case.id))

    async def create(self, request: web.Request, owner: str | None, uid: str, item: Item) -> Workitem:
        """Not here."""
        raise Refused(403, 0x0124, "Workitems are cases here; members make them on the platform.")

    async def update(self, request: web.Request, owner: str | None, uid: str, item: Item, transaction_uid: str | None) -> None:
        """Not here."""
        await self.workitem(request, owner, uid)
        raise Refused(409, 0xC310, "Workitems are cases here; requests and reports are written on the platform.")

    async def change_state(self, request: web.Request, owner: str | None, uid: str, state: State, transaction_uid: str) -> bool:
        """IN PROGRESS claims the case; the other states follow from the report."""
        known = await self.workitem(request, owner, uid)
        found = CHANGES[known.state, state]
        if found is Change.ALREADY:
            return False
        if isinstance(found, tuple):
            raise Refused(409, *found)
        if state is State.COMPLETED:
            raise Refused(409, 0xC304, "The UPS has not met final state requirements: the report is signed on the platform.")
        if state is State.CANCELED:
            raise Refused(409, 0xC312, "A case is given back or declined on the platform.")
        async with self._application.writing() as work:
            await claim_case(work, person_of(request), _case_id(uid))
        return True

    async def request_cancel(self, request: web.Request, owner: str | None, uid: str, reason: Item) -> bool:
        """Withdraws the case, for those of the member who may."""
        known = await self.workitem(request, owner, uid)
        if known.state is State.CANCELED:
            return False
        said = visible(str(value_of(reason, _REASON) or ""))
        async with self._application.writing() as work:
            await cancel_case(work, person_of(request), _case_id(uid), said or "UPS cancel request")
        return True


def workitem_uid(case_id: str) -> str:
    """The case's id, a UUID, as a UID (PS3.5 B.2)."""
    return f"2.25.{int(case_id, 16)}"


def _case_id(uid: str) -> str:
    number = uid.removeprefix("2.25.")
    if number == uid or not number.isdigit() or len(number) > 39 or int(number) >= 1 << 128:
        raise _absent()
    return f"{int(number):032x}"


def _absent() -> Refused:
    return Refused(404, 0xC307, "The specified SOP Instance UID does not exist or is not a UPS Instance managed by this SCP.")


def workitem_of(case: Case, evidence: Sequence[Evidence]) -> Workitem:
    """The case as a data set."""
    studies = [e.study_instance_uid for e in evidence if e.type == EvidenceType.DICOM_STUDY and e.study_instance_uid]
    request = {
        "00080050": _value("SH", case.accession_number),
        "00321060": _value("LO", _label(case)),
        "00401002": _value("LO", str(case.request.get("reason", ""))),
    }
    born = case.patient.birth_date
    content: dict[str, Any] = {
        "00741200": _value("CS", PRIORITIES[case.priority]),
        "00741204": _value("LO", _label(case)),
        "00741202": _value("LO", f"{case.member} {case.hub or ''}".strip()),
        "00404041": _value("CS", "READY" if case.evidence_count else "INCOMPLETE"),
        "00404005": _value("DT", _moment(case.submitted_at or case.created_at)),
        "00404011": _value("DT", _moment(case.due_at) if case.due_at else ""),
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": case.patient.name}]},
        "00100030": _value("DA", f"{born:%Y%m%d}" if born else ""),
        "00100040": _value("CS", _SEXES.get(case.patient.sex, "")),
        "0040A370": {"vr": "SQ", "Value": [request]},
        "00404021": {"vr": "SQ", "Value": [{"0020000D": _value("UI", uid)} for uid in studies]},
    }
    return Workitem(workitem_uid(case.id), STATES[case.status], None, content)


def _label(case: Case) -> str:
    return " ".join(str(case.request.get(key, "")) for key in ("modality", "body_part")).strip() or case.centre


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%d%H%M%S}+0000"


def _value(vr: str, text: str) -> dict[str, Any]:
    return {"vr": vr, "Value": [text]} if text else {"vr": vr}
