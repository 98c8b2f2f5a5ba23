"""Laboratory messages, results, orders and mappings in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from lab import catalogue
from telemed.adapters.database.repositories.base import Repository, insert_into
from telemed.centres.lab.adapters import tables as t
from telemed.centres.lab.domain import (
    SHOWN,
    LabMessage,
    MessageName,
    MessageState,
    OpenMapping,
    ReportOrder,
    Result,
    ResultCode,
    ResultStatus,
    ResultValue,
)
from telemed.centres.lab.ports import MessageFilter

AT_ONCE: Final = 400
"""Keys of one question: SQLite takes 32,766 parameters, PostgreSQL plans a short list better."""

_WITHOUT_RAW = [column for column in t.lab_message.c if column.name != "raw"]


def _pieces(values: Collection[Any]) -> Iterator[list[Any]]:
    found = sorted(values)
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]


def _message(row: sa.RowMapping) -> LabMessage:
    values = {"raw": b""} | dict(row)
    return LabMessage(**values | {"state": MessageState(row["state"]), "answer": bytes(row["answer"]), "raw": bytes(values["raw"])})


def _message_row(message: LabMessage) -> dict[str, Any]:
    return {name: getattr(message, name) for name in t.lab_message.c.keys()} | {"state": message.state.value}  # noqa: SIM118  # columns


class MessageTable(Repository):
    """Implements `telemed.centres.lab.ports.LabMessages`."""

    async def known(self, keys: Collection[MessageName]) -> list[LabMessage]:
        c, found = t.lab_message.c, []
        for piece in _pieces({(key.sender, key.control_id) for key in keys}):
            query = sa.select(*_WITHOUT_RAW).where(sa.tuple_(c.sender, c.control_id).in_(piece))
            found += [_message(row) for row in await self._all(query)]
        wanted = set(keys)
        return [each for each in found if each.name in wanted]

    async def add(self, messages: Sequence[LabMessage]) -> None:
        if messages:
            await self._do(sa.insert(t.lab_message), [_message_row(message) for message in messages])

    async def get(self, message_id: str) -> LabMessage | None:
        row = await self._one(self._locked(sa.select(t.lab_message).where(t.lab_message.c.id == message_id)))
        return _message(row) if row else None

    async def listed(self, wanted: MessageFilter, before: str, limit: int) -> list[LabMessage]:
        c = t.lab_message.c
        query = sa.select(*_WITHOUT_RAW).where(*_conditions(wanted)).order_by(c.received_at.desc(), c.id.desc()).limit(limit)
        if before:
            at = sa.select(c.received_at).where(c.id == before).scalar_subquery()
            query = query.where(sa.or_(c.received_at < at, sa.and_(c.received_at == at, c.id < before)))
        return [_message(row) for row in await self._all(query)]

    async def count(self, wanted: MessageFilter) -> int:
        found = await self._do(sa.select(sa.func.count()).select_from(t.lab_message).where(*_conditions(wanted)))
        return int(found.scalar_one())

    async def refused_since(self, address: str, since: datetime) -> int:
        c = t.lab_message.c
        where = (c.state == MessageState.REFUSED.value, c.address == address, c.received_at > since)
        return int((await self._do(sa.select(sa.func.count()).select_from(t.lab_message).where(*where))).scalar_one())

    async def settle(self, message: LabMessage) -> None:
        values = {name: getattr(message, name) for name in ("reason", "answer_code", "answer", "replayed_at", "type")}
        values["state"] = message.state.value
        await self._do(sa.update(t.lab_message).where(t.lab_message.c.id == message.id).values(values))


def _conditions(wanted: MessageFilter) -> list[sa.ColumnElement[bool]]:
    """Without a state, what was accepted: what lies aside is no message that was taken, and is asked for by its state."""
    c = t.lab_message.c
    found = [c.state == (wanted.state or MessageState.ACCEPTED).value]
    if wanted.sender:
        found.append(c.sender == wanted.sender)
    if wanted.control_prefix:
        found.append(c.control_id >= wanted.control_prefix)
        found.append(c.control_id < wanted.control_prefix + chr(0x10FFFF))
    return found


_VALUE = ("number", "comparator", "text", "as_sent", "unit", "range", "flag")
_PLAIN = (
    "id", "key", "member", "patient_number", "order_number", "name", "sub_id", "specimen", "observed_at", "reported_at", "message_id",
    "version",
)  # fmt: skip


def _result_row(result: Result) -> dict[str, Any]:
    row = {name: getattr(result, name) for name in _PLAIN} | {name: getattr(result.value, name) for name in _VALUE}
    code = result.code
    return row | {"status": result.status.value, "wst886": code.wst886, "loinc": code.loinc, "local": code.local}


def _result(row: sa.RowMapping | Mapping[str, Any]) -> Result:
    code = ResultCode(row["wst886"], row["loinc"], row["local"])
    value = ResultValue(**{name: row[name] for name in _VALUE})
    return Result(**{name: row[name] for name in _PLAIN}, code=code, value=value, status=ResultStatus(row["status"]))


result_from_row = _result
"""The result of a row of `lab_result`, for other queries of this folder."""

_VERSION = ("result_id", "version", "status", *_VALUE, "reported_at", "message_id")


class ResultTable(Repository):
    """Implements `telemed.centres.lab.ports.LabResults`."""

    async def by_keys(self, keys: Collection[str]) -> Mapping[str, Result]:
        found: dict[str, Result] = {}
        for piece in _pieces(keys):
            rows = await self._all(self._locked(sa.select(t.lab_result).where(t.lab_result.c.key.in_(piece)).order_by(t.lab_result.c.key)))
            found |= {row["key"]: _result(row) for row in rows}
        return found

    async def put(self, results: Sequence[Result]) -> None:
        if not results:
            return
        rows = {result.id: _result_row(result) for result in results}
        insert = insert_into(self._connection.dialect.name, t.lab_result)
        fresh = {name: insert.excluded[name] for name in t.lab_result.c.keys() if name not in ("id", "key")}  # noqa: SIM118  # columns
        await self._do(insert.on_conflict_do_update(index_elements=["key"], set_=fresh), sorted(rows.values(), key=lambda row: row["key"]))
        versions = [_result_row(result) | {"result_id": result.id} for result in results]
        await self._do(sa.insert(t.lab_result_version), [{name: row[name] for name in _VERSION} for row in versions])

    async def get(self, result_id: str) -> Result | None:
        row = await self._one(sa.select(t.lab_result).where(t.lab_result.c.id == result_id))
        return _result(row) if row else None

    async def of_patient(self, member: str, patient_number: str, code: str, limit: int) -> list[Result]:
        c = t.lab_result.c
        query = sa.select(t.lab_result).where(
            c.member == member, c.patient_number == patient_number, c.status.in_([status.value for status in SHOWN])
        )
        if code:
            query = query.where(sa.or_(c.wst886 == code, c.loinc == code, c.local == code))
        order = (c.observed_at.desc(), c.reported_at.desc(), c.id)
        return [_result(row) for row in await self._all(query.order_by(*order).limit(limit))]

    async def of_order(self, member: str, order_number: str, patient_number: str) -> list[Result]:
        c = t.lab_result.c
        where = (c.member == member, c.order_number == order_number, c.patient_number == patient_number)
        return [_result(row) for row in await self._all(sa.select(t.lab_result).where(*where).order_by(c.name, c.id))]

    async def versions(self, result_id: str) -> list[Result]:
        now = await self._one(sa.select(t.lab_result).where(t.lab_result.c.id == result_id))
        if now is None:
            return []
        c = t.lab_result_version.c
        rows = await self._all(sa.select(t.lab_result_version).where(c.result_id == result_id).order_by(c.version))
        return [_result(dict(now) | dict(row) | {"id": result_id}) for row in rows]

    async def rename(self, member: str, local: str, before: str, code: ResultCode) -> int:
        c = t.lab_result.c
        unnamed = sa.and_(c.wst886 == "", c.loinc == "")
        where = (c.member == member, c.local == local, sa.or_(unnamed, c.wst886 == before) if before else unnamed)
        return (await self._do(sa.update(t.lab_result).where(*where).values(wst886=code.wst886, loinc=code.loinc))).rowcount

    async def of_code(self, member: str, local: str, after: str, limit: int) -> list[Result]:
        c = t.lab_result.c
        where = (c.member == member, c.local == local, c.id > after)
        return [_result(row) for row in await self._all(sa.select(t.lab_result).where(*where).order_by(c.id).limit(limit))]

    async def flag(self, flags: Mapping[str, str]) -> None:
        if flags:
            c = t.lab_result.c
            change = sa.update(t.lab_result).where(c.id == sa.bindparam("which")).values(flag=sa.bindparam("said"))
            await self._do(change, [{"which": key, "said": said} for key, said in sorted(flags.items())])


class OrderTable(Repository):
    """Implements `telemed.centres.lab.ports.ReportOrders`."""

    async def get(self, member: str, order_number: str, patient_number: str) -> ReportOrder | None:
        c = t.lab_order.c
        where = (c.member == member, c.order_number == order_number, c.patient_number == patient_number)
        row = await self._one(sa.select(t.lab_order).where(*where))
        return ReportOrder(**row) if row else None

    async def of_case(self, case_id: str) -> list[ReportOrder]:
        c = t.lab_order.c
        query = sa.select(t.lab_order).where(c.case_id == case_id).order_by(c.order_number, c.patient_number)
        return [ReportOrder(**row) for row in await self._all(query)]

    async def put(self, order: ReportOrder) -> None:
        insert = insert_into(self._connection.dialect.name, t.lab_order)
        keys = ["member", "order_number", "patient_number"]
        fresh = {name: insert.excluded[name] for name in ("case_id", "evidence_id")}
        row = {name: getattr(order, name) for name in (*keys, "case_id", "evidence_id")}
        await self._do(insert.values(row).on_conflict_do_update(index_elements=keys, set_=fresh))


def _codes_of(wst886: str) -> ResultCode:
    item = catalogue.find(wst886)
    return ResultCode(wst886, item.loinc if item is not None else "")


class MappingTable(Repository):
    """Implements `telemed.centres.lab.ports.Mappings`."""

    async def note(self, seen: Sequence[OpenMapping]) -> None:
        if not seen:
            return
        insert = insert_into(self._connection.dialect.name, t.lab_mapping)
        fresh = {"seen": t.lab_mapping.c.seen + insert.excluded.seen, "last_at": insert.excluded.last_at}
        in_order = sorted(seen, key=lambda each: (each.member, each.code))
        rows = [{name: getattr(each, name) for name in OpenMapping.__slots__} for each in in_order]
        await self._do(insert.on_conflict_do_update(index_elements=["member", "code"], set_=fresh), rows)

    async def chosen(self, codes: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], ResultCode]:
        c = t.lab_mapping.c
        found: dict[tuple[str, str], ResultCode] = {}
        for piece in _pieces(codes):
            query = sa.select(c.member, c.code, c.item).where(sa.tuple_(c.member, c.code).in_(piece), c.item != "")
            found |= {(row["member"], row["code"]): _codes_of(row["item"]) for row in await self._all(query)}
        return found

    async def listed(self, open_only: bool, limit: int) -> list[OpenMapping]:
        c = t.lab_mapping.c
        query = sa.select(t.lab_mapping).order_by(c.last_at.desc(), c.member, c.code).limit(limit)
        return [OpenMapping(**row) for row in await self._all(query.where(c.item == "") if open_only else query)]

    async def get(self, member: str, code: str) -> OpenMapping | None:
        c = t.lab_mapping.c
        row = await self._one(self._locked(sa.select(t.lab_mapping).where(c.member == member, c.code == code)))
        return OpenMapping(**row) if row else None

    async def choose(self, member: str, code: str, item: str) -> None:
        c = t.lab_mapping.c
        await self._do(sa.update(t.lab_mapping).where(c.member == member, c.code == code).values(item=item))
