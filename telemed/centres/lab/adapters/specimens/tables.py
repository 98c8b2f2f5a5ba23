"""Tables of specimens, boxes with their contents and handovers, temperature, and scans."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Instant
from telemed.adapters.database.schema import Code, Id, Name, metadata, only, ordered

Number = ordered(20)
"""The number on a label: letter, day, sequence, check digit."""

lab_number = sa.Table(
    "lab_number",
    metadata,
    sa.Column("day", sa.String(7), primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
    comment="the last number of a day that was put on a label, by its letter",
)

lab_specimen = sa.Table(
    "lab_specimen",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("case_id", Id, nullable=False, index=True),
    sa.Column("member", Code, nullable=False),
    sa.Column("container", sa.String(16), nullable=False),
    sa.Column("items", sa.JSON, nullable=False),
    sa.Column("created_by", Name, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("request_key", Name, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("condition", sa.String(16)),
    sa.Column("box_id", Number, nullable=False),
    sa.Column("collected_at", Instant),
    sa.Column("collected_by", Name, nullable=False),
    sa.Column("received_at", Instant),
    sa.Column("received_by", Name, nullable=False),
    sa.Column("hub", Code, nullable=False),
    sa.Column("reason", sa.String(2), nullable=False),
    sa.Column("rejected_by", Name, nullable=False),
    sa.Column("rejected_at", Instant),
    sa.Column("differs", sa.JSON, nullable=False),
    sa.Index("ix_lab_specimen_at_hand", "member", "state", "created_at", **only("state IN ('registered', 'collected', 'boxed')")),
    sa.Index("ix_lab_specimen_received", "received_at", "hub", **only("received_at IS NOT NULL")),
    sa.Index("ix_lab_specimen_waiting", "state", "received_at", **only("state = 'received'")),
    comment="tubes with their labels; `box_id` is the living box that holds it, empty where none does",
)

lab_box = sa.Table(
    "lab_box",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("member", Code, nullable=False),
    sa.Column("hub", Code, nullable=False),
    sa.Column("temperature", sa.String(20), nullable=False),
    sa.Column("low", sa.Double, nullable=False),
    sa.Column("high", sa.Double, nullable=False),
    sa.Column("created_by", Name, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("request_key", Name, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    *(sa.Column(name, Instant) for name in ("ready_at", "sent_at", "taken_at", "first_received_at", "received_at", "ended_at")),
    sa.Column("ended_by", Name, nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("excursion", sa.Double),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("ix_lab_box_member", "member", "created_at", "id"),
    sa.Index("ix_lab_box_hub", "hub", "created_at", "id"),
    sa.Index("ix_lab_box_under_way", "state", "sent_at", **only("state IN ('sent', 'in-transit', 'partially-received')")),
    sa.Index("uq_lab_box_request", "member", "request_key", unique=True, **only("request_key <> ''")),
    comment="boxes from a member to a hub",
)

lab_box_content = sa.Table(
    "lab_box_content",
    metadata,
    sa.Column("box_id", Number, sa.ForeignKey("lab_box.id"), primary_key=True),
    sa.Column("number", Number, sa.ForeignKey("lab_specimen.number"), primary_key=True, index=True),
    sa.Column("added_by", Name, nullable=False),
    sa.Column("added_at", Instant, nullable=False),
    sa.Column("unexpected", sa.Boolean, nullable=False),
    sa.Column("condition", sa.String(16)),
    sa.Column("reason", sa.String(20), nullable=False),
    sa.Column("condition_by", Name, nullable=False),
    sa.Column("condition_at", Instant),
    comment="the manifest of each box, and what came with it unexpected; how each tube came",
)

lab_box_handover = sa.Table(
    "lab_box_handover",
    metadata,
    sa.Column("box_id", Number, sa.ForeignKey("lab_box.id"), primary_key=True),
    sa.Column("side", sa.String(8), primary_key=True),
    sa.Column("courier", Name, nullable=False),
    sa.Column("seal", Name, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", Name, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    comment="what giver and taker of a box said, each for themselves",
)

lab_box_log = sa.Table(
    "lab_box_log",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("box_id", Number, sa.ForeignKey("lab_box.id"), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("key", sa.String(200), nullable=False, comment="empty where a logger sent readings itself"),
    sa.Column("media_type", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("added_by", Name, nullable=False),
    sa.Column("added_at", Instant, nullable=False),
    sa.Column("readings", sa.Integer, nullable=False),
    sa.Column("unread", sa.JSON, nullable=False),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.UniqueConstraint("box_id", "sha256"),
    sa.Index("ix_lab_box_log_object", "key", **only("key <> ''")),
    comment="loggers' files of a box",
)

lab_box_reading = sa.Table(
    "lab_box_reading",
    metadata,
    sa.Column("box_id", Number, sa.ForeignKey("lab_box.id"), primary_key=True),
    sa.Column("log_id", Id, primary_key=True),
    sa.Column("at", Instant, primary_key=True),
    sa.Column("celsius", sa.Double, nullable=False),
    comment="readings of the loggers of a box, in degrees Celsius",
)

lab_scan = sa.Table(
    "lab_scan",
    metadata,
    sa.Column("id", Name, primary_key=True),
    sa.Column("person", Name, nullable=False),
    sa.Column("said", sa.JSON, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Index("ix_lab_scan_at", "at"),
    comment="scans that were done, by the name that the page gave them: each is done once",
)
