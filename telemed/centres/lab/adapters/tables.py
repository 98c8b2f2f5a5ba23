"""Tables of laboratory messages, results with their versions, orders, and codes that wait for a decision."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Confidential, Instant
from telemed.adapters.database.schema import Code, Id, Name, metadata, only, ordered

lab_message = sa.Table(
    "lab_message",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("application", Name, nullable=False),
    sa.Column("sender", Name, nullable=False),
    sa.Column("control_id", ordered(64), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("type", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("answer_code", sa.String(2), nullable=False),
    sa.Column("answer", sa.LargeBinary, nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("raw", sa.LargeBinary, nullable=False, comment="empty where `key` names an object"),
    sa.Column("key", sa.String(200), nullable=False, server_default=""),
    sa.Column("replayed_at", Instant),
    sa.Column("batch", Id, nullable=False, server_default="", comment="the first message of the commit that took this one"),
    sa.Index("uq_lab_message_accepted", "sender", "application", "control_id", unique=True, **only("state = 'accepted'")),
    sa.Index("ix_lab_message_received", "sender", "received_at"),
    sa.Index("ix_lab_message_name", "sender", "control_id"),
    sa.Index("ix_lab_message_aside", "state", "received_at", **only("state <> 'accepted'")),
    sa.Index("ix_lab_message_object", "key", **only("key <> ''")),
    comment="messages as they came, by MSH-3, MSH-4, MSH-10 and the digest of their content",
)

_RESULT = (
    ("order_number", Name),
    ("sub_id", Name),
    ("specimen", Name),
    ("wst886", sa.String(8)),
    ("loinc", sa.String(16)),
    ("local", Name),
    ("name", sa.String(200)),
    ("text", sa.Text),
    ("as_sent", sa.Text),
    ("comparator", sa.String(2)),
    ("unit", Name),
    ("range", sa.String(100)),
    ("flag", sa.String(2)),
    ("status", sa.String(16)),
    ("message_id", Id),
)

lab_result = sa.Table(
    "lab_result",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("member", Code, nullable=False),
    sa.Column("patient_number", Confidential, nullable=False),
    *(sa.Column(name, kind, nullable=False) for name, kind in _RESULT),
    sa.Column("number", sa.Double),
    sa.Column("observed_at", Instant),
    sa.Column("reported_at", Instant, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("ix_lab_result_patient", "member", "patient_number", "observed_at"),
    sa.Index("ix_lab_result_order", "member", "order_number"),
    sa.Index("ix_lab_result_local", "member", "local", **only("local <> ''")),
    sa.Index("ix_lab_result_reported", "member", "reported_at"),
    comment="results as they stand now",
)

lab_result_version = sa.Table(
    "lab_result_version",
    metadata,
    sa.Column("result_id", Id, sa.ForeignKey("lab_result.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("number", sa.Double),
    sa.Column("comparator", sa.String(2), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("as_sent", sa.Text, nullable=False),
    sa.Column("unit", Name, nullable=False),
    sa.Column("range", sa.String(100), nullable=False),
    sa.Column("flag", sa.String(2), nullable=False),
    sa.Column("reported_at", Instant, nullable=False),
    sa.Column("message_id", Id, nullable=False),
    comment="every change of a result with the message that said it; nothing is removed",
)

lab_order = sa.Table(
    "lab_order",
    metadata,
    sa.Column("member", Code, primary_key=True),
    sa.Column("order_number", Name, primary_key=True),
    sa.Column("patient_number", Confidential, primary_key=True),
    sa.Column("case_id", Id, nullable=False, index=True),
    sa.Column("evidence_id", Id, nullable=False),
    comment="the case and the evidence that the results of an order became",
)

lab_mapping = sa.Table(
    "lab_mapping",
    metadata,
    sa.Column("member", Code, primary_key=True),
    sa.Column("code", Name, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("unit", Name, nullable=False),
    sa.Column("specimen", Name, nullable=False),
    sa.Column("range", sa.String(100), nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
    sa.Column("first_at", Instant, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
    sa.Column("item", sa.String(8), nullable=False, server_default=""),
    comment="senders' codes that the catalogue does not know, and what a person chose for them",
)
