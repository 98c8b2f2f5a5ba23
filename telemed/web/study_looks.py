"""Looks and refusals at the doors of DICOMweb: a look at a study on record once for a sitting, though it is hundreds of requests; a
refusal about a case each time."""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web

from telemed.domain.people import Person
from telemed.domain.policy import Action
from telemed.service.application import Application
from telemed.service.execution import record_look
from telemed.service.identity import case_of_study_uid
from telemed.web.keys import PERSON

SITTING = timedelta(minutes=10)
"""The same person and the same study are noted again after this. Practice."""
FOUND = frozenset({200, 206, 304})
"""304: what the browser has already is looked at as well."""
REFUSED = frozenset({403, 404})
REFUSED_STEP = frozenset({403, 404, 409})
"""A step of a workitem that its state does not allow is refused as well."""

STEPS = {
    ("GET", False): "search-workitems",
    ("POST", False): "create-workitem",
    ("GET", True): "retrieve-workitem",
    ("POST", True): "update-workitem",
    ("PUT", True): "change-workitem-state",
}
"""What was asked for, by method and whether a workitem is named; a request for cancellation has an address of its own."""


class StudyLooks:
    """Listens to the answers of a DICOMweb application: the record is durable before the first byte goes out."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._noted: dict[tuple[str, str, bool], datetime] = {}

    async def __call__(self, request: web.Request, response: web.StreamResponse) -> None:
        person = request.get(PERSON)
        if person is None:
            return
        resource = request.match_info.route.resource
        if resource is not None and "/workitems" in resource.canonical:
            await self._workitem(request, response.status, person, resource.canonical)
        else:
            await self._study(request, response.status, person)

    async def _study(self, request: web.Request, status: int, person: Person) -> None:
        study, refused = request.match_info.get("study", ""), status in REFUSED
        if request.method != "GET":
            if refused:
                await self._refused("access:store-study", person, f"study/{study}", status)
            return
        if status not in FOUND | REFUSED or not self._is_new((person.username, f"study/{study}", refused)):
            return
        if refused:
            await self._refused("access:retrieve-study", person, f"study/{study}", status)
            return
        await record_look(
            self._application, person, Action.EVIDENCE_READ if study else "study:find", f"study/{study}" if study else "studies"
        )

    async def _workitem(self, request: web.Request, status: int, person: Person, address: str) -> None:
        uid = request.match_info.get("workitem", "")
        if status in REFUSED_STEP:
            step = "cancel-workitem" if address.endswith("/cancelrequest") else STEPS.get((request.method, bool(uid)), "workitem")
            await self._refused(f"access:{step}", person, await self._subject(uid), status)
        elif request.method == "GET" and status in FOUND and self._is_new((person.username, f"workitem/{uid}", False)):
            await record_look(self._application, person, Action.CASE_READ if uid else "case:list", await self._subject(uid))

    async def _subject(self, uid: str) -> str:
        """The case that the workitem is, where there is one."""
        case_id = case_of_study_uid(uid) if uid else ""
        async with self._application.reading() as work:
            case = await work.cases.get(case_id) if case_id else None
        return f"case/{case.id}" if case else f"workitem/{uid}"[:200] if uid else "workitems"

    async def _refused(self, action: str, person: Person, subject: str, status: int) -> None:
        async with self._application.writing() as work:
            work.outbox.audit(action, person.username, person.institution, subject[:200], "refused", {"status": str(status)})

    def _is_new(self, look: tuple[str, str, bool]) -> bool:
        now = self._application.now()
        self._noted = {known: at for known, at in self._noted.items() if now - at < SITTING}
        if look in self._noted:
            return False
        self._noted[look] = now
        return True
