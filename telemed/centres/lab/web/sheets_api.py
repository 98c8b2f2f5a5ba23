"""Sheets of results (CSV, XLSX, XLS): looked at row by row, then taken over."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from telemed.centres.lab import service
from telemed.centres.lab.domain import SheetPreview
from telemed.centres.lab.ports import SheetReader
from telemed.centres.lab.web.api import ResultShape, result_shape
from telemed.centres.lab.web.keys import SHEET_READER
from telemed.domain.policy import Action
from telemed.service.execution import execute, query
from telemed.web.api.inputs import Input, Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape
from telemed.web.problems import Problem

MAX_BYTES = 8 * 1024 * 1024
"""A month of a small laboratory's rows."""

Name = Annotated[str, Field(max_length=200)]


class ColumnsInput(Input):
    """Which column of the sheet, by its heading, holds what; empty: none does. `tests`: where a column is a test, its code by heading."""

    specimen: Name = ""
    patient: Name = ""
    name: Name = ""
    sex: Name = ""
    birth: Name = ""
    code: Name = ""
    test: Name = ""
    value: Name = ""
    unit: Name = ""
    range: Name = ""
    flag: Name = ""
    observed: Name = ""
    tests: Annotated[dict[Name, Annotated[str, Field(max_length=64)]], Field(max_length=200)] = Field(default={})


class ColumnsShape(Shape):
    """`columns` as they were mapped; empty where nobody has."""

    columns: dict[str, Any]


class SheetQuery(Input):
    """`character_set` of CSV that is neither UTF-8 nor GB 18030. `leave_out`: take the sheet without the rows that cannot be taken."""

    character_set: Annotated[str, Field(max_length=40)] = ""
    leave_out: bool = False


class RefusedRowShape(Shape):
    """`row` as a spreadsheet counts."""

    row: int
    reason: str


class SheetShape(Shape):
    """The sheet's columns, how many results it gives, the first of them, and the rows that cannot be taken."""

    columns: list[str]
    results: int
    items: list[ResultShape]
    refused: list[RefusedRowShape]


def sheet_shape(seen: SheetPreview) -> SheetShape:
    return SheetShape(
        columns=list(seen.columns),
        results=seen.results,
        items=[result_shape(each) for each in seen.first],
        refused=[RefusedRowShape(row=row, reason=reason) for row, reason in seen.refused],
    )


async def _file(call: Call[Nothing]) -> bytes:
    content = bytearray()
    async for piece in call.request.content.iter_chunked(64 * 1024):
        content += piece
        if len(content) > MAX_BYTES:
            raise Problem(413, "too-large", f"{MAX_BYTES} bytes")
    return bytes(content)


def _reader(call: Call[Nothing]) -> SheetReader:
    return call.request.app[SHEET_READER]


@operation("GET", "/lab/sheets/columns", returns=ColumnsShape, errors=(403,))
async def columns(call: Call[Nothing]) -> web.Response:
    """Which columns of your institution's sheets hold what."""
    return answer(ColumnsShape(columns=dict(await query(call.application, service.sheet_columns_of, call.person))))


@operation("PUT", "/lab/sheets/columns", body=ColumnsInput, returns=ColumnsShape, errors=(403, 422), right=Action.RESULT_ENTER)
async def map_columns(call: Call[ColumnsInput]) -> web.Response:
    """Say which columns of your institution's sheets hold what."""
    wanted: Mapping[str, Any] = {name: value for name, value in call.body.model_dump().items() if value}
    await execute(call.application, service.map_sheet_columns, call.person, wanted)
    return answer(ColumnsShape(columns=dict(wanted)))


@operation("POST", "/lab/sheets/preview", query=SheetQuery, returns=SheetShape, errors=(403, 413, 422), right=Action.RESULT_ENTER)
async def preview(call: Call[Nothing]) -> web.Response:
    """Look at a sheet (CSV, XLSX or XLS as the body): what each row would give and what is wrong with it. Nothing changes."""
    mapped = await query(call.application, service.sheet_columns_of, call.person)
    return answer(sheet_shape(await _reader(call).preview(await _file(call), mapped, call.query.character_set)))


@operation("POST", "/lab/sheets", query=SheetQuery, returns=SheetShape, status=201, errors=(403, 413, 422), right=Action.RESULT_ENTER)
async def take(call: Call[Nothing]) -> web.Response:
    """Take a sheet over. With a row that cannot be taken nothing is, unless such rows are to be left out."""
    mapped = await query(call.application, service.sheet_columns_of, call.person)
    content, asked = await _file(call), call.query
    taken = await _reader(call).take(call.person.institution, content, mapped, asked.character_set, leave_out=asked.leave_out)
    if taken.reason:
        raise Problem(503, "unavailable", "")
    await execute(call.application, service.note_sheet, call.person, sha256(content).hexdigest(), taken.results)
    return answer(sheet_shape(taken), status=201)
