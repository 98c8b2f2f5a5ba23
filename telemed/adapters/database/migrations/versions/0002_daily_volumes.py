"""Daily volumes, checks of the audit trail, the last sign-in; indexes for the operator's morning"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

OPEN = "status IN ('requested', 'accepted', 'in-progress')"


def upgrade() -> None:
    op.create_table(
        "daily_volume",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("institution", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("centre", sa.String(length=64), nullable=False),
        sa.Column("hub", sa.String(length=16), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", "institution", "kind", "centre", "hub", name="pk_daily_volume"),
        comment="what each institution sent and was answered, counted in the transaction in which it happened; days of the region",
    )
    op.create_index("ix_daily_volume_last", "daily_volume", ["institution", "kind", "day"])
    op.create_table(
        "audit_check",
        sa.Column("walk", sa.String(length=8), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("whole_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.String(length=200), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("walk", name="pk_audit_check"),
        comment="how far the audit trail was recomputed: `new` follows its end, `round` walks all of it again and again",
    )
    op.add_column("person", sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=True))
    failed, waiting = sa.text("status = 'failed'"), sa.text(OPEN)
    op.create_index("ix_case_failed", "case", ["created_at"], sqlite_where=failed, postgresql_where=failed)
    op.create_index("ix_case_open", "case", ["due_at", "hub", "centre", "status"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("ix_case_answered", "case", ["centre", "completed_at", "submitted_at", "member"])
