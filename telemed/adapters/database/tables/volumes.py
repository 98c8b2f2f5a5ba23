"""The table of daily volumes."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Instant
from telemed.adapters.database.schema import Code, Name, metadata

daily_volume = sa.Table(
    "daily_volume",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("institution", Code, primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("centre", Name, primary_key=True),
    sa.Column("hub", Code, primary_key=True),
    sa.Column("items", sa.BigInteger, nullable=False),
    sa.Column("parts", sa.BigInteger, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
    sa.Index("ix_daily_volume_last", "institution", "kind", "day"),
    comment="what each institution sent and was answered, counted in the transaction in which it happened; days of the region",
)
