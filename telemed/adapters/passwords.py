"""Argon2id by argon2-cffi with its recommended parameters (RFC 9106, low-memory profile), in threads: it is slow on purpose."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Container, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.resources import files
from typing import TypeVar

from argon2 import Parameters, PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

from telemed.domain.errors import TooManyWaiting
from telemed.service.ports.people import Asker

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Room:
    """So many passwords are judged at once, each in 64 MiB, so many may be there in all, and by how much those give way to other work."""

    at_once: int
    places: int
    niceness: int = 0


ROOMS = {Asker.KNOWN: Room(2, 128), Asker.STRANGER: Room(max(1, (os.cpu_count() or 1) // 2), 16, niceness=10)}
"""Strangers stand in a short queue or in none, and have half of the processors at most (practice, measured by `bench.signin`)."""


class Queue:
    """One kind of asker's turn at the hasher."""

    def __init__(self, room: Room, name: str) -> None:
        self._free = room.places
        self._threads = ThreadPoolExecutor(room.at_once, f"passwords-{name}", initializer=partial(_give_way, room.niceness))

    @contextmanager
    def place(self) -> Iterator[None]:
        if not self._free:
            raise TooManyWaiting
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def run(self, work: partial[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class Argon2Passwords:
    """`parameters` are for new hashes; a hash is checked with its own."""

    def __init__(self, parameters: Parameters = profiles.RFC_9106_LOW_MEMORY) -> None:
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._queues = {asker: Queue(room, asker.value) for asker, room in ROOMS.items()}

    @property
    def common(self) -> Container[str]:
        return common_passwords()

    def place(self, asker: Asker) -> AbstractContextManager[None]:
        return self._queues[asker].place()

    async def hash(self, password: str) -> str:
        return await self._queues[Asker.KNOWN].run(partial(self._hasher.hash, password))

    async def matches(self, password_hash: str, password: str, asker: Asker = Asker.KNOWN) -> bool:
        return await self._queues[asker].run(partial(self._verify, password_hash, password))

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def _give_way(niceness: int) -> None:
    """This thread, and those that the hasher starts from it, yield to others (Linux, where a thread has a priority of its own)."""
    if niceness and sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """Return the list that is shipped, of those that are long enough for any profile (ASVS 6.2.4 asks for the first 3,000 at least)."""
    return frozenset((files("telemed.adapters") / "common_passwords.txt").read_text("ascii").split())
