"""The contents of all snapshots, each once, under names that prove them.

An object lies under its SHA-256. The objects of a pack lie together: before each content stand its offset in the pack (u64), its
size (u64) and its SHA-256 (32 bytes), little endian; the name is the SHA-256 of all pairs of offset (u64) and SHA-256 in their
order. So the name is known from the records of the database, and what is in the pool already is not even read.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.errors import DamagedObject, ObjectMissing
from storage.pieces import PIECE
from storage.protocol import ObjectStore
from telemed.adapters.backup.layout import CHUNK, PACKS, POOL, Listed, packs_key, pool_key

_PACKED: Final = struct.Struct("<QQ32s")
PACKED_HEAD: Final = _PACKED.size
_PLACE: Final = struct.Struct("<Q32s")

Known = Callable[[str], bool]
"""True for a key that the pool has."""


@dataclass(frozen=True, slots=True)
class Member:
    """An object of a pack: where its record begins, and the SHA-256 of its content in hex digits."""

    offset: int
    sha256: str


class Changed(Exception):
    """What was read does not have the digest that is on record."""


def digest_of_members(members: Iterable[Member]) -> str:
    digest = hashlib.sha256()
    for member in members:
        digest.update(_PLACE.pack(member.offset, bytes.fromhex(member.sha256)))
    return digest.hexdigest()


class Pool:
    """The pool of one backup. `have` says which names it had when it was listed."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    async def listed(self) -> AsyncIterator[list[str]]:
        """Yield the keys of all that is there, some thousand at a time."""
        keys: list[str] = []
        for prefix in (POOL, PACKS):
            async for key in self.store.list(prefix):
                keys.append(key)
                if len(keys) == 5000:
                    yield keys
                    keys = []
        yield keys

    async def put_object(self, digest: str, content: AsyncIterator[bytes]) -> int:
        """Store what comes under its digest; returns its size. Raises Changed, and then nothing is stored."""
        return (await self.store.put(pool_key(digest), _proved(content, digest))).size

    async def put_pack(self, digest: str, members: Sequence[Member], read: Callable[[int], Awaitable[bytes]]) -> int:
        """Store the objects of a pack; returns the size of their contents. Raises Changed."""
        stored = await self.store.put(packs_key(digest), _joined(members, read))
        return stored.size - len(members) * _PACKED.size

    async def put_piece(self, content: bytes, known: Known) -> tuple[str, int]:
        """Store `content`, unless its key is known already. Returns its digest, and the bytes that were new."""
        digest = (await asyncio.to_thread(hashlib.sha256, content)).hexdigest()
        if known(pool_key(digest)):
            return digest, 0
        await self.store.put(pool_key(digest), content)
        return digest, len(content)

    async def put_file(self, file: Path, known: Known) -> tuple[int, list[str], int]:
        """Store a file in pieces, those that are known already left out. Returns its size, the pieces, and the bytes that were new."""
        size, new, chunks = 0, 0, list[str]()
        with file.open("rb") as opened:
            while piece := await asyncio.to_thread(opened.read, CHUNK):
                digest, added = await self.put_piece(piece, known)
                chunks.append(digest)
                size, new = size + len(piece), new + added
        return size, chunks, new

    async def read_object(self, digest: str) -> AsyncIterator[bytes]:
        """Yield an object. Raises DamagedObject at its end where it is not what its name says, ObjectMissing."""
        key, found = pool_key(digest), hashlib.sha256()
        async for piece in self.store.stream(key, chunk=PIECE):
            await asyncio.to_thread(found.update, piece)
            yield piece
        if found.hexdigest() != digest:
            raise DamagedObject(f"{key} was changed: its digest is {found.hexdigest()}", key)

    async def read_pack(self, digest: str) -> AsyncIterator[tuple[int, bytes]]:
        """Yield offset and content of a pack's objects, each proved. Raises DamagedObject, ObjectMissing."""
        key = packs_key(digest)
        reader, members = _Reader(self.store.stream(key, chunk=PIECE)), list[Member]()
        while head := await reader.take(_PACKED.size):
            if len(head) < _PACKED.size:
                raise DamagedObject(f"{key} was cut", key)
            offset, size, sha256 = _PACKED.unpack(head)
            content = await reader.take(min(size, reader.most))
            if len(content) != size or (await asyncio.to_thread(hashlib.sha256, content)).digest() != sha256:
                raise DamagedObject(f"{key} was changed or cut: the object at {offset} is not as its digest says", key)
            members.append(Member(offset, sha256.hex()))
            yield offset, content
        if digest_of_members(members) != digest:
            raise DamagedObject(f"{key} was changed or cut: it does not hold the objects that its name says", key)

    async def fault_of(self, listed: Listed) -> str:
        """Read it to its end. Returns what is wrong, in words, or empty."""
        try:
            if listed.packed:
                async for _ in self.read_pack(listed.digest):
                    pass
            else:
                async for _piece in self.read_object(listed.digest):
                    pass
        except ObjectMissing:
            return f"{listed.pool_key} is missing"
        except DamagedObject as damaged:
            return str(damaged)
        return ""


async def _proved(content: AsyncIterator[bytes], digest: str) -> AsyncIterator[bytes]:
    found = hashlib.sha256()
    async for piece in content:
        await asyncio.to_thread(found.update, piece)
        yield piece
    if found.hexdigest() != digest:
        raise Changed(found.hexdigest())


async def _joined(members: Sequence[Member], read: Callable[[int], Awaitable[bytes]]) -> AsyncIterator[bytes]:
    for member in members:
        content = await read(member.offset)
        sha256 = (await asyncio.to_thread(hashlib.sha256, content)).digest()
        if sha256.hex() != member.sha256:
            raise Changed(sha256.hex())
        yield _PACKED.pack(member.offset, len(content), sha256) + content


class _Reader:
    """Takes bytes by number from pieces as they come."""

    most: Final = 1 << 32
    """Bytes that one object of a pack may have: a size beyond it is damage, and no memory is asked for it."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces, self._held = pieces, bytearray()

    async def take(self, count: int) -> bytes:
        """Return `count` bytes, fewer at the end."""
        while len(self._held) < count:
            try:
                self._held += await anext(self._pieces)
            except StopAsyncIteration:
                break
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken
