"""The worker's care for space: native images of a study at rest are kept losslessly compressed, where the setting says so."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import structlog

from dicom_gateway.compact import CompactStore, compact, compact_key
from dicom_gateway.index import Index, Scope, StoredInstance, Target, dicom_study
from dicom_gateway.pixels import PixelPool
from dicom_gateway.pixels.errors import DecodingBusy
from dicom_gateway.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from storage.errors import ObjectMissing, StorageError

log = structlog.get_logger()

NATIVE = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
LARGEST = 256 << 20
"""Bytes of an object that is compacted: it stands in memory three times over."""


class StudyCompactor:
    """Puts the compact form beside an object, reads it back, compares, and only then deletes the object. May be repeated,
    and be cut off anywhere: an object is there in one form at least, always."""

    def __init__(self, index: Index, store: CompactStore, pool: PixelPool, codec: str) -> None:
        self._index, self._store, self._pool, self._codec = index, store, pool, codec

    async def job(self, payload: Mapping[str, Any]) -> None:
        """The job `compact-study`."""
        target, scope = Target(studies=(payload["study"],)), Scope(dicom_study.c.owner == payload["owner"])
        before = after = objects = 0
        for instance in await self._index.locate(target, scope):
            size = await self._compacted(instance) if _may_shrink(instance) else None
            if size is not None:
                before, after, objects = before + instance.size, after + size, objects + 1
        if objects:
            log.info("study.compacted", study=payload["study"], objects=objects, before=before, after=after)

    async def _compacted(self, instance: StoredInstance) -> int | None:
        """Bytes of the compact form; None where the object stays as it is, or is compact already."""
        key, inner = instance.object_key, self._store.inner
        try:
            content = await inner.read(key)
        except ObjectMissing:
            return None
        if hashlib.sha256(content).hexdigest() != instance.sha256:
            log.error("study.damaged", key=key)  # `telemed verify` names it; nothing is built on it
            return None
        try:
            made = await self._pool.run(compact, content, self._codec)
        except DecodingBusy as error:
            log.warning("study.not_compacted", key=key, why=str(error))
            return None
        if made is None:
            return None
        await inner.put(compact_key(key), made)
        digest = hashlib.sha256()
        try:
            async for piece in CompactStore(inner).expanded(key):
                digest.update(piece)
        except StorageError:
            await inner.delete(compact_key(key))
            raise
        if digest.hexdigest() != instance.sha256:
            await inner.delete(compact_key(key))
            raise StorageError("the compact form does not come back as it was", key)
        await inner.delete(key)
        return len(made)


def _may_shrink(instance: StoredInstance) -> bool:
    return instance.transfer_syntax_uid in NATIVE and instance.pixel_data_offset is not None and instance.size <= LARGEST
