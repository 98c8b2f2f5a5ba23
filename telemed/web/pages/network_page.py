"""The operator's morning: who is silent, what waits, what went wrong, and which way a case would go."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from telemed.domain.case import Priority
from telemed.domain.network import HubService, Level
from telemed.domain.policy import Action, Relation, may, require
from telemed.domain.routing import current
from telemed.service.execution import record_look
from telemed.service.overview import Connection, DayVolume, HubLoad, Standing, share_kept, standing
from telemed.service.routing import needs_of, try_deadline, try_route
from telemed.web.api.inputs import RouteQuestion
from telemed.web.keys import ADMINISTRATION
from telemed.web.labels.route import in_words
from telemed.web.pages.page import Visit, fragment, page, render

_ = str  # marks text for the translation catalogue

DAYS = 28
LISTED, LISTED_WHOLE = 5, 200
SHADES = 4
ASIDE = 200
VIEWS = {"today": _("Today"), "hubs": _("Hubs and routes"), "aside": _("Kept aside")}
SHOWN = {"all": _("Cases and data"), "cases": _("Cases"), "data": _("Studies and data")}
STANDINGS = {
    Standing.SILENT: ("critical", "plug-connected-x", _("Silent")),
    Standing.NEVER: ("quiet", "link-off", _("Nothing yet")),
    Standing.QUIET: ("near", "clock", _("Nothing today")),
    Standing.ACTIVE: ("done", "plug-connected", _("Sending")),
}
ORDER = tuple(STANDINGS)
ASIDE_WORDS = {
    "taken-uid": _("Another image of this institution has the same SOP Instance UID and other content"),
    "conflict": _("Conflict"),
    "quarantine": _("Quarantine"),
}


@dataclass(frozen=True, slots=True)
class GridCell:
    """One day of one institution. `shade` 0 (nothing) to SHADES."""

    day: date
    figure: int
    shade: int
    volume: DayVolume


@dataclass(frozen=True, slots=True)
class GridRow:
    """One institution: name, how it stands (tone, icon, word), its days, when it was last heard of."""

    code: str
    name: str
    member: bool
    standing: Standing
    look: tuple[str, str, str]
    cells: Sequence[GridCell]
    connection: Connection


@page("GET", "/network")
async def network(visit: Visit) -> web.StreamResponse:
    """The page; each view asks only for what it shows."""
    require(visit.person, Action.NETWORK_READ)
    view = visit.query.get("view", "today")
    view = view if view in VIEWS else "today"
    sees_cases = may(visit.person, Action.CASE_READ_METADATA, Relation.FOREIGN)
    context: dict[str, Any] = {"view": view, "views": VIEWS, "sees_cases": sees_cases}
    if view == "today":
        if sees_cases:
            await record_look(visit.application, visit.person, Action.NETWORK_READ, "network")
        context |= await grid_context(visit) | await attention_context(visit)
    elif view == "hubs":
        context |= await hubs_context(visit) | route_context(visit)
    elif may(visit.person, Action.UNMATCHED_READ):
        await record_look(visit.application, visit.person, Action.UNMATCHED_READ, "kept-aside")
        context |= {"aside": await visit.application.overview.kept_aside(visit.person, ASIDE), "aside_words": ASIDE_WORDS}
    else:
        context |= {"aside": [], "aside_words": ASIDE_WORDS}
    return await render(visit, "network.html", context)


@page("GET", "/network/attention")
async def attention(visit: Visit) -> web.StreamResponse:
    """The part that changes by the minute, drawn again."""
    return fragment(visit, "_network_attention.html", await attention_context(visit))


@page("GET", "/network/grid")
async def grid(visit: Visit) -> web.StreamResponse:
    """The grid of days, drawn again."""
    return fragment(visit, "_network_grid.html", await grid_context(visit))


@page("GET", "/network/route")
async def route(visit: Visit) -> web.StreamResponse:
    """The way that this case would go: the answer alone."""
    require(visit.person, Action.NETWORK_READ)
    return fragment(visit, "_network_route.html", route_context(visit))


async def attention_context(visit: Visit) -> dict[str, Any]:
    """Queues, deadlines, and the lists of what went wrong; without the lists for who may not see cases."""
    person, overview = visit.person, visit.application.overview
    loads = await overview.loads(person)
    kept, missed = sum(load.kept for load in loads), sum(load.missed for load in loads)
    found: dict[str, Any] = {
        "whole": visit.query.get("list") == "whole",
        "sees_cases": may(person, Action.CASE_READ_METADATA, Relation.FOREIGN),
        "waiting": sum(load.waiting for load in loads),
        "held": sum(load.held for load in loads),
        "overdue_count": sum(load.overdue for load in loads),
        "kept_share": share_kept(kept, missed, sum(load.overdue for load in loads)),
        "missed": missed,
        "unmatched_count": await overview.unmatched(person),
        "name_of": visit.name_of,
        "centres": visit.application.region.centres,
        "in_words": in_words,
        "hubs_of": _hubs_of(visit),
        "now": visit.application.now(),
        "scarce_disk": next((disk for disk in await visit.request.app[ADMINISTRATION].disks() if disk.scarce), None),
    }
    if found["sees_cases"]:
        limit = LISTED_WHOLE if found["whole"] else LISTED
        found |= {
            "failed": await overview.failed(person, limit),
            "overdue": await overview.overdue(person, limit),
            "criticals": await overview.criticals(person, limit),
        }
    return found


def _hubs_of(visit: Visit) -> Mapping[str, list[str]]:
    network = visit.application.region.network
    return {centre: [service.hub for service in network.hubs(centre)] for centre in visit.application.region.centres}


async def grid_context(visit: Visit) -> dict[str, Any]:
    """Institutions by day; who has gone silent comes first."""
    region, now = visit.application.region, visit.application.now()
    shown = visit.query.get("show", "all")
    shown = shown if shown in SHOWN else "all"
    today = now.astimezone(region.network.zone).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    connections = await visit.application.overview.connections(visit.person, DAYS)
    most = max((_figure(volume, shown) for c in connections for volume in c.days.values()), default=0)
    rows = [_grid_row(visit, c, days, shown, most, now) for c in connections]
    rows.sort(key=lambda row: (ORDER.index(row.standing) if row.member else len(ORDER), row.code))
    return {
        "days": days,
        "rows": rows,
        "shown": shown,
        "show_choices": SHOWN,
        "silent": sum(row.standing is Standing.SILENT and row.member for row in rows),
        "members": sum(row.member for row in rows),
    }


def _figure(volume: DayVolume, shown: str) -> int:
    return {"all": volume.total, "cases": volume.cases, "data": volume.evidence}[shown]


def _grid_row(visit: Visit, connection: Connection, days: Sequence[date], shown: str, most: int, now: datetime) -> GridRow:
    region = visit.application.region
    institution = region.network.institutions[connection.code]
    cells = []
    for day in days:
        volume = connection.days.get(day, DayVolume())
        figure = _figure(volume, shown)
        cells.append(GridCell(day, figure, shade(figure, most), volume))
    stands = standing(connection, now, region.network.zone)
    return GridRow(
        connection.code,
        visit.name_of(connection.code),
        institution.level is Level.MEMBER,
        stands,
        STANDINGS[stands],
        cells,
        connection,
    )


def shade(figure: int, most: int) -> int:
    """1 to SHADES by the logarithm, so that a small clinic's day is seen beside a hospital's; 0 for nothing."""
    if figure <= 0:
        return 0
    return 1 + min(SHADES - 1, math.floor((SHADES - 1) * math.log1p(figure) / math.log1p(max(most, 2)) + 1e-9))


async def hubs_context(visit: Visit) -> dict[str, Any]:
    """Each hub's load and deadlines, and each centre's tree."""
    region = visit.application.region
    loads = await visit.application.overview.loads(visit.person)
    by_centre: dict[str, list[HubLoad]] = {code: [] for code in _in_order(visit)}
    for load in loads:
        by_centre.setdefault(load.centre, []).append(load)
    return {
        "loads": by_centre,
        "centres": region.centres,
        "trees": {code: tree(visit, code) for code in by_centre},
        "name_of": visit.name_of,
    }


def _in_order(visit: Visit) -> list[str]:
    centres = visit.application.region.centres
    return sorted(centres, key=lambda code: centres[code].order)


@dataclass(frozen=True, slots=True)
class Branch:
    """One hub of a centre's tree, the hubs below it, and the members that are at home there."""

    service: HubService
    below: Sequence[Branch]
    members: Sequence[str]


