"""How far each person has read their notices; history by institution"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "notice_mark",
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("seen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_notice_mark")),
    )
    op.create_index("ix_case_event_member", "case_event", ["member", "id"])
    op.create_index("ix_case_event_hub", "case_event", ["hub", "id"])


def downgrade() -> None:
    op.drop_index("ix_case_event_hub", "case_event")
    op.drop_index("ix_case_event_member", "case_event")
    op.drop_table("notice_mark")
