"""The audit trail: nothing in it can be changed, taken out or cut off without `verify` naming the first fault."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from storage import ObjectStore
from telemed.adapters.audit.anchors import EVERY, FOLDER, AuditAnchors, ForgedAnchor
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.verification import verify_audit, verify_end
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database

GUARDS = {
    "sqlite": ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"),
    "postgresql": ("DROP TRIGGER audit_no_change ON audit",),
}


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
            ("previous", "0" * 64),
            ("digest", "f" * 64),
        ],
    )
    async def test_a_change_to_any_column_is_found(self, harness: Harness, column: str, value: Any) -> None:
        await write(harness)
        await tamper(harness.application.engine, change(3, **{column: value}))
        _, fault = await verify_audit(harness.application.engine)
        assert fault is not None
        assert fault.position == 3

    def test_every_column_is_tried_above(self) -> None:
        tried = {"at", "action", "actor", "institution", "subject", "outcome", "detail", "previous", "digest"}
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


@pytest.fixture
def anchors(harness: Harness, store: ObjectStore, tmp_path: Path) -> AuditAnchors:
    return AuditAnchors(harness.application.engine, store, tmp_path / "audit.key")


class TestEnd:
    async def test_a_trail_that_goes_on_is_in_order(self, harness: Harness, anchors: AuditAnchors, store: ObjectStore) -> None:
        for _ in range(4):
            await write(harness, 3)
            await anchors(harness.clock.forward(minutes=1))
        assert await verify_end(anchors) == ""
        assert [key async for key in store.list(FOLDER)] == [f"{FOLDER}{n:015d}.json" for n in (9, 12)]

    async def test_it_is_noted_again_only_when_it_moved_and_it_is_time(self, harness: Harness, anchors: AuditAnchors) -> None:
        await write(harness, 1)
        await anchors(harness.clock.now)
        first = await anchors.newest()
        await anchors(harness.clock.forward(hours=1))
        assert await anchors.newest() == first
        await write(harness, 1)
        await anchors(harness.clock.now)
        await write(harness, 1)
        await anchors(harness.clock.now + EVERY / 2)
        newest = await anchors.newest()
        assert newest is not None
        assert newest.position == 2

    async def test_an_end_that_was_cut_off_is_found(self, harness: Harness, anchors: AuditAnchors) -> None:
        await write(harness)
        await anchors(harness.clock.now)
        await tamper(harness.application.engine, remove(4, 5))
        assert await verify_audit(harness.application.engine) == (3, None), "the chain alone cannot tell"
        assert (await verify_end(anchors)).startswith("the end was cut off: record 5 ")

    async def test_also_when_the_trail_has_grown_over_it_again(self, harness: Harness, anchors: AuditAnchors) -> None:
        await write(harness)
        await anchors(harness.clock.now)
        await tamper(harness.application.engine, remove(4, 5))
        await write(harness, 4)
        assert (await verify_audit(harness.application.engine))[1] is None
        await anchors(harness.clock.forward(hours=1))
        assert (await verify_end(anchors)).startswith("record 5 is not the one")

    async def test_a_note_without_our_seal_is_not_believed(self, harness: Harness, anchors: AuditAnchors, store: ObjectStore) -> None:
        await write(harness)
        await anchors(harness.clock.now)
        (key,) = [key async for key in store.list(FOLDER)]
        content = await store.read(key)
        for forged in (content.replace(b'"position":5', b'"position":3'), b"{}", b""):
            await store.put(key, forged)
            with pytest.raises(ForgedAnchor):
                await anchors.newest()
            assert "note of its end" in await verify_end(anchors)
