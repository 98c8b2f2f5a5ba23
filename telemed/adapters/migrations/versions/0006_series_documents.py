"""Metadata documents of series; studies that are still arriving"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ARRIVING = sa.text("stable_at IS NULL")


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "dicom_series_document",
        sa.Column("series_id", key, autoincrement=False, nullable=False),
        sa.Column("instances", sa.Text(), nullable=False, comment="which instances it describes, and by what rules"),
        sa.Column("etag", sa.String(length=32), nullable=False, comment="from the content"),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="DICOM JSON array, gzip"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"], ["dicom_series.id"], name=op.f("fk_dicom_series_document_series_id_dicom_series"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("series_id", name=op.f("pk_dicom_series_document")),
        comment="metadata of whole series, made from the objects; every row may be deleted and is made again when asked for",
    )
    op.add_column(
        "dicom_study",
        sa.Column(
            "stable_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was found or said to be complete; None while instances arrive",
        ),
    )
    op.create_index("ix_dicom_study_arriving", "dicom_study", ["last_received_at"], sqlite_where=ARRIVING, postgresql_where=ARRIVING)


def downgrade() -> None:
    op.drop_index("ix_dicom_study_arriving", "dicom_study")
    op.drop_column("dicom_study", "stable_at")
    op.drop_table("dicom_series_document")
