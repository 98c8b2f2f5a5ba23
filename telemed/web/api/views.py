"""Views of the worklist that a person keeps."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.policy import Action
from telemed.service import saved_views
from telemed.service.execution import execute, query
from telemed.web.api.inputs import Nothing, SavedView
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape


class SavedViewShape(Shape):
    name: str
    query: str


class SavedViewListShape(Shape):
    items: list[SavedViewShape]
    next: str | None = None


@operation("GET", "/views", returns=SavedViewListShape)
async def listing(call: Call[Nothing]) -> web.Response:
    """Your own views of the worklist."""
    views = await query(call.application, saved_views.views_of, call.person)
    return answer(SavedViewListShape(items=[SavedViewShape(name=v.name, query=v.query) for v in views]))


@operation("POST", "/views", body=SavedView, returns=SavedViewShape, status=201, errors=(403, 422), right=Action.CASE_READ)
async def save(call: Call[SavedView]) -> web.Response:
    """Keep filters of the worklist under a name; the same name again replaces them."""
    view = await execute(call.application, saved_views.save_view, call.person, call.body.name, call.body.query)
    return answer(SavedViewShape(name=view.name, query=view.query), 201)


@operation("DELETE", "/views/{name}", status=204, errors=(404,))
async def remove(call: Call[Nothing]) -> web.Response:
    """Forget a view."""
    await execute(call.application, saved_views.remove_view, call.person, call.path("name"))
    return web.Response(status=204)
