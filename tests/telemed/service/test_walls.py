"""A walk at random through two members, three hubs and an operator: after each step nobody sees what they have no relation to."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dicom_gateway import Intake, Source
from dicom_gateway.index import dicom_study
from storage import open_store
from telemed.adapters.database.confidential import Sealer
from telemed.adapters.database.engine import make_engine
from telemed.adapters.dicom.study_access import study_scope
from telemed.domain.case import Case
from telemed.domain.errors import DomainError
from telemed.domain.evidence import Evidence, EvidenceType
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, may
from telemed.service import case_reading as reading
from telemed.service import case_request, criticals, evidence, patients, routing
from telemed.service.access import case_for
from telemed.service.case_view import view_case
from telemed.service.identity import new_id
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.queries import CaseFilter
from telemed.web.feed import may_hear
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.patience import TIMES
from tests.telemed.conftest import open_office
from tests.telemed.harness import SECTIONS, Harness, patient_card
from tests.telemed.moments import Clock

T = TypeVar("T")
MEMBERS, HUBS = ("clinic1", "clinic2"), ("HUBA", "HUBB", "MAIN")
NAMES = ("甲甲甲", "乙乙乙")
UIDS = tuple(f"1.2.826.0.1.3680043.10.7.{number}" for number in (1, 2))
"""Few of each, so that members share patients, and borrow each other's UIDs."""
WATCHERS = (
    "clinic1", "clinic2", "clinic3", "imaging.huba", "ecg.huba", "imaging.hubb", "imaging.main", "imaging2.main",
    "operator", "auditor", "sysadmin",
)  # fmt: skip
ASKED = (Action.EVIDENCE_READ, Action.REPORT_READ, Action.REPORT_READ_DRAFT, Action.CRITICAL_TELL)
REASON = "无相应专业"
MAX_CASES = 6


@dataclass
class Told:
    """What is known of a case from the steps taken: whose it is, of which patient, who has it, and who ever had."""

    id: str
    member: str
    record: str
    name: str
    draft: bool = True
    hub: str | None = None
    kept: set[str] = field(default_factory=set)
    ever: set[str] = field(default_factory=set)

    def relation(self, person: Person, *, now: bool = False) -> Relation:
        if person.institution == self.member:
            return Relation.OWN
        at_hub = person.institution == self.hub or (person.institution in self.kept and not now)
        return Relation.ROUTED if "imaging" in person.centres and not self.draft and at_hub else Relation.FOREIGN


