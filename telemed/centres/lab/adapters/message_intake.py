"""Messages from the wire into the database: read, kept, taken in one commit with what came meanwhile, and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import structlog
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

from storage.errors import StorageError
from storage.group_commit import GroupCommit
from telemed.adapters.application import SqlApplication
from telemed.centres.lab.adapters.hl7_reading import BETWEEN_BLOCKS, read_block
from telemed.centres.lab.adapters.judging import CriticalRules
from telemed.centres.lab.intake import Caller, Fault, Incoming, Taken, take_messages

log = structlog.get_logger()

INLINE: Final = 32 << 10
"""Bytes of a block that is read on the event loop: a millisecond of work. A larger one is read in a thread."""

INTERNAL: Final = Fault("207", "the message could not be stored: send it again later")

AWAY: Final = (OperationalError, InterfaceError, StorageError, OSError)


def _blocks(answers: Sequence[bytes]) -> bytes:
    """Return the answers to the messages of one block: the first ones behind each other in one block, then the second ones."""
    parts = [answer.split(BETWEEN_BLOCKS) for answer in answers]
    depth = max(map(len, parts), default=0)
    return BETWEEN_BLOCKS.join(b"".join(part[place] for part in parts if place < len(part)) for place in range(depth))


class MessageIntake:
    """The one intake behind every door that laboratory messages come through."""

    def __init__(self, application: SqlApplication) -> None:
        self._application = application
        self._commits: GroupCommit[tuple[Incoming, Caller], Taken] = GroupCommit(self._take, away=AWAY)

    async def take(self, content: bytes, caller: Caller, fault: Fault | None = None) -> bytes:
        """Take the messages of one block and return their answers, one behind the other. Nothing raises: what could not be stored
        is answered so. `fault` is what was wrong with the block itself."""
        application = self._application
        now, zone = application.now(), application.region.network.zone
        rules = CriticalRules.of(application.region.settings)
        if len(content) > INLINE:
            found = await asyncio.to_thread(read_block, content, now.astimezone(zone), zone, rules)
        else:
            found = read_block(content, now.astimezone(zone), zone, rules)
        if fault is not None:
            found = [replace(each, fault=fault, results=()) for each in found[-1:]]
        return await self.take_read(found, caller)

    async def take_read(self, found: Sequence[Incoming], caller: Caller) -> bytes:
        """Take messages that were read, and return their answers as `take` does."""
        try:
            await self._keep_large(found)
        except AWAY as error:
            log.warning("messages.not_stored", error=str(error))
            return _blocks([each.answer(INTERNAL)[1] for each in found])
        return _blocks(await asyncio.gather(*(self._answered(each, caller) for each in found)))

    async def outcomes(self, found: Sequence[Incoming], caller: Caller) -> list[str | None]:
        """Take messages that were read, and return why each was not taken: empty where it was, None where it could not be stored."""
        try:
            await self._keep_large(found)
            taken = await asyncio.gather(*(self._commits.submit((each, caller)) for each in found))
        except AWAY as error:
            log.warning("messages.not_stored", error=str(error))
            return [None] * len(found)
        return [each.reason for each in taken]

    async def close(self) -> None:
        """Wait until what was submitted is written."""
        await self._commits.close()

    async def _keep_large(self, found: Sequence[Incoming]) -> None:
        """Bytes that do not lie in a row are durable before a row names them. The same content has the same key."""
        for each in found:
            if each.key:
                await self._application.store.put(each.key, each.raw)

    async def _answered(self, incoming: Incoming, caller: Caller) -> bytes:
        try:
            return (await self._commits.submit((incoming, caller))).answer
        except AWAY as error:
            log.warning("messages.not_stored", error=str(error).splitlines()[0])
        except Exception:
            log.exception("messages.not_taken", sender=incoming.sender, control_id=incoming.control_id)
        return incoming.answer(INTERNAL)[1]

    async def _take(self, batch: Sequence[tuple[Incoming, Caller]]) -> list[Taken]:
        try:
            return await self._once(batch)
        except IntegrityError:  # another process accepted the same name meanwhile: now it is known
            return await self._once(batch)

    async def _once(self, batch: Sequence[tuple[Incoming, Caller]]) -> list[Taken]:
        async with self._application.writing() as work:
            return await take_messages(work, batch)
