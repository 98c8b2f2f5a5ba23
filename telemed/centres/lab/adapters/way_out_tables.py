"""Tables of the ways out: connections to members' systems, what is sent to them; and the columns of members' sheets."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Instant
from telemed.adapters.database.schema import Code, Id, metadata, only

lab_connection = sa.Table(
    "lab_connection",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("member", Code, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("tls", sa.Boolean, nullable=False),
    sa.Column("authority", sa.Text, nullable=False),
    sa.Column("sends", sa.String(200), nullable=False),
    sa.Column("character_set", sa.String(40), nullable=False),
    sa.Column("mode", sa.String(10), nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("error", sa.String(300), nullable=False),
    sa.Column("next_at", Instant),
    sa.Column("held_until", Instant),
    sa.Column("sent_at", Instant),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("member", "host", "port"),
    comment="members' systems that messages are sent to, and how the sending goes",
)

lab_delivery = sa.Table(
    "lab_delivery",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("connection_id", Id, sa.ForeignKey("lab_connection.id"), nullable=False),
    sa.Column("about", sa.String(80), nullable=False),
    sa.Column("type", sa.String(16), nullable=False),
    sa.Column("control_id", sa.String(32), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("answer_code", sa.String(2), nullable=False),
    sa.Column("reason", sa.String(300), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("settled_at", Instant),
    sa.UniqueConstraint("connection_id", "about"),
    sa.Index("ix_lab_delivery_waiting", "connection_id", "id", **only("state = 'waiting'")),
    comment="messages to members' systems, in their order",
)

lab_sheet = sa.Table(
    "lab_sheet",
    metadata,
    sa.Column("member", Code, primary_key=True),
    sa.Column("columns", sa.JSON, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    comment="which column of a member's sheets of results holds what",
)
