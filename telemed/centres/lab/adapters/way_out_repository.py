"""Connections, deliveries and the columns of sheets in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from telemed.adapters.database.repositories.base import Repository, insert_into, insert_or_nothing
from telemed.centres.lab.adapters import way_out_tables as t
from telemed.centres.lab.ways_out import Connection, Delivery, DeliveryState

_WITHOUT_BODY = [column for column in t.lab_delivery.c if column.name != "body"]


def _connection(row: sa.RowMapping) -> Connection:
    return Connection(**dict(row) | {"sends": tuple(row["sends"].split())})


def _delivery(row: sa.RowMapping) -> Delivery:
    values: dict[str, Any] = {"body": b""} | dict(row)
    return Delivery(**values | {"state": DeliveryState(row["state"]), "body": bytes(values["body"])})


class WayOutTable(Repository):
    """Implements `telemed.centres.lab.ways_out.WaysOut`."""

    async def connections(self, member: str = "") -> list[Connection]:
        c = t.lab_connection.c
        query = sa.select(t.lab_connection).order_by(c.member, c.host, c.port)
        return [_connection(row) for row in await self._all(query.where(c.member == member) if member else query)]

    async def connection(self, connection_id: str) -> Connection | None:
        row = await self._one(self._locked(sa.select(t.lab_connection).where(t.lab_connection.c.id == connection_id)))
        return _connection(row) if row else None

    async def at(self, member: str, host: str, port: int) -> Connection | None:
        c = t.lab_connection.c
        where = (c.member == member, c.host == host, c.port == port)
        row = await self._one(self._locked(sa.select(t.lab_connection).where(*where)))
        return _connection(row) if row else None

    async def put(self, connection: Connection) -> None:
        names = t.lab_connection.c.keys()
        row = {name: getattr(connection, name) for name in names} | {"sends": " ".join(connection.sends)}
        insert = insert_into(self._connection.dialect.name, t.lab_connection)
        fresh = {name: insert.excluded[name] for name in names if name not in ("id", "created_at")}
        await self._do(insert.values(row).on_conflict_do_update(index_elements=["id"], set_=fresh))

    async def add(self, delivery: Delivery) -> None:
        names = t.lab_delivery.c.keys()
        row = {name: getattr(delivery, name) for name in names} | {"state": delivery.state.value}
        await self._do(insert_or_nothing(self._connection, t.lab_delivery).values(row))

    async def first(self, connection_id: str) -> Delivery | None:
        c = t.lab_delivery.c
        where = (c.connection_id == connection_id, c.state == DeliveryState.WAITING.value)
        row = await self._one(sa.select(t.lab_delivery).where(*where).order_by(c.id).limit(1))
        return _delivery(row) if row else None

    async def delivery(self, delivery_id: str) -> Delivery | None:
        row = await self._one(self._locked(sa.select(t.lab_delivery).where(t.lab_delivery.c.id == delivery_id)))
        return _delivery(row) if row else None

    async def save(self, delivery: Delivery) -> None:
        values = {name: getattr(delivery, name) for name in ("attempts", "answer_code", "reason", "settled_at")}
        values["state"] = delivery.state.value
        await self._do(sa.update(t.lab_delivery).where(t.lab_delivery.c.id == delivery.id).values(values))

    async def deliveries(self, connection_id: str, state: DeliveryState | None, limit: int) -> list[Delivery]:
        c = t.lab_delivery.c
        query = sa.select(*_WITHOUT_BODY).where(c.connection_id == connection_id).order_by(c.id.desc()).limit(limit)
        return [_delivery(row) for row in await self._all(query.where(c.state == state.value) if state else query)]

    async def waiting(self) -> dict[str, int]:
        c = t.lab_delivery.c
        query = (
            sa.select(c.connection_id, sa.func.count().label("n")).where(c.state == DeliveryState.WAITING.value).group_by(c.connection_id)
        )
        return {row["connection_id"]: row["n"] for row in await self._all(query)}


class SheetColumnTable(Repository):
    """Implements `telemed.centres.lab.ports.SheetColumns`."""

    async def get(self, member: str) -> Mapping[str, Any] | None:
        row = await self._one(sa.select(t.lab_sheet).where(t.lab_sheet.c.member == member))
        return dict(row["columns"]) if row else None

    async def put(self, member: str, columns: Mapping[str, Any], at: datetime) -> None:
        insert = insert_into(self._connection.dialect.name, t.lab_sheet)
        fresh = {name: insert.excluded[name] for name in ("columns", "changed_at")}
        row = {"member": member, "columns": dict(columns), "changed_at": at}
        await self._do(insert.values(row).on_conflict_do_update(index_elements=["member"], set_=fresh))
