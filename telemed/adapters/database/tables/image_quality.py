"""Tables of image quality."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Instant
from telemed.adapters.database.schema import BigId, Code, metadata

study_quality = sa.Table(
    "study_quality",
    metadata,
    sa.Column("owner", Code, primary_key=True),
    sa.Column("study_instance_uid", sa.String(64), primary_key=True),
    sa.Column("assessed_at", Instant, nullable=False),
    sa.Column("day", sa.Date, nullable=False, index=True),
    sa.Column("images", sa.Integer, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("labelling", sa.SmallInteger),
    sa.Column("artefact", sa.SmallInteger),
    sa.Column("positioning", sa.SmallInteger),
    sa.Column("anatomy", sa.SmallInteger),
    sa.Column("resolution", sa.SmallInteger),
    sa.Column("contrast", sa.SmallInteger),
)

model_proposal = sa.Table(
    "model_proposal",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("owner", Code, nullable=False),
    sa.Column("study_instance_uid", sa.String(64), nullable=False),
    sa.Column("model", sa.String(100), nullable=False),
    sa.Column("version", sa.String(50), nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("findings", sa.JSON, nullable=False),
    sa.UniqueConstraint("owner", "study_instance_uid", "model", "version"),
)
