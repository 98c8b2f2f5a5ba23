"""The centre's table, on metadata of its own: the platform's must not know what only tests have."""

from __future__ import annotations

import sqlalchemy as sa

audiogram = sa.Table(
    "audiogram",
    sa.MetaData(),
    sa.Column("evidence_id", sa.String(32), primary_key=True),
    sa.Column("case_id", sa.String(32), nullable=False, index=True),
    sa.Column("right", sa.Integer, nullable=False),
    sa.Column("left", sa.Integer, nullable=False),
    sa.Column("key", sa.String(255), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
)
