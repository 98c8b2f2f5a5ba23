"""Backups that were made"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "backup_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target", sa.String(500), nullable=False, comment="without the keys that a URL may carry"),
        sa.Column("snapshot", sa.String(64), nullable=False, comment="empty where none was made"),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False, comment="of all that the snapshot names"),
        sa.Column("copied_bytes", sa.BigInteger(), nullable=False),
        sa.Column(
            "faults", sa.Integer(), nullable=False, comment="objects that the installation itself did not have as they are on record"
        ),
        sa.Column("error", sa.String(500), nullable=False, comment="why none was made; empty otherwise"),
        comment="backups that were made, and tries that failed",
    )
    op.create_index("ix_backup_run_started_at", "backup_run", ["started_at"])


def downgrade() -> None:
    op.drop_table("backup_run")
