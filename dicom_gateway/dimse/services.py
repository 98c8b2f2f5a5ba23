"""What each DIMSE service does; called in the association's thread. Statuses: PS3.4 annexes B and C."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import build_context

from dicom_gateway.dimse import worklist
from dicom_gateway.dimse.character_sets import answer_in, read
from dicom_gateway.dimse.identifier import answer, query_of, target_of
from dicom_gateway.dimse.statuses import CANCELLED, DOES_NOT_MATCH, NOT_AUTHORISED, PENDING, UNABLE_TO_PROCESS, status
from dicom_gateway.index import BadQuery, Scope, StoredInstance
from dicom_gateway.intake import Received, Source
from dicom_gateway.part10 import preface

if TYPE_CHECKING:
    from dicom_gateway.dimse.server import Archive

log = logging.getLogger(__name__)

MAX_RETRIEVE = 65_535  # sub-operations; their number is an unsigned short (PS3.7 9.3.3)


def store(event: Any, archive: Archive) -> Dataset | int:
    """C-STORE: the data set bytes as they came, behind a file meta information made from the association."""
    request, scope = event.request, _scope(event)
    if scope.owner is None:
        return status(NOT_AUTHORISED, "this AE title may not store here")
    sop_class, sop_instance = str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID)
    content = bytearray(preface(sop_class, sop_instance, str(event.context.transfer_syntax)))
    content += request.DataSet.getbuffer()
    calling = event.assoc.requestor.ae_title.strip()
    source = Source("dimse", calling, str(event.assoc.requestor.address), sop_class, sop_instance)
    received = archive.wait(_stored(archive, content, scope.owner, source))
    return status(received.status, received.comment)


async def _stored(archive: Archive, content: bytearray, owner: str, source: Source) -> Received:
    """Called on the loop, where the store is at home."""
    return await archive.keep(content, owner, source)


def find(event: Any, archive: Archive) -> Iterator[tuple[Dataset | int, Dataset | None]]:
    """C-FIND: one pending response a match."""
    if event.context.abstract_syntax == worklist.CLASS:
        yield from worklist.find(event, archive)
        return
    try:
        identifier = read(event.request.Identifier, UID(event.context.transfer_syntax))
        query = query_of(identifier)
        rows = archive.wait(archive.index.find(query, _scope(event)))
    except BadQuery as error:
        yield status(DOES_NOT_MATCH, str(error)), None
        return
    except Exception:
        log.exception("a C-FIND could not be answered")
        yield status(UNABLE_TO_PROCESS, "the query could not be answered"), None
        return
    for row in rows:
        if event.is_cancelled:
            yield CANCELLED, None
            return
        found = answer(identifier, row, query.level, archive.ae_title)
        yield PENDING, answer_in(found, identifier, _scope(event).character_set)


def get(event: Any, archive: Archive) -> Iterator[Any]:
    """C-GET: the instances come back over the same association."""
    instances = _targets(event, archive)
    if isinstance(instances, Dataset):
        yield 1  # pynetdicom sends a failure status only where something was to be done
        yield instances, None
        return
    yield len(instances)
    yield from _data_sets(event, archive, instances)


def move(event: Any, archive: Archive) -> Iterator[Any]:
    """C-MOVE: the instances go to a destination that the host program knows."""
    destination = None
    title = (event.move_destination or "").strip()
    if archive.destinations is not None:
        destination = archive.wait(archive.destinations(title, _scope(event)))
    if destination is None:
        yield None, None  # pynetdicom answers A801H, move destination unknown
        return
    instances = _targets(event, archive)
    known = {(i.sop_class_uid, i.transfer_syntax_uid) for i in instances} if isinstance(instances, list) else set()
    yield destination.host, destination.port, {"contexts": _contexts(known)}
    if isinstance(instances, Dataset):
        yield 1  # pynetdicom sends a failure status only where something was to be done
        yield instances, None
        return
    yield len(instances)
    yield from _data_sets(event, archive, instances)


def _contexts(known: set[tuple[str, str]]) -> list[Any]:
    """Presentation contexts for what will be sent; an association carries 128 (PS3.8 9.3.2.2)."""
    return [build_context(sop_class, syntax) for sop_class, syntax in sorted(known)[:128]]


def _targets(event: Any, archive: Archive) -> list[StoredInstance] | Dataset:
    """What is to be sent, or the status that says why nothing is."""
    try:
        target = target_of(event.identifier)
        instances = archive.wait(archive.index.locate(target, _scope(event)))
    except BadQuery as error:
        return status(DOES_NOT_MATCH, str(error))
    except Exception:
        log.exception("a retrieve request could not be answered")
        return status(UNABLE_TO_PROCESS, "the request could not be answered")
    if len(instances) > MAX_RETRIEVE:
        return status(0xA701, f"more than {MAX_RETRIEVE} instances; ask in parts")
    return instances


def _data_sets(event: Any, archive: Archive, instances: list[StoredInstance]) -> Iterator[tuple[int, Dataset | None]]:
    for instance in instances:
        if event.is_cancelled:
            yield CANCELLED, None
            return
        yield PENDING, dcmread(BytesIO(archive.wait(archive.store.read(instance.object_key))))


def _scope(event: Any) -> Scope:
    scope: Scope = event.assoc.scope
    return scope
