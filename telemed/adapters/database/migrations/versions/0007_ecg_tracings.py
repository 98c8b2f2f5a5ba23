"""ECG recordings as read and analysed, readers' steps on long ones, files of carts; machine-found critical values stand first"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from telemed.adapters.database.columns import Instant

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "ecg_tracing",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("evidence_id", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("analysed_at", Instant(), nullable=False),
        sa.Column("format", sa.String(length=32), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("samples", sa.BigInteger(), nullable=False),
        sa.Column("leads", sa.JSON(), nullable=False),
        sa.Column("proposal", sa.JSON(), nullable=False),
        sa.Column("critical", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("key", sa.String(length=512), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_ecg_tracing_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ecg_tracing")),
        sa.UniqueConstraint("evidence_id", "source", name=op.f("uq_ecg_tracing_evidence_id_source")),
        comment="recordings as read and analysed; samples and results are objects below `key`",
    )
    op.create_index(op.f("ix_ecg_tracing_case_id"), "ecg_tracing", ["case_id"])
    op.create_table(
        "ecg_edit",
        sa.Column("tracing_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("undone_by", sa.String(length=64), nullable=True),
        sa.Column("undone_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["tracing_id"], ["ecg_tracing.id"], name=op.f("fk_ecg_edit_tracing_id")),
        sa.PrimaryKeyConstraint("tracing_id", "number", name=op.f("pk_ecg_edit")),
        comment="what readers did to long recordings, in order; nothing is removed",
    )
    op.create_table(
        "ecg_arrival",
        sa.Column("member", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("evidence_id", sa.String(length=32), nullable=False),
        sa.Column("arrived_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("member", "sha256", name=op.f("pk_ecg_arrival")),
        comment="files of carts that became evidence, so that the same file again is nothing new",
    )

    op.execute(sa.text('UPDATE "case" SET rank = -1 WHERE critical_open'))


def downgrade() -> None:
    op.execute(sa.text("UPDATE \"case\" SET rank = CASE priority WHEN 'stat' THEN 0 WHEN 'asap' THEN 1 WHEN 'urgent' THEN 2 ELSE 3 END"))
    op.drop_table("ecg_arrival")
    op.drop_table("ecg_edit")
    op.drop_index(op.f("ix_ecg_tracing_case_id"), "ecg_tracing")
    op.drop_table("ecg_tracing")
