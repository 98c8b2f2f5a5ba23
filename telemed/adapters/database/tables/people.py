"""Tables of accounts, sessions, and what people keep for themselves."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Codes, Instant
from telemed.adapters.database.schema import BigId, Code, Name, metadata

person = sa.Table(
    "person",
    metadata,
    sa.Column("username", Name, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("institution", Code, sa.ForeignKey("institution.code"), nullable=False, index=True),
    sa.Column("roles", Codes, nullable=False),
    sa.Column("centres", Codes, nullable=False),
    sa.Column("title", sa.String(100), nullable=False, server_default=""),
    sa.Column("language", sa.String(8), nullable=False, server_default=""),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("password_hash", sa.String(200), nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("locked_until", Instant),
    sa.Column("last_sign_in_at", Instant),
)


session = sa.Table(
    "session",
    metadata,
    sa.Column("token_digest", sa.String(64), primary_key=True),
    sa.Column("username", Name, nullable=False, index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
)


notice_mark = sa.Table(
    "notice_mark",
    metadata,
    sa.Column("username", Name, primary_key=True),
    sa.Column("seen", BigId, nullable=False),
)


saved_view = sa.Table(
    "saved_view",
    metadata,
    sa.Column("username", Name, primary_key=True),
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("query", sa.String(500), nullable=False),
)
