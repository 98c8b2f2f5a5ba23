"""Who called the DICOM gateway last"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from telemed.adapters.database.columns import Instant

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "device_call",
        sa.Column("title", sa.String(16), nullable=False),
        sa.Column("called_at", Instant(), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("refused", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("title", name=op.f("pk_device_call")),
    )


def downgrade() -> None:
    op.drop_table("device_call")
