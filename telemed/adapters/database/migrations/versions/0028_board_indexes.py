"""The three parts of the member's board have an index each, over their own rows"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

COLUMNS = ["member", "created_at", "id", "centre"]
ATTENTION = "status IN ('on-hold', 'failed') OR {critical} OR status IN ('completed') AND acknowledged_at IS NULL"
PARTS = {
    "ix_case_board_attention": ATTENTION,
    "ix_case_board_running": f"NOT (status IN ('completed', 'cancelled') OR {ATTENTION})",
    "ix_case_board_finished": f"NOT ((status NOT IN ('completed', 'cancelled')) OR {ATTENTION})",
}


def upgrade() -> None:
    for name, condition in PARTS.items():
        sqlite, postgresql = (sa.text(condition.format(critical=word)) for word in ("critical_open = 1", "critical_open"))
        op.create_index(name, "case", COLUMNS, sqlite_where=sqlite, postgresql_where=postgresql)


def downgrade() -> None:
    for name in PARTS:
        op.drop_index(name, "case")
