"""The monthly bulletin as a page."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from telemed.domain.errors import Invalid
from telemed.domain.policy import Action, require
from telemed.service.statistics import Month
from telemed.web.api.statistics import bulletin_for
from telemed.web.labels.statistics import sheet_of
from telemed.web.labels.statistics_chart import chart_of
from telemed.web.pages.page import Visit, page, render


@page("GET", "/statistics")
async def statistics(visit: Visit) -> web.StreamResponse:
    """This month, or the one in the address; a month that is none is said beside the field."""
    require(visit.person, Action.STATISTICS_READ)
    now = month_of(visit.application.now().astimezone(visit.application.region.network.zone))
    asked = visit.query.get("month", "").strip()
    problem = False
    try:
        month = Month.parse(asked) if asked else now
    except Invalid:
        month, problem = now, True
    found = await bulletin_for(visit.application, visit.person, month)
    earlier = await bulletin_for(visit.application, visit.person, month.next(-1))
    context = {
        "bulletin": found,
        "sheet": sheet_of(found, visit.application.region),
        "chart": chart_of(found, earlier),
        "centres": visit.application.region.centres,
        "month": month,
        "asked": asked or str(month),
        "problem": problem,
        "before": month.next(-1),
        "after": month.next() if str(month) < str(now) else None,
    }
    return await render(visit, "statistics.html", context, status=422 if problem else 200)


def month_of(moment: datetime) -> Month:
    return Month(moment.year, moment.month)
