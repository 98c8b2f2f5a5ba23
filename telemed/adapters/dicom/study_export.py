"""De-identified studies as ZIP, made while they are sent: one object in memory at a time."""

from __future__ import annotations

import secrets
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from io import RawIOBase
from typing import Any

from dicom_gateway.deidentify import METHOD, NotDeidentifiable, deidentify
from dicom_gateway.index import Index, Target
from dicom_gateway.pixels import PixelPool
from dicom_gateway.pixels.errors import DecodingBusy
from storage.protocol import ObjectStore
from telemed.adapters.dicom.study_access import case_scope
from telemed.domain.case import Case

LARGEST_OBJECT = 1 << 30
"""Bytes of an object that is cleaned: it stands in memory."""


class _Pieces(RawIOBase):
    """The bytes that the ZIP writer has written and nobody has taken yet."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


class ZipExporter:
    """Implements `telemed.service.study_export.StudyExporter`."""

    def __init__(self, index: Index, store: ObjectStore, pool: PixelPool) -> None:
        self._index, self._store, self._pool = index, store, pool

    async def archive(self, case: Case, study_instance_uid: str) -> AsyncIterator[bytes]:
        """Objects are numbered in the order of the study; the key of its UIDs is thrown away at the end."""
        key = secrets.token_bytes(32)
        instances = await self._index.locate(Target(studies=(study_instance_uid,)), case_scope(case))
        pieces, left_out, sent = _Pieces(), Counter[str](), 0
        with zipfile.ZipFile(pieces, "w", zipfile.ZIP_STORED) as archive:
            for instance in instances:
                try:
                    if instance.size > LARGEST_OBJECT:
                        raise NotDeidentifiable("too large")
                    _, content = await self._pool.run(deidentify, await self._store.read(instance.object_key), key)
                except (NotDeidentifiable, DecodingBusy) as error:
                    left_out[str(error)] += 1
                    continue
                sent += 1
                archive.writestr(zipfile.ZipInfo(f"DICOM/{sent:06d}.dcm"), content)
                yield pieces.take()
            archive.writestr(zipfile.ZipInfo("README.txt"), _readme(sent, left_out))
        yield pieces.take()


def _readme(sent: int, left_out: Counter[str]) -> str:
    lines = [
        f"{sent} DICOM objects, de-identified: {METHOD}.",
        "UIDs and the patient's pseudonym are consistent within this archive, and in no other.",
        *(f"{count} left out: {why}." for why, count in sorted(left_out.items())),
        "Pixels are unchanged: look at them before passing this on.",
    ]
    return "\n".join(lines) + "\n"
