"""What people reconciled by hand, and corrected attributes of studies beside the original ones"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "dicom_study",
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False, comment="how often it was corrected"),
    )
    op.create_table(
        "dicom_correction",
        sa.Column("study_id", KEY, autoincrement=False, nullable=False),
        sa.Column("keyword", sa.Text(), nullable=False),
        sa.Column("original", sa.Text(), nullable=True, comment="as it was received; what holds now is in the study's own row"),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["dicom_study.id"], name=op.f("fk_dicom_correction_study_id_dicom_study"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "keyword", name=op.f("pk_dicom_correction")),
        comment="attributes of studies that a person has corrected",
    )
    op.create_table(
        "reconciliation",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("member", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("patient_id", sa.String(length=32), nullable=False),
        sa.Column("other_id", sa.String(length=32), nullable=False),
        sa.Column("before", sa.String(), nullable=False, comment="what held, as a JSON object; sealed"),
        sa.Column("after", sa.String(), nullable=False, comment="what holds since, as a JSON object; sealed"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
        comment="what people joined, took apart and corrected; nothing is removed",
    )
    op.create_index("ix_reconciliation_study", "reconciliation", ["study_instance_uid", "member"])


def downgrade() -> None:
    op.drop_index("ix_reconciliation_study", "reconciliation")
    op.drop_table("reconciliation")
    op.drop_table("dicom_correction")
    with op.batch_alter_table("dicom_study") as batch:
        batch.drop_column("revision")
