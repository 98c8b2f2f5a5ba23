"""Attempts to give a password, counted by account, address and browser; known browsers; where a session was begun"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from telemed.adapters.database.columns import Instant

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "password_attempt",
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("origin", sa.String(64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "account", "origin", name=op.f("pk_password_attempt")),
        comment="attempts to give a password, counted before they are judged",
    )
    op.create_index(op.f("ix_password_attempt_account"), "password_attempt", ["account"])
    op.create_table(
        "refused_sign_in",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", "address", name=op.f("pk_refused_sign_in")),
        comment="refused attempts to sign in that are summed before they are a record of the trail",
    )
    op.create_table(
        "known_browser",
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_known_browser")),
        comment="browsers in which people have signed in: a stranger's wrong passwords do not keep them out",
    )
    op.create_index(op.f("ix_known_browser_username"), "known_browser", ["username"])
    for column, length in (("address", 64), ("client", 200), ("browser", 64)):
        op.add_column("session", sa.Column(column, sa.String(length), server_default="", nullable=False))
    _carry_failures()
    for column in ("locked_until", "failures"):
        op.drop_column("person", column)


def _carry_failures() -> None:
    """Failures so far count for the account as a whole, five for one that is locked; of its addresses nothing is known."""
    now = sa.literal(datetime.now(UTC), Instant())
    person = sa.table("person", sa.column("username"), sa.column("failures"), sa.column("locked_until"))
    p = person.c
    count = sa.case((p.locked_until.is_not(None), p.failures + 5), else_=p.failures)
    failed = sa.select(sa.literal("account"), p.username, sa.literal(""), count, now, now).where(count > 0)
    attempt = sa.table("password_attempt", *map(sa.column, ("scope", "account", "origin", "count", "first_at", "last_at")))
    op.execute(sa.insert(attempt).from_select(["scope", "account", "origin", "count", "first_at", "last_at"], failed))


def downgrade() -> None:
    op.add_column("person", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.add_column("person", sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True))
    for column in ("browser", "client", "address"):
        op.drop_column("session", column)
    op.drop_table("known_browser")
    op.drop_table("refused_sign_in")
    op.drop_table("password_attempt")