def tree(visit: Visit, centre: str) -> list[Branch]:
    """The centre's hubs from the top down. A hub whose parent is not there, or stands in a ring, is a top of its own."""
    network = visit.application.region.network
    services = {service.hub: service for service in network.hubs(centre)}
    home: dict[str, list[str]] = {}
    for (code, member), hub in sorted(network.home_hubs.items()):
        if code == centre:
            home.setdefault(hub, []).append(member)

    drawn: set[str] = set()

    def branch(hub: str) -> Branch:
        drawn.add(hub)
        below = [branch(s.hub) for s in services.values() if s.parent == hub and s.hub not in drawn]
        return Branch(services[hub], below, home.get(hub, []))

    tops = [branch(s.hub) for s in services.values() if s.parent not in services]
    return tops + [branch(hub) for hub in services if hub not in drawn]


def route_context(visit: Visit) -> dict[str, Any]:
    """The routing check with its answer, once a case was asked about."""
    region, query = visit.application.region, visit.query
    centre, member, need = query.get("centre", ""), query.get("member", ""), query.get("need", "").strip().upper()
    priority = query.get("priority", "")
    priority = priority if priority in set(Priority) else Priority.ROUTINE.value
    needs = {code: needs_of(centre) for code, centre in region.centres.items()}
    members = sorted({m for _, m in region.network.home_hubs})
    found: dict[str, Any] = {
        "route_centre": centre,
        "route_member": member,
        "route_need": need,
        "route_priority": priority,
        "route_at": query.get("at", ""),
        "priorities": [each.value for each in Priority],
        "route_members": members,
        "route_centres": _in_order(visit),
        "route_needs": needs,
        "centres": region.centres,
        "name_of": visit.name_of,
        "route": None,
        "route_hub": None,
    }
    if centre and member:
        asked = {"centre": centre, "member": member, "need": need, "priority": priority, "at": query.get("at") or None}
        question = RouteQuestion.model_validate(asked)
        at = in_region(question.at, region.network.zone) or visit.application.now()
        steps = try_route(region, question.centre, question.member, question.need, at)
        offered = current(steps)
        clocks = try_deadline(region, question.centre, question.priority, question.need, at)
        found |= {"route": in_words(steps), "route_hub": offered.hub if offered else None, "route_clocks": clocks}
    return found


def in_region(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """A moment as people write it, without a zone, is one of the region's."""
    return moment.replace(tzinfo=zone) if moment and moment.tzinfo is None else moment
