"""QIDO-RS (PS3.18 section 10.6)."""

from __future__ import annotations

import asyncio
import json
import re

from aiohttp import web

from dicom_gateway.dicomweb.service import scope_of
from dicom_gateway.index import Attribute, BadQuery, Level, Match, Matching, Query, attribute_named
from dicom_gateway.index.reading import MAX_ROWS
from dicom_gateway.metadata import attributes_shown, keyword_of, row_json

_OPTIONS = frozenset({"limit", "offset", "includefield", "fuzzymatching", "emptyvaluematching", "multiplevaluematching"})
_ROOT = re.compile(r"(.*?)/(?:studies|series|instances)(?:/|$)")
_PATH_KEYS = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID"}


async def studies(request: web.Request) -> web.Response:
    """Search for studies."""
    return await _search(request, Level.STUDY)


async def series(request: web.Request) -> web.Response:
    """Search for series."""
    return await _search(request, Level.SERIES)


async def instances(request: web.Request) -> web.Response:
    """Search for instances."""
    return await _search(request, Level.IMAGE)


async def _search(request: web.Request, level: Level) -> web.Response:
    service, scope = await scope_of(request, "search")
    limit, offset = _number(request, "limit", MAX_ROWS), _number(request, "offset", 0)
    # One row more than asked for tells whether there are more.
    query = Query(level, _matches(request), min(limit, MAX_ROWS - 1) + 1, offset)
    rows = await service.index.find(query, scope)
    more = len(rows) == query.limit
    rows = rows[: query.limit - 1]
    included = frozenset(k for k in map(keyword_of, _listed(request, "includefield")) if k)
    shown = attributes_shown(level, "study" in request.match_info, "series" in request.match_info, included)
    base = service_address(request)
    body = await asyncio.to_thread(lambda: json.dumps([row_json(row, shown, base) for row in rows], ensure_ascii=False).encode())
    headers = {"Cache-Control": "private, no-cache"}
    if more and limit >= query.limit:
        headers["Warning"] = '299 - "There are additional results that can be requested"'
    return web.Response(body=body, content_type="application/dicom+json", headers=headers)


def service_address(request: web.Request) -> str:
    """Absolute address of the DICOMweb service, wherever it is mounted."""
    resource = request.match_info.route.resource
    mounted = _ROOT.match(resource.canonical if resource else "")
    return f"{request.scheme}://{request.host}{mounted[1] if mounted else ''}"


def _matches(request: web.Request) -> list[Match]:
    matches = [Match(_known(keyword), (request.match_info[part],)) for part, keyword in _PATH_KEYS.items() if part in request.match_info]
    fuzzy = request.query.get("fuzzymatching", "").lower() == "true"
    for name in dict.fromkeys(request.query):
        if name in _OPTIONS:
            continue
        attribute = _known(name)
        values = tuple(part for value in request.query.getall(name) for part in _split(value, attribute.matching))
        matches.append(Match(attribute, values, fuzzy and attribute.matching is Matching.NAME))
    return matches


def _known(name: str) -> Attribute:
    attribute = attribute_named(name)
    if attribute is None:
        raise BadQuery(f"{name} is not an attribute that can be searched by")
    return attribute


def _split(value: str, matching: Matching) -> list[str]:
    """UIDs and modalities may come as a list, with commas or backslashes (PS3.18 8.3.4.1)."""
    if matching in (Matching.UID, Matching.MODALITIES):
        return [part for part in value.replace("\\", ",").split(",") if part]
    return [value]


def _listed(request: web.Request, name: str) -> list[str]:
    return [part.strip() for value in request.query.getall(name, []) for part in value.split(",")]


def _number(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name)
    if text is None:
        return otherwise
    if not text.isdigit() or len(text) > 9:
        raise BadQuery(f"{name} must be a whole number, not {text!r}")
    return int(text)
