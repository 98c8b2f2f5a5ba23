"""One page of help: keys, states, deadlines as they are set, what to do when, whom to call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from telemed.domain.case import Priority
from telemed.domain.centre import Centre
from telemed.domain.deadlines import DeadlineRule
from telemed.domain.people import Role
from telemed.service.ports.region import Region
from telemed.web.appearance import CASE_STATES, PRIORITIES, REPORT_STATES
from telemed.web.dates import show_duration
from telemed.web.i18n import gettext
from telemed.web.pages.page import Visit, page, render

_ = str  # marks text for the translation catalogue

KEYS = {
    _("Everywhere"): (("/", _("Search")), ("?", _("All keys of this page")), ("Esc", _("Close what is open"))),
    _("In lists"): (
        ("j  k", _("Next and previous row")), ("Enter", _("Open")), ("c", _("Claim")), ("r", _("Reserve or release")),
    ),
    _("Reading page"): (
        ("Ctrl+Enter", _("Sign")), ("p", _("Set the case aside")), ("b", _("Send back to the member")), ("u", _("Ask further up")),
        ("//", _("Phrases")), ("f", _("Images over the whole screen")), ("w", _("Images in a second window")),
    ),
    _("Studies without a case"): (("j  k", _("Next and previous study")), ("1–5", _("Link to this proposed case"))),
}  # fmt: skip
SITUATIONS = (
    (_("A study was sent and is not on the case."),
     _("Wait a minute: images find their case by the accession number, or by patient number and time. "
       "After that the operator links them by hand.")),
    (_("A case came back with a question."),
     _("Open it, answer in the form or add what is missing, and submit again. The same hub has it at once and the clock runs on.")),
    (_("A critical value is open."),
     _("Tell a named clinician by telephone, let it be read back, and write down who and how. "
       "The clinician acknowledges and notes what was done.")),
    (_("Nobody took the case."),
     _("The operator is told at once and offers it to another hub. In an emergency call the main hub.")),
    (_("A report needs a correction."),
     _("The hub that signed it amends it or adds an addendum. "
       "The old version stays readable, and its code says that there is a newer one.")),
    (_("The connection is lost while you write."),
     _("Write on: the text stays in this browser and is saved when the connection is back. The page says so.")),
    (_("The account is locked."),
     _("It opens again by itself after a while; the security administrator can open it at once.")),
    (_("The images look wrong, or belong to somebody else."),
     _("Do not sign. Send the case back with the reason, and call the operator.")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeadlineLine:
    """One rule of a centre's deadlines in words."""

    priorities: Sequence[str]
    condition: str
    accept: str
    report: str


@page("GET", "/help")
async def help_page(visit: Visit) -> web.StreamResponse:
    region = visit.application.region
    centres = sorted(region.centres.values(), key=lambda centre: centre.order)
    async with visit.application.reading() as work:
        contacts = await work.people.with_role(Role.OPERATOR.value)
    return await render(
        visit,
        "help.html",
        {
            "keys": KEYS,
            "case_states": CASE_STATES,
            "report_states": REPORT_STATES,
            "deadlines": [(centre.name, [deadline_line(centre, rule) for rule in region.rules(centre)]) for centre in centres],
            "situations": SITUATIONS,
            "hours": _hours(region),
            "contacts": contacts,
            "name_of": visit.name_of,
            "phones": {code: institution.phone for code, institution in region.network.institutions.items()},
            "main_hubs": sorted({s.hub for s in region.network.services.values() if s.parent is None}),
        },
    )


def deadline_line(centre: Centre, rule: DeadlineRule) -> DeadlineLine:
    report = show_duration(rule.report.total_seconds())
    conditions = [_condition(centre, name, values) for name, values in (rule.when or {}).items()]
    return DeadlineLine(
        priorities=[
            priority.value for priority in reversed(Priority) if priority.value in rule.priorities and priority.value in PRIORITIES
        ],
        condition=", ".join(conditions),
        accept=show_duration(rule.accept.total_seconds()) if rule.accept else "",
        report=gettext("%s of working time") % report if rule.working else report,
    )


def _condition(centre: Centre, name: str, values: frozenset[str]) -> str:
    field = centre.request_form.field(name)
    labels = {choice.value.upper(): gettext(choice.label) for choice in field.choices} if field else {}
    return " / ".join(sorted({labels.get(value, value) for value in values}))


def _hours(region: Region) -> str:
    return gettext(", ").join(f"{opens:%H:%M}–{closes:%H:%M}" for opens, closes in region.working_hours.periods)
