"""Notices: what others did that concerns the person who looks. Looking at them is having seen them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from telemed.domain.events import CaseEvent
from telemed.domain.policy import Action, may
from telemed.service.execution import record_look
from telemed.service.ports.credentials import AccountEvent, AccountNotice
from telemed.service.queries import Notice
from telemed.web.appearance import Look
from telemed.web.i18n import gettext
from telemed.web.labels.case import event_detail, examination
from telemed.web.pages.page import Visit, page, render
from telemed.web.pages.search import address_of

_ = str  # marks text for the translation catalogue

PAGE_LINES = 60

LOOKS: Mapping[str, Look] = {
    CaseEvent.RETURN: Look("near", "arrow-back-up", _("The hub asks for more")),
    CaseEvent.SIGN: Look("done", "file-text", _("New report")),
    CaseEvent.REVIEW: Look("done", "file-text", _("New report")),
    CaseEvent.FAIL: Look("critical", "alert-octagon", _("Nobody took it")),
    CaseEvent.CRITICAL_DECLARE: Look("critical", "alert-octagon", _("Critical value")),
    CaseEvent.CRITICAL_RISE: Look("critical", "alert-octagon", _("Critical value overdue")),
    CaseEvent.CRITICAL_WITHDRAW: Look("quiet", "alert-octagon", _("Critical value withdrawn")),
    CaseEvent.CRITICAL_ACKNOWLEDGE: Look("done", "check", _("Critical value acknowledged")),
    CaseEvent.CRITICAL_ACT: Look("done", "check", _("Critical value acted on")),
    CaseEvent.ANSWER: Look("waiting", "message", _("Answered by the member")),
    CaseEvent.CANCEL: Look("quiet", "circle-x", _("Cancelled by the member")),
    CaseEvent.REASSIGN: Look("waiting", "user-check", _("Handed to you")),
    CaseEvent.SEND_BACK: Look("near", "arrow-back-up", _("Sent back by the reviewer")),
    CaseEvent.EVIDENCE_UNLINKED: Look("near", "link-off", _("Study taken away: it belongs to another case")),
    CaseEvent.EVIDENCE_SET_ASIDE: Look("near", "link-off", _("File taken away: it is another person's")),
    CaseEvent.IDENTITY_DIFFERS: Look("critical", "alert-octagon", _("Other patient?")),
    CaseEvent.EVIDENCE_CORRECTED: Look("waiting", "pencil", _("Particulars of the study corrected")),
    CaseEvent.PATIENT_DOUBTED: Look(
        "waiting", "users", _("Another institution joined records; the operator decides whether they are one person")
    ),
    CaseEvent.PATIENT_JOINED: Look("near", "users", _("The operator joined records of the patient")),
    CaseEvent.PATIENT_SPLIT: Look("near", "users", _("A record of another institution belongs to another person")),
}


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One notice in words. `masked`: the reader does not know the patient by name in lists."""

    notice: Notice
    look: Look
    exam: str
    detail: str
    who: str
    where: str
    href: str
    masked: bool


KEPT = timedelta(days=30)

ACCOUNT_LOOKS: Mapping[AccountEvent, Look] = {
    AccountEvent.PASSWORD_SET: Look("near", "lock", _("Your password was changed; your other sessions have ended")),
    AccountEvent.FACTOR_ADDED: Look("done", "shield-lock", _("A second factor was added to your account")),
    AccountEvent.FACTOR_REMOVED: Look("near", "shield-lock", _("A second factor was removed from your account")),
    AccountEvent.FACTOR_GUESSED: Look(
        "critical", "alert-octagon", _("Somebody who knows your password tried wrong codes: change the password")
    ),
    AccountEvent.RECOVERY_CODE_USED: Look("near", "star", _("A recovery code of yours was used to sign in")),
    AccountEvent.RECOVERY_ASKED: Look(
        "critical", "alert-octagon", _("It was asked that your second factors be removed: say so at once if you did not want it")
    ),
    AccountEvent.RECOVERY_CONFIRMED: Look("critical", "alert-octagon", _("Your second factors were removed: set up a new one")),
}


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One line of what was done to the reader's own account; `by_self`: by the reader."""

    notice: AccountNotice
    look: Look
    by_self: bool


@page("GET", "/notices")
async def notices(visit: Visit) -> web.StreamResponse:
    """Newest first; those not seen before stand out, and count as seen from now on."""
    queries, person = visit.application.queries, visit.person
    own = await _own_account(visit)
    before = visit.query.get("before", "")
    found = await queries.notices(person, int(before) if before.isdecimal() and len(before) < 19 else None, PAGE_LINES)
    if found:
        await record_look(visit.application, person, "case:list", f"notices/{len(found)}")
        async with visit.application.writing() as work:
            await work.notice_marks.mark(person.username, found[0].line.id)
    names = await queries.people_names(sorted({notice.line.actor for notice in found}))
    following = found[-1].line.id if len(found) == PAGE_LINES else None
    found.sort(key=lambda notice: notice.line.at, reverse=True)  # what was entered later may tell of an earlier time
    lines = [_line(visit, notice, names.get(notice.line.actor, "")) for notice in found]
    return await render(visit, "notices.html", {"lines": lines, "own": own, "next": following})


async def _own_account(visit: Visit) -> list[AccountLine]:
    """What was done to the reader's own account lately; it counts as seen from now on."""
    if visit.query.get("before"):
        return []
    async with visit.application.reading() as work:
        found = await work.account_notices.of(visit.person.username, work.now - KEPT, PAGE_LINES)
    if any(not notice.seen for notice in found):
        async with visit.application.writing() as work:
            await work.account_notices.mark(visit.person.username)
    return [AccountLine(notice, ACCOUNT_LOOKS[notice.kind], notice.actor == visit.person.username) for notice in found]


def _line(visit: Visit, notice: Notice, who: str) -> NoticeLine:
    case, line = notice.case, notice.line
    whole = may(visit.person, Action.CASE_READ)
    own = case.member == visit.person.institution
    detail = event_detail(line) if whole else ""
    other = (line.hub or "") if own else case.member
    return NoticeLine(
        notice=notice,
        look=LOOKS[line.action],
        exam=examination(visit.application.region.centres[case.centre], case.request),
        detail=gettext(detail) if detail else "",
        who=who,
        where=visit.name_of(other) if other else "",
        href=address_of(visit, case),
        masked=not (own and whole),
    )
