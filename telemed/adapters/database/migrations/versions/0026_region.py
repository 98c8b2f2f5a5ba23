"""Classes and contacts of institutions, hubs that are asked nothing, holidays"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("institution", sa.Column("classification", sa.String(32), nullable=False, server_default=""))
    op.add_column("institution", sa.Column("contacts", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("hub_service", sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_table(
        "holiday",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("hub", sa.String(16), primary_key=True),
        sa.Column("duty", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False, server_default=""),
        comment="days whose duty is not that of their weekday, of one hub or (empty) of all",
    )


def downgrade() -> None:
    op.drop_table("holiday")
    op.drop_column("hub_service", "active")
    op.drop_column("institution", "contacts")
    op.drop_column("institution", "classification")
