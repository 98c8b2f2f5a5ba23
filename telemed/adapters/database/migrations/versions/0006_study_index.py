"""Metadata documents of series; studies that are still arriving; lists and names found through indexes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from dicom_gateway.index.names import name_groups, name_words

revision = "0006"
down_revision = "0005"

REPLACED = (("owner", "study_date"), ("owner", "patient_id"), ("owner", "accession_number"), ("patient_name_folded",))
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
    order_studies()
    find_names()


def order_studies() -> None:
    """One text to order and to find by, and indexes that need no owner: the operator searches all members."""
    op.add_column(
        "dicom_study",
        sa.Column("listed_at", sa.Text(), server_default="", nullable=False, comment="study date and time as one text: lists go by it"),
    )
    op.execute("UPDATE dicom_study SET listed_at = coalesce(study_date, '') || coalesce(study_time, '')")
    for replaced in REPLACED:
        op.drop_index(f"ix_dicom_study_{'_'.join(replaced)}", "dicom_study")
    op.create_index("ix_dicom_study_listed_at_id", "dicom_study", ["listed_at", "id"])
    op.create_index("ix_dicom_study_owner_listed_at_id", "dicom_study", ["owner", "listed_at", "id"])
    for column in ("patient_id", "accession_number"):
        op.create_index(f"ix_dicom_study_{column}", "dicom_study", [column], postgresql_ops={column: "text_pattern_ops"})
    op.create_index("ix_dicom_series_modality_study_id", "dicom_series", ["modality", "study_id"])


def find_names() -> None:
    """What the patients of the studies so far can be found by."""
    keys = op.create_table(
        "dicom_name_key",
        sa.Column("kind", sa.String(length=1), nullable=False, comment="g: a component group of the name; w: a word of it, for fuzzy keys"),
        sa.Column("text", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("study_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["dicom_study.id"], name=op.f("fk_dicom_name_key_study_id_dicom_study"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("kind", "text", "study_id", name=op.f("pk_dicom_name_key")),
        comment="what a study's patient can be found by; follows from the name",
    )
    op.create_index("ix_dicom_name_key_study_id", "dicom_name_key", ["study_id"])
    studies = op.get_bind().execute(sa.text("SELECT id, patient_name FROM dicom_study WHERE patient_name IS NOT NULL")).all()
    for start in range(0, len(studies), 5000):
        rows = [
            {"kind": kind, "text": text, "study_id": study}
            for study, name in studies[start : start + 5000]
            for kind, texts in (("g", name_groups(name)), ("w", name_words(name)))
            for text in texts
        ]
        if rows:
            op.bulk_insert(keys, rows)


def downgrade() -> None:
    op.drop_table("dicom_name_key")
    op.drop_index("ix_dicom_series_modality_study_id", "dicom_series")
    for column in ("accession_number", "patient_id"):
        op.drop_index(f"ix_dicom_study_{column}", "dicom_study")
    op.drop_index("ix_dicom_study_owner_listed_at_id", "dicom_study")
    op.drop_index("ix_dicom_study_listed_at_id", "dicom_study")
    for replaced in REPLACED:
        op.create_index(f"ix_dicom_study_{'_'.join(replaced)}", "dicom_study", list(replaced))
    op.drop_column("dicom_study", "listed_at")
    op.drop_index("ix_dicom_study_arriving", "dicom_study")
    op.drop_column("dicom_study", "stable_at")
    op.drop_table("dicom_series_document")
