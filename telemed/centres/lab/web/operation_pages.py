"""A member's board of orders, the operator's page of traffic, what lies aside and codes to map, and one result's history."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from telemed.centres.lab import operation
from telemed.centres.lab.domain import MessageState
from telemed.centres.lab.operation import Standing
from telemed.centres.lab.patient_results import result_history
from telemed.centres.lab.web.keys import CATALOGUE, MESSAGE_READER
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, may
from telemed.service.execution import query, record_look
from telemed.web.i18n import gettext
from telemed.web.pages.page import Visit, fragment, page, render

_ = str  # marks text for the translation catalogue

SECTIONS: Final = (
    ("/lab", _("Results of our orders"), Action.RESULT_READ, Relation.OWN),
    ("/lab/boxes", _("Tubes and boxes"), Action.SPECIMEN_PACK, Relation.OWN),
    ("/lab/operations", _("Messages and codes"), Action.MESSAGE_READ, None),
)
"""Pages of the centre beside each other: address, name, and who may open them."""

STANDINGS: Final[Mapping[Standing, tuple[str, str, str]]] = {
    Standing.SILENT: ("critical", "plug-connected-x", _("Silent")),
    Standing.QUIET: ("near", "clock", _("Quiet")),
    Standing.ACTIVE: ("done", "plug-connected", _("Sending")),
    Standing.NEVER: ("quiet", "link-off", _("Nothing yet")),
}
VIEWS: Final = {"connections": _("Connections"), "aside": _("Kept aside"), "codes": _("Codes to map")}
STATES: Final = {MessageState.QUARANTINED: _("Quarantine"), MessageState.REFUSED: _("Refused: not from here")}

CHARACTER_SETS: Final = (
    ("", _("as the message says")), ("UNICODE UTF-8", "UTF-8"), ("GB 18030-2000", "GB18030"), ("8859/1", "ISO 8859-1"),
)  # fmt: skip
"""What MSH-18 should have said (HL7 table 0211), in the order in which an operator tries it."""

STATUSES: Final = {
    "registered": ("quiet", "circle-dashed", _("ordered")),
    "preliminary": ("waiting", "hourglass", _("preliminary")),
    "final": ("done", "circle-check", _("final")),
    "amended": ("near", "history", _("amended")),
    "corrected": ("near", "history", _("corrected")),
    "cancelled": ("quiet", "ban", _("cancelled")),
    "entered-in-error": ("critical", "alert-octagon", _("entered in error")),
    "unknown": ("quiet", "help", _("status unknown")),
}


def sections_for(person: Person) -> list[tuple[str, str]]:
    """Return the pages of the centre that a person may open."""
    return [(href, label) for href, label, action, relation in SECTIONS if may(person, action, relation)]


@page("GET", "/lab")
async def orders(visit: Visit) -> web.StreamResponse:
    """The member's orders with their results, newest first."""
    number = visit.query.get("q", "").strip()[:64]
    found = await query(visit.application, operation.orders_page, visit.person, number, _moment(visit.query.get("before", "")))
    await record_look(visit.application, visit.person, Action.RESULT_READ, f"institution/{visit.person.institution}")
    show = visit.query.get("show", "all")
    lines = [order for order in found.orders if _wanted(order, show)]
    context = {
        "sections": sections_for(visit.person),
        "here": "/lab",
        "orders": lines,
        "records": found.records,
        "q": number,
        "show": show if show in SHOWN else "all",
        "shows": SHOWN,
        "next": found.next,
        "most_outside": MOST_OUTSIDE,
        "any": bool(found.orders),
        "catalogue": visit.request.app[CATALOGUE],
    }
    return await render(visit, "lab/orders.html", context)


MOST_OUTSIDE: Final = 4
"""Values that a line of an order names; the patient's page has all."""

SHOWN: Final = {"all": _("All orders"), "critical": _("Critical"), "abnormal": _("Out of range"), "preliminary": _("Not final")}


def _wanted(order: operation.Order, show: str) -> bool:
    if show == "critical":
        return order.critical > 0
    if show == "abnormal":
        return bool(order.outside)
    return order.preliminary > 0 if show == "preliminary" else True


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


