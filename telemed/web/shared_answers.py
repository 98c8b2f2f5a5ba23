"""What the listeners of one process ask about the same change, asked once for all of one kind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVar

from telemed.domain.critical import CriticalValue
from telemed.domain.people import Person
from telemed.service import accounts
from telemed.service.application import Application
from telemed.service.queries import CaseFilter, CasePage, View

A = TypeVar("A")

OF_ONE_PERSON: Final = frozenset({View.MINE, View.REVIEW, View.PARKED})
"""The views that hold other cases for each person; all others hold the same for all people of one kind."""


def kind_of(person: Person) -> Person:
    """Return the person without what makes them one of many who may see the same."""
    return replace(person, username="", name="", title="", language="", phone="")


class SharedAnswers:
    """Answers as of one change: each is asked for once, by whoever comes first, and is everybody's whose right to it is the same.

    A new change has new answers. `listening` gives the people, and `sessions` the digests of the sessions, that hear of it.
    """

    def __init__(
        self, application: Application, listening: Callable[[], Collection[Person]], sessions: Callable[[], Collection[str]]
    ) -> None:
        self._application, self._listening, self._sessions = application, listening, sessions
        self._answers: dict[Hashable, asyncio.Task[Any]] = {}

    async def cases(self, person: Person, wanted: CaseFilter, cursor: str | None, limit: int) -> CasePage:
        whose = person.username if wanted.view in OF_ONE_PERSON else ""
        key = ("cases", kind_of(person), whose, wanted, cursor, limit)
        return await self._once(key, lambda: self._application.queries.cases(person, wanted, cursor, limit))

    async def counts(self, person: Person, centre: str = "") -> Mapping[View, int]:
        kind = kind_of(person)

        async def of_all() -> Mapping[str, Mapping[View, int]]:
            people = {each.username: each for each in self._listening() if kind_of(each) == kind} | {person.username: person}
            return await self._application.queries.counts_of_each(list(people.values()), centre)

        found = await self._once(("counts", kind, centre), of_all)
        return found[person.username] if person.username in found else await self._application.queries.counts(person, centre)

    async def people_names(self, usernames: Sequence[str]) -> Mapping[str, str]:
        return await self._once(("names", *usernames), lambda: self._application.queries.people_names(usernames))

    async def milestones(self, case_ids: Sequence[str]) -> Mapping[str, Mapping[str, datetime]]:
        return await self._once(("milestones", *case_ids), lambda: self._application.queries.milestones(case_ids))

    async def running_criticals(self, case_ids: Sequence[str]) -> list[CriticalValue]:
        return await self._once(("criticals", *case_ids), lambda: self._application.queries.running_criticals(case_ids))

    async def is_signed_in(self, person: Person, session: str) -> bool:
        """True while the session lives and its person is who they were when they began to listen."""

        async def of_all() -> Mapping[str, Person]:
            async with self._application.reading() as work:
                return await accounts.people_signed_in(work, {*self._sessions(), session})

        return (await self._once(("sessions",), of_all)).get(session) == person

    async def _once(self, key: Hashable, ask: Callable[[], Awaitable[A]]) -> A:
        """The answer, which goes on being asked for when the one who asked first goes away."""
        found: asyncio.Task[A] | None = self._answers.get(key)
        if found is None:
            found = self._answers[key] = asyncio.create_task(_asked(ask))
        return await asyncio.shield(found)


async def _asked(ask: Callable[[], Awaitable[A]]) -> A:
    return await ask()
