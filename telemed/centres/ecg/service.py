"""Use cases of tracings: read by the platform itself, seen by whom the policy lets, edited by readers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from telemed.centres.ecg.domain import TRACINGS, EcgEvent, EcgJob, Edit, EditKind, Tracing, TracingKind
from telemed.centres.ecg.ports import EcgRules, Tracings
from telemed.domain.case import Case, CaseStatus
from telemed.domain.errors import FieldError, Invalid, InvalidTransition, NotFound
from telemed.domain.identity_of_evidence import StatedIdentity
from telemed.domain.patient import Identifier, Sex
from telemed.domain.people import Person
from telemed.domain.policy import Action
from telemed.domain.texts import visible
from telemed.service.access import case_for, case_to_look_back_at
from telemed.service.application import Application
from telemed.service.criticals import open_detected
from telemed.service.device_orders import device_person, open_request
from telemed.service.evidence_identity import compare_identities
from telemed.service.patients import Demographics
from telemed.service.ports.studies import StudyFacts
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.reporting import draft_held_by

ANALYST = "ecg-analysis"
"""Who stands in the history for what the analysis found."""

CODE = "ecg"
"""The centre's code."""

CART = "ecg-cart"
"""Who stands in the history for what a cart did."""

REASON = "心电图机自动上传"
"""The request's reason, in the language of the region's own texts."""

MAX_EDITS = 5000
BEAT_CLASSES = frozenset("NSVFQ")
"""AAMI EC57 classes that a reader may give."""
LONGEST_STRIP = 60.0
MAX_STRIPS = 40
"""Strips that go into one report."""

CLOSED = frozenset({CaseStatus.DRAFT, CaseStatus.CANCELLED, CaseStatus.COMPLETED})
"""Nobody reads the case now: what was found waits for its being sent, or comes too late."""


async def keep_reading(work: UnitOfWork, tracing: Tracing) -> bool:
    """A recording was read. Critical findings open the loop at once. False where it was known already."""
    case = await work.cases.get(tracing.case_id)
    if case is None or not await work.repository(Tracings).add(tracing):
        return False
    work.outbox.event(case, EcgEvent.READ, ANALYST, {"tracing": tracing.id, "kind": tracing.kind.value, "name": tracing.reason})
    await compare_identities(work, case)
    await _open_hits(work, case)
    return True


async def stated_identities(work: UnitOfWork, case: Case) -> dict[str, list[StatedIdentity]]:
    """Return by evidence the patients that the case's recordings state; an age is that of the recording's day."""
    found: dict[str, list[StatedIdentity]] = {}
    for tracing in await work.repository(Tracings).of_cases([case.id]):
        patient: Mapping[str, Any] = tracing.proposal.get("patient") or {}
        name, sex, born, number = (str(patient.get(each) or "") for each in ("name", "sex", "birth_date", "id"))
        age, day = patient.get("age_years"), tracing.started_at.date().isoformat() if tracing.started_at else ""
        found.setdefault(tracing.evidence_id, []).append(StatedIdentity(name, sex, born, number, age, day))
    return found


async def on_submit(work: UnitOfWork, case: Case) -> None:
    """Have the case's tracings looked at for critical findings, now that it has a hub."""
    work.outbox.job(EcgJob.OPEN_DETECTED_CRITICALS, {"case_id": case.id}, key=f"found:{case.id}")


async def prefill(work: UnitOfWork, case: Case) -> dict[str, float]:
    """Return the measurements of the case's newest readable recording by their names in the `ecg` library."""
    readable = [tracing for tracing in await work.repository(Tracings).of_cases([case.id]) if tracing.readable]
    measured: Mapping[str, float | None] = readable[-1].proposal.get("measurements", {}) if readable else {}
    return {name: value for name, value in measured.items() if value is not None}


