"""Pages of specimens: the member's packing table, the hub's bench for boxes, the courier's telephone, the labels of a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from telemed.centres.lab.specimens import ages, boxes, registering
from telemed.centres.lab.specimens.access import CENTRE
from telemed.centres.lab.specimens.containers import CONTAINERS
from telemed.centres.lab.specimens.domain import NO_NAME, Box, BoxView
from telemed.centres.lab.specimens.states import REJECT_REASONS, BoxState, Condition
from telemed.centres.lab.web.specimens.keys import LOG_READER
from telemed.centres.lab.web.specimens.labels import box_look, condition_look, hold_text
from telemed.domain.errors import Forbidden, NotFound
from telemed.domain.policy import Action, require
from telemed.service.access import case_for
from telemed.service.execution import query, record_look
from telemed.web.pages.page import Visit, fragment, page, render

_ = str  # marks text for the translation catalogue

BANDS: Final = ("2-8", "15-25", "-25--15")
"""What boxes are asked to keep, most often (practice): cold, ambient, frozen; any other may be written."""

PACKING: Final = frozenset({BoxState.DRAFT, BoxState.READY})
ON_THE_WAY: Final = frozenset({BoxState.SENT, BoxState.IN_TRANSIT, BoxState.PARTIALLY_RECEIVED, BoxState.RECEIVED})
WITH_COURIER: Final = frozenset({BoxState.SENT, BoxState.IN_TRANSIT})

MISMATCHES: Final[Mapping[str, str]] = {"courier": _("courier"), "seal": _("seal")}
OWNERS: Final[Mapping[str, str]] = {"member": _("member"), "courier": _("courier"), "hub": _("hub")}


async def _box_in_hand(visit: Visit) -> BoxView | None:
    """The box that the address names, if this person may see it."""
    box_id = visit.query.get("box", "")[:20]
    if not box_id:
        return None
    try:
        return await query(visit.application, boxes.view_box, visit.person, visit.request.app[LOG_READER], box_id)
    except (NotFound, Forbidden):
        return None


async def _boxes(visit: Visit, states: frozenset[BoxState]) -> list[Box]:
    found, _next = await query(visit.application, boxes.list_boxes, visit.person, states, "")
    return found


def _words(visit: Visit) -> dict[str, Any]:
    """What every part needs to say things."""
    return {
        "box_look": box_look,
        "condition_look": condition_look,
        "containers": CONTAINERS,
        "no_name": NO_NAME,
        "reasons": REJECT_REASONS,
        "mismatches": MISMATCHES,
        "name_of": visit.name_of,
    }


async def _stages(visit: Visit) -> dict[str, Any]:
    return {"stages": await query(visit.application, ages.count_stages, visit.person), "owners": OWNERS}


async def _boxes_context(visit: Visit) -> dict[str, Any]:
    hubs = [each.hub for each in visit.application.region.network.hubs(CENTRE)]
    home = visit.application.region.network.home_hubs.get((CENTRE, visit.person.institution), "")
    return {
        "view": await _box_in_hand(visit),
        "tubes": await query(visit.application, boxes.specimens_at_hand, visit.person),
        "cases": await query(visit.application, boxes.unlabelled_cases, visit.person),
        "packing": await _boxes(visit, PACKING),
        "sent": await _boxes(visit, ON_THE_WAY),
        "hubs": sorted(hubs, key=lambda hub: hub != home),
        "bands": BANDS,
        **await _stages(visit),
        **_words(visit),
    }


async def _receipt_context(visit: Visit) -> dict[str, Any]:
    return {"view": await _box_in_hand(visit), "arriving": await _boxes(visit, ON_THE_WAY), **await _stages(visit), **_words(visit)}


async def _courier_context(visit: Visit) -> dict[str, Any]:
    found = await _boxes(visit, WITH_COURIER)
    return {
        "waiting": [box for box in found if box.state is BoxState.SENT],
        "carried": [box for box in found if box.state is BoxState.IN_TRANSIT],
        **_words(visit),
    }


def _only_here(visit: Visit, action: Action) -> None:
    """A page of the laboratory is for those who work there. Raises Forbidden."""
    require(visit.person, action)
    if visit.person.centres and CENTRE not in visit.person.centres:
        raise Forbidden(action)


@page("GET", "/lab/boxes")
async def boxes_page(visit: Visit) -> web.StreamResponse:
    """The member collects, packs and sends."""
    _only_here(visit, Action.SPECIMEN_PACK)
    context = await _boxes_context(visit)
    await record_look(visit.application, visit.person, Action.SPECIMEN_LIST, "lab-boxes")
    return await render(visit, "lab/specimens/boxes.html", context)


@page("GET", "/lab/boxes/part")
async def boxes_part(visit: Visit) -> web.StreamResponse:
    """What the member's page shows beside its field."""
    _only_here(visit, Action.SPECIMEN_PACK)
    return fragment(visit, "lab/specimens/_boxes.html", await _boxes_context(visit))


@page("GET", "/lab/receipt")
async def receipt_page(visit: Visit) -> web.StreamResponse:
    """The hub receives boxes."""
    _only_here(visit, Action.SPECIMEN_RECEIVE)
    context = await _receipt_context(visit) | {"conditions": Condition}
    await record_look(visit.application, visit.person, Action.SPECIMEN_LIST, "lab-receipt")
    return await render(visit, "lab/specimens/receipt.html", context)


@page("GET", "/lab/receipt/part")
async def receipt_part(visit: Visit) -> web.StreamResponse:
    """What the hub's page shows beside its field."""
    _only_here(visit, Action.SPECIMEN_RECEIVE)
    return fragment(visit, "lab/specimens/_receipt.html", await _receipt_context(visit))


@page("GET", "/lab/courier")
async def courier_page(visit: Visit) -> web.StreamResponse:
    """The courier takes boxes over, on a telephone."""
    _only_here(visit, Action.SPECIMEN_CARRY)
    context = await _courier_context(visit)
    await record_look(visit.application, visit.person, Action.SPECIMEN_LIST, "lab-courier")
    return await render(visit, "lab/specimens/courier.html", context)


@page("GET", "/lab/courier/part")
async def courier_part(visit: Visit) -> web.StreamResponse:
    """What the courier's page shows below its field."""
    _only_here(visit, Action.SPECIMEN_CARRY)
    return fragment(visit, "lab/specimens/_courier.html", await _courier_context(visit))


@page("GET", "/lab/tubes/{case_id:[0-9a-f]{32}}")
async def tubes_page(visit: Visit) -> web.StreamResponse:
    """The tubes of a case: labelled here, printed again here."""
    case = await query(visit.application, case_for, visit.person, visit.path("case_id"), Action.SPECIMEN_READ)
    views = await query(visit.application, registering.view_case_specimens, visit.person, case.id)
    await record_look(visit.application, visit.person, Action.SPECIMEN_READ, f"case/{case.id}")
    own = case.member == visit.person.institution and case.status not in registering.NO_TUBES
    context = {"case": case, "views": views, "may_label": own, "hold_text": hold_text, **_words(visit)}
    return await render(visit, "lab/specimens/tubes.html", context)
