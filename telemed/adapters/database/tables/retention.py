"""Tables of holds, requests for erasure, and tombstones: what was erased, and by whom, without saying whose it was."""

from __future__ import annotations

import sqlalchemy as sa

from telemed.adapters.database.columns import Instant
from telemed.adapters.database.schema import Code, Id, Name, metadata

legal_hold = sa.Table(
    "legal_hold",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(64), nullable=False, index=True),
    sa.Column("reason", sa.String(2000), nullable=False),
    sa.Column("set_by", Name, nullable=False),
    sa.Column("set_at", Instant, nullable=False),
    sa.Column("until", sa.Date),
    sa.Column("lifted_by", Name, nullable=False, server_default=""),
    sa.Column("lifted_at", Instant),
    comment="what is not erased whatever its period: until somebody lifts it, or its last day is over",
)


erasure_request = sa.Table(
    "erasure_request",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("asked_by", Name, nullable=False),
    sa.Column("asked_at", Instant, nullable=False, index=True),
    sa.Column("reason", sa.String(2000), nullable=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("decided_by", Name, nullable=False, server_default=""),
    sa.Column("decided_at", Instant),
    sa.Column("done_at", Instant),
    comment="what one person asked to have erased, and another confirmed or declined",
)


erasure = sa.Table(
    "erasure",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("request_id", Id, sa.ForeignKey("erasure_request.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(64), nullable=False, index=True, comment="a random id, or a digest: it names nobody"),
    sa.Column("member", Code, nullable=False),
    sa.Column("centre", Name, nullable=False),
    sa.Column("kept_until", sa.Date, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, comment="waiting, erasing (its rows are gone, objects are left), done, kept"),
    sa.Column("erased_at", Instant),
    sa.Column("counts", sa.JSON, nullable=False, comment="rows by table, and objects"),
    sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 over the sorted digests of all contents"),
    comment="tombstones: what was erased after its period",
)


erased_object = sa.Table(
    "erased_object",
    metadata,
    sa.Column("erasure_id", Id, sa.ForeignKey("erasure.id"), primary_key=True),
    sa.Column("key", sa.String(512), primary_key=True, comment="of an object; with / at its end: of all below"),
    comment="objects that are still to be removed; a row goes when its object is gone",
)


erased_name = sa.Table(
    "erased_name",
    metadata,
    sa.Column("kind", sa.String(16), primary_key=True, comment="report or study"),
    sa.Column("digest", sa.String(64), primary_key=True, comment="SHA-256 of a report's code, or of owner and Study Instance UID"),
    sa.Column("erasure_id", Id, sa.ForeignKey("erasure.id"), nullable=False, index=True),
    sa.Column("content_sha256", sa.String(64), nullable=False, comment="of the PDF that was issued; empty for a study"),
    sa.Column("came_again_at", Instant),
    comment="what erased things were called, as digests: a report's code tells that it was erased, a study that comes again is known",
)
