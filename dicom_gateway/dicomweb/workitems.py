"""UPS-RS: the worklist service (PS3.18 section 11), in front of whoever keeps the workitems."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from pydicom.uid import generate_uid

from dicom_gateway.dicomweb.answers import JSON, XML, answer, answer_kind
from dicom_gateway.dicomweb.keys import Key, check_values, item_matches, named_keys, split_values, warned
from dicom_gateway.dicomweb.search import number_of
from dicom_gateway.dicomweb.service import Problem, Service, not_found, scope_of, service_address
from dicom_gateway.index import Scope
from dicom_gateway.index.disclosure import check_key, disclosed
from dicom_gateway.json_names import repeated_name
from dicom_gateway.native_xml import BadModel, from_xml
from dicom_gateway.workitems import Refused, State, Workitem
from dicom_gateway.workitems.rules import SOP_INSTANCE_UID, STATE, TRANSACTION_UID, value_of

MAX_BODY = 1 << 20
_UID = re.compile(r"[0-9.]{1,64}")
_DEFAULT_ROWS = 1000
_ACTIONS = {"GET": "search", "POST": "store", "PUT": "store"}


async def search(request: web.Request) -> web.StreamResponse:
    """Workitems that match, most urgent first."""
    kind = answer_kind(request)
    service, scope = await scope_of(request, "worklist")
    named, ignored = named_keys(request)
    keys = []
    for name, path in named.items():
        keys.append(key := Key(path, tuple(part for value in request.query.getall(name) for part in split_values(value, None))))
        check_values(name, key)
        check_key(".".join(path), path, key.values, scope.attributes)
    limit, offset = number_of(request, "limit", _DEFAULT_ROWS), number_of(request, "offset", 0)
    state = next((each for each in State for key in keys if key.path == (STATE,) and key.values == (each.value,)), None)
    listed = [disclosed(each.shown(), scope.attributes) for each in await service.workitems.listed(request, scope.owner, state)]
    found = [shown for shown in listed if item_matches(shown, keys)]
    more = ["There are additional results that can be requested"] if len(found) > offset + limit else []
    headers = {"Cache-Control": "private, no-cache"} | warned(request, [*ignored, *more])
    return await answer(request, kind, lambda: found[offset : offset + limit], headers)


async def create(request: web.Request) -> web.Response:
    """A new workitem; its UID stands in the query, in the content, or is made here."""
    service, scope = await scope_of(request, "worklist")
    item = await _content(request)
    uid = next((name for name, value in request.query.items() if _UID.fullmatch(name) and not value), None)
    uid = request.query.get("workitem") or uid or value_of(item, SOP_INSTANCE_UID) or str(generate_uid(prefix=None))
    if not _UID.fullmatch(str(uid)):
        raise Problem(400, "Bad request", f"{str(uid)[:64]!r} is no UID")
    await _kept(request, service.workitems.create(request, scope.owner, str(uid), item))
    address = f"{service_address(request)}/workitems/{uid}"
    return web.Response(status=201, headers={"Location": address, "Content-Location": address})


async def retrieve(request: web.Request) -> web.StreamResponse:
    """One workitem."""
    kind = answer_kind(request)
    service, scope = await scope_of(request, "worklist")
    workitem = await _kept(request, service.workitems.workitem(request, scope.owner, request.match_info["workitem"]))
    assert isinstance(workitem, Workitem)
    return await answer(
        request, kind, lambda: [disclosed(workitem.shown(), scope.attributes)], {"Cache-Control": "private, no-cache"}, alone=kind == XML
    )


async def update(request: web.Request) -> web.Response:
    """Attributes written over those of a workitem; who took it names the Transaction UID in the query."""
    service, scope = await scope_of(request, "worklist")
    key = request.query.get("transaction-uid") or next((n for n, v in request.query.items() if _UID.fullmatch(n) and not v), None)
    async with _about_one(request, service, scope):
        item = await _content(request)
    await _kept(request, service.workitems.update(request, scope.owner, request.match_info["workitem"], item, key))
    return web.Response(status=200)


async def change_state(request: web.Request) -> web.Response:
    """Take, complete or cancel a workitem."""
    service, scope = await scope_of(request, "worklist")
    async with _about_one(request, service, scope):
        state, key = _change_in(request, await _content(request))
    changed = await _kept(request, service.workitems.change_state(request, scope.owner, request.match_info["workitem"], state, key))
    said = "" if changed else f"The UPS is already in the requested state of {state.value}."
    return web.Response(status=200, headers=_warning(request, said) if said else None)


async def request_cancel(request: web.Request) -> web.Response:
    """Request the cancellation of a workitem that another party performs."""
    service, scope = await scope_of(request, "worklist")
    async with _about_one(request, service, scope):
        reason = await _content(request) if request.can_read_body else {}
    changed = await _kept(request, service.workitems.request_cancel(request, scope.owner, request.match_info["workitem"], reason))
    said = "" if changed else "The UPS is already in the requested state of CANCELED."
    return web.Response(status=202, headers=_warning(request, said) if said else None)


async def _kept(request: web.Request, asked: Any) -> object:
    """Run a question to the repository; a refusal becomes an answer with the standard's own sentence."""
    try:
        return await asked
    except Refused as refused:
        if refused.status == 404:
            raise not_found() from None
        titles = {400: "Bad request", 403: "Forbidden", 409: "Conflict"}
        raise Problem(refused.status, titles.get(refused.status, "Refused"), str(refused), _warning(request, str(refused))) from None


