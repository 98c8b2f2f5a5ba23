"""The parts of the member's board are found in indexes of their own, however long the member's history is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.worklist import made_up_cases
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.service.queries import CaseFilter, View
from tests.telemed.harness import Harness

pytestmark = pytest.mark.database

CASES = 3000
INDEXES = {View.ATTENTION: "ix_case_board_attention", View.RUNNING: "ix_case_board_running", View.DONE: "ix_case_board_finished"}


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database within the block, with its parameters."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        asked.append((statement, parameters))

    sa.event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(engine.sync_engine, "before_cursor_execute", note)


async def plan(engine: AsyncEngine, statement: str, parameters: Any) -> str:
    """The plan of a statement as it was asked."""
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    async with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            for other in ("seqscan", "bitmapscan"):  # a table this small it reads as a whole, and page by page
                await connection.exec_driver_sql(f"SET LOCAL enable_{other} = off")
        rows = (await connection.exec_driver_sql(f"{explain} {statement}", parameters)).all()
    return "\n".join(str(row[-1]) for row in rows)


async def put_history(engine: AsyncEngine) -> None:
    """Months of a region: most cases done and read, some waiting for the member, some running."""
    now = utc_now()
    rows = made_up_cases(CASES, now, random.Random(3))
    for number, row in enumerate(rows):
        row["acknowledged_at"] = (row["completed_at"] and number % 20 and row["completed_at"] + timedelta(hours=1)) or None
    async with engine.begin() as connection:
        await connection.execute(sa.insert(t.case), rows)
        await connection.execute(sa.text("ANALYZE"))


@pytest.mark.parametrize("view", INDEXES)
async def test_a_part_of_the_board_is_a_walk_of_its_own_index(view: View, harness: Harness, engine: AsyncEngine) -> None:
    await put_history(engine)
    with statements(engine) as asked:
        page = await harness.application.queries.cases(harness.people["clinic1"], CaseFilter(view=view), None, 30)
    assert page.cases
    listed = next((statement, parameters) for statement, parameters in asked if "ORDER BY" in statement)
    assert INDEXES[view] in await plan(engine, *listed)


async def test_the_figures_of_the_board_are_counted_in_its_indexes(harness: Harness, engine: AsyncEngine) -> None:
    await put_history(engine)
    with statements(engine) as asked:
        counts = await harness.application.queries.counts(harness.people["clinic1"])
    (counted,) = [each for each in asked if "count" in each[0]]
    used = await plan(engine, *counted)
    # What is done is most of the history: to count all of it PostgreSQL may walk it in another order.
    wanted = set(INDEXES) - ({View.DONE} if engine.dialect.name == "postgresql" else set())
    assert all(INDEXES[view] in used for view in wanted), used
    assert min(counts[view] for view in INDEXES) > 0
    async with engine.connect() as connection:
        total = sa.select(sa.func.count()).select_from(t.case).where(t.case.c.member == "CLINIC1")
        assert sum(counts[view] for view in INDEXES) == (await connection.execute(total)).scalar_one()
