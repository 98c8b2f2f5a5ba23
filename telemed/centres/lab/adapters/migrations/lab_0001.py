"""Laboratory messages, results with their versions, orders, and senders' codes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from telemed.adapters.database.columns import Confidential, Instant

revision = "lab_0001"
down_revision = None
branch_labels = ("lab",)


def upgrade() -> None:
    op.create_table(
        "lab_mapping",
        sa.Column("member", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("specimen", sa.String(length=64), nullable=False),
        sa.Column("range", sa.String(length=100), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("item", sa.String(length=8), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("member", "code", name=op.f("pk_lab_mapping")),
        comment="senders' codes that the catalogue does not know, and what a person chose for them",
    )
    op.create_table(
        "lab_message",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("application", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("control_id", sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("answer_code", sa.String(length=2), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False, comment="empty where `key` names an object"),
        sa.Column("key", sa.String(length=200), server_default="", nullable=False),
        sa.Column("replayed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_message")),
        comment="messages as they came, by MSH-3, MSH-4, MSH-10 and the digest of their content",
    )
    op.create_index(
        "ix_lab_message_aside",
        "lab_message",
        ["state", "received_at"],
        unique=False,
        sqlite_where=sa.text("state <> 'accepted'"),
        postgresql_where=sa.text("state <> 'accepted'"),
    )
    op.create_index("ix_lab_message_name", "lab_message", ["sender", "control_id"], unique=False)
    op.create_index(
        "ix_lab_message_object",
        "lab_message",
        ["key"],
        unique=False,
        sqlite_where=sa.text("key <> ''"),
        postgresql_where=sa.text("key <> ''"),
    )
    op.create_index("ix_lab_message_received", "lab_message", ["sender", "received_at"], unique=False)
    op.create_index(
        "uq_lab_message_accepted",
        "lab_message",
        ["sender", "application", "control_id"],
        unique=True,
        sqlite_where=sa.text("state = 'accepted'"),
        postgresql_where=sa.text("state = 'accepted'"),
    )
    op.create_table(
        "lab_order",
        sa.Column("member", sa.String(length=16), nullable=False),
        sa.Column("order_number", sa.String(length=64), nullable=False),
        sa.Column("patient_number", Confidential(), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("evidence_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("member", "order_number", "patient_number", name=op.f("pk_lab_order")),
        comment="the case and the evidence that the results of an order became",
    )
    op.create_index(op.f("ix_lab_order_case_id"), "lab_order", ["case_id"], unique=False)
    op.create_table(
        "lab_result",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("member", sa.String(length=16), nullable=False),
        sa.Column("patient_number", Confidential(), nullable=False),
        sa.Column("order_number", sa.String(length=64), nullable=False),
        sa.Column("sub_id", sa.String(length=64), nullable=False),
        sa.Column("specimen", sa.String(length=64), nullable=False),
        sa.Column("wst886", sa.String(length=8), nullable=False),
        sa.Column("loinc", sa.String(length=16), nullable=False),
        sa.Column("local", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("as_sent", sa.Text(), nullable=False),
        sa.Column("comparator", sa.String(length=2), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("range", sa.String(length=100), nullable=False),
        sa.Column("flag", sa.String(length=2), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("observed_at", Instant(), nullable=True),
        sa.Column("reported_at", Instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_result")),
        sa.UniqueConstraint("key", name=op.f("uq_lab_result_key")),
        comment="results as they stand now",
    )
    op.create_index("ix_lab_result_order", "lab_result", ["member", "order_number"], unique=False)
    op.create_index("ix_lab_result_patient", "lab_result", ["member", "patient_number", "observed_at"], unique=False)
    op.create_index(
        "ix_lab_result_unmapped",
        "lab_result",
        ["member", "local"],
        unique=False,
        sqlite_where=sa.text("wst886 = '' AND loinc = ''"),
        postgresql_where=sa.text("wst886 = '' AND loinc = ''"),
    )
    op.create_table(
        "lab_result_version",
        sa.Column("result_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("comparator", sa.String(length=2), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("as_sent", sa.Text(), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("range", sa.String(length=100), nullable=False),
        sa.Column("flag", sa.String(length=2), nullable=False),
        sa.Column("reported_at", Instant(), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["result_id"], ["lab_result.id"], name=op.f("fk_lab_result_version_result_id")),
        sa.PrimaryKeyConstraint("result_id", "version", name=op.f("pk_lab_result_version")),
        comment="every change of a result with the message that said it; nothing is removed",
    )


def downgrade() -> None:
    for table in ("lab_result_version", "lab_result", "lab_order", "lab_message", "lab_mapping"):
        op.drop_table(table)
