"""One operation of the API as data: the router and the OpenAPI description are both made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
from aiohttp import web
from pydantic import BaseModel, ValidationError

from dicom_gateway.json_names import repeated_name
from telemed.domain.errors import Forbidden, Invalid, NotFound
from telemed.domain.people import Person
from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action
from telemed.service.access import ask_for_right
from telemed.service.application import Application
from telemed.service.execution import record_refusal
from telemed.web.api.inputs import Nothing
from telemed.web.i18n import gettext
from telemed.web.keys import APPLICATION
from telemed.web.problems import Problem, from_validation
from telemed.web.security import person_of
from telemed.web.snapshots import one_snapshot, reads_one_snapshot

B = TypeVar("B", bound=BaseModel)

BODY_LIMIT = 1024 * 1024
"""Bytes of a JSON body: the longest report form is far below."""

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Call(Generic[B]):
    """One request, read and checked: who asks, the path's names, the body, the query."""

    request: web.Request
    application: Application
    person: Person
    body: B
    query: Any

    @property
    def case_id(self) -> str:
        return self.request.match_info["case_id"]

    def path(self, name: str) -> str:
        return self.request.match_info[name]


@dataclass(frozen=True, slots=True)
class Operation:
    """Method, path, handler, and what goes in and comes out. `errors` are the statuses beside the usual ones, `headers` those of
    the answer, `request_headers` those that a request must have, `files` the media types of files that may come instead. `right` is
    what the person must be allowed to do: who is not is told that and nothing else, whatever was sent."""

    method: str
    path: str
    handler: Callable[[Any], Awaitable[web.StreamResponse]]
    summary: str
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    returns: Any
    status: int
    errors: tuple[int, ...]
    media_type: str
    request_media_type: str
    headers: tuple[str, ...]
    request_headers: tuple[str, ...]
    files: tuple[str, ...]
    right: Action | CaseAction | None


@dataclass(slots=True)
class Operations:
    """A table of operations that modules add to by decorator."""

    rows: list[Operation] = field(default_factory=list)

    def __call__(
        self,
        method: str,
        path: str,
        *,
        body: type[BaseModel] | None = None,
        query: type[BaseModel] | None = None,
        returns: Any = None,
        status: int = 200,
        errors: tuple[int, ...] = (),
        media_type: str = "application/json",
        request_media_type: str = "application/json",
        headers: tuple[str, ...] = (),
        request_headers: tuple[str, ...] = (),
        files: tuple[str, ...] = (),
        right: Action | CaseAction | None = None,
    ) -> Callable[[Callable[[Any], Awaitable[web.StreamResponse]]], Callable[[Any], Awaitable[web.StreamResponse]]]:
        def add(handler: Callable[[Any], Awaitable[web.StreamResponse]]) -> Callable[[Any], Awaitable[web.StreamResponse]]:
            summary = (handler.__doc__ or "").strip().splitlines()[0]
            row = (method, path, handler, summary, body, query, returns, status, errors, media_type, request_media_type, headers)
            self.rows.append(Operation(*row, request_headers, files, right))
            return handler

        return add

    def of(self, modules: Collection[str]) -> Operations:
        """Return the operations that these modules added."""
        return Operations([op for op in self.rows if op.handler.__module__ in modules])

    def routes(self, prefix: str) -> list[web.RouteDef]:
        return [web.route(op.method, prefix + op.path, _entry(op)) for op in self.rows]


def _entry(op: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def entry(request: web.Request) -> web.StreamResponse:
        person = person_of(request)
        try:
            body = await _read_body(request, op) if op.body is not None else Nothing()
            query = _read_query(request, op.query) if op.query is not None else None
            return await op.handler(Call(request, request.app[APPLICATION], person, body, query))
        except (Problem, Invalid):
            if op.right is not None:
                await refuse_without_right(request, person, op.right, request.match_info.get("case_id", ""))
            raise

    return one_snapshot(entry) if reads_one_snapshot(op.handler) else entry


async def refuse_without_right(request: web.Request, person: Person, right: Action | CaseAction, case_id: str = "") -> None:
    """What was sent is no request: before that is said, whoever has no right to it is refused, and that is on record. Raises NotFound or
    Forbidden."""
    application = request.app[APPLICATION]
    try:
        async with application.reading() as work:
            await ask_for_right(work, person, right, case_id)
    except (Forbidden, NotFound) as refusal:
        await record_refusal(application, person, right.value.replace(":", "-"), refusal)
        raise


async def _read_body(request: web.Request, op: Operation) -> BaseModel:
    if op.body is None:
        raise TypeError("this operation takes no body")
    return await read_json(request, op.body)


async def read_json(request: web.Request, model: type[B]) -> B:
    """The body by its model. An empty body is an empty object. Raises Problem: 413, 415, 400 or 422."""
    if (request.content_length or 0) > BODY_LIMIT:
        raise Problem(413, "too-large", f"{BODY_LIMIT} bytes")
    content = await request.content.read(BODY_LIMIT + 1)
    while content and len(content) <= BODY_LIMIT and not request.content.at_eof():
        more = await request.content.read(BODY_LIMIT + 1 - len(content))
        if not more:
            break
        content += more
    if len(content) > BODY_LIMIT:
        raise Problem(413, "too-large", f"{BODY_LIMIT} bytes")
    if content and request.content_type not in ("application/json", "application/octet-stream"):
        raise Problem(415, "unsupported-media-type", "application/json")
    repeated = repeated_name(content)
    if repeated is not None:
        raise Problem(400, "malformed", gettext("The name %s stands twice in one object") % repeated)
    try:
        return model.model_validate_json(content or b"{}")
    except ValidationError as error:
        raise from_validation(error) from None


def _read_query(request: web.Request, model: type[BaseModel]) -> BaseModel:
    repeated = [name for name in request.query if len(request.query.getall(name)) > 1]
    if repeated:
        raise Problem(400, "malformed", f"{repeated[0]} is given twice")
    given = {name: value for name, value in request.query.items() if value != "" and name != "lang"}
    try:
        return model.model_validate_strings(given)
    except ValidationError as error:
        raise from_validation(error, "query.") from None


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=_encoder.encode(content), status=status, content_type="application/json", headers=headers)


operation = Operations()
