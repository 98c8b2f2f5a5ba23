"""Lists of accounts for the security administrator: looked at row by row, then taken over as a whole or not at all."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from aiohttp import web
from pydantic import StringConstraints

from telemed.domain.account_list import MAX_BYTES, AccountList, ImportPlan, PlannedRow, RowState
from telemed.domain.errors import DomainError
from telemed.service.account_import import carry_out_import, may_import, plan_import
from telemed.service.execution import execute, query
from telemed.web.api.accounts import invitation_url
from telemed.web.api.inputs import Input, Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape
from telemed.web.i18n import gettext
from telemed.web.keys import LISTS
from telemed.web.labels.account_lists import COLUMN_LABELS, list_words
from telemed.web.problems import Problem, fault_text, problem_of

SHOWN = 300
"""Rows of a preview that are told one by one, those at fault first."""
LINES = "application/x-ndjson"


class PlanQuery(Input):
    """`plan` is that of the preview."""

    plan: Annotated[str, StringConstraints(max_length=64, pattern=r"^[0-9a-f]*$")] = ""


class RowFaultShape(Shape):
    """`column` is its heading in the language of the request."""

    column: str
    message: str
    code: str


class PlannedRowShape(Shape):
    """`row` as a spreadsheet counts; `state` is faulty, new, changed or unchanged; `changed` names the columns."""

    row: int
    username: str
    name: str
    state: str
    faults: list[RowFaultShape]
    changed: list[str]


class ImportPlanShape(Shape):
    """How many rows there are of each kind, and the first of them, those at fault first. `plan` is handed back to carry it out."""

    plan: str
    rows: int
    new: int
    changed: int
    unchanged: int
    faulty: int
    items: list[PlannedRowShape]


class ImportedAccountShape(Shape):
    username: str
    name: str
    institution: str
    url: str
    expires_at: datetime | None


async def _list(call: Call[Nothing]) -> AccountList:
    """The file that was sent, within bounds. Nobody's bytes are read who may not import."""
    content = bytearray()
    async for piece in call.request.content.iter_chunked(64 * 1024):
        content += piece
        if len(content) > MAX_BYTES:
            raise Problem(413, "too-large", f"{MAX_BYTES} bytes")
    return await call.request.app[LISTS].read(bytes(content))


@operation("POST", "/accounts/import/preview", returns=ImportPlanShape, errors=(403, 413, 422))
async def preview(call: Call[Nothing]) -> web.Response:
    """Look at a list (CSV or XLSX as the body): what each row would do and what is wrong with it. Nothing changes."""
    await query(call.application, may_import, call.person)
    table = await _list(call)
    plan = await query(call.application, plan_import, call.person, table, list_words(call.application.region))
    return answer(plan_shape(plan))


def plan_shape(plan: ImportPlan) -> ImportPlanShape:
    order = list(RowState)
    first = sorted(plan.rows, key=lambda row: order.index(row.state))[:SHOWN]
    return ImportPlanShape(
        plan=plan.tag,
        rows=len(plan.rows),
        new=plan.count(RowState.NEW),
        changed=plan.count(RowState.CHANGED),
        unchanged=plan.count(RowState.UNCHANGED),
        faulty=plan.count(RowState.FAULTY),
        items=[_row_shape(row) for row in first],
    )


def _column(name: str) -> str:
    return gettext(COLUMN_LABELS.get(name, name))


def _row_shape(row: PlannedRow) -> PlannedRowShape:
    faults = [RowFaultShape(column=_column(each.field), message=fault_text(each), code=each.code) for each in row.faults]
    changed = [_column(name) for name in row.changed]
    return PlannedRowShape(row=row.number, username=row.username, name=row.name, state=row.state.value, faults=faults, changed=changed)


@operation("POST", "/accounts/import", query=PlanQuery, returns=str, errors=(403, 412, 413, 422), media_type=LINES)
async def carry_out(call: Call[Nothing]) -> web.StreamResponse:
    """Take the list over, all of it or nothing: lines of JSON tell how far it is, the last one the invitations, once, or the problem."""
    await query(call.application, may_import, call.person)
    table = await _list(call)
    response = web.StreamResponse(headers={"Content-Type": LINES, "X-Accel-Buffering": "no"})
    begun = False

    async def say(line: Any) -> None:
        nonlocal begun
        if not begun:
            begun = True
            await response.prepare(call.request)
        await response.write(msgspec.json.encode(line) + b"\n")

    async def progress(done: int, of: int) -> None:
        await say({"done": done, "of": of})

    try:
        words = list_words(call.application.region)
        invited = await execute(call.application, carry_out_import, call.person, table, words, call.query.plan, progress)
    except DomainError as error:
        if not begun:
            raise
        await say({"problem": problem_of(error).document()})
    else:
        app = call.request.app
        await say({"invitations": [
            ImportedAccountShape(
                username=each.person.username, name=each.person.name, institution=each.person.institution,
                url=invitation_url(app, each.token), expires_at=each.expires_at,
            )
            for each in invited
        ]})  # fmt: skip
    await response.write_eof()
    return response
