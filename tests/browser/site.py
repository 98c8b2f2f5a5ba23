"""A small site that serves the product's own templates and modules to a real browser, with an API that can misbehave."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp_jinja2
import jinja2
from aiohttp import web

from telemed.centres.imaging import CENTRE
from telemed.web import i18n, templating
from tests.browser import dicom_images

PASSWORD: Final = "right"
CONTENT_SECURITY_POLICY: Final = "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'"


@dataclass
class State:
    """What the site remembers, and how it behaves."""

    sections: dict[str, Any] = field(default_factory=lambda: {"findings": "Nothing yet.", "impression": ""})
    revision: int = 1
    saving: bool = True  # False: no report can be saved now
    saves: list[dict[str, Any]] = field(default_factory=list)
    signed: list[dict[str, Any]] = field(default_factory=list)
    undone: int = 0
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    listeners: set[asyncio.Queue[tuple[int, str, dict[str, Any]]]] = field(default_factory=set)
    asked_last_id: list[str] = field(default_factory=list)
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    upload_limit: int | None = None  # the line is cut once an upload has this many bytes

    @property
    def etag(self) -> str:
        return f'"1.{self.revision}"'

    def announce(self, number: int, name: str, data: dict[str, Any]) -> None:
        """Send an event to every open page."""
        for queue in self.listeners:
            queue.put_nowait((number, name, data))


STATE: Final = web.AppKey("STATE", State)


@web.middleware
async def strict(request: web.Request, handler: i18n.Handler) -> web.StreamResponse:
    """The policy that the product answers with."""
    response = await handler(request)
    if not response.prepared:
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


def frame() -> dict[str, Any]:
    """The bar of a reader at a hub."""
    tabs = [
        {"href": "/worklist", "label": i18n.gettext("Imaging"), "count": 12, "tone": "", "current": True},
        {"href": "/critical", "label": i18n.gettext("STAT"), "count": 1, "tone": "critical", "current": False},
    ]
    person = {"name": "Dr. Li", "institution": "HUBA", "username": "imaging.huba"}
    return {"hub": "Hub A", "centre": i18n.gettext("Imaging"), "tabs": tabs, "person": person, "notices": 2}


def make_row(number: int, minutes: int, priority: str = "routine", status: str = "requested") -> dict[str, Any]:
    due = datetime.now(UTC) + timedelta(minutes=minutes, seconds=30)
    patient = {"name": f"张{number}", "sex": "male", "birth_date": date(1961, 2, 3)}
    order = f"{0 if priority == 'stat' else 1}-{due.isoformat(timespec='seconds')}"
    return {"id": str(number), "due": due, "total": 3600, "patient": patient, "priority": priority, "status": status, "order": order}


def page(template: str, **more: Any) -> Any:
    """A handler that draws one of the test templates."""

    async def show(request: web.Request) -> web.Response:
        state = request.app[STATE]
        context = {
            "frame": frame(),
            "state": state,
            "form": CENTRE,
            "rows": sorted(state.rows.values(), key=lambda row: row["order"]),
            "now": datetime.now(UTC),
            "hour": timedelta(hours=1),
            "query": request.query,
            **more,
        }
        return aiohttp_jinja2.render_template(template, request, context)

    return show


async def rows(request: web.Request) -> web.Response:
    """The rows that the live list asks for."""
    state = request.app[STATE]
    wanted = [state.rows[key] for key in request.query["ids"].split(",") if key in state.rows]
    return aiohttp_jinja2.render_template("rows.html", request, {"rows": wanted})


async def counts(_: web.Request) -> web.Response:
    """The figures of the tabs."""
    return web.json_response({"/worklist": 13})


async def events(request: web.Request) -> web.StreamResponse:
    """Server-sent events."""
    state = request.app[STATE]
    state.asked_last_id.append(request.query.get("last_event_id", request.headers.get("Last-Event-ID", "")))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b": hello\n\n")
    queue: asyncio.Queue[tuple[int, str, dict[str, Any]]] = asyncio.Queue()
    state.listeners.add(queue)
    try:
        while True:
            number, name, data = await queue.get()
            await response.write(f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode())
    finally:
        state.listeners.discard(queue)


async def get_report(request: web.Request) -> web.Response:
    """The saved draft."""
    state = request.app[STATE]
    return web.json_response({"sections": state.sections, "version": 1}, headers={"ETag": state.etag})


async def put_report(request: web.Request) -> web.Response:
    """Save the draft, if it was made from the current version."""
    state = request.app[STATE]
    if not state.saving:
        return web.json_response({"title": "busy", "status": 503}, status=503, content_type="application/problem+json")
    if request.headers.get("If-Match") != state.etag:
        return web.json_response({"title": "stale", "status": 412}, status=412, content_type="application/problem+json")
    state.sections = (await request.json())["sections"]
    state.saves.append(state.sections)
    state.revision += 1
    return await get_report(request)


async def sign(request: web.Request) -> web.Response:
    """Sign with the right password."""
    body = await request.json()
    if body["password"] != PASSWORD:
        problem = {"title": "Wrong password.", "status": 403, "detail": "Wrong password."}
        return web.json_response(problem, status=403, content_type="application/problem+json")
    request.app[STATE].signed.append(request.app[STATE].sections)
    return web.json_response({"status": "final"})


async def undo(request: web.Request) -> web.Response:
    """Take something back."""
    request.app[STATE].undone += 1
    return web.json_response({})


async def hold(_: web.Request) -> web.Response:
    """An action that can be undone."""
    headers = {"HX-Trigger": json.dumps({"telemed:undoable": {"text": "Held.", "url": "/api/v1/undo"}})}
    return web.Response(text="held", headers=headers)


async def create_upload(request: web.Request) -> web.Response:
    """tus 1.0 creation."""
    state = request.app[STATE]
    pairs = (pair.split(" ") for pair in request.headers["Upload-Metadata"].split(","))
    metadata = {name: base64.b64decode(value).decode() for name, value in pairs}
    key = str(len(state.uploads) + 1)
    state.uploads[key] = {"length": int(request.headers["Upload-Length"]), "data": b"", "metadata": metadata, "from": []}
    return web.Response(status=201, headers={"Location": f"/uploads/{key}", "Tus-Resumable": "1.0.0"})


async def head_upload(request: web.Request) -> web.Response:
    """tus 1.0: how far an upload is."""
    upload = request.app[STATE].uploads[request.match_info["key"]]
    upload["writer"] = None  # who asks where to go on takes over
    headers = {"Upload-Offset": str(len(upload["data"])), "Upload-Length": str(upload["length"]), "Tus-Resumable": "1.0.0"}
    return web.Response(headers=headers | {"Cache-Control": "no-store"})


async def patch_upload(request: web.Request) -> web.Response:
    """tus 1.0: more bytes; with `upload_limit` the line is cut in the middle of the body. The latest writer is the only one."""
    state = request.app[STATE]
    upload = state.uploads[request.match_info["key"]]
    if int(request.headers["Upload-Offset"]) != len(upload["data"]):
        return web.Response(status=409, headers={"Tus-Resumable": "1.0.0"})
    upload["from"].append(len(upload["data"]))
    writer = upload["writer"] = object()
    async for chunk in request.content.iter_chunked(65536):
        if upload["writer"] is not writer:
            return web.Response(status=423, headers={"Tus-Resumable": "1.0.0"})
        if state.upload_limit is not None and len(upload["data"]) >= state.upload_limit:
            assert request.transport is not None
            request.transport.abort()
            break
        upload["data"] += chunk
    return web.Response(status=204, headers={"Upload-Offset": str(len(upload["data"])), "Tus-Resumable": "1.0.0"})


def make_app() -> web.Application:
    """The site."""
    app = web.Application(middlewares=[strict, i18n.language_middleware(lambda request: None)], client_max_size=2**26)
    app[STATE] = State()
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    templating.setup(app, loader=loader)
    state = app[STATE]
    for number in range(1, 31):
        row = make_row(number, number * 7 - 12, "stat" if number == 1 else "urgent" if number < 5 else "routine")
        state.rows[str(number)] = row
    get, post = app.router.add_get, app.router.add_post
    get("/login", page("login.html", problem="", username="", next="/"))
    for name in ("gallery", "worklist", "read", "viewer", "new"):
        get(f"/{name}", page(f"{name}.html"))
    get("/case/{id}", page("case.html"))
    get("/worklist/rows", rows)
    get("/worklist/counts", counts)
    get("/api/v1/events", events)
    get("/api/v1/report", get_report)
    app.router.add_put("/api/v1/report", put_report)
    post("/api/v1/sign", sign)
    post("/api/v1/undo", undo)
    post("/hold", hold)
    post("/uploads", create_upload)
    app.router.add_head("/uploads/{key}", head_upload)
    app.router.add_patch("/uploads/{key}", patch_upload)
    dicom_images.add_routes(app)
    return app
