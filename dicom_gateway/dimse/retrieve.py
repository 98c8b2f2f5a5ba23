"""C-MOVE and C-GET as their provider (PS3.4 C.4.2, C.4.3); called in the association's thread in place of pynetdicom's own,
which decodes and encodes every object again and sends one after the other.

A C-MOVE goes out over associations of the event loop; its thread only reports and listens for a C-CANCEL.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom.dimse_primitives import C_GET, C_MOVE, C_STORE
from pynetdicom.dsutils import encode

from dicom_gateway.dimse.character_sets import read
from dicom_gateway.dimse.context import ServiceContext
from dicom_gateway.dimse.identifier import target_of
from dicom_gateway.dimse.statuses import (
    CANCELLED,
    DESTINATION_UNKNOWN,
    DOES_NOT_MATCH,
    NO_SUB_OPERATIONS,
    PENDING,
    SUB_OPERATIONS_FAILED,
    SUCCESS,
    TOO_MANY_MATCHES,
    UNABLE_TO_PROCESS,
)
from dicom_gateway.dimse.store_scu import Progress, send
from dicom_gateway.dimse.threads import is_aborted
from dicom_gateway.index import BadQuery, Scope, StoredInstance
from dicom_gateway.pixels.transcode import TARGETS
from dicom_gateway.upper_layer.commands import comment_of
from dicom_gateway.upper_layer.sender import NATIVE, Peer, SendingFailed

log = logging.getLogger(__name__)

MAX_RETRIEVE = 65_535  # sub-operations; their number is an unsigned short (PS3.7 9.3.3)
REPORT_EVERY = 0.5  # seconds between pending responses, where there is something to report
_LOOK_EVERY = 0.05  # seconds between two looks for a C-CANCEL
_AHEAD = 4  # objects that are read before they are sent by a C-GET


class Refused(Exception):
    """The request is answered with `status` at once."""

    def __init__(self, status: int, comment: str) -> None:
        super().__init__(comment)
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is made again in another process."""
        return type(self), (self.status, str(self))


