"""The live feed: new lines of history, read once for each process and given to every listener who may see them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Iterator

import structlog

from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, relations
from telemed.service.application import Application
from telemed.service.queries import HistoryLine
from telemed.web.shared_answers import SharedAnswers

log = structlog.get_logger()

EVERY_SECONDS = 0.4
BATCH = 500
WAITING_LINES = 1000
"""A listener who falls this far behind is cut off: it comes back with Last-Event-ID and misses nothing."""
STREAMS_OF_ACCOUNT = 200
"""Streams that one account may have open in one process: every open page has one, and a clinic may share an account (practice)."""


def may_hear(person: Person, line: HistoryLine) -> bool:
    """The same rule as for lists: own cases, cases of the own hub and centre (also when they leave it), all for the operator."""
    allowed = relations(person, Action.CASE_READ) | relations(person, Action.CASE_READ_METADATA)
    if Relation.FOREIGN in allowed:
        return line.status != "draft"
    if Relation.OWN in allowed and line.member == person.institution:
        return True
    routed = line.centre in person.centres and person.institution in (line.hub, line.left_hub)
    return Relation.ROUTED in allowed and routed


class Feed:
    """Polls the history while somebody listens."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._listeners: dict[asyncio.Queue[HistoryLine | None], tuple[Person, str]] = {}
        self._streams: Counter[str] = Counter()
        self.answers = self._new_answers()
        self._seen: int | None = None  # 0 is a place too: that of an empty history

    async def run(self) -> None:
        """Until cancelled. A database that is away for a while only delays the lines."""
        while True:
            try:
                if self._seen is None:
                    self._seen = await self._application.queries.last_history_id()
                lines = await self._application.queries.history_since(self._seen, BATCH)
                if lines:
                    self.answers = self._new_answers()
                for line in lines:
                    self._give(line)
                    self._seen = line.id
                if len(lines) == BATCH:
                    continue
            except Exception as error:
                log.warning("feed.interrupted", error=str(error))
            await asyncio.sleep(EVERY_SECONDS)

    def _new_answers(self) -> SharedAnswers:
        """Return what is asked about the lines from here on: what was asked before them is not true any more."""

        def people() -> list[Person]:
            return [person for person, _ in self._listeners.values()]

        def sessions() -> set[str]:
            return {session for _, session in self._listeners.values()}

        return SharedAnswers(self._application, people, sessions)

    def _give(self, line: HistoryLine) -> None:
        for queue in list(self._listeners):
            try:
                queue.put_nowait(line)
            except asyncio.QueueFull:
                self._let_go(queue)

    def _let_go(self, queue: asyncio.Queue[HistoryLine | None]) -> None:
        """End the listener's stream. What waits is dropped whole: its last line is then one that all others follow."""
        self._listeners.pop(queue, None)
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                queue.get_nowait()
        queue.put_nowait(None)

    @contextlib.contextmanager
    def place(self, username: str) -> Iterator[bool]:
        """A place for one more stream of the account for as long as the block lasts; False if it has too many."""
        free = self._streams[username] < STREAMS_OF_ACCOUNT
        self._streams[username] += free
        try:
            yield free
        finally:
            self._streams[username] -= free
            if not self._streams[username]:
                del self._streams[username]

    async def listen(self, person: Person, after: int | None, session: str = "") -> AsyncGenerator[HistoryLine, None]:
        """Lines after `after` (from now on where None) that the person may see; ends when the listener is too slow."""
        queue: asyncio.Queue[HistoryLine | None] = asyncio.Queue(WAITING_LINES)
        self._listeners[queue] = (person, session)
        try:
            seen = after or 0
            while after is not None:
                missed = await self._application.queries.history_since(seen, BATCH)
                for line in missed:
                    seen = line.id
                    if may_hear(person, line):
                        yield line
                if len(missed) < BATCH:
                    break
            while (line_or_end := await queue.get()) is not None:
                if line_or_end.id > seen and may_hear(person, line_or_end):
                    yield line_or_end
        finally:
            self._listeners.pop(queue, None)

    def close(self) -> None:
        """Let every listener go."""
        for queue in list(self._listeners):
            self._let_go(queue)
