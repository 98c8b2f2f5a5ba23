"""Tables of the search for objects in the store that no row names."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Instant
from telemed.adapters.database.schema import Name, metadata

object_sweep = sa.Table(
    "object_sweep",
    metadata,
    sa.Column("started_at", Instant, primary_key=True),
    sa.Column("position", sa.String(512), nullable=False),
    sa.Column("taken_until", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("objects", sa.BigInteger, nullable=False),
    sa.Column("unnamed", sa.BigInteger, nullable=False),
    sa.Column("unattributed", sa.BigInteger, nullable=False),
    sa.Column("example", sa.String(512), nullable=False),
    comment="walks over the object store: how far each has come, and how many objects it met that nobody names",
)


unnamed_object = sa.Table(
    "unnamed_object",
    metadata,
    sa.Column("key", sa.String(512), primary_key=True),
    sa.Column("noun", Name, nullable=False),
    sa.Column("found_at", Instant, nullable=False, index=True),
    comment="objects that no row named when a walk met them; removed a day later, unless one does then",
)
