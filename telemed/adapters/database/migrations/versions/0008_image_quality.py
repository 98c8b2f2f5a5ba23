"""Image quality of studies, and what trained models propose"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

UNIQUE = "uq_model_proposal_owner_study_instance_uid_model_version"


def upgrade() -> None:
    op.create_table(
        "study_quality",
        sa.Column("owner", sa.String(length=16), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("assessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("labelling", sa.SmallInteger()),
        sa.Column("artefact", sa.SmallInteger()),
        sa.Column("positioning", sa.SmallInteger()),
        sa.Column("anatomy", sa.SmallInteger()),
        sa.Column("resolution", sa.SmallInteger()),
        sa.Column("contrast", sa.SmallInteger()),
        sa.PrimaryKeyConstraint("owner", "study_instance_uid", name=op.f("pk_study_quality")),
    )
    op.create_index(op.f("ix_study_quality_day"), "study_quality", ["day"])
    op.create_table(
        "model_proposal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("owner", sa.String(length=16), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("version", sa.String(length=50), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_proposal")),
        sa.UniqueConstraint("owner", "study_instance_uid", "model", "version", name=op.f(UNIQUE)),
    )


def downgrade() -> None:
    op.drop_table("model_proposal")
    op.drop_index(op.f("ix_study_quality_day"), "study_quality")
    op.drop_table("study_quality")
