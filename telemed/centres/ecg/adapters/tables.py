"""Tables of recordings, readers' edits, and files that carts left."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Instant
from telemed.adapters.database.schema import Code, Id, Name, metadata

ecg_tracing = sa.Table(
    "ecg_tracing",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case.id"), nullable=False, index=True),
    sa.Column("evidence_id", Id, nullable=False),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("analysed_at", Instant, nullable=False),
    sa.Column("format", sa.String(32), nullable=False),
    sa.Column("started_at", sa.DateTime),
    sa.Column("duration", sa.Double, nullable=False),
    sa.Column("rate", sa.Double, nullable=False),
    sa.Column("samples", sa.BigInteger, nullable=False),
    sa.Column("leads", sa.JSON, nullable=False),
    sa.Column("proposal", sa.JSON, nullable=False),
    sa.Column("critical", sa.JSON, nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("key", sa.String(512), nullable=False),
    sa.Column("objects", sa.JSON(none_as_null=True)),
    sa.UniqueConstraint("evidence_id", "source"),
    comment="recordings as read and analysed; samples and results are objects below `key`",
)


ecg_edit = sa.Table(
    "ecg_edit",
    metadata,
    sa.Column("tracing_id", Id, sa.ForeignKey("ecg_tracing.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("by", Name, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("undone_by", Name),
    sa.Column("undone_at", Instant),
    comment="what readers did to long recordings, in order; nothing is removed",
)


ecg_arrival = sa.Table(
    "ecg_arrival",
    metadata,
    sa.Column("member", Code, primary_key=True),
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("case_id", Id, nullable=False),
    sa.Column("evidence_id", Id, nullable=False),
    sa.Column("arrived_at", Instant, nullable=False),
    comment="files of carts that became evidence, so that the same file again is nothing new",
)
