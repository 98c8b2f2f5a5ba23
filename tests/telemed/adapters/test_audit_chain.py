"""The audit trail: nothing in it can be changed, put in or taken out without `verify` naming every fault."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from telemed.adapters.audit.trail import walk_trail
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.verification import verify_audit
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database

GUARDS = {
    "sqlite": ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete", "DROP TRIGGER audit_at_end"),
    "postgresql": ("DROP TRIGGER audit_no_change ON audit", "DROP TRIGGER audit_at_end ON audit"),
}
PUT_IN = """INSERT INTO audit (position, at, action, actor, institution, subject, outcome, detail, previous, digest)
    SELECT PLACE, at, action, 'nobody', institution, subject, outcome, detail, previous, digest FROM audit WHERE position = 1"""


async def write(harness: Harness, count: int = 5) -> None:
    """So many records, one transaction each."""
    for n in range(count):
        async with harness.application.writing() as work:
            work.outbox.audit("case:read", f"reader{n}", "HUBA", f"case/{n}", detail={"version": n, "reason": {"文": ["ü", None, 1.5]}})


async def tamper(engine: AsyncEngine, *statements: sa.Executable) -> None:
    """As somebody with every right on the database: the guards are taken away first."""
    async with engine.begin() as connection:
        for guard in GUARDS[engine.dialect.name]:
            await connection.exec_driver_sql(guard)
        for statement in statements:
            await connection.execute(statement)


def change(number: int, **values: Any) -> sa.Executable:
    return sa.update(t.audit).where(t.audit.c.position == number).values(values)


def remove(*positions: int) -> sa.Executable:
    return sa.delete(t.audit).where(t.audit.c.position.in_(positions))


class TestGuards:
    @pytest.mark.parametrize(
        "statement", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit WHERE position = 2", "DELETE FROM audit"]
    )
    async def test_the_database_refuses_to_change_or_remove(self, harness: Harness, statement: str) -> None:
        await write(harness)
        await self.refused(harness, statement)

    @pytest.mark.parametrize("place", ["2", "5", "7", "0"])
    async def test_a_record_goes_nowhere_but_to_the_end(self, harness: Harness, place: str) -> None:
        await write(harness)
        await self.refused(harness, PUT_IN.replace("PLACE", place))

    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
    @pytest.mark.parametrize("way", ["INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE"])
    async def test_a_record_cannot_be_replaced(self, harness: Harness, way: str) -> None:
        """SQLite removes the row that stands in the way without asking a trigger for DELETE."""
        await write(harness)
        await self.refused(harness, PUT_IN.replace("PLACE", "2").replace("INSERT", way))

    async def test_nor_put_over_one_that_is_there(self, harness: Harness) -> None:
        await write(harness)
        await self.refused(harness, PUT_IN.replace("PLACE", "2") + " ON CONFLICT (position) DO UPDATE SET actor = 'x'")

    @pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has no TRUNCATE
    async def test_nor_all_of_it_at_once(self, harness: Harness) -> None:
        await write(harness)
        await self.refused(harness, "TRUNCATE audit")

    async def refused(self, harness: Harness, statement: str) -> None:
        async with harness.application.engine.connect() as connection:
            with pytest.raises(DBAPIError, match="append-only"):
                await connection.exec_driver_sql(statement)
        assert await verify_audit(harness.application.engine) == (5, None)


class TestChain:
    async def test_an_empty_trail_is_whole(self, harness: Harness) -> None:
        assert await verify_audit(harness.application.engine) == (0, None)

    async def test_many_writers_at_once_make_one_chain(self, harness: Harness) -> None:
        await asyncio.gather(*(write(harness, 4) for _ in range(6)))
        assert await verify_audit(harness.application.engine) == (24, None)

    async def test_a_transaction_that_fails_leaves_nothing(self, harness: Harness) -> None:
        await write(harness, 1)

        async def fail() -> None:
            async with harness.application.writing() as work:
                work.outbox.audit("case:read", "x", "HUBA", "case/1")
                raise LookupError("case/1")

        with pytest.raises(LookupError):
            await fail()
        await write(harness, 1)
        assert await verify_audit(harness.application.engine) == (2, None)

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("at", utc_now() - timedelta(days=1)),
            ("action", "case:list"),
            ("actor", "somebody"),
            ("institution", "HUBB"),
            ("subject", "case/9"),
            ("outcome", "refused"),
            ("detail", {"version": 9}),
            ("attested", {"report/1/1": "1:0"}),
            ("previous", "0" * 64),
            ("digest", "f" * 64),
        ],
    )
    async def test_a_change_to_any_column_is_found(self, harness: Harness, column: str, value: Any) -> None:
        await write(harness)
        await tamper(harness.application.engine, change(3, **{column: value}))
        trail = await walk_trail(harness.application.engine)
        assert [fault.position for fault in trail.faults] == [3], "one change is one fault"

    def test_every_column_is_tried_above(self) -> None:
        tried = {"at", "action", "actor", "institution", "subject", "outcome", "detail", "attested", "previous", "digest"}
        assert {column.name for column in t.audit.columns} == tried | {"position"}

    @pytest.mark.parametrize(("gone", "first"), [((1,), 1), ((3,), 3), ((2, 3, 4), 2)])
    async def test_a_record_that_was_taken_out_is_found(self, harness: Harness, gone: tuple[int, ...], first: int) -> None:
        await write(harness)
        await tamper(harness.application.engine, remove(*gone))
        _, fault = await verify_audit(harness.application.engine)
        assert fault is not None
        assert (fault.position, fault.reason) == (first, "missing")

    async def test_a_record_taken_out_with_the_others_moved_up_is_found(self, harness: Harness) -> None:
        await write(harness)
        await tamper(harness.application.engine, remove(3), change(4, position=3), change(5, position=4))
        _, fault = await verify_audit(harness.application.engine)
        assert fault is not None
        assert fault.position == 3

    async def test_two_records_that_changed_places_are_found(self, harness: Harness) -> None:
        await write(harness)
        await tamper(harness.application.engine, change(3, position=99), change(4, position=3), change(99, position=4))
        _, fault = await verify_audit(harness.application.engine)
        assert fault is not None
        assert fault.position == 3


class TestAllFaults:
    async def test_the_walk_goes_on_behind_a_fault(self, harness: Harness) -> None:
        await write(harness, 20)
        changes = (change(3, actor="nobody"), remove(6, 7, 8), change(12, digest="f" * 64), remove(15), change(19, previous="0" * 64))
        await tamper(harness.application.engine, *changes)
        trail = await walk_trail(harness.application.engine)
        assert [fault.sentence for fault in trail.faults] == [
            "record 3 was changed",
            "records 6 to 8 are missing",
            "record 12 was changed",
            "record 15 is missing",
            "record 19 does not follow the record before it",
        ]
        assert (trail.records, trail.end) == (16, 20)

    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL takes nothing that its types do not allow
    @pytest.mark.parametrize("column", ["at", "attested"])
    async def test_a_record_that_cannot_be_read_is_named(self, harness: Harness, column: str) -> None:
        await write(harness)
        await tamper(
            harness.application.engine, sa.text("UPDATE audit SET COLUMN = 'no' WHERE position IN (2, 4)".replace("COLUMN", column))
        )
        trail = await walk_trail(harness.application.engine)
        assert [fault.sentence for fault in trail.faults] == ["record 2 cannot be read any more", "record 4 cannot be read any more"]
        assert trail.end == 5
