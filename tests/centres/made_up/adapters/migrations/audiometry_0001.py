"""Audiograms"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "audiometry_0001"
down_revision = None
branch_labels = ("audiometry",)


def upgrade() -> None:
    op.create_table(
        "audiogram",
        sa.Column("evidence_id", sa.String(32), primary_key=True),
        sa.Column("case_id", sa.String(32), nullable=False, index=True),
        sa.Column("right", sa.Integer, nullable=False),
        sa.Column("left", sa.Integer, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("audiogram")
