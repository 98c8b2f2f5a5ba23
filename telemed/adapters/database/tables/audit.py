"""Tables of the audit trail."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Instant
from telemed.adapters.database.schema import BigId, Code, Name, metadata

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("position", BigId, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False, index=True),
    sa.Column("action", Name, nullable=False),
    sa.Column("actor", Name, nullable=False, index=True),
    sa.Column("institution", Code, nullable=False),
    sa.Column("subject", sa.String(200), nullable=False, index=True),
    sa.Column("outcome", Name, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("attested", sa.JSON(none_as_null=True)),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
)


audit_check = sa.Table(
    "audit_check",
    metadata,
    sa.Column("walk", sa.String(8), primary_key=True),
    sa.Column("position", BigId, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("checked_at", Instant, nullable=False),
    sa.Column("whole_at", Instant),
    sa.Column("fault", sa.String(200), nullable=False, server_default=""),
    comment="how far the audit trail was recomputed: `new` follows its end, `round` walks all of it again and again",
)
