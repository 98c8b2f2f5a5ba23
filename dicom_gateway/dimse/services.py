"""C-STORE and C-FIND as their SCP; called in the association's thread. Statuses: PS3.4 annexes B and C."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import Future
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID

from dicom_gateway.dimse import worklist
from dicom_gateway.dimse.character_sets import answer_in, read
from dicom_gateway.dimse.context import ANSWER_WITHIN, ServiceContext
from dicom_gateway.dimse.identifier import answer, query_of
from dicom_gateway.dimse.statuses import CANCELLED, DOES_NOT_MATCH, NOT_AUTHORISED, PENDING, UNABLE_TO_PROCESS, status
from dicom_gateway.dimse.threads import wait_until_writable
from dicom_gateway.index import BadQuery, Scope
from dicom_gateway.intake import Source
from dicom_gateway.part10 import preface

log = logging.getLogger(__name__)


def store(event: Any, service: ServiceContext) -> Dataset | int:
    """C-STORE: the data set bytes as they came, behind a file meta information made from the association."""
    request, scope = event.request, _scope(event)
    if scope.owner is None:
        return status(NOT_AUTHORISED, "this AE title may not store here")
    sop_class, sop_instance = str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID)
    content = bytearray(preface(sop_class, sop_instance, str(event.context.transfer_syntax)))
    content += request.DataSet.getbuffer()
    calling = event.assoc.requestor.ae_title.strip()
    source = Source("dimse", calling, str(event.assoc.requestor.address), sop_class, sop_instance)
    received = service.wait(service.keep(content, scope.owner, source))
    return status(received.status, received.comment)


def find(event: Any, service: ServiceContext) -> Iterator[tuple[Dataset | int, Dataset | None]]:
    """C-FIND: one pending response a match."""
    if event.context.abstract_syntax == worklist.CLASS:
        yield from worklist.find(event, service)
        return
    scope = _scope(event)
    pages = coming = None
    try:
        identifier = read(event.request.Identifier, UID(event.context.transfer_syntax))
        query = query_of(identifier)
        pages = service.index.pages(query, scope)
        coming = service.begin(_next(pages))
        while rows := coming.result(ANSWER_WITHIN):
            coming = service.begin(_next(pages))  # the next ones are looked up while these are sent
            for row in rows:
                if not wait_until_writable(event.assoc):
                    return
                if event.is_cancelled:
                    yield CANCELLED, None
                    return
                found = answer(identifier, row, query.level, service.ae_title)
                yield PENDING, answer_in(found, identifier, scope.character_set)
    except BadQuery as error:
        yield status(DOES_NOT_MATCH, str(error)), None
    except Exception:
        log.exception("a C-FIND could not be answered")
        yield status(UNABLE_TO_PROCESS, "the query could not be answered"), None
    finally:
        if pages is not None and coming is not None:
            service.begin(_leave(pages, coming))


async def _next(pages: AsyncGenerator[list[dict[str, Any]], None]) -> list[dict[str, Any]]:
    """The next page; empty behind the last one."""
    return await anext(pages, [])


async def _leave(pages: AsyncGenerator[list[dict[str, Any]], None], coming: Future[list[dict[str, Any]]]) -> None:
    """Close what is read from, which cannot be while a page of it is being read."""
    await asyncio.wait([asyncio.wrap_future(coming)])
    await pages.aclose()


def _scope(event: Any) -> Scope:
    scope: Scope = event.assoc.scope
    return scope
