"""The table of what people reconciled by hand: written once, never changed."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Confidential, Instant
from telemed.adapters.database.schema import BigId, Code, Id, Name, metadata

reconciliation = sa.Table(
    "reconciliation",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("actor", Name, nullable=False),
    sa.Column("step", sa.String(16), nullable=False),
    sa.Column("member", Code, nullable=False),
    sa.Column("reason", sa.String(2000), nullable=False),
    sa.Column("study_instance_uid", sa.String(64), nullable=False),
    sa.Column("case_id", Id, nullable=False),
    sa.Column("patient_id", Id, nullable=False),
    sa.Column("other_id", Id, nullable=False),
    sa.Column("before", Confidential, nullable=False, comment="what held, as a JSON object; sealed"),
    sa.Column("after", Confidential, nullable=False, comment="what holds since, as a JSON object; sealed"),
    sa.Index("ix_reconciliation_study", "study_instance_uid", "member"),
    comment="what people joined, took apart and corrected; nothing is removed",
)
