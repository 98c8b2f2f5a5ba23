"""A member's results by the time of their report"""

from __future__ import annotations

from alembic import op

revision = "lab_0003"
down_revision = "lab_0002"
branch_labels = None


def upgrade() -> None:
    op.create_index("ix_lab_result_reported", "lab_result", ["member", "reported_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_lab_result_reported", table_name="lab_result")
