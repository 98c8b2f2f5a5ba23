"""Messages against the audit trail: every record of a commit names how many there were and a digest over their digests in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from telemed.adapters.database import tables as platform
from telemed.adapters.stored_objects import rows_of
from telemed.centres.lab.adapters.tables import lab_message
from telemed.extension import CentreProof

TAKE: Final = "message:take"
AT_ONCE: Final = 500
"""Rows of one question: with 64 KB in each it stays below 32 MB."""


@dataclass(slots=True)
class _Batch:
    """The messages of one commit as far as they were read."""

    count: int = 0
    digest: Any = field(default_factory=sha256)
    last: str = ""

    def take(self, message_id: str, digest: str) -> None:
        self.digest.update(("\n" if self.count else "").encode() + digest.encode())
        self.count += 1
        self.last = message_id


async def prove_messages(engine: AsyncEngine) -> CentreProof:
    """Read every message once, in the order in which they were taken, and hold them to the trail.

    The content of a large message lies in the object store and is proved there. Memory grows with the number of commits, not of
    messages.
    """
    proof, batches, good, older = CentreProof("laboratory messages"), dict[str, _Batch](), 0, 0
    async for row in _messages(engine):
        if not row["key"] and sha256(row["raw"]).hexdigest() != row["sha256"]:
            proof.faults.append(f"the content of message {row['id']} was changed")
            continue
        if row["batch"]:
            batches.setdefault(row["batch"], _Batch()).take(row["id"], row["sha256"])
            good += 1
        else:
            older += 1
    async for detail in _records(engine):
        first = str(detail.get("first", ""))
        found = batches.pop(first, None)
        if found is None:
            if not await _was_taken_before_batches(engine, first):
                proof.faults.append(f"the messages that were taken with {first} are missing")
        elif (found.count, found.last, found.digest.hexdigest()) != (detail.get("messages"), detail.get("last"), detail.get("digest")):
            proof.faults.append(f"of {detail.get('messages')} messages that were taken with {first}, some were changed, added or removed")
    proof.faults += [f"message {first} is on no record of the trail" for first in batches]
    proof.said.append(f"{good} messages, each as the trail says" if not proof.faults else f"{good} messages have the right content")
    if older:
        proof.said.append(f"older than the record of commits, so that only their own digests were seen: {older}")
    return proof


async def _messages(engine: AsyncEngine) -> AsyncIterator[sa.RowMapping]:
    c, last = lab_message.c, ""
    query = sa.select(c.id, c.batch, c.sha256, c.raw, c.key).order_by(c.id).limit(AT_ONCE)
    while rows := await rows_of(engine, query.where(c.id > last)):
        for row in rows:
            yield row
        last = rows[-1]["id"]


async def _records(engine: AsyncEngine) -> AsyncIterator[dict[str, Any]]:
    a, position = platform.audit.c, -(2**63)
    query = sa.select(a.position, a.detail).where(a.action == TAKE).order_by(a.position).limit(AT_ONCE)
    while rows := await rows_of(engine, query.where(a.position > position)):
        for row in rows:
            yield row["detail"]
        position = rows[-1]["position"]


async def _was_taken_before_batches(engine: AsyncEngine, first: str) -> bool:
    c = lab_message.c
    return bool(await rows_of(engine, sa.select(c.id).where(c.id == first, c.batch == "")))
