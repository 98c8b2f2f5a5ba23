"""People at work: use cases carried out by user name, and cases brought as far as a test needs them."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from telemed.adapters.application import SqlApplication
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.region import add_person, add_services
from telemed.demo import region
from telemed.domain.case import Case, CaseKind, Priority
from telemed.domain.network import HubService
from telemed.domain.patient import CHECK_DIGITS, RESIDENT_ID, WEIGHTS, Identifier, Sex
from telemed.domain.people import Person
from telemed.domain.report import Report
from telemed.service import case_reading as reading
from telemed.service import case_request as case_request
from telemed.service import execution, reporting, signing
from telemed.service.patients import Demographics
from tests.telemed.moments import Clock

PASSWORD = region.PASSWORD

REQUESTS: dict[str, dict[str, Any]] = {
    "imaging": {"modality": "CT", "body_part": "HEAD", "reason": "头痛三天"},
    "ecg": {"reason": "胸闷，心悸"},
    "lab": {"reason": "复核血钾"},
    "pathology": {"reason": "慢性胃炎，排除肿瘤", "procedure": "biopsy"},
    "consultation": {"reason": "请指导用药", "speciality": "CARDIOLOGY"},
}
"""The least that each centre's request form asks for."""

SECTIONS: dict[str, dict[str, Any]] = {
    "imaging": {"findings": "颅内未见异常密度影。", "impression": "未见明显异常。"},
    "ecg": {"findings": "窦性心律", "impression": "正常心电图"},
    "lab": {"interpretation": "结果正常"},
    "pathology": {"gross": "灰白组织一块", "microscopic": "未见癌", "diagnosis": "慢性炎"},
    "consultation": {"opinion": "同意当前诊断", "recommendation": "继续观察"},
}
"""A complete report of each centre."""


def resident_id(number: int, born: date = date(1961, 3, 5)) -> str:
    """A sound resident number of a man; each `number` gives another one."""
    first = f"320102{born:%Y%m%d}{number % 499 * 2 + 1:03d}"
    return first + CHECK_DIGITS[sum(int(d) * w for d, w in zip(first, WEIGHTS, strict=True)) % 11]


def patient_card(number: int = 1, member: str = "CLINIC1", name: str = "张伟", **changes: Any) -> Demographics:
    """A complete card; the member's own number is `P` and five digits."""
    own = Identifier(member, f"P{number:05d}")
    facts = {"birth_date": date(1961, 3, 5), "identifiers": (Identifier(RESIDENT_ID, resident_id(number)), own)}
    return Demographics(name, Sex.MALE, **(facts | changes))


CARD = {"PatientName": "Zhang^Wei=张^伟", "PatientBirthDate": "19610305", "PatientSex": "M"}
"""The person of the card as images state them."""


@dataclass
class Harness:
    """Every step goes through `perform`, as it does from the API."""

    application: SqlApplication
    clock: Clock
    people: dict[str, Person] = field(default_factory=lambda: {person.username: person for person in region.accounts()})
    _patients: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def do(self, username: str, use_case: Callable[..., Awaitable[Any]], *arguments: Any, **named: Any) -> Any:
        return await execution.execute(self.application, use_case, self.people[username], *arguments, **named)

    async def ask(self, username: str, query: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        return await execution.query(self.application, query, self.people[username], *arguments)

    async def draft(
        self,
        centre: str = "imaging",
        by: str = "clinic1",
        *,
        priority: Priority = Priority.ROUTINE,
        patient: Demographics | None = None,
        **request: Any,
    ) -> Case:
        card = patient or patient_card(next(self._patients), self.people[by].institution)
        form = REQUESTS[centre] | request
        made: Case = await self.do(by, case_request.create_case, centre, CaseKind.DIAGNOSIS, priority, card, form)
        return made

    async def requested(self, centre: str = "imaging", by: str = "clinic1", **more: Any) -> Case:
        case = await self.draft(centre, by, **more)
        submitted: Case = await self.do(by, case_request.submit_case, case.id)
        return submitted

    async def claimed(self, centre: str = "imaging", reader: str = "imaging.huba", **more: Any) -> Case:
        case = await self.requested(centre, **more)
        claimed: Case = await self.do(reader, reading.claim_case, case.id)
        return claimed

    async def written(self, centre: str = "imaging", reader: str = "imaging.huba", **more: Any) -> Case:
        case = await self.claimed(centre, reader, **more)
        await self.save(case.id, reader, SECTIONS[centre])
        return await self.case(case.id)

    async def at_main(self, **more: Any) -> Case:
        """A case with a complete draft by imaging.main; MAIN asks for two signatures."""
        case = await self.requested(**more)
        await self.do("imaging.huba", reading.decline_case, case.id, "无相应专业")
        await self.do("imaging.main", reading.claim_case, case.id)
        await self.save(case.id, "imaging.main", SECTIONS["imaging"])
        return await self.case(case.id)

    async def signed(self, centre: str = "imaging", reader: str = "imaging.huba", **more: Any) -> Case:
        """A completed case with a released report."""
        case = await self.written(centre, reader, **more)
        await self.sign(case.id, reader)
        return await self.case(case.id)

    async def save(self, case_id: str, reader: str, sections: Mapping[str, Any], if_match: str | None = "*") -> Report:
        report: Report = await self.do(reader, reporting.save_draft, case_id, sections, None, if_match)
        return report

    async def sign(self, case_id: str, reader: str) -> Report:
        return await signing.sign(self.application, self.people[reader], case_id, PASSWORD)

    async def review(self, case_id: str, reviewer: str = "imaging2.main") -> Report:
        return await signing.review(self.application, self.people[reviewer], case_id, PASSWORD)

    async def case(self, case_id: str) -> Case:
        """As it stands in the database."""
        async with self.application.reading() as work:
            case = await work.cases.get(case_id)
        assert case is not None
        return case

    async def versions(self, case_id: str) -> list[Report]:
        async with self.application.reading() as work:
            return await work.reports.versions(case_id)

    async def history(self, case_id: str) -> list[str]:
        """The actions of the case's history, oldest first."""
        return [line.action for line in await self.application.queries.history(case_id)]

    async def audited(self, action: str = "") -> list[tuple[str, str, str, str]]:
        """Action, actor, subject and outcome of audit records, oldest first."""
        lines = await self.application.queries.audit({"action": action}, None, 500)
        return [(line.action, line.actor, line.subject, line.outcome) for line in reversed(lines)]

    async def add_person(self, person: Person) -> str:
        """One more account; nobody knows its password."""
        self.people[person.username] = person
        async with self.application.engine.begin() as connection:
            await add_person(connection, person, "")
        return person.username

    async def put_service(self, service: HubService) -> None:
        """Change what a hub offers, and let the application know."""
        table = t.hub_service
        async with self.application.engine.begin() as connection:
            await connection.execute(sa.delete(table).where(table.c.hub == service.hub, table.c.centre == service.centre))
            await add_services(connection, [service])
        await self.application.refresh()
