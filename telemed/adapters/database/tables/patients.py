"""Tables of patients and the index over their numbers."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Confidential, Instant
from telemed.adapters.database.schema import Code, Id, Name, metadata

patient = sa.Table(
    "patient",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("master_id", Id, nullable=False, index=True),
    sa.Column("local_master_id", Id, nullable=False, index=True, comment="records that their own member says are one person"),
    sa.Column("member", Code, nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("match_name", sa.String(200), nullable=False),
    sa.Column("sex", sa.String(8), nullable=False),
    sa.Column("birth_date", sa.Date),
    sa.Column("phone", Confidential, nullable=False, server_default=""),
    sa.Index("ix_patient_match", "match_name", "birth_date"),
)


patient_identifier = sa.Table(
    "patient_identifier",
    metadata,
    sa.Column("patient_id", Id, sa.ForeignKey("patient.id"), primary_key=True),
    sa.Column("system", Name, primary_key=True),
    sa.Column("value", Confidential, nullable=False),
    sa.Index("ix_patient_identifier_value", "value", "system"),
)


patient_doubt = sa.Table(
    "patient_doubt",
    metadata,
    sa.Column("first", Id, primary_key=True),
    sa.Column("second", Id, primary_key=True),
    sa.Column("rule", Name, nullable=False),
    sa.Column("noted_at", Instant, nullable=False),
    sa.Column("settled_at", Instant),
)
