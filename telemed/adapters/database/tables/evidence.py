"""Tables of evidence, and of studies and files on their way to it."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Confidential, Instant
from telemed.adapters.database.schema import Code, Id, Name, metadata

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case.id"), nullable=False, index=True),
    sa.Column("type", sa.String(16), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("key", sa.String(512), nullable=False, index=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("study_instance_uid", sa.String(64), index=True),
    sa.Column("instances", sa.Integer, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("added_by", Name, nullable=False),
    sa.Column("added_at", Instant, nullable=False),
    sa.Column("whole", sa.Boolean, nullable=False, server_default=sa.true(), comment="all that devices send of the study is evidence"),
    sa.UniqueConstraint("case_id", "study_instance_uid"),
)


case_instance = sa.Table(
    "case_instance",
    metadata,
    sa.Column("case_id", Id, primary_key=True),
    sa.Column("sop_instance_uid", sa.String(64), primary_key=True),
    sa.Column("owner", Code, nullable=False),
    sa.Column("study_instance_uid", sa.String(64), nullable=False),
    sa.Column("alone", sa.Boolean, nullable=False, comment="it came for this case alone, and by no device of its owner"),
    sa.Index(None, "owner", "sop_instance_uid"),
    sa.Index(None, "owner", "study_instance_uid"),
    comment="instances of DICOM studies that were received for a case, and not just for the institution",
)


evidence_identity = sa.Table(
    "evidence_identity",
    metadata,
    sa.Column("evidence_id", Id, sa.ForeignKey("evidence.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("stated", Confidential, nullable=False, comment="the patient as the file states them, as a JSON object; sealed"),
    sa.Column("differs", sa.JSON, nullable=False),
    sa.Column("found_at", Instant, nullable=False),
    sa.Column("settled_by", Name),
    sa.Column("settled_at", Instant),
    sa.Column("reason", sa.String(2000), nullable=False),
    comment="patients as evidence states them, what differs from the case's, and who settled it",
)


file_aside = sa.Table(
    "file_aside",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("member", Code, nullable=False),
    sa.Column("case_id", Id, nullable=False, comment="that it was taken away from"),
    sa.Column("type", sa.String(16), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("key", sa.String(512), nullable=False, index=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("added_by", Name, nullable=False),
    sa.Column("added_at", Instant, nullable=False),
    sa.Column("set_aside_by", Name, nullable=False),
    sa.Column("set_aside_at", Instant, nullable=False, index=True),
    sa.Column("reason", sa.String(2000), nullable=False),
    comment="files that were taken away from a case since they are another person's: nothing is lost",
)


unmatched_study = sa.Table(
    "unmatched_study",
    metadata,
    sa.Column("owner", Code, primary_key=True),
    sa.Column("study_instance_uid", sa.String(64), primary_key=True),
    sa.Column("since", Instant, nullable=False, index=True),
)


upload = sa.Table(
    "upload",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, nullable=False),
    sa.Column("username", Name, nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("parts", sa.JSON, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("evidence_id", Id),
)


transfer = sa.Table(
    "transfer",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("kind", Name, nullable=False),
    sa.Column("case_id", Id, sa.ForeignKey("case.id"), nullable=False, index=True),
    sa.Column("title", sa.String(16), nullable=False),
    sa.Column("asked_by", Name, nullable=False),
    sa.Column("institution", Code, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Column("status", Name, nullable=False),
    sa.Column("study_instance_uid", sa.String(64), nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("completed", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", sa.String(500), nullable=False),
)
