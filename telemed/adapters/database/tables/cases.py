"""Tables of cases, their history, consents and critical values."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Instant
from telemed.adapters.database.schema import BigId, Code, Id, Name, metadata, only, ordered

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
    sa.Column("accession_number", ordered(16), nullable=False),
    sa.Column("member", Code, nullable=False),
    sa.Column("hub", Code),
    sa.Column("patient_id", Id, nullable=False, index=True),
    sa.Column("patient_name", ordered(200), nullable=False),
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
    sa.Column("identity_open", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("evidence_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("readers", sa.JSON, nullable=False),
    sa.UniqueConstraint("member", "accession_number"),
    sa.Index("ix_case_worklist", "hub", "centre", "status", "rank", "due_at", "id"),
    sa.Index("ix_case_member", "member", "created_at", "id"),
    sa.Index("ix_case_member_status", "member", "status", "created_at"),
    sa.Index("ix_case_done", "hub", "centre", "completed_at"),
    sa.Index("ix_case_holder", "claimed_by", "status", **only("claimed_by IS NOT NULL")),
    sa.Index("ix_case_accession", "accession_number"),
    sa.Index("ix_case_name", "patient_name"),
    sa.Index("ix_case_created", "created_at", "id"),
    sa.Index(
        "ix_case_accept", "accept_by", sqlite_where=sa.text("accept_by IS NOT NULL"), postgresql_where=sa.text("accept_by IS NOT NULL")
    ),
    sa.Index("ix_case_critical_hub", "hub", "centre", **only("critical_open = 1", "critical_open")),
    sa.Index("ix_case_critical_member", "member", **only("critical_open = 1", "critical_open")),
    sa.Index("ix_case_review", "hub", "centre", **only("report_status = 'preliminary'")),
    sa.Index("ix_case_failed", "created_at", **only("status = 'failed'")),
    sa.Index("ix_case_open", "due_at", "hub", "centre", "status", **only("status IN ('requested', 'accepted', 'in-progress')")),
    sa.Index("ix_case_answered", "centre", "completed_at", "submitted_at", "member"),
)


def _one_of(column: sa.Column[str], *values: str) -> sa.ColumnElement[bool]:
    """Said with the values themselves: a database finds a partial index for a condition that it can read, not for parameters."""
    return column.in_([sa.literal_column(f"'{value}'") for value in values])


wants_attention = sa.or_(
    _one_of(case.c.status, "on-hold", "failed"),
    case.c.critical_open,
    sa.and_(_one_of(case.c.status, "completed"), case.c.acknowledged_at.is_(None)),
)
"""The member is asked for something: every case of theirs is either this, or running, or done."""

_finished = _one_of(case.c.status, "completed", "cancelled")
is_running = sa.not_(sa.or_(_finished, wants_attention))
is_done = sa.not_(sa.or_(sa.not_(_finished), wants_attention))
"""One term each, so that no planner takes a piece of it for another index and walks the member's whole history."""

for _name, _part in (("attention", wants_attention), ("running", is_running), ("finished", is_done)):
    # The parts of the member's board. The centre stands in them for the counts, which need no row then.
    _columns = (case.c.member, case.c.created_at, case.c.id, case.c.centre)
    sa.Index(f"ix_case_board_{_name}", *_columns, sqlite_where=_part, postgresql_where=_part)


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
