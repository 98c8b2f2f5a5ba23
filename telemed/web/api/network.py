"""For the operator: the network, the routing check, patients to merge."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.policy import Action, require
from telemed.domain.routing import current
from telemed.service import patients
from telemed.service.execution import execute
from telemed.service.routing import try_route
from telemed.web.api.inputs import MergePatients, Nothing, RouteQuestion
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import RouteShape, Shape, route_shape
from telemed.web.labels.route import in_words


class InstitutionShape(Shape):
    code: str
    name: str
    name_en: str
    level: str
    city: str
    district: str
    active: bool


class HubShape(Shape):
    hub: str
    centre: str
    parent: str | None
    covers: list[str] | None
    two_person: list[str]


class NetworkShape(Shape):
    institutions: list[InstitutionShape]
    hubs: list[HubShape]
    home_hubs: dict[str, dict[str, str]]


class TriedRouteShape(RouteShape):
    """`words` says each step in the language of the request."""

    words: list[str]


@operation("GET", "/network", returns=NetworkShape, errors=(403,))
async def network(call: Call[Nothing]) -> web.Response:
    """Institutions, hubs, and each centre's tree."""
    require(call.person, Action.NETWORK_READ)
    region = call.application.region.network
    names = InstitutionShape.__struct_fields__
    institutions = [
        InstitutionShape(**{n: getattr(i, n) for n in names if n != "level"}, level=i.level.value) for i in region.institutions.values()
    ]
    hubs = [
        HubShape(
            hub=s.hub,
            centre=s.centre,
            parent=s.parent,
            covers=sorted(s.covers) if s.covers is not None else None,
            two_person=sorted(s.two_person),
        )
        for s in region.services.values()
    ]
    homes: dict[str, dict[str, str]] = {}
    for (centre, member), hub in region.home_hubs.items():
        homes.setdefault(centre, {})[member] = hub
    return answer(NetworkShape(institutions=institutions, hubs=hubs, home_hubs=homes))


@operation("POST", "/network/route", body=RouteQuestion, returns=TriedRouteShape, errors=(403, 422))
async def route(call: Call[RouteQuestion]) -> web.Response:
    """Return the way that this case would go. Nothing is changed."""
    require(call.person, Action.NETWORK_READ)
    body = call.body
    region = call.application.region
    at = body.at if body.at is None or body.at.tzinfo else body.at.replace(tzinfo=region.network.zone)
    steps = try_route(region, body.centre, body.member, body.need.upper(), at or call.application.now())
    now = current(steps)
    words = [f"{step.hub} {step.rule}: {step.outcome}" for step in in_words(steps)]
    return answer(TriedRouteShape(hub=now.hub if now else None, route=[route_shape(step) for step in steps], words=words))


@operation("POST", "/patients/merge", body=MergePatients, status=204, errors=(403, 404, 422))
async def merge(call: Call[MergePatients]) -> web.Response:
    """Two records are one person."""
    await execute(call.application, patients.merge_patients, call.person, call.body.kept, call.body.joined, call.body.reason)
    return web.Response(status=204)
