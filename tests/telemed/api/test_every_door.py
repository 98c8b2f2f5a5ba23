"""Every door shows what the policy table gives and nothing else: HTTP, DICOMweb, workitems, the live feed, DIMSE; for everybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID, CTImageStorage, generate_uid
from pynetdicom import build_role, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # made at run time
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from dicom_gateway.dimse import DimseServer
from telemed.adapters.database import tables as t
from telemed.bootstrap import study_watch
from telemed.demo.region import accounts
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, relations
from telemed.roles.gateway import open_dimse
from telemed.web.api import events
from telemed.web.workitems import workitem_uid
from tests.demo_region import DemoRegion, free_port
from tests.dicom_gateway.devices import WORKLIST, keys_of, with_association
from tests.dicom_gateway.objects import ct_slice, part10_of
from tests.telemed.api.stories import Story, done, file_form
from tests.telemed.harness import resident_id

PEOPLE = {person.username: person for person in accounts()}
NOBODY = ""
EVERYBODY = [*PEOPLE, NOBODY]
INSTITUTIONS = ("CLINIC1", "CLINIC2", "CLINIC3", "HUBA", "HUBB", "MAIN")
FIND, GET, MOVE = (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)
UNKNOWN_DESTINATION = 0xA801
ARCHIVE = "DOORPACS"
PAPER = b"%PDF-1.7\nscanned request\n"


@dataclass
class Known(Story):
    """An imaging case, with what one may ask for it by. `hub` has it now, `kept` are hubs that asked further up."""

    member: str = ""
    name: str = ""
    number: str = ""
    resident: str = ""
    accession: str = ""
    instance_uid: str = ""
    hub: str = ""
    kept: frozenset[str] = frozenset()
    draft: bool = False
    first_event: int = 0

    def relation(self, person: Person, *, now: bool = False) -> Relation:
        """As the policy names it; `now`: a hub that only keeps the case open does not count."""
        if person.institution == self.member:
            return Relation.OWN
        hubs = {self.hub} if now else {self.hub, *self.kept}
        reads = "imaging" in person.centres and not self.draft and person.institution in hubs
        return Relation.ROUTED if reads else Relation.FOREIGN


async def made(region: DemoRegion, place: int, member: str) -> Known:
    """A draft with a paper and a study of one image, and patient's numbers of its own."""
    name, number, resident = f"门{'甲乙丙丁戊'[place]}某", f"DOOR{place}", resident_id(400 + place)
    identifiers = [{"system": "resident-id", "value": resident}, {"system": member, "value": number}]
    patient = {"name": name, "sex": "male", "birth_date": "1961-03-05", "identifiers": identifiers}
    request = {"modality": "CT", "body_part": "HEAD", "reason": "头痛三天"}
    body = {"centre": "imaging", "patient": patient, "request": request}
    case = await done(await region.call("POST", "/api/v1/cases", body, user=member.lower()))
    found = Known(region, case["id"], member=member, name=name, number=number, resident=resident, accession=case["accession_number"])
    lines = (await region.call("GET", f"{found.url}/events", user=member.lower())).body["items"]
    found.first_event = lines[0]["id"]
    found.draft = True
    image = ct_slice(StudyInstanceUID=generate_uid(), AccessionNumber="", PatientName=name, PatientID=number)
    found.study_uid, found.instance_uid = str(image.StudyInstanceUID), str(image.SOPInstanceUID)
    for content in (PAPER, part10_of(image)):
        sent = await done(await region.call("POST", f"{found.url}/files", data=file_form(content), user=member.lower()))
        found.evidence_id = found.evidence_id or sent["items"][0]["id"]
    return found


@dataclass
class Doors:
    """The region with its DIMSE door, and the cases that everybody asks for: by name, each in another relation to everybody."""

    region: DemoRegion
    port: int = 0
    cases: dict[str, Known] = field(default_factory=dict)
    target: Known | None = None
    """One more, whose UIDs others store under."""

    def aimed_at(self) -> Known:
        assert self.target is not None
        return self.target

    async def get(self, path: str, user: str, **headers: str) -> tuple[int, Any]:
        answer = await self.region.call("GET", path, user=user, headers=headers or None)
        return answer.status, answer.body


