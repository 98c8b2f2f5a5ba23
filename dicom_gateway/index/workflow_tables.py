"""Tables of what devices say about their work: performed procedure steps, requests for storage commitment."""

from __future__ import annotations

import sqlalchemy as sa

from dicom_gateway.index.tables import _MOMENT, _key, _text, metadata

dicom_performed_step = sa.Table(
    "dicom_performed_step",
    metadata,
    _key(),
    _text("owner", nullable=False),
    _text("sop_instance_uid", nullable=False),
    _text("calling_ae", nullable=False),
    sa.Column("status", sa.Text, nullable=False, comment="IN PROGRESS, COMPLETED or DISCONTINUED"),
    _text("modality"),
    _text("accession_number"),
    _text("study_instance_uid"),
    _text("scheduled_procedure_step_id"),
    sa.Column("attributes", sa.Text, nullable=False, comment="all of it, DICOM JSON"),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Column("updated_at", _MOMENT, nullable=False),
    sa.UniqueConstraint("owner", "sop_instance_uid"),
    sa.Index(None, "owner", "accession_number"),
    sa.Index(None, "owner", "study_instance_uid"),
    comment="modality performed procedure steps (PS3.4 F.7)",
)

dicom_commitment = sa.Table(
    "dicom_commitment",
    metadata,
    _key(),
    _text("owner", nullable=False),
    _text("calling_ae", nullable=False),
    _text("peer_address"),
    _text("transaction_uid", nullable=False),
    sa.Column("instances", sa.JSON, nullable=False, comment="pairs of SOP class and SOP instance UID"),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", _MOMENT, comment="when the report is due; None when it was given, or given up"),
    sa.Column("reported_at", _MOMENT, comment="when the requester confirmed the report"),
    _text("error"),
    sa.UniqueConstraint("owner", "calling_ae", "transaction_uid"),
    sa.Index(None, "next_at"),
    comment="requests for storage commitment (PS3.4 annex J) and what became of their reports",
)
