"""Unified procedure steps of a gateway on its own"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "dicom_workitem",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("workitem_uid", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("transaction_uid", sa.Text(), nullable=True, comment="the key of who took it"),
        sa.Column("scheduled_at", sa.Text(), nullable=False, comment="DICOM date and time; lists go by it"),
        sa.Column("content", sa.Text(), nullable=False, comment="DICOM JSON, without state and UIDs"),
        sa.Column("version", sa.Integer(), nullable=False, comment="counts the changes: a change must know the one before"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dicom_workitem")),
        sa.UniqueConstraint("owner", "workitem_uid", name=op.f("uq_dicom_workitem_owner_workitem_uid")),
        comment="unified procedure steps of a gateway on its own",
    )
    op.create_index("ix_dicom_workitem_owner_state_scheduled_at", "dicom_workitem", ["owner", "state", "scheduled_at"])


def downgrade() -> None:
    op.drop_table("dicom_workitem")
