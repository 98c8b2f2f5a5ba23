"""One schema for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from telemed.adapters.columns import Codes, Confidential, Instant

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Id = sa.String(32)
Code = sa.String(16)
Name = sa.String(64)


def _only(sqlite: str, postgresql: str = "") -> dict[str, Any]:
    """An index over the rows that fulfil a condition, said as SQLAlchemy says it in queries."""
    return {"sqlite_where": sa.text(sqlite), "postgresql_where": sa.text(postgresql or sqlite)}


def _ordered(length: int) -> sa.types.TypeEngine[str]:
    """Text in code point order on both databases, so that a prefix is a range of the index."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


institution = sa.Table(
    "institution",
    metadata,
    sa.Column("code", Code, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("name_en", sa.String(200), nullable=False, server_default=""),
    sa.Column("level", sa.String(16), nullable=False),
    sa.Column("city", Name, nullable=False, server_default=""),
    sa.Column("district", Name, nullable=False, server_default=""),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
)

application_entity = sa.Table(
    "application_entity",
    metadata,
    sa.Column("title", sa.String(16), primary_key=True),
    sa.Column("institution", Code, sa.ForeignKey("institution.code"), nullable=False, index=True),
    sa.Column("host", sa.String(253), nullable=False, server_default=""),
    sa.Column("port", sa.Integer, nullable=False, server_default="0"),
    sa.Column("uses", Codes, nullable=False),
    sa.Column("calls_from", Codes, nullable=False, server_default=""),
    sa.Column("character_set", Name, nullable=False, server_default=""),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("tls", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("authority", sa.Text, nullable=False, server_default=""),
)

device_call = sa.Table(
    "device_call",
    metadata,
    sa.Column("title", sa.String(16), primary_key=True),
    sa.Column("called_at", Instant, nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("refused", Name, nullable=False),
)

hub_service = sa.Table(
    "hub_service",
    metadata,
    sa.Column("centre", Name, primary_key=True),
    sa.Column("hub", Code, sa.ForeignKey("institution.code"), primary_key=True),
    sa.Column("parent", Code),
    sa.Column("covers", Codes),
    sa.Column("duty", sa.JSON),
    sa.Column("two_person", Codes, nullable=False),
    sa.Column("reader_cap", sa.Integer),
)

home_hub = sa.Table(
    "home_hub",
    metadata,
    sa.Column("centre", Name, primary_key=True),
    sa.Column("member", Code, sa.ForeignKey("institution.code"), primary_key=True),
    sa.Column("hub", Code, nullable=False),
)

region_setting = sa.Table(
    "region_setting",
    metadata,
    sa.Column("name", Name, primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)

person = sa.Table(
    "person",
    metadata,
    sa.Column("username", Name, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("institution", Code, sa.ForeignKey("institution.code"), nullable=False, index=True),
    sa.Column("roles", Codes, nullable=False),
    sa.Column("centres", Codes, nullable=False),
    sa.Column("title", sa.String(100), nullable=False, server_default=""),
    sa.Column("language", sa.String(8), nullable=False, server_default=""),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("password_hash", sa.String(200), nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("locked_until", Instant),
    sa.Column("last_sign_in_at", Instant),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("token_digest", sa.String(64), primary_key=True),
    sa.Column("username", Name, nullable=False, index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
)

patient = sa.Table(
    "patient",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("master_id", Id, nullable=False, index=True),
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

accession = sa.Table(
    "accession",
    metadata,
    sa.Column("day", sa.String(9), primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
)

case = sa.Table(
    "case",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("centre", Name, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("priority", sa.String(8), nullable=False),
    sa.Column("rank", sa.SmallInteger, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("accession_number", _ordered(16), nullable=False),
    sa.Column("member", Code, nullable=False),
    sa.Column("hub", Code),
    sa.Column("patient_id", Id, nullable=False, index=True),
    sa.Column("patient_name", _ordered(200), nullable=False),
    sa.Column("patient_sex", sa.String(8), nullable=False),
    sa.Column("patient_birth_date", sa.Date),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("route", sa.JSON, nullable=False),
    sa.Column("created_by", Name, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("claimed_by", Name),
    sa.Column("claimed_at", Instant),
    sa.Column("active_at", Instant),
    sa.Column("parked_at", Instant),
    sa.Column("hold_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("submitted_at", Instant),
    sa.Column("accept_by", Instant),
    sa.Column("due_at", Instant),
    sa.Column("completed_at", Instant),
    sa.Column("acknowledged_at", Instant),
    sa.Column("acknowledged_by", Name),
    sa.Column("report_status", sa.String(20)),
    sa.Column("positive", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("critical_open", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("evidence_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("readers", sa.JSON, nullable=False),
    sa.UniqueConstraint("member", "accession_number"),
    sa.Index("ix_case_worklist", "hub", "centre", "status", "rank", "due_at", "id"),
    sa.Index("ix_case_member", "member", "created_at", "id"),
    sa.Index("ix_case_member_status", "member", "status", "created_at"),
    sa.Index("ix_case_done", "hub", "centre", "completed_at"),
    sa.Index("ix_case_holder", "claimed_by", "status", **_only("claimed_by IS NOT NULL")),
    sa.Index("ix_case_accession", "accession_number"),
    sa.Index("ix_case_name", "patient_name"),
    sa.Index("ix_case_created", "created_at", "id"),
    sa.Index(
        "ix_case_accept", "accept_by", sqlite_where=sa.text("accept_by IS NOT NULL"), postgresql_where=sa.text("accept_by IS NOT NULL")
    ),
    sa.Index("ix_case_critical_hub", "hub", "centre", **_only("critical_open = 1", "critical_open")),
    sa.Index("ix_case_critical_member", "member", **_only("critical_open = 1", "critical_open")),
    sa.Index("ix_case_review", "hub", "centre", **_only("report_status = 'preliminary'")),
    sa.Index("ix_case_failed", "created_at", **_only("status = 'failed'")),
    sa.Index("ix_case_open", "due_at", "hub", "centre", "status", **_only("status IN ('requested', 'accepted', 'in-progress')")),
    sa.Index("ix_case_answered", "centre", "completed_at", "submitted_at", "member"),
)

case_access = sa.Table(
    "case_access",
    metadata,
    sa.Column("case_id", Id, sa.ForeignKey("case.id"), primary_key=True),
    sa.Column("institution", Code, primary_key=True),
    sa.Index("ix_case_access_institution", "institution", "case_id"),
)

case_event = sa.Table(
    "case_event",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("case_id", Id, nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("action", Name, nullable=False),
    sa.Column("actor", Name, nullable=False),
    sa.Column("centre", Name, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("member", Code, nullable=False),
    sa.Column("hub", Code),
    sa.Column("left_hub", Code),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Index("ix_case_event_member", "member", "id"),
    sa.Index("ix_case_event_hub", "hub", "id"),
    sqlite_autoincrement=True,
)

report = sa.Table(
    "report",
    metadata,
    sa.Column("case_id", Id, sa.ForeignKey("case.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("sections", sa.JSON, nullable=False),
    sa.Column("positive", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("hub", Code, nullable=False),
    sa.Column("author", Name, nullable=False),
    sa.Column("reviewer", Name),
    sa.Column("review_note", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("signed_at", Instant),
    sa.Column("reviewed_at", Instant),
    sa.Column("released_at", Instant),
    sa.Column("verification_code", sa.String(16), nullable=False, index=True),
    sa.Column("pdf_key", sa.String(512), nullable=False),
    sa.Column("pdf_sha256", sa.String(64), nullable=False),
)

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case.id"), nullable=False, index=True),
    sa.Column("type", sa.String(16), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("key", sa.String(512), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("study_instance_uid", sa.String(64), index=True),
    sa.Column("instances", sa.Integer, nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("added_by", Name, nullable=False),
    sa.Column("added_at", Instant, nullable=False),
    sa.UniqueConstraint("case_id", "study_instance_uid"),
)

unmatched_study = sa.Table(
    "unmatched_study",
    metadata,
    sa.Column("owner", Code, primary_key=True),
    sa.Column("study_instance_uid", sa.String(64), primary_key=True),
    sa.Column("since", Instant, nullable=False, index=True),
)

consent = sa.Table(
    "consent",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("case_id", Id, sa.ForeignKey("case.id"), nullable=False, index=True),
    sa.Column("giver", sa.String(16), nullable=False),
    sa.Column("signed_name", sa.String(100), nullable=False),
    sa.Column("evidence_id", Id),
    sa.Column("recorded_by", Name, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
)

critical_value = sa.Table(
    "critical_value",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case.id"), nullable=False, index=True),
    sa.Column("finding", sa.String(500), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("found_by", Name, nullable=False),
    sa.Column("found_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("told_whom", sa.String(100), nullable=False),
    sa.Column("told_how", sa.String(100), nullable=False),
    sa.Column("read_back", sa.Boolean, nullable=False),
    sa.Column("told_by", Name),
    sa.Column("told_at", Instant),
    sa.Column("acknowledged_by", Name),
    sa.Column("acknowledged_at", Instant),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("action_by", Name),
    sa.Column("action_at", Instant),
    sa.Column("withdrawn_reason", sa.Text, nullable=False),
    sa.Column("escalations", sa.Integer, nullable=False),
    sa.Index("ix_critical_value_due", "status", "due_at"),
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

job = sa.Table(
    "job",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("kind", Name, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("waiting_key", sa.String(160), unique=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("run_after", Instant, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("taken_until", Instant),
    sa.Column("done_at", Instant),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_job_waiting", "run_after", **_only("done_at IS NULL")),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("position", BigId, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False, index=True),
    sa.Column("action", Name, nullable=False),
    sa.Column("actor", Name, nullable=False, index=True),
    sa.Column("institution", Code, nullable=False),
    sa.Column("subject", sa.String(200), nullable=False, index=True),
    sa.Column("outcome", Name, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
)

notice_mark = sa.Table(
    "notice_mark",
    metadata,
    sa.Column("username", Name, primary_key=True),
    sa.Column("seen", BigId, nullable=False),
)

daily_volume = sa.Table(
    "daily_volume",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("institution", Code, primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("centre", Name, primary_key=True),
    sa.Column("hub", Code, primary_key=True),
    sa.Column("items", sa.BigInteger, nullable=False),
    sa.Column("parts", sa.BigInteger, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
    sa.Index("ix_daily_volume_last", "institution", "kind", "day"),
    comment="what each institution sent and was answered, counted in the transaction in which it happened; days of the region",
)

audit_check = sa.Table(
    "audit_check",
    metadata,
    sa.Column("walk", sa.String(8), primary_key=True),
    sa.Column("position", BigId, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("checked_at", Instant, nullable=False),
    sa.Column("whole_at", Instant),
    sa.Column("fault", sa.String(200), nullable=False, server_default=""),
    comment="how far the audit trail was recomputed: `new` follows its end, `round` walks all of it again and again",
)

saved_view = sa.Table(
    "saved_view",
    metadata,
    sa.Column("username", Name, primary_key=True),
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("query", sa.String(500), nullable=False),
)

ecg_tracing = sa.Table(
    "ecg_tracing",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case.id"), nullable=False, index=True),
    sa.Column("evidence_id", Id, nullable=False),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("analysed_at", Instant, nullable=False),
    sa.Column("format", sa.String(32), nullable=False),
    sa.Column("started_at", sa.DateTime),
    sa.Column("duration", sa.Double, nullable=False),
    sa.Column("rate", sa.Double, nullable=False),
    sa.Column("samples", sa.BigInteger, nullable=False),
    sa.Column("leads", sa.JSON, nullable=False),
    sa.Column("proposal", sa.JSON, nullable=False),
    sa.Column("critical", sa.JSON, nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("key", sa.String(512), nullable=False),
    sa.UniqueConstraint("evidence_id", "source"),
    comment="recordings as read and analysed; samples and results are objects below `key`",
)

ecg_edit = sa.Table(
    "ecg_edit",
    metadata,
    sa.Column("tracing_id", Id, sa.ForeignKey("ecg_tracing.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("by", Name, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("undone_by", Name),
    sa.Column("undone_at", Instant),
    comment="what readers did to long recordings, in order; nothing is removed",
)

ecg_arrival = sa.Table(
    "ecg_arrival",
    metadata,
    sa.Column("member", Code, primary_key=True),
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("case_id", Id, nullable=False),
    sa.Column("evidence_id", Id, nullable=False),
    sa.Column("arrived_at", Instant, nullable=False),
    comment="files of carts that became evidence, so that the same file again is nothing new",
)
