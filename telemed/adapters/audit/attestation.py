"""Digests of the record: read from the rows, when they are written and when they are proved, in the same words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from telemed.adapters.database import tables as t
from telemed.domain.attestation import FIELDS, Attested, AttestedKind, digest_of_record

GONE: Final = ""
"""Stands for the digest of what is no more: the platform itself took it away."""

PAGE: Final = 2000
"""Rows of one question."""


@dataclass(frozen=True, slots=True)
class AttestedRows:
    """The rows of one kind: their key, which of them are attested, and the moment by which an old one is told from a new one."""

    table: sa.Table
    key: tuple[str, ...]
    where: sa.ColumnElement[bool] | None = None
    moment: str = ""

    def keys(self) -> list[sa.Column[Any]]:
        return [self.table.c[name] for name in self.key]


ROWS: Final[Mapping[AttestedKind, AttestedRows]] = {
    AttestedKind.REPORT: AttestedRows(t.report, ("case_id", "version"), t.report.c.released_at.is_not(None), "released_at"),
    AttestedKind.IDENTITY: AttestedRows(t.case, ("id",), t.case.c.completed_at.is_not(None), "completed_at"),
    AttestedKind.CONSENT: AttestedRows(t.consent, ("id",), None, "recorded_at"),
    AttestedKind.CRITICAL: AttestedRows(t.critical_value, ("id",), None, "found_at"),
    AttestedKind.PATIENT: AttestedRows(t.patient, ("id",)),
    AttestedKind.EVIDENCE: AttestedRows(t.evidence, ("id",), t.evidence.c.key != "", "added_at"),
}


class Touched:
    """What a transaction wrote of the record. Repositories note it, the end of the transaction takes the digests."""

    def __init__(self) -> None:
        self._noted: set[Attested] = set()

    def note(self, kind: AttestedKind, *key: str | int) -> None:
        self._noted.add(Attested(kind, tuple(map(str, key))))

    async def digests(self, connection: AsyncConnection) -> dict[str, str]:
        """Return the digests by subject, as the rows stand now; `GONE` for what is no more."""
        found: dict[str, str] = {}
        for kind, group in groupby(sorted(self._noted), key=lambda noted: noted.kind):
            noted = list(group)
            found |= {each.subject: GONE for each in noted}
            found |= {line.subject: line.digest or GONE for line in await read_lines(connection, kind, _these(kind, noted))}
        return found


@dataclass(frozen=True, slots=True)
class AttestedLine:
    """A row with its digest as it stands. `key` is as the database has it, for the next page; `digest` is None where it cannot be read."""

    subject: str
    key: tuple[Any, ...]
    digest: str | None
    moment: datetime | None = None
    case: str = ""


def _these(kind: AttestedKind, noted: Sequence[Attested]) -> sa.ColumnElement[bool]:
    columns = ROWS[kind].keys()
    if len(columns) == 1:
        return columns[0].in_([_typed(columns[0], each.key[0]) for each in noted])
    return sa.or_(*(sa.and_(*(c == _typed(c, part) for c, part in zip(columns, each.key, strict=True))) for each in noted))


def _typed(column: sa.Column[Any], part: str) -> str | int:
    return int(part) if isinstance(column.type, sa.Integer) else part


def page_after(kind: AttestedKind, key: tuple[Any, ...]) -> sa.ColumnElement[bool]:
    """Return the condition of rows behind this key, in the order of keys."""
    columns = ROWS[kind].keys()
    if not key:
        return sa.true()
    behind: sa.ColumnElement[bool] = sa.tuple_(*columns) > sa.tuple_(
        *(sa.literal(part, c.type) for c, part in zip(columns, key, strict=True))
    )
    return columns[0] > key[0] if len(columns) == 1 else behind


async def read_lines(
    connection: AsyncConnection, kind: AttestedKind, where: sa.ColumnElement[bool], limit: int | None = None
) -> list[AttestedLine]:
    """Return rows of the kind with their digests, in the order of their keys. Sealed columns are read as they lie there."""
    rows = ROWS[kind]
    names = dict.fromkeys((*rows.key, *(name for name in FIELDS[kind] if name != "numbers"), *([rows.moment] if rows.moment else [])))
    query = sa.select(*(_as_it_lies(rows.table.c[name]) for name in names)).where(where).order_by(*rows.keys()).limit(limit)
    if rows.where is not None:
        query = query.where(rows.where)
    found = (await connection.execute(query)).mappings().all()
    numbers = await _numbers(connection, [row["id"] for row in found]) if kind is AttestedKind.PATIENT else {}
    lines = []
    for row in found:
        facts = dict(row) | ({"numbers": numbers.get(row["id"], [])} if kind is AttestedKind.PATIENT else {})
        key = tuple(row[name] for name in rows.key)
        subject = Attested(kind, tuple(map(str, key))).subject
        moment = row[rows.moment] if rows.moment else None
        lines.append(AttestedLine(subject, key, digest_of_record(kind, facts), moment, facts.get("case_id", "")))
    return lines


def _as_it_lies(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """A confidential column is not opened: its cipher text is what is on record."""
    return sa.type_coerce(column, sa.String).label(column.name) if column.name in ("phone", "value") else column


async def _numbers(connection: AsyncConnection, patients: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Numbers of patients by system, as they lie there, in the order of their systems."""
    n = t.patient_identifier.c
    query = sa.select(n.patient_id, n.system, _as_it_lies(n.value)).where(n.patient_id.in_(list(patients)))
    found: dict[str, list[tuple[str, str]]] = {}
    for row in (await connection.execute(query)).mappings():
        found.setdefault(row["patient_id"], []).append((row["system"], row["value"]))
    return {patient: sorted(numbers) for patient, numbers in found.items()}


async def all_lines(engine: AsyncEngine, kind: AttestedKind) -> AsyncIterator[AttestedLine]:
    """Yield all rows of the kind with their digests as they stand, a page in a transaction of its own."""
    key: tuple[Any, ...] = ()
    while True:
        try:
            lines = await _page(engine, kind, page_after(kind, key))
        except (ValueError, TypeError):  # a column holds what its type does not allow
            lines = await _one_by_one(engine, kind, key)
        for line in lines:
            yield line
        if len(lines) < PAGE:
            return
        key = lines[-1].key


async def _page(engine: AsyncEngine, kind: AttestedKind, where: sa.ColumnElement[bool]) -> list[AttestedLine]:
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        return await read_lines(connection, kind, where, PAGE)


async def _one_by_one(engine: AsyncEngine, kind: AttestedKind, after: tuple[Any, ...]) -> list[AttestedLine]:
    """The same page; of a row that cannot be read, its key alone."""
    rows = ROWS[kind]
    query = sa.select(*rows.keys()).where(page_after(kind, after)).order_by(*rows.keys()).limit(PAGE)
    if rows.where is not None:
        query = query.where(rows.where)
    async with engine.connect() as bare:
        connection = await bare.execution_options(reading=True)
        keys = [tuple(row) for row in (await connection.execute(query)).all()]
    lines: list[AttestedLine] = []
    for key in keys:
        noted = Attested(kind, tuple(map(str, key)))
        try:
            lines += await _page(engine, kind, _these(kind, [noted]))
        except (ValueError, TypeError):
            lines.append(AttestedLine(noted.subject, key, None))
    return lines
