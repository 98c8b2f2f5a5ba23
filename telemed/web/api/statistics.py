"""The monthly bulletin."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from telemed.domain.people import Person
from telemed.domain.policy import Action, require
from telemed.service.application import Application
from telemed.service.statistics import Month, MonthlyStatistics, bulletin, reach_of
from telemed.web.api.inputs import MonthQuery, Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape
from telemed.web.keys import TABLES
from telemed.web.labels.statistics import sheet_of

MEDIA_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


class TopShape(Shape):
    institution: str
    volume: int


class CentreFiguresShape(Shape):
    """`kept_share` from 0 to 1 and the median are null where nothing was answered."""

    centre: str
    joined: dict[str, int]
    districts_covered: list[str]
    districts_open: list[str]
    requests: int
    consultations: int
    reports: int
    received: int
    images: int
    top: list[TopShape]
    deadlines_kept: int
    deadlines_missed: int
    kept_share: float | None
    median_answer_seconds: float | None


class InstitutionFiguresShape(Shape):
    institution: str
    level: str
    requests: int
    consultations: int
    reports: int
    received: int
    images: int
    days_with_data: int
    agreed: list[str]
    arrived: list[str]


class BulletinShape(Shape):
    month: str
    days: int
    centres: list[CentreFiguresShape]
    institutions: list[InstitutionFiguresShape]


async def bulletin_for(application: Application, person: Person, month: Month) -> MonthlyStatistics:
    """The bulletin as this person may see it. Raises Forbidden."""
    region = application.region
    today = application.now().astimezone(region.network.zone).date()
    return await bulletin(region, application.statistics, reach_of(region, person), month, today)


@operation(
    "GET",
    "/statistics/monthly",
    query=MonthQuery,
    returns=BulletinShape,
    errors=(403, 422),
    files=tuple(MEDIA_TYPES.values()),
    right=Action.STATISTICS_READ,
)
async def monthly(call: Call[Nothing]) -> web.Response:
    """The bulletin of a month as JSON, or as a CSV, XLSX or PDF file in the language of the request."""
    require(call.person, Action.STATISTICS_READ)
    q: MonthQuery = call.query
    found = await bulletin_for(call.application, call.person, Month.parse(q.month))
    if q.format == "json":
        return answer(bulletin_shape(found))
    content = await call.request.app[TABLES].write(sheet_of(found, call.application.region), q.format)
    name = f"bulletin-{found.month}.{q.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=content, content_type=MEDIA_TYPES[q.format], charset="utf-8" if q.format == "csv" else None, headers=headers)


def bulletin_shape(found: MonthlyStatistics) -> BulletinShape:
    def plain(figures: Any, shape: type[Shape], *leave: str) -> dict[str, Any]:
        return {name: getattr(figures, name) for name in shape.__struct_fields__ if name not in leave}

    centres = [
        CentreFiguresShape(
            **plain(c, CentreFiguresShape, "joined", "top"),
            joined={level.value: count for level, count in c.joined.items()},
            top=[TopShape(institution=code, volume=volume) for code, volume in c.top],
        )
        for c in found.centres
    ]
    institutions = [
        InstitutionFiguresShape(**plain(i, InstitutionFiguresShape, "institution", "level"), institution=i.code, level=i.level.value)
        for i in found.institutions
    ]
    return BulletinShape(month=str(found.month), days=found.days, centres=centres, institutions=institutions)
