"""Holds, requests for erasure, and tombstones of what was erased"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from telemed.adapters.database.columns import Instant

revision = "0027"
down_revision = "0026"

TABLES = ("erased_name", "erased_object", "erasure", "erasure_request", "legal_hold")


def upgrade() -> None:
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("set_by", sa.String(64), nullable=False),
        sa.Column("set_at", Instant(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("lifted_by", sa.String(64), server_default="", nullable=False),
        sa.Column("lifted_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
        comment="what is not erased whatever its period: until somebody lifts it, or its last day is over",
    )
    op.create_index(op.f("ix_legal_hold_subject"), "legal_hold", ["subject"])
    op.create_table(
        "erasure_request",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.String(64), server_default="", nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("done_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_request")),
        comment="what one person asked to have erased, and another confirmed or declined",
    )
    op.create_index(op.f("ix_erasure_request_asked_at"), "erasure_request", ["asked_at"])
    _tombstones()


def _tombstones() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False, comment="a random id, or a digest: it names nobody"),
        sa.Column("member", sa.String(16), nullable=False),
        sa.Column("centre", sa.String(64), nullable=False),
        sa.Column("kept_until", sa.Date(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False, comment="waiting, erasing (its rows are gone, objects are left), done, kept"),
        sa.Column("erased_at", Instant(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False, comment="rows by table, and objects"),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 over the sorted digests of all contents"),
        sa.ForeignKeyConstraint(["request_id"], ["erasure_request.id"], name=op.f("fk_erasure_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        comment="tombstones: what was erased after its period",
    )
    op.create_index(op.f("ix_erasure_request_id"), "erasure", ["request_id"])
    op.create_index(op.f("ix_erasure_subject"), "erasure", ["subject"])
    op.create_table(
        "erased_object",
        sa.Column("erasure_id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(512), nullable=False, comment="of an object; with / at its end: of all below"),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasure.id"], name=op.f("fk_erased_object_erasure_id")),
        sa.PrimaryKeyConstraint("erasure_id", "key", name=op.f("pk_erased_object")),
        comment="objects that are still to be removed; a row goes when its object is gone",
    )
    op.create_table(
        "erased_name",
        sa.Column("kind", sa.String(16), nullable=False, comment="report or study"),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of a report's code, or of owner and Study Instance UID"),
        sa.Column("erasure_id", sa.String(32), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False, comment="of the PDF that was issued; empty for a study"),
        sa.Column("came_again_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasure.id"], name=op.f("fk_erased_name_erasure_id")),
        sa.PrimaryKeyConstraint("kind", "digest", name=op.f("pk_erased_name")),
        comment="what erased things were called, as digests: a report's code tells that it was erased, a study that comes again is known",
    )
    op.create_index(op.f("ix_erased_name_erasure_id"), "erased_name", ["erasure_id"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
