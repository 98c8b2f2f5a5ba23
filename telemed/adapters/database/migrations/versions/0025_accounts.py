"""Invitations, and the telephone of an account"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from telemed.adapters.database.columns import Instant

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("person", sa.Column("phone", sa.String(32), server_default="", nullable=False))
    op.create_table(
        "invitation",
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["username"], ["person.username"], name=op.f("fk_invitation_username")),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_invitation")),
        sa.UniqueConstraint("username", name=op.f("uq_invitation_username")),
        comment="ways to choose the first password of an account, each good for once",
    )


def downgrade() -> None:
    op.drop_table("invitation")
    op.drop_column("person", "phone")
