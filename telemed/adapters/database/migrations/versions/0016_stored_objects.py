"""Digests of the objects of tracings; objects that no row names"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from telemed.adapters.database.columns import Instant

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("ecg_tracing", sa.Column("objects", sa.JSON(), nullable=True))
    op.create_index(op.f("ix_evidence_key"), "evidence", ["key"])
    op.create_index(op.f("ix_report_pdf_key"), "report", ["pdf_key"])
    op.create_table(
        "object_sweep",
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("position", sa.String(512), nullable=False),
        sa.Column("taken_until", Instant()),
        sa.Column("ended_at", Instant()),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("unnamed", sa.BigInteger(), nullable=False),
        sa.Column("unattributed", sa.BigInteger(), nullable=False),
        sa.Column("example", sa.String(512), nullable=False),
        sa.PrimaryKeyConstraint("started_at", name=op.f("pk_object_sweep")),
        comment="walks over the object store: how far each has come, and how many objects it met that nobody names",
    )
    op.create_table(
        "unnamed_object",
        sa.Column("key", sa.String(512), nullable=False),
        sa.Column("noun", sa.String(64), nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_unnamed_object")),
        comment="objects that no row named when a walk met them; removed a day later, unless one does then",
    )
    op.create_index(op.f("ix_unnamed_object_found_at"), "unnamed_object", ["found_at"])


def downgrade() -> None:
    op.drop_table("unnamed_object")
    op.drop_table("object_sweep")
    op.drop_index(op.f("ix_report_pdf_key"), "report")
    op.drop_index(op.f("ix_evidence_key"), "evidence")
    op.drop_column("ecg_tracing", "objects")