def _warning(request: web.Request, said: str) -> dict[str, str]:
    return {"Warning": f"299 {request.host}: {said}"}


def _change_in(request: web.Request, item: Mapping[str, Any]) -> tuple[State, str]:
    """The state that is asked for, and the Transaction UID. Raises `Problem` 400."""
    try:
        state = State(value_of(item, STATE))
    except ValueError:
        raise Problem(400, "Bad request", "Procedure Step State (0074,1000) is IN PROGRESS, COMPLETED or CANCELED") from None
    key = value_of(item, TRANSACTION_UID)
    if not isinstance(key, str) or not _UID.fullmatch(key):
        raise Problem(400, "Bad request", "The Transaction UID is missing.", _warning(request, "The Transaction UID is missing."))
    return state, key


@asynccontextmanager
async def _about_one(request: web.Request, service: Service, scope: Scope) -> AsyncIterator[None]:
    """Reading a request about one workitem: who is to know of none is told that there is none, whatever was sent. Raises `Problem`."""
    try:
        yield
    except Problem:
        await _kept(request, service.workitems.workitem(request, scope.owner, request.match_info["workitem"]))
        raise


async def _content(request: web.Request) -> dict[str, Any]:
    """The data set of the request. Raises `Problem` 400, 413 or 415."""
    if request.content_type not in (JSON, XML, "application/json"):
        raise Problem(415, "Unsupported media type", f"workitems come as {JSON} or {XML}")
    body = await request.content.read(MAX_BODY + 1)
    while len(body) <= MAX_BODY and (more := await request.content.read(MAX_BODY)):
        body += more
    if len(body) > MAX_BODY:
        raise Problem(413, "Too large", f"a workitem is at most {MAX_BODY} bytes")
    repeated = repeated_name(body) if request.content_type != XML else None
    if repeated is not None:
        raise Problem(400, "Bad request", f"the name {repeated} stands twice in one object")
    try:
        item = from_xml(body) if request.content_type == XML else json.loads(body)
    except (BadModel, ValueError, RecursionError) as error:
        raise Problem(400, "Bad request", f"the data set cannot be read: {error}") from None
    item = item[0] if isinstance(item, list) and len(item) == 1 else item
    if not isinstance(item, dict) or not all(isinstance(each, dict) and isinstance(each.get("vr"), str) for each in item.values()):
        raise Problem(400, "Bad request", "send one data set, each attribute with its vr")
    return item
