"""Answers that list data sets: DICOM JSON, or one XML part for each (PS3.18 sections 8.7.3 and 10.6.3)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from dicom_gateway.dicomweb.media_types import accepted
from dicom_gateway.dicomweb.multipart import MultipartAnswer
from dicom_gateway.dicomweb.service import Problem
from dicom_gateway.native_xml import to_xml

JSON, XML = "application/dicom+json", "application/dicom+xml"


def answer_kind(request: web.Request) -> str:
    """JSON or XML, whichever the caller likes better. Raises `Problem` 406 for neither."""
    for asked in accepted(request):
        if not asked.multipart and (asked.takes(JSON) or asked.kind == "application/json"):
            return JSON
        if asked.kind == XML or (asked.takes_parts and asked.takes(XML)):
            return XML
    raise Problem(406, "Not acceptable", f'answers come as {JSON} or as multipart/related; type="{XML}"')


async def answer(
    request: web.Request,
    kind: str,
    items: Callable[[], Sequence[Mapping[str, Any]]],
    headers: dict[str, str],
    *,
    status: int = 200,
    alone: bool = False,
) -> web.StreamResponse:
    """The answer; `items` is called, and written out, in a thread. `alone`: it is one data set and no list."""
    headers = {**headers, "Vary": "Accept"}
    if kind == JSON:
        body = await asyncio.to_thread(_json, items, alone)
        return web.Response(status=status, body=body, content_type=JSON, headers=headers)
    documents = await asyncio.to_thread(lambda: [to_xml(item) for item in items()])
    if alone:
        return web.Response(status=status, body=documents[0], content_type=XML, charset="utf-8", headers=headers)
    parts = MultipartAnswer(XML, headers)
    await parts.start(request)
    for document in documents:
        await parts.part(f"{XML}; charset=utf-8", document)
    return await parts.finish()


def _json(items: Callable[[], Sequence[Mapping[str, Any]]], alone: bool) -> bytes:
    found = items()
    return json.dumps(found[0] if alone else found, ensure_ascii=False, separators=(",", ":")).encode()
