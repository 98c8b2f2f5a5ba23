"""Devices that speak TLS, and whose certificate they must show"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("application_entity", sa.Column("tls", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("application_entity", sa.Column("authority", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    for column in ("authority", "tls"):
        op.drop_column("application_entity", column)