@pytest.fixture(scope="module")
async def doors(region: DemoRegion) -> AsyncIterator[Doors]:
    draft, waiting, further, elsewhere, target = [
        await made(region, place, member) for place, member in enumerate(("CLINIC1", "CLINIC1", "CLINIC2", "CLINIC3", "CLINIC1"))
    ]
    for story in (waiting, further, elsewhere, target):
        story.hub = (await story.step(story.member.lower(), "submit"))["hub"]
        story.draft = False
    await further.step("imaging." + further.hub.lower(), "escalate", {"reason": "请上级会诊"})
    further.kept, further.hub = frozenset({further.hub}), "MAIN"
    assert (waiting.hub, further.kept, elsewhere.hub) == ("HUBA", {"HUBA"}, "HUBB")
    row = {"title": ARCHIVE, "institution": "CLINIC1", "host": "127.0.0.1", "port": 1, "uses": frozenset({"store", "query"})}
    async with region.parts.application.engine.begin() as connection:
        await connection.execute(t.application_entity.insert().values(row))
    await region.parts.application.refresh()
    settings = region.parts.settings.model_copy(update={"dicom_port": free_port()})
    parts = region.parts
    server: DimseServer = await open_dimse(settings, parts.application, parts.index, parts.store, parts.intake, study_watch(parts))
    yield Doors(region, settings.dicom_port, {"draft": draft, "waiting": waiting, "further": further, "elsewhere": elsewhere}, target)
    await server.close()
    async with region.parts.application.engine.begin() as connection:  # other tests are about a member without a PACS
        await connection.execute(t.application_entity.delete().where(t.application_entity.c.title == ARCHIVE))
    await region.parts.application.refresh()


Look = Callable[[Doors, Known, str], Awaitable[bool]]
"""Whether the person is shown this case, or what hangs on it, at a door."""


async def in_list(doors: Doors, story: Known, user: str, question: str = "limit=200") -> bool:
    status, body = await doors.get(f"/api/v1/cases?{question}", user)
    return status == 200 and story.case_id in [item["id"] for item in body["items"]]


def by(attribute: str) -> Look:
    async def look(doors: Doors, story: Known, user: str) -> bool:
        return await in_list(doors, story, user, f"limit=200&q={getattr(story, attribute)}")

    return look


def at(path: str) -> Look:
    """Answered with 200; or refused, without a word of the patient."""

    async def look(doors: Doors, story: Known, user: str) -> bool:
        filled = path.format(case=story.case_id, paper=story.evidence_id, study=story.study_uid, item=workitem_uid(story.case_id))
        status, body = await doors.get(filled, user)
        assert status in (200, 401, 403, 404), (filled, status)
        assert status == 200 or story.name not in str(body)
        return status == 200

    return look


def found_at(path: str, tag: str, wanted: Callable[[Known], str]) -> Look:
    """In the answer to a search."""

    async def look(doors: Doors, story: Known, user: str) -> bool:
        status, body = await doors.get(path.format(study=story.study_uid, number=story.number), user, Accept="application/dicom+json")
        assert status in (200, 204, 400, 401, 403), (path, status)
        return status == 200 and wanted(story) in [each[tag]["Value"][0] for each in body or []]

    return look


async def heard(doors: Doors, story: Known, user: str) -> bool:
    """Said on the live feed: all that happened since the case was made, up to the first pause."""
    if not user:
        return (await doors.get("/api/v1/events", user))[0] == 200
    headers = {"Authorization": f"Bearer {await doors.region.token(user)}", "Last-Event-ID": str(story.first_event - 1)}
    said = b""
    async with doors.region.http.get("/api/v1/events", headers=headers) as stream:
        async for line in stream.content:
            if line == b": \n":
                break
            said += line
    return story.case_id.encode() in said


async def counted(doors: Doors, story: Known, user: str) -> bool:
    """The member has a line of its own in the figures."""
    status, body = await doors.get("/api/v1/statistics/monthly?month=2026-11", user)
    assert status in (200, 401, 403)
    return status == 200 and story.member in str(body)