class Walk(RuleBasedStateMachine):
    """Members and hubs at work. `database`, `keys` and `printers` are given by the test."""

    database: Path
    keys: Path
    printers: Executor

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.told: dict[str, Told] = {}
        self.records: dict[str, str] = {}
        self.joined: set[str] = set()
        self.operator_joined = False
        self.changed: set[str] = set()
        self.heard = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(joiner=st.sampled_from(MEMBERS))
    def begin(self, joiner: str) -> None:
        """Two patients who are known to both members, each with a case; three of the cases are at HUBA; one member takes them for one."""
        self.run(self._begin())
        for place, (member, who) in enumerate((member, who) for member in MEMBERS for who in (0, 1)):
            self.make(member, who, unnumbered=False)
            if place < 3:
                self.submit(place)
        self.merge_own(joiner, 0)

    async def _begin(self) -> None:
        folder = Path(self.folder.name)
        shutil.copyfile(self.database, folder / "telemed.db")
        self.engine = make_engine(f"sqlite:///{folder}/telemed.db", sealer=Sealer.of(self.keys / "identity.key"))
        self.store = open_store((folder / "objects").as_uri())
        clock = Clock()
        self.application = await open_office(self.engine, self.store, self.keys, self.printers, clock)
        self.harness = Harness(self.application, clock)
        self.intake = Intake(self.engine, self.store)

    def teardown(self) -> None:
        async def end() -> None:
            await self.intake.close()
            await self.store.close()
            await self.engine.dispose()

        if hasattr(self, "intake"):
            self.run(end())
        self.runner.close()
        self.folder.cleanup()

    def step(self, by: str, use_case: Callable[..., Awaitable[Any]], *arguments: Any, **named: Any) -> Any:
        """One use case; None where it is refused."""

        async def act() -> Any:
            with suppress(DomainError):
                return await self.harness.do(by, use_case, *arguments, **named)
            return None

        return self.run(act())

    def case(self, place: int) -> Told:
        return list(self.told.values())[place % len(self.told)]

    def went(self, known: Told, case: Case | None) -> None:
        """What a step did to where the case is."""
        self.changed.add(known.id)
        if case is not None:
            known.draft, known.hub = case.status == "draft", case.hub
            known.ever |= {case.hub} if case.hub else set()

    places = st.integers(0, 5)
    hubs = st.sampled_from(HUBS)

    @rule(member=st.sampled_from(MEMBERS), who=st.sampled_from((0, 1)), unnumbered=st.booleans())
    def make(self, member: str, who: int, unnumbered: bool) -> None:
        if len(self.told) >= MAX_CASES:
            return
        code = self.harness.people[member].institution
        card = patient_card(who + 1, code, NAMES[who], **({"identifiers": ()} if unnumbered else {}))
        case = self.run(self.harness.draft(by=member, patient=card))
        self.told[case.id] = Told(case.id, code, case.patient.id, NAMES[who])
        self.records[case.patient.id] = code
        self.changed.add(case.id)

    @rule(place=places)
    def submit(self, place: int) -> None:
        known = self.case(place)
        self.went(known, self.step(known.member.lower(), case_request.submit_case, known.id))

    @rule(place=places, hub=hubs, name=st.sampled_from(("claim", "decline", "escalate", "return", "release")))
    def read(self, place: int, hub: str, name: str) -> None:
        """A reader of some hub, which may have the case or not."""
        known, by = self.case(place), f"imaging.{hub.lower()}"
        step: dict[str, Callable[..., Awaitable[Any]]] = {
            "claim": reading.claim_case,
            "release": reading.release_case,
            "decline": reading.decline_case,
            "escalate": reading.escalate_case,
            "return": reading.return_case,
        }
        left = known.hub
        case = self.step(by, step[name], known.id, *([REASON] if name in ("decline", "escalate", "return") else []))
        if case is not None and name == "escalate" and left and case.hub != left:
            known.kept.add(left)
        self.went(known, case)

    @rule(place=places, hub=hubs)
    def offer_on(self, place: int, hub: str) -> None:
        known = self.case(place)
        self.went(known, self.step("operator", routing.offer_by_operator, known.id, hub, REASON))

    @rule(place=places, hub=hubs)
    def sign(self, place: int, hub: str) -> None:
        known, by = self.case(place), f"imaging.{hub.lower()}"

        async def written() -> Case | None:
            with suppress(DomainError):
                await self.harness.do(by, reading.claim_case, known.id)
                await self.harness.do(by, criticals.declare_critical, known.id, "脑出血")
                await self.harness.save(known.id, by, SECTIONS["imaging"])
                await self.harness.sign(known.id, by)
            return await self.harness.case(known.id)

        self.went(known, self.run(written()))

    @rule(place=places, by=st.sampled_from((*MEMBERS, "imaging.huba", "imaging.main")), attaching=st.booleans())
    def attach_or_cancel(self, place: int, by: str, attaching: bool) -> None:
        known, now = self.case(place), self.application.now()
        if attaching:
            paper = Evidence(new_id(), known.id, EvidenceType.DOCUMENT, "a.pdf", by, now, sha256="ab")
            self.step(by, evidence.attach, known.id, paper)
        else:
            self.went(known, self.step(by, case_request.cancel_case, known.id, REASON))
        self.changed.add(known.id)

    @rule(place=places, member=st.sampled_from(MEMBERS), uid=st.sampled_from(UIDS), away=st.booleans())
    def send_and_link(self, place: int, member: str, uid: str, away: bool) -> None:
        """A member's device sends a study; the operator tries to link it to some case, and perhaps takes it away again."""
        code, known = self.harness.people[member].institution, self.case(place)
        image = ct_slice(StudyInstanceUID=uid, AccessionNumber="", PatientID="")
        assert self.run(self.intake.receive(part10_of(image), code, Source("dimse"))).status == 0
        self.step("operator", evidence.link_by_hand, known.id, code, uid, REASON)
        if away:
            self.step("operator", evidence.unlink_study, known.id, code, uid, REASON)
        self.changed.add(known.id)

    @rule(member=st.sampled_from(MEMBERS), kept=places)
    def merge_own(self, member: str, kept: int) -> None:
        """One of the member's records, and the next."""
        own = [record for record, code in self.records.items() if code == member.upper()]
        if self.step(member, patients.merge_patients, own[kept % len(own)], own[(kept + 1) % len(own)], REASON) is not None:
            self.joined.add(member.upper())

    @rule(by=st.sampled_from((*MEMBERS, "operator")), kept=places, joined=places)
    def merge_any(self, by: str, kept: int, joined: int) -> None:
        """Also records of others; the operator's word makes everything one that it says, so it comes late."""
        records = list(self.records)
        if by == "operator" and len(self.told) < MAX_CASES:
            return
        if self.step(by, patients.merge_patients, records[kept % len(records)], records[joined % len(records)], REASON) is not None:
            self.operator_joined |= by == "operator"
            self.joined |= {by.upper()}

    @rule(by=st.sampled_from((*MEMBERS, "operator")), record=places)
    def split(self, by: str, record: int) -> None:
        self.step(by, patients.split_patient, list(self.records)[record % len(self.records)], REASON)

    @invariant()
    def everybody_sees_what_is_theirs(self) -> None:
        if hasattr(self, "application"):
            assert self.run(self._holes()) == []
            self.changed.clear()

    async def _holes(self) -> list[tuple[str, str, str]]:
        holes: list[tuple[str, str, str]] = []
        self.news = await self.application.queries.history_since(self.heard, 500)
        self.heard = max([self.heard, *(line.id for line in self.news)])
        async with self.application.reading() as work:
            for watcher in WATCHERS:
                person = self.harness.people[watcher]
                holes += [(watcher, *hole) for hole in await self._at_cases(work, person)]
                holes += [(watcher, *hole) for hole in await self._at_patients(work, person)]
                holes += [(watcher, *hole) for hole in await self._in_lists(person)]
        for watcher in WATCHERS:
            holes += [(watcher, *hole) for hole in await self._at_studies(self.harness.people[watcher])]
        return holes

    async def _at_cases(self, work: UnitOfWork, person: Person) -> list[tuple[str, str]]:
        """Case, evidence and reports of each case that the last step touched: given exactly where the policy gives them."""
        wrong = []
        for case_id in self.changed:
            relation = self.told[case_id].relation(person)
            if await allowed(view_case(work, person, case_id)) is not self.reads(person, self.told[case_id]):
                wrong.append(("case", case_id))
            given = {action: await allowed(case_for(work, person, case_id, action)) for action in ASKED}
            wrong += [(action.value, case_id) for action, seen in given.items() if seen is not may(person, action, relation)]
        return wrong

    async def _at_patients(self, work: UnitOfWork, person: Person) -> list[tuple[str, str]]:
        own = [record for record, member in self.records.items() if member == person.institution]
        operator = person.username == "operator"
        given = {record: await allowed(patients.record_of(work, person, record)) for record in self.records}
        wrong = [("patient", record) for record, seen in given.items() if seen is not (operator or record in own)]
        if may(person, Action.PATIENT_MERGE) and not operator:
            shown = [r for d in await self.application.queries.duplicate_candidates(person, 50) for r in (d.first, d.second)]
            shown += [r for m in await self.application.queries.merged(person, 50) for r in (m.record, m.kept)]
            wrong += [("doubt", record.id) for record in shown if record.member != person.institution]
        return wrong

    async def _in_lists(self, person: Person) -> list[tuple[str, str]]:
        queries, wrong = self.application.queries, []
        seen = {id_ for id_, known in self.told.items() if self.reads(person, known)}
        lines = [line for line in self.news if may_hear(person, line)]
        foreign = [line.case_id for line in lines if not self.may_have_heard(person, self.told[line.case_id])]
        wrong += [("feed", case_id) for case_id in foreign]
        if not (may(person, Action.CASE_READ) or may(person, Action.CASE_READ_METADATA)):
            return wrong
        for question in ("", NAMES[0]):
            page = await queries.cases(person, CaseFilter(q=question), None, 200)
            wrong += [("list", case.id) for case in page.cases if case.id not in seen]
        wrong += [("notice", notice.case.id) for notice in await queries.notices(person, None, 200) if notice.case.id not in seen]
        for case_id in seen if may(person, Action.CASE_READ) else ():
            case = await self.harness.case(case_id)
            looking_back = case.is_held_by(person.username)
            for prior in await queries.priors(person, case):
                if prior.case.id not in seen and (not looking_back or prior.openable or self.told[prior.case.id].draft):
                    wrong.append(("prior", prior.case.id))
                elif not self.one_person(self.told[case_id], self.told[prior.case.id]):
                    wrong.append(("another patient", prior.case.id))
        return wrong

    def reads(self, person: Person, known: Told) -> bool:
        relation = known.relation(person)
        return may(person, Action.CASE_READ, relation) or may(person, Action.CASE_READ_METADATA, relation)

    def may_have_heard(self, person: Person, known: Told) -> bool:
        """A line goes to who had the case when it was written."""
        involved = person.institution == known.member or ("imaging" in person.centres and person.institution in known.ever)
        return (involved and may(person, Action.CASE_READ)) or may(person, Action.CASE_READ_METADATA, Relation.FOREIGN)

    def one_person(self, case: Told, prior: Told) -> bool:
        """By name, or by the word of the operator, or of the one member whose both records are."""
        return case.name == prior.name or self.operator_joined or (case.member == prior.member and case.member in self.joined)

    async def _at_studies(self, person: Person) -> list[tuple[str, str]]:
        """What a member sent, or what is evidence of a case that one may read; of the right owner, whoever else has its UID."""
        try:
            scope = study_scope(person, "retrieve")
        except DomainError:
            return []
        async with self.engine.connect() as connection:
            rows = (await connection.execute(sa.select(dicom_study.c.owner, dicom_study.c.study_instance_uid).where(scope.studies))).all()
        shown = set()
        cases = {id_: await self.harness.case(id_) for id_ in self.told}
        held = [self.told[id_] for id_, case in cases.items() if case.is_held_by(person.username)]
        async with self.application.reading() as work:
            for known in self.told.values():
                earlier = cases[known.id].status == "completed" and any(self.one_person(mine, known) for mine in held)
                if earlier or may(person, Action.EVIDENCE_READ, known.relation(person)):
                    shown |= {(known.member, e.study_instance_uid) for e in await work.evidence.of_case(known.id)}
        foreign = [(owner, uid) for owner, uid in rows if owner != person.institution]
        return [("study", f"{owner} {uid}") for owner, uid in foreign if (owner, uid) not in shown]


async def allowed(look: Awaitable[Any]) -> bool:
    try:
        await look
    except DomainError:
        return False
    return True


async def test_nobody_comes_through_a_wall(region_database: Path, keys: Path, printers: Executor) -> None:
    """The same walks each time, more and longer ones where `TELEMED_FUZZ` asks for them."""
    walk = type("WalkHere", (Walk,), {"database": region_database, "keys": keys, "printers": printers})
    bounds = settings(
        max_examples=max(5, TIMES), stateful_step_count=14 if TIMES == 1 else 40, deadline=None, derandomize=TIMES == 1,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    await asyncio.to_thread(run_state_machine_as_test, walk, settings=bounds)
