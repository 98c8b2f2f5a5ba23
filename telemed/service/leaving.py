"""Somebody leaves: one act closes the account and every way in, and what they have in hand goes on with others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from telemed.domain.case import Case, CaseStatus
from telemed.domain.errors import FieldError, Invalid
from telemed.domain.events import CaseEvent
from telemed.domain.people import SYSTEM, Person, SoftwareAgent
from telemed.domain.policy import Action, Relation, may, require
from telemed.domain.report import ReportStatus
from telemed.service.account_access import closable, close_doors, known_account, record
from telemed.service.accounts import living_sessions
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.reporting import latest, open_report

LEFT = "left"
MAY_NO_LONGER = "may-no-longer"
"""Why a case left a reader's hands without their doing, as its history says it."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaving means, or meant. Of cases only how many there are: `cases` by centre are those that go back to the list or to the
    colleague, `amendments` released ones with an unsigned version, `in_review` signed ones that a reviewer has."""

    username: str
    active: bool
    cases: Mapping[str, int]
    amendments: int
    in_review: int
    sessions: int
    invitation: bool
    colleagues: Sequence[Person] = ()
    handed_to: str = ""


async def preview_leaving(work: UnitOfWork, person: Person, username: str) -> Leaving:
    """Say what leaving would do; nothing changes. Raises NotFound."""
    require(person, Action.ACCOUNT_LEAVE)
    known = await known_account(work, username)
    return await _what_there_is(work, known, await _in_hand(work, username))


async def leave(work: UnitOfWork, person: Person, username: str, colleague: str = "") -> Leaving:
    """Close the account and all its ways in, give what is in hand to the colleague or back to the hub's list.

    Doing it again changes nothing. Raises Invalid for a colleague who may not read all of it, Forbidden for one's own account and
    for that of the last who can administer accounts.
    """
    require(person, Action.ACCOUNT_LEAVE)
    await work.people.get_many({username, colleague} - {""})  # both at once, in one order: of two who leave to each other one goes first
    known = await closable(work, person, username, Action.ACCOUNT_LEAVE)
    in_hand = await _in_hand(work, username)
    found = await _what_there_is(work, known, in_hand)
    heir = _heir(found, colleague)
    if known.active:
        await work.people.save(replace(known, active=False))
    await close_doors(work, username)
    for case in in_hand:
        await _hand_over(work, case, username, heir, LEFT)
    if known.active or found.cases or found.amendments or found.sessions or found.invitation:
        detail = {"cases": sum(found.cases.values()) + found.amendments, "sessions": found.sessions}
        record(work, person, Action.ACCOUNT_LEAVE, username, detail | ({"to": heir.username} if heir else {}))
    return replace(found, active=False, handed_to=heir.username if heir else "")


async def give_back_unreadable(work: UnitOfWork, person: Person) -> int:
    """Cases that the person, as they are now, may no longer write on go back to their hub's list. Returns how many."""
    lost = [case for case in await _in_hand(work, person.username) if not _may_hold(person, case)]
    for case in lost:
        await _hand_over(work, case, person.username, None, MAY_NO_LONGER)
    return len(lost)


def _may_hold(person: Person, case: Case) -> bool:
    at_work = person.active and person.institution == case.hub and case.centre in person.centres
    return at_work and may(person, Action.REPORT_WRITE, Relation.ROUTED)


async def _in_hand(work: UnitOfWork, username: str) -> list[Case]:
    """The cases, locked in a writing transaction, looked at again behind the lock."""
    found = [await work.cases.get(case_id) for case_id in await work.cases.in_hand(username)]
    return [case for case in found if case is not None and case.claimed_by == username]


async def _what_there_is(work: UnitOfWork, known: Person, in_hand: Sequence[Case]) -> Leaving:
    open_ones = [case for case in in_hand if case.report_status != ReportStatus.PRELIMINARY]
    running = [case for case in open_ones if case.status is not CaseStatus.COMPLETED]
    colleagues = [p for p in await work.people.at(known.institution) if p.username != known.username and open_ones]
    return Leaving(
        username=known.username,
        active=known.active,
        cases=dict(sorted(Counter(case.centre for case in running).items())),
        amendments=len(open_ones) - len(running),
        in_review=len(in_hand) - len(open_ones),
        sessions=len(await living_sessions(work, known.username)),
        invitation=await work.invitations.of(known.username) is not None,
        colleagues=[p for p in colleagues if all(_may_hold(p, case) for case in open_ones)],
    )


def _heir(found: Leaving, colleague: str) -> Person | None:
    """Return the colleague who was named. Where nothing is in hand any more there is nothing to hand over."""
    if not colleague or not (found.cases or found.amendments):
        return None
    heir = next((p for p in found.colleagues if p.username == colleague), None)
    if heir is None:
        raise Invalid(FieldError("colleague", "colleague", " ".join(p.username for p in found.colleagues)))
    return heir


async def _hand_over(work: UnitOfWork, case: Case, username: str, heir: Person | None, why: str) -> None:
    """A case goes on without its reader: with its draft to the heir or to the list. What is signed is a reviewer's already."""
    if case.report_status == ReportStatus.PRELIMINARY:
        return
    platform = SoftwareAgent(SYSTEM, case.hub or "")
    if heir is not None:
        if case.status is not CaseStatus.COMPLETED:
            case.apply("reassign")
        case.claimed_by, case.claimed_at, case.active_at, case.parked_at = heir.username, work.now, work.now, None
        case.readers = tuple(dict.fromkeys((*case.readers, heir.username)))
        await open_report(work, case, heir)
        detail = {"from": username, "to": heir.username, "reason": why}
        work.outbox.step(case, platform, CaseEvent.REASSIGN, Action.CASE_REASSIGN, detail)
    elif case.status is CaseStatus.COMPLETED:
        await _set_amendment_aside(work, case, platform, username, why)
    else:
        case.apply("release")
        case.unclaim()
        work.outbox.step(case, platform, CaseEvent.RELEASE, Action.CASE_RELEASE, {"reader": username, "reason": why})
    await work.cases.save(case)


async def _set_amendment_aside(work: UnitOfWork, case: Case, platform: SoftwareAgent, username: str, why: str) -> None:
    """The unsigned version stays on record and counts no more, so that others can amend the report that was released."""
    versions = await work.reports.versions(case.id)
    report = latest(versions)
    if report is not None and report.status is ReportStatus.PARTIAL:
        report.apply("discard")
        report.revision += 1
        await work.reports.save(report)
        standing = latest([each for each in versions if each.version != report.version])
        case.report_status = standing.status if standing else None
        history = {"version": report.version, "reader": username, "reason": why}
        work.outbox.step(case, platform, CaseEvent.DISCARD, Action.REPORT_AMEND, history=history, outcome="discarded")
    case.unclaim()
