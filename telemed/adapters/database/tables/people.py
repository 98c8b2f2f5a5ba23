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
    sa.Column("last_sign_in_at", Instant),
    sa.Column("phone", sa.String(32), nullable=False, server_default=""),
    sa.Column("must_change_password", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("password_changed_at", Instant),
)


invitation = sa.Table(
    "invitation",
    metadata,
    sa.Column("token_digest", sa.String(64), primary_key=True),
    sa.Column("username", Name, sa.ForeignKey("person.username"), nullable=False, unique=True),
    sa.Column("made_by", Name, nullable=False),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    comment="ways to choose the first password of an account, each good for once",
)


session = sa.Table(
    "session",
    metadata,
    sa.Column("token_digest", sa.String(64), primary_key=True),
    sa.Column("username", Name, nullable=False, index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("address", sa.String(64), nullable=False, server_default=""),
    sa.Column("client", sa.String(200), nullable=False, server_default=""),
    sa.Column("browser", sa.String(64), nullable=False, server_default=""),
    sa.Column("required", Codes(64), nullable=False, server_default="", comment="what is to be done before anything else"),
)


known_browser = sa.Table(
    "known_browser",
    metadata,
    sa.Column("token_digest", sa.String(64), primary_key=True),
    sa.Column("username", Name, nullable=False, index=True),
    sa.Column("seen_at", Instant, nullable=False),
    comment="browsers in which people have signed in: a stranger's wrong passwords do not keep them out",
)


password_attempt = sa.Table(
    "password_attempt",
    metadata,
    sa.Column("scope", sa.String(32), primary_key=True),
    sa.Column("account", sa.String(64), primary_key=True, index=True),
    sa.Column("origin", sa.String(64), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("first_at", Instant, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
    comment="attempts to give a password, counted before they are judged",
)


refused_sign_in = sa.Table(
    "refused_sign_in",
    metadata,
    sa.Column("account", sa.String(64), primary_key=True),
    sa.Column("address", sa.String(64), primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    comment="refused attempts to sign in that are summed before they are a record of the trail",
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
