"""Tables of institutions, their devices, hubs and settings of the region."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Codes, Instant
from telemed.adapters.database.schema import Code, Name, metadata

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
    sa.Column("phone", sa.String(32), nullable=False, server_default=""),
    sa.Column("classification", sa.String(32), nullable=False, server_default=""),
    sa.Column("contacts", sa.JSON, nullable=False, server_default="[]"),
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
    sa.Column("certificates", Codes, nullable=False, server_default=""),
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
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
)


home_hub = sa.Table(
    "home_hub",
    metadata,
    sa.Column("centre", Name, primary_key=True),
    sa.Column("member", Code, sa.ForeignKey("institution.code"), primary_key=True),
    sa.Column("hub", Code, nullable=False),
)


holiday = sa.Table(
    "holiday",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("hub", Code, primary_key=True),
    sa.Column("duty", sa.String(16), nullable=False),
    sa.Column("name", Name, nullable=False, server_default=""),
    comment="days whose duty is not that of their weekday, of one hub or (empty) of all",
)


region_setting = sa.Table(
    "region_setting",
    metadata,
    sa.Column("name", Name, primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)
