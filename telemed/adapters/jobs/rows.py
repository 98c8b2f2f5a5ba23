"""Rows of the job table: the one place that knows how work to be done is written down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import insert_into
from telemed.domain.jobs import JobType


def job_row(
    kind: JobType, payload: Mapping[str, Any], now: datetime, *, key: str | None = None, after: datetime | None = None
) -> dict[str, Any]:
    """Return a row that asks for work at `now`, to be taken from `after` on (None: at once)."""
    return {
        "kind": kind.value,
        "payload": dict(payload),
        "waiting_key": key,
        "created_at": now,
        "run_after": after or now,
        "attempts": 0,
    }


def insert_jobs(connection: AsyncConnection | sa.Connection) -> Any:
    """Return the statement that adds rows of `job_row`; one whose key waits already is left out.

    The waiting one is locked until the commit: a worker that took it before would not see the change that asked for it again.
    """
    return _insert_jobs(connection.dialect.name)


@cache
def _insert_jobs(dialect: str) -> Any:
    insert = insert_into(dialect, t.job)
    return insert.on_conflict_do_update(index_elements=["waiting_key"], set_={"waiting_key": insert.excluded.waiting_key})
