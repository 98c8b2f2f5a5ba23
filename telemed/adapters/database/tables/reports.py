"""The table of report versions."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Instant
from telemed.adapters.database.schema import Code, Id, Name, metadata

report = sa.Table(
    "report",
    metadata,
    sa.Column("case_id", Id, sa.ForeignKey("case.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("sections", sa.JSON, nullable=False),
    sa.Column("result", sa.String(16), nullable=False, server_default="not-judged"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("hub", Code, nullable=False),
    sa.Column("author", Name, nullable=False),
    sa.Column("reviewer", Name),
    sa.Column("review_note", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("signed_at", Instant),
    sa.Column("reviewed_at", Instant),
    sa.Column("released_at", Instant),
    sa.Column("verification_code", sa.String(16), nullable=False, index=True),
    sa.Column("pdf_key", sa.String(512), nullable=False, index=True),
    sa.Column("pdf_sha256", sa.String(64), nullable=False),
    sa.Column("acknowledged", sa.JSON, nullable=False, server_default="[]"),
)
