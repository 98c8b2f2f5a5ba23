"""Devices of institutions; performed procedure steps; requests for storage commitment"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "application_entity",
        sa.Column("title", sa.String(length=16), nullable=False),
        sa.Column("institution", sa.String(length=16), nullable=False),
        sa.Column("host", sa.String(length=253), server_default="", nullable=False),
        sa.Column("port", sa.Integer(), server_default="0", nullable=False),
        sa.Column("uses", sa.String(), nullable=False),
        sa.Column("calls_from", sa.String(), server_default="", nullable=False),
        sa.Column("character_set", sa.String(length=64), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.ForeignKeyConstraint(["institution"], ["institution.code"], name=op.f("fk_application_entity_institution")),
        sa.PrimaryKeyConstraint("title", name=op.f("pk_application_entity")),
    )
    op.create_index(op.f("ix_application_entity_institution"), "application_entity", ["institution"])
    _gateway_tables()


def _gateway_tables() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "dicom_performed_step",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.Column("calling_ae", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, comment="IN PROGRESS, COMPLETED or DISCONTINUED"),
        sa.Column("modality", sa.Text(), nullable=True),
        sa.Column("accession_number", sa.Text(), nullable=True),
        sa.Column("study_instance_uid", sa.Text(), nullable=True),
        sa.Column("scheduled_procedure_step_id", sa.Text(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False, comment="all of it, DICOM JSON"),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dicom_performed_step")),
        sa.UniqueConstraint("owner", "sop_instance_uid", name=op.f("uq_dicom_performed_step_owner_sop_instance_uid")),
        comment="modality performed procedure steps (PS3.4 F.7)",
    )
    for column in ("accession_number", "study_instance_uid"):
        op.create_index(op.f(f"ix_dicom_performed_step_owner_{column}"), "dicom_performed_step", ["owner", column])
    op.create_table(
        "dicom_commitment",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("calling_ae", sa.Text(), nullable=False),
        sa.Column("peer_address", sa.Text(), nullable=True),
        sa.Column("transaction_uid", sa.Text(), nullable=False),
        sa.Column("instances", sa.JSON(), nullable=False, comment="pairs of SOP class and SOP instance UID"),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", moment, nullable=True, comment="when the report is due; None when it was given, or given up"),
        sa.Column("reported_at", moment, nullable=True, comment="when the requester confirmed the report"),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dicom_commitment")),
        sa.UniqueConstraint("owner", "calling_ae", "transaction_uid", name=op.f("uq_dicom_commitment_owner_calling_ae_transaction_uid")),
        comment="requests for storage commitment (PS3.4 annex J) and what became of their reports",
    )
    op.create_index(op.f("ix_dicom_commitment_next_at"), "dicom_commitment", ["next_at"])


def downgrade() -> None:
    for table in ("dicom_commitment", "dicom_performed_step", "application_entity"):
        op.drop_table(table)
