"""Repositories of workitems: a protocol for the host's own work, and a table for a gateway on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway.index.recording import insert_new
from dicom_gateway.index.tables import dicom_workitem
from dicom_gateway.workitems.rules import Item, Refused, State, Workitem, cancelled_on_request, changed, new_workitem, updated

MAX_LISTED = 5000  # workitems that one search looks at


class WorkitemRepository(Protocol):
    """Workitems as the caller of a request may see and change them. `owner` is the institution of the caller's scope; a host
    that knows more about the caller looks at the request.

    Raises `Refused`; what the caller may not see does not exist (`Refused` 404).
    """

    async def listed(self, request: web.Request, owner: str | None, state: State | None) -> Sequence[Workitem]:
        """Workitems, those in `state` where one is given, most urgent first."""
        ...

    async def workitem(self, request: web.Request, owner: str | None, uid: str) -> Workitem:
        """One workitem."""
        ...

    async def create(self, request: web.Request, owner: str | None, uid: str, item: Item) -> Workitem:
        """Keep a new one."""
        ...

    async def update(self, request: web.Request, owner: str | None, uid: str, item: Item, transaction_uid: str | None) -> None:
        """Write attributes over those of a workitem."""
        ...

    async def change_state(self, request: web.Request, owner: str | None, uid: str, state: State, transaction_uid: str) -> bool:
        """Change its state; False where it was in it for good already."""
        ...

    async def request_cancel(self, request: web.Request, owner: str | None, uid: str, reason: Item) -> bool:
        """Request the cancellation of a workitem that another party performs. Return False if it is cancelled already."""
        ...


def not_there() -> Refused:
    """Nothing of that UID for this caller."""
    return Refused(404, 0xC307, "The specified SOP Instance UID does not exist or is not a UPS Instance managed by this SCP.")


class SqlWorkitems:
    """Workitems in a table, each its owner's."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(reading=True)

    async def listed(self, request: web.Request, owner: str | None, state: State | None) -> Sequence[Workitem]:
        """See `WorkitemRepository`."""
        w = dicom_workitem.c
        query = sa.select(dicom_workitem).where(w.owner == owner).order_by(w.scheduled_at, w.id).limit(MAX_LISTED)
        if state is not None:
            query = query.where(w.state == state.value)
        async with self._reading.connect() as connection:
            return [_workitem(row) for row in (await connection.execute(query)).mappings()]

    async def workitem(self, request: web.Request, owner: str | None, uid: str) -> Workitem:
        """See `WorkitemRepository`."""
        w = dicom_workitem.c
        async with self._reading.connect() as connection:
            rows = await connection.execute(sa.select(dicom_workitem).where(w.owner == owner, w.workitem_uid == uid))
            row = rows.mappings().first()
        if row is None:
            raise not_there()
        return _workitem(row)

    async def create(self, request: web.Request, owner: str | None, uid: str, item: Item) -> Workitem:
        """See `WorkitemRepository`."""
        if owner is None:
            raise Refused(403, 0x0124, "this account may not make workitems")
        workitem = new_workitem(uid, item)
        now = datetime.now(UTC)
        row = {"owner": owner, "workitem_uid": uid, "version": 0, "created_at": now, **_row(workitem, now)}
        async with self._engine.begin() as connection:
            made = await connection.execute(insert_new(connection.dialect, dicom_workitem, "owner", "workitem_uid").values(row))
        if not made.rowcount:
            raise Refused(409, 0x0111, "There is a workitem with this UID already.")
        return workitem

    async def update(self, request: web.Request, owner: str | None, uid: str, item: Item, transaction_uid: str | None) -> None:
        """See `WorkitemRepository`."""
        await self._replace(owner, updated(await self.workitem(request, owner, uid), item, transaction_uid))

    async def change_state(self, request: web.Request, owner: str | None, uid: str, state: State, transaction_uid: str) -> bool:
        """See `WorkitemRepository`."""
        workitem = changed(await self.workitem(request, owner, uid), state, transaction_uid)
        if workitem is not None:
            await self._replace(owner, workitem)
        return workitem is not None

    async def request_cancel(self, request: web.Request, owner: str | None, uid: str, reason: Item) -> bool:
        """See `WorkitemRepository`."""
        workitem = cancelled_on_request(await self.workitem(request, owner, uid))
        if workitem is not None:
            await self._replace(owner, workitem)
        return workitem is not None

    async def _replace(self, owner: str | None, workitem: Workitem) -> None:
        """Write the workitem, if nobody else has meanwhile."""
        w = dicom_workitem.c
        same = sa.and_(w.owner == owner, w.workitem_uid == workitem.uid, w.version == workitem.version)
        values = {"version": workitem.version + 1, **_row(workitem, datetime.now(UTC))}
        async with self._engine.begin() as connection:
            written = await connection.execute(dicom_workitem.update().where(same).values(values))
        if not written.rowcount:
            raise Refused(409, 0x0110, "The workitem was changed meanwhile; retrieve it again.")


def _row(workitem: Workitem, now: datetime) -> dict[str, Any]:
    scheduled = workitem.content.get("00404005", {}).get("Value") or [""]
    return {
        "state": workitem.state.value,
        "transaction_uid": workitem.transaction_uid,
        "scheduled_at": str(scheduled[0]),
        "content": msgspec.json.encode(workitem.content).decode(),
        "changed_at": now,
    }


def _workitem(row: Mapping[Any, Any]) -> Workitem:
    content = msgspec.json.decode(row["content"])
    return Workitem(row["workitem_uid"], State(row["state"]), row["transaction_uid"], content, row["version"])
