"""Details of audit records: each is either open to the auditor, or closed on purpose."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from telemed.adapters.database import tables as t
from telemed.service.audit_trail import OPEN_DETAIL

CLOSED_DETAIL = frozenset({
    "reason", "note", "finding", "action", "whom", "how", "name",
    "values", "edit", "template", "beat", "number", "begin", "seconds", "caption",
    "address", "uses", "calls_from", "certificates", "authority", "device", "instances", "failed",
})  # fmt: skip
"""Words that people typed, what a reader did to a recording, addresses of devices. Whoever writes another key decides here or in
`OPEN_DETAIL` what the auditor sees of it."""


async def undecided_details(engine: AsyncEngine) -> set[str]:
    """Return the names of details on record that are in neither table."""
    async with engine.connect() as connection:
        details = (await connection.execute(sa.select(t.audit.c.detail))).scalars().all()
    return {name for detail in details for name in detail} - OPEN_DETAIL - CLOSED_DETAIL
