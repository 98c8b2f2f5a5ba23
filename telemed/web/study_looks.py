"""Looks at studies through DICOMweb, allowed or refused: on record once for a sitting, though one study is hundreds of requests."""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web

from telemed.domain.policy import Action
from telemed.service.application import Application
from telemed.service.execution import record_look
from telemed.web.keys import PERSON

SITTING = timedelta(minutes=10)
"""The same person and the same study are noted again after this. Practice."""
FOUND = frozenset({200, 206, 304})
"""304: what the browser has already is looked at as well."""
REFUSED = frozenset({403, 404})


class StudyLooks:
    """Listens to the answers of a DICOMweb application: the record is durable before the first byte goes out."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._noted: dict[tuple[str, str, bool], datetime] = {}

    async def __call__(self, request: web.Request, response: web.StreamResponse) -> None:
        person = request.get(PERSON)
        if person is None or request.method != "GET" or response.status not in FOUND | REFUSED:
            return
        study, refused = request.match_info.get("study", ""), response.status in REFUSED
        if not self._is_new((person.username, study, refused)):
            return
        if refused:
            async with self._application.writing() as work:
                detail = {"status": str(response.status)}
                work.outbox.audit("access:retrieve-study", person.username, person.institution, f"study/{study}", "refused", detail)
            return
        await record_look(
            self._application, person, Action.EVIDENCE_READ if study else "study:find", f"study/{study}" if study else "studies"
        )

    def _is_new(self, look: tuple[str, str, bool]) -> bool:
        now = self._application.now()
        self._noted = {known: at for known, at in self._noted.items() if now - at < SITTING}
        if look in self._noted:
            return False
        self._noted[look] = now
        return True