class Retrieval:
    """One request under way on one association."""

    def __init__(self, association: Any, request: C_MOVE | C_GET, context: Any, service: ServiceContext) -> None:
        self._association = association
        self._request = request
        self._context = context
        self._service = service
        self._scope: Scope = association.scope

    def serve(self) -> None:
        """Answer the request, whatever becomes of it."""
        try:
            instances = self._targets()
            progress = self._move(self._request, instances) if isinstance(self._request, C_MOVE) else self._get(instances)
        except Refused as refusal:
            self._answer(refusal.status, str(refusal))
        except Exception:
            log.exception("a retrieve request could not be served")
            self._answer(UNABLE_TO_PROCESS, "the request could not be served")
        else:
            self._end(progress)

    def _targets(self) -> list[StoredInstance]:
        try:
            identifier = read(self._request.Identifier or BytesIO(), UID(self._context.transfer_syntax[0]))
            instances = self._service.wait(self._service.index.locate(target_of(identifier), self._scope))
        except BadQuery as error:
            raise Refused(DOES_NOT_MATCH, str(error)) from None
        if len(instances) > MAX_RETRIEVE:
            raise Refused(TOO_MANY_MATCHES, f"more than {MAX_RETRIEVE} instances; ask in parts")
        return instances

    # C-MOVE

    def _move(self, request: C_MOVE, instances: list[StoredInstance]) -> Progress:
        service, title = self._service, str(request.MoveDestination or "").strip()
        destination = service.wait(service.destinations(title, self._scope)) if service.destinations else None
        if destination is None:
            raise Refused(DESTINATION_UNKNOWN, f"move destination {title} is unknown")
        progress = Progress(len(instances))
        if not instances:
            return progress
        peer = Peer(destination.host, destination.port, title, service.ae_title, destination.tls, destination.may_call)
        originator = (self._association.requestor.ae_title.strip(), int(request.MessageID or 0))
        sending = asyncio.run_coroutine_threadsafe(send(peer, instances, service.readable, progress, originator), service.loop)
        self._accompany(sending, progress)
        try:
            sending.result()
        except SendingFailed as error:
            progress.reason = progress.reason or str(error)
            progress.failed += [each.sop_instance_uid for each in instances if each.sop_instance_uid not in set(progress.failed)]
            progress.failed = progress.failed[: len(instances) - progress.completed - progress.warned]
            progress.remaining = 0
        return progress

    def _accompany(self, sending: Future[None], progress: Progress) -> None:
        """Report while `sending` goes on; end it where the requester cancels or is gone."""
        reported, remaining = time.monotonic(), progress.remaining
        while not wait([sending], _LOOK_EVERY).done:
            if is_aborted(self._association):
                sending.cancel()
                raise Refused(CANCELLED, "the requester is gone")
            if self._is_cancelled():
                progress.cancelled = True
            moved = 0 < progress.remaining < remaining and not progress.cancelled
            if moved and time.monotonic() - reported > REPORT_EVERY:
                reported, remaining = time.monotonic(), progress.remaining
                self._answer(PENDING, progress=progress)

    # C-GET

    def _get(self, instances: list[StoredInstance]) -> Progress:
        progress, reported = Progress(len(instances)), time.monotonic()
        for instance, context, data_set in self._read_ahead(instances, progress):
            if is_aborted(self._association):
                raise Refused(CANCELLED, "the requester is gone")
            if self._is_cancelled():
                progress.cancelled = True
                break
            if context is None or data_set is None:
                progress.note(None, instance.sop_instance_uid, progress.reason or "no presentation context for this kind of object")
            else:
                progress.note(self._store(instance, context, data_set), instance.sop_instance_uid)
            if progress.remaining and time.monotonic() - reported > REPORT_EVERY:
                reported = time.monotonic()
                self._answer(PENDING, progress=progress)
        return progress

    def _read_ahead(
        self, instances: list[StoredInstance], progress: Progress
    ) -> Iterator[tuple[StoredInstance, int | None, memoryview | None]]:
        """Each instance with the context to send it under and its data set; a few are being read already."""
        contexts = {
            (str(each.abstract_syntax), str(each.transfer_syntax[0])): int(each.context_id)
            for each in self._association._accepted_cx.values()
            if each.as_scu
        }
        under_way: list[tuple[StoredInstance, int | None, Future[memoryview] | None]] = []
        queue = iter(instances)
        try:
            while True:
                while len(under_way) < _AHEAD and (instance := next(queue, None)) is not None:
                    under_way.append((instance, *self._begin(instance, contexts)))
                if not under_way:
                    return
                instance, context, reading = under_way.pop(0)
                try:
                    yield instance, context, reading.result() if reading else None
                except Exception as error:
                    progress.reason = str(error)
                    yield instance, context, None
        finally:
            for _, _, reading in under_way:
                if reading is not None:
                    reading.cancel()

    def _begin(self, instance: StoredInstance, contexts: dict[tuple[str, str], int]) -> tuple[int | None, Future[memoryview] | None]:
        for syntax in (instance.transfer_syntax_uid, *NATIVE):
            context = contexts.get((instance.sop_class_uid, syntax))
            if context is not None and (syntax == instance.transfer_syntax_uid or syntax in TARGETS):
                work = self._service.readable.data_set(instance, syntax)
                return context, asyncio.run_coroutine_threadsafe(work, self._service.loop)
        return None, None

    def _store(self, instance: StoredInstance, context: int, data_set: memoryview) -> int | None:
        """One C-STORE sub-operation over this association; the peer's status, None where no answer came."""
        request = C_STORE()
        self._association.get_message = getattr(self._association, "get_message", 0) % 0xFFFF + 1
        request.MessageID = self._association.get_message
        request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = instance.sop_class_uid, instance.sop_instance_uid
        request.Priority, request.DataSet = 0, BytesIO(data_set)
        self._association.dimse.send_msg(request, context)
        _, response = self._association.dimse.get_msg(block=True)
        if response is None:
            self._association.abort()
            return None
        return int(response.Status) if isinstance(response, C_STORE) and response.Status is not None else None

    # Responses

    def _is_cancelled(self) -> bool:
        return self._association.dimse.cancel_req.pop(self._request.MessageID, None) is not None

    def _end(self, progress: Progress) -> None:
        if progress.cancelled:
            self._answer(CANCELLED, progress=progress)
        elif not progress.failed and not progress.warned:
            self._answer(SUCCESS, progress=progress)
        elif progress.completed or progress.warned:
            self._answer(SUB_OPERATIONS_FAILED, progress.reason, progress)
        else:
            self._answer(NO_SUB_OPERATIONS, progress.reason, progress)

    def _answer(self, status: int, comment: str = "", progress: Progress | None = None) -> None:
        """One response. Numbers as in PS3.4 tables C.4-2 and C.4-3: what remains only while there is more, or after a cancel."""
        if is_aborted(self._association):
            return
        response: Any = type(self._request)()
        response.MessageID = response.MessageIDBeingRespondedTo = self._request.MessageID
        response.AffectedSOPClassUID, response.Status = self._request.AffectedSOPClassUID, status
        if comment and status != SUCCESS:
            response.ErrorComment = comment_of(comment)
        if progress is not None:
            if status in (PENDING, CANCELLED):
                response.NumberOfRemainingSuboperations = progress.remaining
            response.NumberOfCompletedSuboperations = progress.completed
            response.NumberOfFailedSuboperations = len(progress.failed)
            response.NumberOfWarningSuboperations = progress.warned
            if status not in (PENDING, SUCCESS):
                response.Identifier = BytesIO(self._failed(progress))
        self._association.dimse.send_msg(response, int(self._context.context_id))

    def _failed(self, progress: Progress) -> bytes:
        identifier, syntax = Dataset(), UID(self._context.transfer_syntax[0])
        identifier.FailedSOPInstanceUIDList = progress.failed
        return encode(identifier, syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated) or b""