@page("GET", "/lab/operations")
async def operations(visit: Visit) -> web.StreamResponse:
    """The page; each view asks only for what it shows."""
    views = {key: label for key, label in VIEWS.items() if key != "codes" or may(visit.person, Action.MAPPING_DECIDE)}
    view = visit.query.get("view", "connections")
    view = view if view in views else "connections"
    context = {"sections": sections_for(visit.person), "here": "/lab/operations", "view": view, "views": views}
    makers = {"connections": connections_context, "aside": aside_context, "codes": codes_context}
    return await render(visit, "lab/operations.html", context | await makers[view](visit))


@page("GET", "/lab/operations/connections")
async def connections(visit: Visit) -> web.StreamResponse:
    """The table of connections, drawn again."""
    return fragment(visit, "lab/_connections.html", await connections_context(visit))


async def connections_context(visit: Visit) -> dict[str, Any]:
    """Who sends, how much, and what waits."""
    now = visit.application.now()
    traffic = await query(visit.application, operation.traffic_of, visit.person)
    order = list(STANDINGS)
    lines = [(each, STANDINGS[each.standing(now)]) for each in sorted(traffic, key=lambda t: (order.index(t.standing(now)), t.sender))]
    return {
        "lines": lines,
        "name_of": visit.name_of,
        "silent": sum(each.standing(now) is Standing.SILENT for each in traffic),
        "aside": sum(each.aside for each in traffic),
        "waiting": await query(visit.application, operation.waiting_orders, visit.person),
    }


async def aside_context(visit: Visit) -> dict[str, Any]:
    """Messages that were not accepted; the look at them is on record."""
    asked = visit.query.get("state", "")
    state = MessageState.REFUSED if asked == MessageState.REFUSED.value else MessageState.QUARANTINED
    sender = visit.query.get("sender", "").strip()[:64]
    found, following = await query(visit.application, operation.set_aside, visit.person, sender, state, visit.query.get("before", "")[:32])
    await record_look(visit.application, visit.person, Action.MESSAGE_READ, "messages/aside")
    return {
        "messages": found,
        "next": following,
        "state": state.value,
        "states": {each.value: words for each, words in STATES.items()},
        "sender": sender,
        "character_sets": CHARACTER_SETS,
        "may_replay": may(visit.person, Action.MESSAGE_REPLAY),
        "may_open": may(visit.person, Action.MESSAGE_OPEN),
        "everybody": may(visit.person, Action.MESSAGE_READ, Relation.FOREIGN),
    }


async def codes_context(visit: Visit) -> dict[str, Any]:
    """Codes that wait for a decision, with tests that they may be."""
    found = await query(visit.application, operation.open_mappings, visit.person)
    reader = visit.request.app[MESSAGE_READER]
    shown = found[: operation.MAPPINGS]
    suggested = await asyncio.to_thread(lambda: [reader.suggestions(each) for each in shown])
    return {
        "codes": list(zip(shown, suggested, strict=True)),
        "more": len(found) > len(shown),
        "tests": visit.request.app[CATALOGUE].tests(),
        "name_of": visit.name_of,
    }


@page("GET", "/lab/results/{result_id}")
async def result_page(visit: Visit) -> web.StreamResponse:
    """Everything that was said of one result, with the messages that said it."""
    found = await query(visit.application, result_history, visit.person, visit.path("result_id"))
    newest = found.versions[-1]
    await record_look(visit.application, visit.person, Action.RESULT_READ, f"result/{newest.id}")
    if found.patient.elsewhere is not None and newest.member != visit.person.institution:
        await record_look(visit.application, visit.person, Action.RESULT_READ_ELSEWHERE, f"result/{newest.id}")
    test = visit.request.app[CATALOGUE].test(newest)
    context = {
        "history": found,
        "result": newest,
        "test": test,
        "found": found.patient,
        "statuses": STATUSES,
        "name_of": visit.name_of,
        "whole_number": newest.member == visit.person.institution,
        "title": f"{test.short} {test.name}".strip() if test else newest.name or gettext("Result"),
    }
    return await render(visit, "lab/result.html", context)
