"""The table of jobs."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Instant
from telemed.adapters.database.schema import BigId, Name, metadata, only

job = sa.Table(
    "job",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("kind", Name, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("waiting_key", sa.String(160), unique=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("run_after", Instant, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("taken_until", Instant),
    sa.Column("done_at", Instant),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_job_waiting", "run_after", **only("done_at IS NULL")),
)
