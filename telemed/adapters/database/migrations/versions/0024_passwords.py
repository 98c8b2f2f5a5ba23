"""Passwords that must be changed and their history; second factors, half sessions, recoveries; notices of one's own account"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from telemed.adapters.database.columns import Instant

revision = "0024"
down_revision = "0023"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "account_notice", "factor_recovery", "half_session", "passkey_challenge", "passkey", "recovery_code", "totp", "password_history",
)  # fmt: skip


def upgrade() -> None:
    op.add_column("person", sa.Column("must_change_password", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("person", sa.Column("password_changed_at", Instant(), nullable=True))
    person = sa.table("person", sa.column("password_changed_at", Instant()))
    op.execute(sa.update(person).values(password_changed_at=datetime.now(UTC)))  # from when they are, nobody wrote down
    required = sa.Column("required", sa.String(64), server_default="", nullable=False, comment="what is to be done before anything else")
    op.add_column("session", required)
    _factors()
    op.create_table(
        "password_history",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("replaced_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_history")),
        comment="earlier passwords, as many as a profile asks for",
    )
    op.create_index(op.f("ix_password_history_username"), "password_history", ["username"])
    op.create_table(
        "half_session",
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("browser", sa.String(64), nullable=False),
        sa.Column("keeps_cookies", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_half_session")),
        comment="right passwords that wait for the second factor",
    )
    op.create_index(op.f("ix_half_session_username"), "half_session", ["username"])
    op.create_table(
        "factor_recovery",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("confirmed_by", sa.String(64), server_default="", nullable=False),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factor_recovery")),
    )
    op.create_index(op.f("ix_factor_recovery_username"), "factor_recovery", ["username"])
    op.create_table(
        "account_notice",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("seen", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_notice")),
        comment="what was done to a person's own account",
    )
    op.create_index("ix_account_notice_username_seen", "account_notice", ["username", "seen"])


def _factors() -> None:
    op.create_table(
        "totp",
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("secret", sa.String(200), nullable=False, comment="in base 32; sealed"),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("last_step", KEY, nullable=False, comment="step of time whose code was used last: none is taken twice"),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_totp")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("username", "digest", name=op.f("pk_recovery_code")),
        comment="codes that stand in for a lost factor, each once: only their digests are kept",
    )
    op.create_table(
        "passkey",
        sa.Column("id", sa.String(1400), nullable=False, comment="credential id, base64url"),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False, comment="COSE key, base64url"),
        sa.Column("sign_count", KEY, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("last_used_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
    )
    op.create_index(op.f("ix_passkey_username"), "passkey", ["username"])
    op.create_table(
        "passkey_challenge",
        sa.Column("holder", sa.String(64), nullable=False, comment="digest of the session, or half session, that it was given to"),
        sa.Column("challenge", sa.String(200), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_passkey_challenge")),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_column("session", "required")
    op.drop_column("person", "password_changed_at")
    op.drop_column("person", "must_change_password")
