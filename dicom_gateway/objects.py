"""Parts of stored objects, read by range: the header, one frame, everything."""

from __future__ import annotations

import asyncio

from dicom_gateway.errors import UnreadableDICOM
from dicom_gateway.frames import FrameIndex
from dicom_gateway.index import Index, StoredInstance
from dicom_gateway.part10 import part10
from dicom_gateway.pixels.decode import PIXEL_ELEMENT_HEAD
from dicom_gateway.scanner import scan
from dicom_gateway.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax
from storage.protocol import ObjectStore

FRAME_INDEXES = 64  # kept at hand: a viewer asks for one frame of the same object after the other


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
        inflated, start = await self._inflated(instance)
        return part10(inflated[start:length], instance.sop_class_uid, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN)

    async def frame_index(self, instance: StoredInstance) -> FrameIndex:
        """Return the index of the frames. Raises `NoSuchFrame` if there are none."""
        key = (instance.id, instance.sha256)
        if (known := self._frame_indexes.pop(key, None)) is None:
            known = await self._index.frames(instance)
            if known is None:
                raise NoSuchFrame("the object has no frames that can be told apart")
        self._frame_indexes[key] = known  # now the youngest
        if len(self._frame_indexes) > FRAME_INDEXES:
            self._frame_indexes.pop(next(iter(self._frame_indexes)), None)
        return known

    async def frame(self, instance: StoredInstance, number: int, index: FrameIndex) -> tuple[bytes, int]:
        """Encoded bytes of frame `number`, counted from 1, and the bits to skip. Raises `NoSuchFrame`."""
        try:
            place = index.place(number - 1)
        except IndexError as error:
            raise NoSuchFrame(str(error)) from None
        if transfer_syntax(instance.transfer_syntax_uid).deflated:
            inflated, _ = await self._inflated(instance)
            return inflated[place.offset : place.offset + place.length], place.skip_bits
        return await self._store.read(instance.object_key, offset=place.offset, length=place.length), place.skip_bits

    async def _inflated(self, instance: StoredInstance) -> tuple[bytes, int]:
        whole = await self._store.read(instance.object_key)
        try:
            found = await asyncio.to_thread(scan, whole)
        except UnreadableDICOM as error:  # it could be read when it came in
            raise NoSuchFrame(f"the stored object is damaged: {error}") from None
        return bytes(found.data), found.data_set_offset
