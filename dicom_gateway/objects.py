"""Parts of stored objects, read by range: the header, one frame, everything."""

from __future__ import annotations

import asyncio
import struct

from dicom_gateway.errors import UnreadableDICOM
from dicom_gateway.frames import FrameIndex, place_of
from dicom_gateway.index import Index, StoredInstance
from dicom_gateway.inflation import INFLATING, MAX_WHOLE, Inflation
from dicom_gateway.part10 import part10
from dicom_gateway.pixel_fragments import Fragments, fragments_at
from dicom_gateway.pixels.decode import PIXEL_ELEMENT_HEAD
from dicom_gateway.scanner import UNDEFINED, read_meta
from dicom_gateway.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, TransferSyntax, transfer_syntax
from storage.protocol import ObjectStore

FRAME_INDEXES = 64  # kept at hand: a viewer asks for one frame of the same object after the other
_META = 1 << 20  # bytes of a deflated object that hold its file meta information

MAX_TAIL = 64 << 20  # bytes of elements behind the pixel data that are read (practice)


class NoSuchFrame(LookupError):
    """The instance has no frame of this number, or its frames cannot be told apart."""


class Objects:
    """Reads objects through the index: positions refer to the object, or to its inflated form if it is deflated."""

    def __init__(self, index: Index, store: ObjectStore) -> None:
        self._index = index
        self._store = store
        self._frame_indexes: dict[tuple[int, str], FrameIndex] = {}

    async def head(self, instance: StoredInstance) -> bytes:
        """A DICOM file cut off just inside the pixel data element; explicit VR little endian if it was deflated."""
        offset = instance.pixel_data_offset
        length = None if offset is None else offset + PIXEL_ELEMENT_HEAD
        if not transfer_syntax(instance.transfer_syntax_uid).deflated:
            return await self._store.read(instance.object_key, length=length)
        data_set = await self._inflated(instance, 0, length)
        return part10(data_set, instance.sop_class_uid, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN)

    async def tail(self, instance: StoredInstance, head: bytes) -> bytes:
        """The elements behind the pixel data, in the encoding of `head`, which `head` gave; of more than `MAX_TAIL` bytes nothing."""
        if instance.pixel_data_offset is None:
            return b""
        syntax = transfer_syntax(instance.transfer_syntax_uid)
        value, length = pixel_value(head[-PIXEL_ELEMENT_HEAD:], syntax)
        place = instance.pixel_data_offset + value
        if length == UNDEFINED:
            fragments = None if syntax.deflated else await fragments_at(self._store, instance.object_key, place, instance.size)
            place = instance.size if fragments is None else fragments.behind
        else:
            place += length
        if syntax.deflated:
            return await self._inflated(instance, place, place + MAX_TAIL)
        if not place < instance.size <= place + MAX_TAIL:
            return b""
        return await self._store.read(instance.object_key, offset=place)

    async def fragments(self, instance: StoredInstance) -> Fragments | None:
        """The fragments of encapsulated pixel data; None where there are none."""
        syntax = transfer_syntax(instance.transfer_syntax_uid)
        if instance.pixel_data_offset is None or syntax.deflated:
            return None
        head = await self._store.read(instance.object_key, offset=instance.pixel_data_offset, length=PIXEL_ELEMENT_HEAD)
        value, length = pixel_value(head, syntax)
        if length != UNDEFINED:
            return None
        return await fragments_at(self._store, instance.object_key, instance.pixel_data_offset + value, instance.size)

    async def frame_index(self, instance: StoredInstance) -> FrameIndex:
        """Return the index of the frames. Raises `NoSuchFrame` if there are none."""
        key = (instance.id, instance.sha256)
        if (known := self._frame_indexes.pop(key, None)) is None:
            known = await self._index.frames(instance)
            if known is None:
                if transfer_syntax(instance.transfer_syntax_uid).video_media_type:
                    raise NoSuchFrame("this is video: it is given as a whole, as bulkdata/7FE00010 or rendered")
                raise NoSuchFrame("the object has no frames that can be told apart")
        self._frame_indexes[key] = known  # now the youngest
        if len(self._frame_indexes) > FRAME_INDEXES:
            self._frame_indexes.pop(next(iter(self._frame_indexes)), None)
        return known

    async def frame(self, instance: StoredInstance, number: int, index: FrameIndex) -> tuple[bytes, int]:
        """Encoded bytes of frame `number`, counted from 1, and the bits to skip. Raises `NoSuchFrame`."""
        syntax = transfer_syntax(instance.transfer_syntax_uid)
        try:
            place = place_of(index, number - 1, syntax)
        except IndexError as error:
            raise NoSuchFrame(str(error)) from None
        if syntax.deflated:
            return await self.inflated(instance, place.offset, place.offset + place.length), place.skip_bits
        return await self._store.read(instance.object_key, offset=place.offset, length=place.length), place.skip_bits

    async def inflated(self, instance: StoredInstance, begin: int, end: int) -> bytes:
        """Bytes `begin` to `end` of a deflated object in its inflated form. Raises `NoSuchFrame` where they are too many or not there."""
        if end - begin > MAX_WHOLE:
            raise NoSuchFrame(f"{end - begin} bytes of a deflated object are more than is inflated at once ({MAX_WHOLE})")
        return await self._inflated(instance, begin, end)

    async def _inflated(self, instance: StoredInstance, begin: int, end: int | None) -> bytes:
        """The part of the inflated form that lies in the data set, whose own beginning is the least that `begin` means."""
        excerpt = _Excerpt(begin, end)
        first = b""
        loop = asyncio.get_running_loop()
        try:
            async for piece in self._store.stream(instance.object_key):
                first += piece
                if len(first) < _META and not excerpt.begun:
                    continue
                if await loop.run_in_executor(INFLATING, excerpt.feed, first):
                    return bytes(excerpt.taken)
                first = b""
            if first:
                await loop.run_in_executor(INFLATING, excerpt.feed, first)
        except UnreadableDICOM as error:  # it could be read when it came in
            raise NoSuchFrame(f"the stored object is damaged: {error}") from None
        return bytes(excerpt.taken)


def pixel_value(element: bytes, syntax: TransferSyntax) -> tuple[int, int]:
    """Where the value of the pixel data element whose first bytes are given begins, from the element on, and its length."""
    order = ">" if syntax.big_endian else "<"
    if element[4:6].isalpha() and not syntax.implicit_vr:
        return 12, int(struct.unpack_from(order + "I", element, 8)[0])
    return 8, int(struct.unpack_from(order + "I", element, 4)[0])


class _Excerpt:
    """The bytes `begin` to `end` of what a deflated object becomes; what lies before them is not kept. Positions count the file meta
    information, which is as it was."""

    def __init__(self, begin: int, end: int | None) -> None:
        self.taken = bytearray()
        self.begun = False
        self._begin, self._end = begin, end
        self._machine = Inflation(0)
        self._start = 0

    def feed(self, content: bytes) -> bool:
        """Take the next bytes of the object; the first hold all of its file meta information. True once nothing more is needed.

        Raises `UnreadableDICOM`.
        """
        view = memoryview(content)
        if not self.begun:
            self._start, self.begun = read_meta(view)[1], True
            view = view[self._start :]
        for piece in self._machine.feed(view):
            behind = self._start + self._machine.size
            here = behind - len(piece)
            self.taken += piece[max(0, self._begin - here) : len(piece) if self._end is None else max(0, self._end - here)]
            if self._end is not None and behind >= self._end:
                return True
            if len(self.taken) > MAX_WHOLE:
                raise UnreadableDICOM(here, f"more than {MAX_WHOLE} bytes are not inflated at once")
        return False