READ, METADATA = Action.CASE_READ, Action.CASE_READ_METADATA
HTTP: dict[str, tuple[Look, frozenset[Action], bool]] = {
    "the list": (in_list, frozenset({READ, METADATA}), True),
    "search by accession number": (by("accession"), frozenset({READ, METADATA}), False),
    "search by name": (by("name"), frozenset({READ}), False),
    "search by the member's number": (by("number"), frozenset({READ}), False),
    "search by resident number": (by("resident"), frozenset({READ}), False),
    "the case": (at("/api/v1/cases/{case}"), frozenset({READ, METADATA}), False),
    "its evidence": (at("/api/v1/cases/{case}/evidence"), frozenset({READ, METADATA}), False),
    "its page": (at("/cases/{case}"), frozenset({READ, METADATA}), False),
    "a file": (at("/api/v1/cases/{case}/evidence/{paper}/content"), frozenset({Action.EVIDENCE_READ}), False),
    "WADO-RS metadata": (at("/dicomweb/studies/{study}/metadata"), frozenset({Action.EVIDENCE_READ}), False),
    "WADO-RS rendered": (at("/dicomweb/studies/{study}/rendered"), frozenset({Action.EVIDENCE_READ}), False),
    "a workitem": (at("/dicomweb/workitems/{item}"), frozenset({READ}), False),
    "workitems": (found_at("/dicomweb/workitems?limit=200", "00080018", lambda s: workitem_uid(s.case_id)), frozenset({READ, METADATA}), True),
    "QIDO-RS by UID": (
        found_at("/dicomweb/studies?StudyInstanceUID={study}", "0020000D", lambda s: s.study_uid),
        frozenset({Action.EVIDENCE_READ, METADATA}), False,
    ),
    "QIDO-RS by patient": (
        found_at("/dicomweb/studies?PatientID={number}", "0020000D", lambda s: s.study_uid),
        frozenset({Action.EVIDENCE_READ}), False,
    ),
    "QIDO-RS series": (
        found_at("/dicomweb/series?StudyInstanceUID={study}", "0020000D", lambda s: s.study_uid),
        frozenset({Action.EVIDENCE_READ, METADATA}), False,
    ),
    "QIDO-RS instances": (
        found_at("/dicomweb/instances?StudyInstanceUID={study}", "00080018", lambda s: s.instance_uid),
        frozenset({Action.EVIDENCE_READ, METADATA}), False,
    ),
    "the live feed": (heard, frozenset({READ, METADATA}), False),
}  # fmt: skip
"""Each door: how one looks, which actions of the policy open it, and whether a hub that only keeps the case open is left out."""

BY_ADDRESS = frozenset({"the case", "its evidence", "its page", "QIDO-RS by UID", "QIDO-RS series", "QIDO-RS instances"})
"""Here the operator comes to drafts as well: a study that looks for its case may belong to one. No list shows them."""
WORKITEMS = frozenset({"a workitem", "workitems"})
"""A draft is no work yet, for nobody."""


def expected(door: str, story: Known, user: str) -> bool:
    _, actions, now = HTTP[door]
    if user == NOBODY:
        return False
    person = PEOPLE[user]
    relation = story.relation(person, now=now)
    allowed = frozenset[Relation]().union(*(relations(person, action) for action in actions))
    if story.draft and (door in WORKITEMS or (relation is Relation.FOREIGN and door not in BY_ADDRESS)):
        return False
    return relation in allowed


@pytest.mark.parametrize("door", HTTP)
async def test_what_is_seen_is_what_the_policy_gives(doors: Doors, door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_SECONDS", 1)
    holes, missing = [], []
    for user in filter(None, EVERYBODY):
        await doors.region.token(user)
    for name, story in doors.cases.items():
        shown = await asyncio.gather(*(HTTP[door][0](doors, story, user) for user in EVERYBODY))
        for user, seen in zip(EVERYBODY, shown, strict=True):
            right = expected(door, story, user)
            if seen and not right:
                holes.append((user or "nobody", name))
            if right and not seen:
                missing.append((user, name))
    assert holes == []
    assert missing == []


async def test_figures_are_of_members_that_one_may_know_of(doors: Doors) -> None:
    """A member's own; a hub's: of the members that may ask it."""
    below = {"HUBA": {"CLINIC1", "CLINIC2"}, "HUBB": {"CLINIC3"}, "MAIN": {"CLINIC1", "CLINIC2", "CLINIC3"}}
    wrong = []
    for user in EVERYBODY:
        for story in doors.cases.values():
            person = PEOPLE.get(user)
            allowed = relations(person, Action.STATISTICS_READ) if person else frozenset()
            right = bool(person) and (
                Relation.FOREIGN in allowed
                or (Relation.OWN in allowed and person.institution == story.member)
                or (Relation.ROUTED in allowed and story.member in below.get(person.institution, set()))
            )
            if await counted(doors, story, user) is not right:
                wrong.append((user, story.member))
    assert wrong == []


async def test_who_stores_stores_as_themselves(doors: Doors) -> None:
    """STOW-RS under somebody else's UIDs: refused, or kept as the sender's own; the owner's study is what it was."""
    story = doors.aimed_at()
    whole = f"/dicomweb/studies/{story.study_uid}/instances"
    before = (await doors.get(whole, story.member.lower()))[1]
    wrong = []
    for user in EVERYBODY:
        if user == story.member.lower():
            continue
        with aiohttp.MultipartWriter("related") as parts:
            image = ct_slice(StudyInstanceUID=story.study_uid, SOPInstanceUID=story.instance_uid, PatientName="借")
            parts.append(part10_of(image), {"Content-Type": "application/dicom"})
        headers = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={parts.boundary}'}
        answer = await doors.region.call("POST", "/dicomweb/studies", data=parts, user=user, headers=headers)
        allowed = user != NOBODY and bool(relations(PEOPLE[user], Action.EVIDENCE_STORE))
        if (answer.status in (200, 202)) is not allowed:
            wrong.append((user, answer.status))
    assert wrong == []
    assert (await doors.get(whole, story.member.lower()))[1] == before
    status, seen = await doors.get(whole, "imaging.huba")
    assert (status, seen) == (200, before)


async def asked(doors: Doors, title: str, classes: list[UID], use: Callable[[Association], Any], **options: Any) -> Any:
    return await with_association(doors.port, title, classes, use, ae_title="TELEMED", **options)


async def c_find(doors: Doors, title: str, story: Known, level: str) -> bool:
    keys = keys_of(QueryRetrieveLevel=level, StudyInstanceUID=story.study_uid, PatientID="")

    def use(association: Association) -> bool:
        answers = list(association.send_c_find(keys, FIND))
        return any(identifier is not None for _, identifier in answers)

    return bool(await asked(doors, title, [FIND], use))


async def c_get(doors: Doors, title: str, story: Known) -> bool:
    came: list[str] = []

    def use(association: Association) -> bool:
        for _ in association.send_c_get(keys_of(QueryRetrieveLevel="STUDY", StudyInstanceUID=story.study_uid), GET):
            pass
        return bool(came)

    def store(event: Any) -> int:
        came.append(str(event.request.AffectedSOPInstanceUID))
        return 0

    options = {"ext_neg": [build_role(CTImageStorage, scp_role=True)], "evt_handlers": [(evt.EVT_C_STORE, store)]}
    return bool(await asked(doors, title, [GET, CTImageStorage], use, **options))


async def c_move(doors: Doors, title: str, story: Known) -> bool:
    """To an archive of CLINIC1: whether the door would send there at all."""
    keys = keys_of(QueryRetrieveLevel="STUDY", StudyInstanceUID=story.study_uid)

    def use(association: Association) -> bool:
        return [status.Status for status, _ in association.send_c_move(keys, ARCHIVE, MOVE)][-1] != UNKNOWN_DESTINATION

    return bool(await asked(doors, title, [MOVE], use))


DIMSE: dict[str, Callable[[Doors, str, Known], Awaitable[bool]]] = {
    "C-FIND study": lambda doors, title, story: c_find(doors, title, story, "STUDY"),
    "C-FIND series": lambda doors, title, story: c_find(doors, title, story, "SERIES"),
    "C-GET": c_get,
}


@pytest.mark.parametrize("door", DIMSE)
async def test_a_device_finds_what_its_institution_sent_or_reads_now(doors: Doors, door: str) -> None:
    wrong = []
    for title in INSTITUTIONS:
        for name, story in doors.cases.items():
            right = title == story.member or (not story.draft and title == story.hub)
            if await DIMSE[door](doors, title, story) is not right:
                wrong.append((title, name, right))
    assert wrong == []


async def test_nobody_calls_as_the_operator(doors: Doors) -> None:
    """Who has no devices has no title that calls: there is no association, and so no door behind it."""
    with pytest.raises(AssertionError):
        await asked(doors, "NETWORK", [FIND], lambda association: association)


async def test_nothing_is_sent_to_the_device_of_another_institution(doors: Doors) -> None:
    story = doors.cases["waiting"]
    assert [title for title in INSTITUTIONS if await c_move(doors, title, story)] == ["CLINIC1"]


async def test_what_a_device_stores_is_its_own_institutions(doors: Doors) -> None:
    """C-STORE under UIDs of another member: taken as the sender's, and nobody else's study has changed."""
    story = doors.aimed_at()
    whole = f"/dicomweb/studies/{story.study_uid}/instances"
    before = (await doors.get(whole, story.member.lower()))[1]
    image = ct_slice(StudyInstanceUID=story.study_uid, SOPInstanceUID=generate_uid(), PatientName="借")
    part10_of(image)

    def use(association: Association) -> Dataset:
        return association.send_c_store(image)

    for title in INSTITUTIONS:
        if title != story.member:
            await asked(doors, title, [CTImageStorage], use)
    for user in (story.member.lower(), "imaging.huba"):
        assert (await doors.get(whole, user))[1] == before, user


async def test_a_worklist_is_its_institutions(doors: Doors) -> None:
    """Also where it is asked for by number."""
    region = doors.region
    body = {"centre": "imaging", "patient": {"name": "门己某"}, "request": {"modality": "CT", "body_part": "HEAD", "reason": "头痛"}}
    case = await done(await region.call("POST", "/api/v1/cases", body, user="clinic1"))
    await done(await region.step(case["id"], "submit", user="clinic1"))

    def use(association: Association) -> bool:
        keys = keys_of(PatientName="", AccessionNumber=case["accession_number"], ScheduledProcedureStepSequence=[])
        return any(identifier is not None for _, identifier in association.send_c_find(keys, WORKLIST))

    assert [title for title in INSTITUTIONS if await asked(doors, title, [WORKLIST], use)] == ["CLINIC1"]