async def stated(work: UnitOfWork, case: Case) -> frozenset[str]:
    """Return the codes that the analysis states of the case's newest readable recording."""
    readable = [tracing for tracing in await work.repository(Tracings).of_cases([case.id]) if tracing.readable]
    statements: Iterable[Mapping[str, Any]] = readable[-1].proposal.get("statements", ()) if readable else ()
    return frozenset(str(statement["code"]) for statement in statements)


def cart_of(member: str) -> Person:
    """Return the member's carts as one who may make its requests."""
    return device_person(CART, member, CODE)


async def open_cart_request(
    work: UnitOfWork, member: str, demographics: Demographics, accession_number: str = "", recording: str = "resting"
) -> Case | None:
    """Open a request for a recording in the member's name."""
    request = {"reason": REASON, "recording": recording}
    return await open_request(work, cart_of(member), demographics, request, accession_number)


async def on_unmatched_study(work: UnitOfWork, study: StudyFacts) -> tuple[Case, str] | None:
    """Open a case for a tracing that has none, if the member's rule says that each of its ECGs is a request."""
    if study.modality not in TRACINGS.modalities or study.owner not in EcgRules.of(work.region).requests:
        return None
    if not study.patient_number or not study.patient_name:
        return None
    own = (Identifier(study.owner, study.patient_number),)
    demographics = Demographics(visible(study.patient_name), Sex(study.patient_sex), study.patient_birth_date, own)
    case = await open_cart_request(work, study.owner, demographics, study.accession_number)
    return (case, "every-ecg") if case else None


async def open_detected_criticals(work: UnitOfWork, case_id: str) -> None:
    """The case was sent: what was found in its tracings while it was a draft opens the loop now. May be repeated."""
    case = await work.cases.get(case_id)
    if case is not None:
        await _open_hits(work, case)


async def _open_hits(work: UnitOfWork, case: Case) -> None:
    if case.status in CLOSED:
        return
    for tracing in await work.repository(Tracings).of_cases([case.id]):
        if tracing.critical:  # one loop for each recording: whoever is told is told all of it
            findings = dict.fromkeys(hit.finding for hit in tracing.critical)
            await open_detected(work, case, "；".join(findings)[:500], ANALYST)


async def tracings_of(work: UnitOfWork, person: Person, case_id: str) -> list[Tracing]:
    """The case's recordings. Raises NotFound or Forbidden."""
    await case_to_look_back_at(work, person, case_id, Action.EVIDENCE_READ)
    return await work.repository(Tracings).of_cases([case_id])


async def tracing_of(work: UnitOfWork, person: Person, case_id: str, tracing_id: str) -> tuple[Tracing, list[Edit]]:
    """One readable recording with its edits. Raises NotFound or Forbidden."""
    await case_to_look_back_at(work, person, case_id, Action.EVIDENCE_READ)
    return await _tracing(work, case_id, tracing_id)


async def _tracing(work: UnitOfWork, case_id: str, tracing_id: str) -> tuple[Tracing, list[Edit]]:
    tracing = await work.repository(Tracings).get(tracing_id)
    if tracing is None or tracing.case_id != case_id or not tracing.readable:
        raise NotFound("tracing", tracing_id)
    return tracing, await work.repository(Tracings).edits(tracing_id)


async def edit_recording(
    work: UnitOfWork, person: Person, case_id: str, tracing_id: str, kind: EditKind, detail: Mapping[str, Any]
) -> tuple[Tracing, list[Edit]]:
    """A step of the reader who holds the case. Raises Invalid for a step that says nothing sensible, InvalidTransition once signed."""
    await draft_held_by(work, person, case_id)
    tracing, edits = await _tracing(work, case_id, tracing_id)
    if kind is not EditKind.STRIP and tracing.kind is not TracingKind.HOLTER:
        raise InvalidTransition("tracing", tracing.kind, "edit")
    clean = _checked(tracing, kind, detail, edits)
    if len(edits) >= MAX_EDITS:
        raise Invalid(FieldError("kind", "too-many", str(MAX_EDITS)))
    edit = Edit(tracing_id, len(edits) + 1, kind, clean, person.username, work.now)
    await work.repository(Tracings).add_edit(edit)
    work.outbox.audit(Action.REPORT_WRITE, person.username, person.institution, f"case/{case_id}", detail={"edit": kind.value, **clean})
    return tracing, [*edits, edit]


