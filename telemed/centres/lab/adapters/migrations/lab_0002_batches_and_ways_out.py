"""The commit that took a message; connections to members' systems, what is sent to them, and columns of sheets"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from telemed.adapters.database.columns import Instant

revision = "lab_0002"
down_revision = "lab_0001"
branch_labels = None


def upgrade() -> None:
    batch = sa.Column(
        "batch", sa.String(length=32), server_default="", nullable=False, comment="the first message of the commit that took this one"
    )
    op.add_column("lab_message", batch)
    op.drop_index("ix_lab_result_unmapped", table_name="lab_result")  # a code that is mapped anew is looked for as well
    op.create_index(
        "ix_lab_result_local",
        "lab_result",
        ["member", "local"],
        unique=False,
        sqlite_where=sa.text("local <> ''"),
        postgresql_where=sa.text("local <> ''"),
    )
    op.create_table(
        "lab_connection",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("member", sa.String(length=16), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("tls", sa.Boolean(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("sends", sa.String(length=200), nullable=False),
        sa.Column("character_set", sa.String(length=40), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("held_until", Instant(), nullable=True),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_connection")),
        sa.UniqueConstraint("member", "host", "port", name=op.f("uq_lab_connection_member_host_port")),
        comment="members' systems that messages are sent to, and how the sending goes",
    )
    op.create_table(
        "lab_delivery",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("about", sa.String(length=80), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("control_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("answer_code", sa.String(length=2), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["lab_connection.id"], name=op.f("fk_lab_delivery_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_delivery")),
        sa.UniqueConstraint("connection_id", "about", name=op.f("uq_lab_delivery_connection_id_about")),
        comment="messages to members' systems, in their order",
    )
    op.create_index(
        "ix_lab_delivery_waiting",
        "lab_delivery",
        ["connection_id", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "lab_sheet",
        sa.Column("member", sa.String(length=16), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("member", name=op.f("pk_lab_sheet")),
        comment="which column of a member's sheets of results holds what",
    )


def downgrade() -> None:
    for name in ("lab_sheet", "lab_delivery", "lab_connection"):
        op.drop_table(name)
    op.drop_index("ix_lab_result_local", table_name="lab_result")
    op.create_index(
        "ix_lab_result_unmapped",
        "lab_result",
        ["member", "local"],
        unique=False,
        sqlite_where=sa.text("wst886 = '' AND loinc = ''"),
        postgresql_where=sa.text("wst886 = '' AND loinc = ''"),
    )
    with op.batch_alter_table("lab_message") as table:
        table.drop_column("batch")
