"""A store some of whose objects are kept in their compact form, and read as if they were not."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from datetime import datetime
from itertools import takewhile

from dicom_gateway.compact.form import HEAD, Description, Segment, describe, description_length, restored, segments
from storage.errors import DamagedObject, ObjectMissing
from storage.protocol import ObjectStore, StoredObject

FOLDER = "compact/"
_DESCRIPTIONS = 64  # kept at hand: one object is read in many parts
_FIRST = 4096  # bytes read in the hope that they hold the description
MAX_KEPT = 64 << 20  # bytes of the last frames, for readers that take one in many parts


def compact_key(key: str) -> str:
    """Return the key of the compact form of `key`: no object of its own may lie in a pack (`storage.packs`)."""
    return FOLDER + key.replace(".pack/", ".unpacked/")


def original_key(compact: str) -> str:
    """Return the key of the object whose compact form is at `compact`: the other way of `compact_key`."""
    return compact.removeprefix(FOLDER).replace(".unpacked/", ".pack/")


class CompactStore:
    """Implements `ObjectStore` over `inner`. What is not there under its key is looked for in its compact form.

    Writing is the inner store's; `inner` itself tells what is kept how.
    """

    def __init__(self, inner: ObjectStore) -> None:
        self.inner = inner
        self._descriptions: OrderedDict[str, tuple[Description, int]] = OrderedDict()
        self._frames: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._kept = 0

    async def put(self, key: str, content: bytes | AsyncIterable[bytes], *, media_type: str = "application/octet-stream") -> StoredObject:
        """See `ObjectStore`."""
        return await self.inner.put(key, content, media_type=media_type)

    async def put_many(self, objects: Sequence[tuple[str, bytes]], *, media_type: str = "application/octet-stream") -> list[StoredObject]:
        """See `ObjectStore`."""
        return await self.inner.put_many(objects, media_type=media_type)

    async def stream(self, key: str, *, chunk: int = 256 * 1024) -> AsyncIterator[bytes]:
        """See `ObjectStore`; a compact object comes frame by frame."""
        taken = 0
        try:
            async for piece in self.inner.stream(key, chunk=chunk):
                taken += len(piece)
                yield piece
        except ObjectMissing:  # from the beginning, or since a moment ago: the bytes are the same
            async for piece in self.expanded(key, taken):
                for start in range(0, len(piece), chunk):
                    yield piece[start : start + chunk]

    async def read(self, key: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """See `ObjectStore`."""
        try:
            return await self.inner.read(key, offset=offset, length=length)
        except ObjectMissing:
            return b"".join([piece async for piece in self.expanded(key, offset, length)])

    async def size(self, key: str) -> int:
        """See `ObjectStore`: the size of the object as it was sent."""
        try:
            return await self.inner.size(key)
        except ObjectMissing:
            return (await self._description(key))[0].size

    async def delete(self, key: str) -> None:
        """See `ObjectStore`; the compact form goes too."""
        await self.inner.delete(key)
        await self.inner.delete(compact_key(key))

    def list(self, prefix: str = "", *, after: str = "") -> AsyncIterator[str]:
        """The inner store's keys: compact forms stand under `compact/`."""
        return self.inner.list(prefix, after=after)

    async def settled_since(self, key: str) -> datetime | None:
        """See `ObjectStore`."""
        try:
            return await self.inner.settled_since(key)
        except ObjectMissing:
            return await self.inner.settled_since(compact_key(key))

    async def check(self) -> None:
        """See `ObjectStore`."""
        await self.inner.check()

    async def close(self) -> None:
        """See `ObjectStore`."""
        await self.inner.close()

    async def expanded(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Bytes of an object out of its compact form, piece by piece. Raises `ObjectMissing`, `DamagedObject`."""
        described, behind = await self._description(key)
        end = described.size if length is None else min(offset + length, described.size)
        for segment in takewhile(lambda s: s.start < end, segments(described, behind)):
            if segment.start + segment.size > offset:
                content = await self._restored(key, described, segment)
                yield content[max(0, offset - segment.start) : end - segment.start]

    async def _restored(self, key: str, described: Description, segment: Segment) -> bytes:
        place = key, segment.start
        if (known := self._frames.pop(place, None)) is None:
            content = await self.inner.read(compact_key(key), offset=segment.offset, length=segment.length)
            try:
                known = await asyncio.to_thread(restored, described, segment, content)
            except ValueError as error:
                raise DamagedObject(str(error), key) from None
        else:
            self._kept -= len(known)
        self._frames[place] = known  # now the youngest
        self._kept += len(known)
        while self._kept > MAX_KEPT:
            self._kept -= len(self._frames.popitem(last=False)[1])
        return known

    async def _description(self, key: str) -> tuple[Description, int]:
        """The description of the object's compact form, and where the bytes behind it begin."""
        if (known := self._descriptions.pop(key, None)) is None:
            known = await self._read_description(key)
        self._descriptions[key] = known  # now the youngest
        if len(self._descriptions) > _DESCRIPTIONS:
            self._descriptions.popitem(last=False)
        return known

    async def _read_description(self, key: str) -> tuple[Description, int]:
        try:
            first = await self.inner.read(compact_key(key), length=_FIRST)
        except ObjectMissing:
            raise ObjectMissing(f"there is no object {key}", key) from None
        try:
            behind = HEAD + description_length(first[:HEAD])
            if behind > len(first):
                first += await self.inner.read(compact_key(key), offset=len(first), length=behind - len(first))
            return describe(first[HEAD:behind]), behind
        except ValueError as error:  # msgspec's errors are of this kind
            raise DamagedObject(str(error), key) from None