async def take_edit_back(work: UnitOfWork, person: Person, case_id: str, tracing_id: str, number: int | None) -> tuple[Tracing, list[Edit]]:
    """Undo the last edit that counts, or the one of this number. Raises NotFound where there is none."""
    await draft_held_by(work, person, case_id)
    tracing, edits = await _tracing(work, case_id, tracing_id)
    counting = [edit for edit in edits if edit.counts and number in (None, edit.number)]
    if not counting:
        raise NotFound("edit", str(number or ""))
    await work.repository(Tracings).take_back(tracing_id, counting[-1].number, person.username, work.now)
    detail = {"edit": "undo", "number": counting[-1].number}
    work.outbox.audit(Action.REPORT_WRITE, person.username, person.institution, f"case/{case_id}", detail=detail)
    return tracing, await work.repository(Tracings).edits(tracing_id)


def _checked(tracing: Tracing, kind: EditKind, detail: Mapping[str, Any], edits: list[Edit]) -> dict[str, Any]:
    if kind is EditKind.STRIP:
        return _checked_strip(tracing, detail, edits)
    name, what = detail.get("name"), "template" if kind is EditKind.TEMPLATE else "beat"
    number = detail.get(what)
    if name not in BEAT_CLASSES:
        raise Invalid(FieldError("detail.name", "choice", " ".join(sorted(BEAT_CLASSES))))
    most = tracing.proposal.get("templates" if kind is EditKind.TEMPLATE else "beats", 0)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < most:
        raise Invalid(FieldError(f"detail.{what}", "range", f"0-{most - 1}"))
    return {what: number, "name": name}


def _checked_strip(tracing: Tracing, detail: Mapping[str, Any], edits: list[Edit]) -> dict[str, Any]:
    begin, seconds, caption = detail.get("begin"), detail.get("seconds", 8.0), detail.get("caption", "")
    if not isinstance(begin, int | float) or not 0 <= begin < tracing.duration:
        raise Invalid(FieldError("detail.begin", "range", f"0-{tracing.duration:.0f}"))
    if not isinstance(seconds, int | float) or not 1 <= seconds <= LONGEST_STRIP:
        raise Invalid(FieldError("detail.seconds", "range", f"1-{LONGEST_STRIP:.0f}"))
    if not isinstance(caption, str) or len(caption) > 100:
        raise Invalid(FieldError("detail.caption", "too-long", "100"))
    if sum(edit.counts and edit.kind is EditKind.STRIP for edit in edits) >= MAX_STRIPS:
        raise Invalid(FieldError("kind", "too-many", str(MAX_STRIPS)))
    return {"begin": round(float(begin), 3), "seconds": round(float(seconds), 3), "caption": caption}


MAX_EARLIER = 20


async def earlier_tracings(application: Application, person: Person, case_id: str) -> list[Tracing]:
    """Readable resting tracings of the same patient's other cases that this person may see, newest first."""
    async with application.reading() as work:
        case = await case_for(work, person, case_id, Action.EVIDENCE_READ)
    priors = await application.queries.priors(person, case)
    async with application.reading() as work:
        found = await work.repository(Tracings).of_cases([prior.case.id for prior in priors if prior.readable])
    made = {prior.case.id: prior.case.created_at.replace(tzinfo=None) for prior in priors}
    resting = [tracing for tracing in found if tracing.kind is TracingKind.RESTING]
    return sorted(resting, key=lambda tracing: tracing.started_at or made[tracing.case_id], reverse=True)[:MAX_EARLIER]
