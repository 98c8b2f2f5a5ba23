"""The table of backups that were made."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Instant
from telemed.adapters.database.schema import BigId, Name, metadata

backup_run = sa.Table(
    "backup_run",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("started_at", Instant, nullable=False, index=True),
    sa.Column("ended_at", Instant, nullable=False),
    sa.Column("target", sa.String(500), nullable=False, comment="without the keys that a URL may carry"),
    sa.Column("snapshot", Name, nullable=False, comment="empty where none was made"),
    sa.Column("objects", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False, comment="of all that the snapshot names"),
    sa.Column("copied_bytes", sa.BigInteger, nullable=False),
    sa.Column("faults", sa.Integer, nullable=False, comment="objects that the installation itself did not have as they are on record"),
    sa.Column("error", sa.String(500), nullable=False, comment="why none was made; empty otherwise"),
    comment="backups that were made, and tries that failed",
)
