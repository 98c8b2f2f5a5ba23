"""Tables of how people prove who they are beside the present password: earlier passwords, second factors, what waits for them."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Confidential, Instant
from telemed.adapters.database.schema import BigId, Name, metadata

password_history = sa.Table(
    "password_history",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("username", Name, nullable=False, index=True),
    sa.Column("password_hash", sa.String(200), nullable=False),
    sa.Column("replaced_at", Instant, nullable=False),
    comment="earlier passwords, as many as a profile asks for",
)

totp = sa.Table(
    "totp",
    metadata,
    sa.Column("username", Name, primary_key=True),
    sa.Column("secret", Confidential(200), nullable=False, comment="in base 32; sealed"),
    sa.Column("confirmed", sa.Boolean, nullable=False),
    sa.Column("last_step", BigId, nullable=False, comment="step of time whose code was used last: none is taken twice"),
    sa.Column("created_at", Instant, nullable=False),
)

recovery_code = sa.Table(
    "recovery_code",
    metadata,
    sa.Column("username", Name, primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    comment="codes that stand in for a lost factor, each once: only their digests are kept",
)

passkey = sa.Table(
    "passkey",
    metadata,
    sa.Column("id", sa.String(1400), primary_key=True, comment="credential id, base64url"),
    sa.Column("username", Name, nullable=False, index=True),
    sa.Column("public_key", sa.Text, nullable=False, comment="COSE key, base64url"),
    sa.Column("sign_count", BigId, nullable=False),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("last_used_at", Instant),
)

passkey_challenge = sa.Table(
    "passkey_challenge",
    metadata,
    sa.Column("holder", sa.String(64), primary_key=True, comment="digest of the session, or half session, that it was given to"),
    sa.Column("challenge", sa.String(200), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
)

half_session = sa.Table(
    "half_session",
    metadata,
    sa.Column("token_digest", sa.String(64), primary_key=True),
    sa.Column("username", Name, nullable=False, index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("client", sa.String(200), nullable=False),
    sa.Column("browser", sa.String(64), nullable=False),
    sa.Column("keeps_cookies", sa.Boolean, nullable=False),
    comment="right passwords that wait for the second factor",
)

factor_recovery = sa.Table(
    "factor_recovery",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("username", Name, nullable=False, index=True),
    sa.Column("asked_by", Name, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("reason", sa.String(2000), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("confirmed_by", Name, nullable=False, server_default=""),
    sa.Column("confirmed_at", Instant),
)

account_notice = sa.Table(
    "account_notice",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("username", Name, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("actor", Name, nullable=False),
    sa.Column("seen", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("ix_account_notice_username_seen", "username", "seen"),
    comment="what was done to a person's own account",
)
