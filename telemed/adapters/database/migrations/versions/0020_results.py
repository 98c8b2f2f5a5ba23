"""A report's result is not judged, negative or positive; contradictions that were signed all the same; telephones of institutions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("report", sa.Column("result", sa.String(16), nullable=False, server_default="not-judged"))
    op.add_column("report", sa.Column("acknowledged", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("institution", sa.Column("phone", sa.String(32), nullable=False, server_default=""))
    report = sa.table("report", sa.column("result", sa.String), sa.column("positive", sa.Boolean), sa.column("released_at", sa.String))
    # A released report keeps what was printed of it. On any other, a mark that nobody set says nothing.
    op.execute(report.update().where(report.c.positive).values(result="positive"))
    op.execute(report.update().where(sa.not_(report.c.positive), report.c.released_at.is_not(None)).values(result="negative"))
    op.drop_column("report", "positive")


def downgrade() -> None:
    op.add_column("report", sa.Column("positive", sa.Boolean(), nullable=False, server_default=sa.false()))
    report = sa.table("report", sa.column("result", sa.String), sa.column("positive", sa.Boolean))
    op.execute(report.update().where(report.c.result == "positive").values(positive=True))
    op.drop_column("institution", "phone")
    op.drop_column("report", "acknowledged")
    op.drop_column("report", "result")
