"""Specimens, boxes with their contents and handovers, temperature, scans"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from telemed.adapters.database.columns import Instant

revision = "lab_0004"
down_revision = "lab_0003"


def upgrade() -> None:
    op.create_table(
        "lab_box",
        sa.Column("id", sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"), nullable=False),
        sa.Column("member", sa.String(length=16), nullable=False),
        sa.Column("hub", sa.String(length=16), nullable=False),
        sa.Column("temperature", sa.String(length=20), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("request_key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("ready_at", Instant(), nullable=True),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("taken_at", Instant(), nullable=True),
        sa.Column("first_received_at", Instant(), nullable=True),
        sa.Column("received_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("excursion", sa.Double(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_box")),
        comment="boxes from a member to a hub",
    )
    op.create_index("ix_lab_box_hub", "lab_box", ["hub", "created_at", "id"], unique=False)
    op.create_index("ix_lab_box_member", "lab_box", ["member", "created_at", "id"], unique=False)
    op.create_index(
        "ix_lab_box_under_way",
        "lab_box",
        ["state", "sent_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('sent', 'in-transit', 'partially-received')"),
        postgresql_where=sa.text("state IN ('sent', 'in-transit', 'partially-received')"),
    )
    op.create_index(
        "uq_lab_box_request",
        "lab_box",
        ["member", "request_key"],
        unique=True,
        sqlite_where=sa.text("request_key <> ''"),
        postgresql_where=sa.text("request_key <> ''"),
    )
    op.create_table(
        "lab_number",
        sa.Column("day", sa.String(length=7), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_lab_number")),
        comment="the last number of a day that was put on a label, by its letter",
    )
    op.create_table(
        "lab_scan",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_scan")),
        comment="scans that were done, by the name that the page gave them: each is done once",
    )
    op.create_index("ix_lab_scan_at", "lab_scan", ["at"], unique=False)
    op.create_table(
        "lab_specimen",
        sa.Column("number", sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("member", sa.String(length=16), nullable=False),
        sa.Column("container", sa.String(length=16), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("request_key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("condition", sa.String(length=16), nullable=True),
        sa.Column("box_id", sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"), nullable=False),
        sa.Column("collected_at", Instant(), nullable=True),
        sa.Column("collected_by", sa.String(length=64), nullable=False),
        sa.Column("received_at", Instant(), nullable=True),
        sa.Column("received_by", sa.String(length=64), nullable=False),
        sa.Column("hub", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=2), nullable=False),
        sa.Column("rejected_by", sa.String(length=64), nullable=False),
        sa.Column("rejected_at", Instant(), nullable=True),
        sa.Column("differs", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_lab_specimen")),
        comment="tubes with their labels; `box_id` is the living box that holds it, empty where none does",
    )
    op.create_index(
        "ix_lab_specimen_at_hand",
        "lab_specimen",
        ["member", "state", "created_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('registered', 'collected', 'boxed')"),
        postgresql_where=sa.text("state IN ('registered', 'collected', 'boxed')"),
    )
    op.create_index(op.f("ix_lab_specimen_case_id"), "lab_specimen", ["case_id"], unique=False)
    op.create_index(
        "ix_lab_specimen_received",
        "lab_specimen",
        ["received_at", "hub"],
        unique=False,
        sqlite_where=sa.text("received_at IS NOT NULL"),
        postgresql_where=sa.text("received_at IS NOT NULL"),
    )
    op.create_index(
        "ix_lab_specimen_waiting",
        "lab_specimen",
        ["state", "received_at"],
        unique=False,
        sqlite_where=sa.text("state = 'received'"),
        postgresql_where=sa.text("state = 'received'"),
    )
    op.create_table(
        "lab_box_content",
        sa.Column("box_id", sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"), nullable=False),
        sa.Column("number", sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("unexpected", sa.Boolean(), nullable=False),
        sa.Column("condition", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("condition_by", sa.String(length=64), nullable=False),
        sa.Column("condition_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["box_id"], ["lab_box.id"], name=op.f("fk_lab_box_content_box_id")),
        sa.ForeignKeyConstraint(["number"], ["lab_specimen.number"], name=op.f("fk_lab_box_content_number")),
        sa.PrimaryKeyConstraint("box_id", "number", name=op.f("pk_lab_box_content")),
        comment="the manifest of each box, and what came with it unexpected; how each tube came",
    )
    op.create_index(op.f("ix_lab_box_content_number"), "lab_box_content", ["number"], unique=False)
    op.create_table(
        "lab_box_handover",
        sa.Column("box_id", sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("courier", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["box_id"], ["lab_box.id"], name=op.f("fk_lab_box_handover_box_id")),
        sa.PrimaryKeyConstraint("box_id", "side", name=op.f("pk_lab_box_handover")),
        comment="what giver and taker of a box said, each for themselves",
    )
    op.create_table(
        "lab_box_log",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("box_id", sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False, comment="empty where a logger sent readings itself"),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("unread", sa.JSON(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["box_id"], ["lab_box.id"], name=op.f("fk_lab_box_log_box_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_box_log")),
        sa.UniqueConstraint("box_id", "sha256", name=op.f("uq_lab_box_log_box_id_sha256")),
        comment="loggers' files of a box",
    )
    op.create_index(
        "ix_lab_box_log_object",
        "lab_box_log",
        ["key"],
        unique=False,
        sqlite_where=sa.text("key <> ''"),
        postgresql_where=sa.text("key <> ''"),
    )
    op.create_table(
        "lab_box_reading",
        sa.Column("box_id", sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"), nullable=False),
        sa.Column("log_id", sa.String(length=32), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("celsius", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["box_id"], ["lab_box.id"], name=op.f("fk_lab_box_reading_box_id")),
        sa.PrimaryKeyConstraint("box_id", "log_id", "at", name=op.f("pk_lab_box_reading")),
        comment="readings of the loggers of a box, in degrees Celsius",
    )
