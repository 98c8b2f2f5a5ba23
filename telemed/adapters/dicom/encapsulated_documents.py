"""The PDF documents that DICOM objects carry (PS3.3 A.45.1), page by page, for who may fetch the object."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from dicom_gateway.index import Index, Target
from dicom_gateway.json_bulk import bulk_value
from dicom_gateway.objects import Objects
from storage.protocol import ObjectStore
from telemed.adapters.dicom.study_access import study_scope
from telemed.adapters.printing.pdf_pages import MAX_BYTES, PdfPages
from telemed.domain.errors import NotFound
from telemed.domain.people import Person
from telemed.service.document_pages import EncapsulatedDocument, PageSize, Undrawable

_ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
_DOCUMENT = "00420011"  # Encapsulated Document


@dataclass(frozen=True, slots=True)
class DicomDocuments:
    """Implements `telemed.service.document_pages.EncapsulatedDocuments`."""

    index: Index
    store: ObjectStore
    pages: PdfPages

    async def find(self, person: Person, study: str, series: str, instance: str) -> EncapsulatedDocument:
        scope = study_scope(person, "retrieve")
        found = await self.index.locate(Target(studies=(study,), series=(series,), instances=(instance,)), scope)
        if not found or found[0].sop_class_uid != _ENCAPSULATED_PDF:
            raise NotFound("document", instance)
        if found[0].size > MAX_BYTES:
            raise Undrawable(f"larger than {MAX_BYTES // 1024**2} MB")
        head = await Objects(self.index, self.store).head(found[0])
        content = await asyncio.to_thread(bulk_value, head, _DOCUMENT)
        if not content:
            raise Undrawable("the object holds no document")
        # The value is padded to an even length; a PDF ends with its marker (PS3.3 C.24.2).
        return EncapsulatedDocument(found[0].sha256, content.rstrip(b"\0"))

    async def sizes(self, document: EncapsulatedDocument) -> Sequence[PageSize]:
        return await self.pages.sizes_of(document.content)

    async def draw(self, document: EncapsulatedDocument, number: int) -> bytes:
        return await self.pages.draw_of(document.content, number)
