"""Storage commitment: N-ACTION, and N-EVENT-REPORT on the same association or, where the requester has gone, on one that we open."""

from __future__ import annotations

import asyncio
import logging
import time
from io import BytesIO
from typing import Any

import sqlalchemy as sa
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import build_context, build_role
from pynetdicom.dimse_primitives import N_ACTION, N_EVENT_REPORT
from pynetdicom.dsutils import encode

from dicom_gateway.commitment import CLASS, INSTANCE, REQUEST, BadRequest, CommitmentRequest, Commitments, instances_of
from dicom_gateway.dimse.character_sets import read
from dicom_gateway.dimse.context import ServiceContext
from dicom_gateway.dimse.scu import associate
from dicom_gateway.dimse.statuses import NOT_AUTHORISED, SUCCESS, status
from dicom_gateway.dimse.threads import is_aborted
from dicom_gateway.index import Scope
from dicom_gateway.policy import Destination, Destinations
from dicom_gateway.upper_layer.sender import NATIVE, Peer, SendingFailed

log = logging.getLogger(__name__)

CONFIRM_WITHIN = 10.0  # seconds for the requester to confirm a report
_LOOK_EVERY = 1.0  # seconds between two looks for what is due
_STEP = 0.01
# PS3.7 annex C.
_NO_SUCH_ACTION, _NO_SUCH_INSTANCE, _INVALID_ARGUMENT, _PROCESSING_FAILURE = 0x0123, 0x0112, 0x0115, 0x0110


def request(event: Any, service: ServiceContext) -> tuple[Dataset | int, Dataset | None]:
    """N-ACTION: answered once the request is durable. Called in the association's thread."""
    scope: Scope = event.assoc.scope
    if scope.owner is None:
        return status(NOT_AUTHORISED, "this AE title stores nothing here"), None
    if event.action_type != REQUEST:
        return status(_NO_SUCH_ACTION, f"there is no action {event.action_type}"), None
    if str(event.request.RequestedSOPInstanceUID) != INSTANCE:
        return status(_NO_SUCH_INSTANCE, "the well-known instance is " + INSTANCE), None
    requestor = event.assoc.requestor
    try:
        information = read(event.request.ActionInformation or BytesIO(), UID(event.context.transfer_syntax))
        transaction, instances = instances_of(information)
        kept = service.commitments.keep(scope.owner, requestor.ae_title.strip(), str(requestor.address), transaction, instances)
        event.assoc.to_report = service.wait(kept)
    except BadRequest as error:
        return status(_INVALID_ARGUMENT, str(error)), None
    except Exception:
        log.exception("a request for storage commitment could not be kept")
        return status(_PROCESSING_FAILURE, "the request could not be kept; send it again later"), None
    return SUCCESS, None


def report_here(association: Any, message: Any, service: ServiceContext) -> None:
    """Report on the association of the N-ACTION, while the requester holds it open. Called in its thread after the request."""
    asked: CommitmentRequest | None = getattr(association, "to_report", None)
    if asked is None or not isinstance(message, N_ACTION):
        return
    association.to_report = None
    try:
        event_type, information = service.wait(service.commitments.report(asked))
        confirmed = _confirmed(association, event_type, information)
        service.wait(service.commitments.reported(asked) if confirmed else service.commitments.left(asked))
    except Exception:  # the request is kept, and taken up again when its lease is over
        log.exception("a storage commitment could not be reported on its own association")


def _confirmed(association: Any, event_type: int, information: Dataset) -> bool:
    """Send the report and wait for the confirmation, as long as the requester neither releases nor aborts."""
    context = next((each for each in association._accepted_cx.values() if each.abstract_syntax == CLASS), None)
    if context is None:
        return False
    association.dimse.send_msg(_event(1, event_type, information, UID(context.transfer_syntax[0])), int(context.context_id))
    end, aside = time.monotonic() + CONFIRM_WITHIN, []
    try:
        while time.monotonic() < end and not is_aborted(association):
            number, message = association.dimse.get_msg(block=False)
            if isinstance(message, N_EVENT_REPORT) and message.MessageIDBeingRespondedTo is not None:
                return message.Status == SUCCESS
            if message is not None:
                aside.append((number, message))  # what the requester asked meanwhile is served behind this
            elif association.acse.is_release_requested():
                return False
            else:
                time.sleep(_STEP)
        return False
    finally:
        for each in aside:
            association.dimse.msg_queue.put(each)


def _event(message_id: int, event_type: int, information: Dataset, syntax: UID) -> N_EVENT_REPORT:
    message = N_EVENT_REPORT()
    message.MessageID, message.EventTypeID = message_id, event_type
    message.AffectedSOPClassUID, message.AffectedSOPInstanceUID = CLASS, INSTANCE
    encoded = encode(information, syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated)
    message.EventInformation = BytesIO(encoded or b"")
    return message


class Reporter:
    """Opens associations for reports that are due. One for each process; several share the work."""

    def __init__(self, commitments: Commitments, ae_title: str, destinations: Destinations | None) -> None:
        self._commitments, self._ae_title, self._destinations = commitments, ae_title, destinations

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._commitments.forget()
                due = await self._commitments.due()
                await asyncio.gather(*(self._report(each) for each in due))
            except Exception as error:  # the requests are kept: the next look finds them
                log.warning("storage commitments cannot be reported now: %s", error)
            await asyncio.sleep(_LOOK_EVERY)

    async def _report(self, asked: CommitmentRequest) -> None:
        scope = Scope(sa.false(), asked.owner)
        where = await self._destinations(asked.calling_ae, scope) if self._destinations else None
        if where is None:
            await self._commitments.not_reported(asked, f"the address of {asked.calling_ae} is not known", for_good=True)
            return
        try:
            event_type, information = await self._commitments.report(asked)
            why = await asyncio.to_thread(_report_anew, self._ae_title, asked.calling_ae, where, event_type, information)
        except Exception as error:
            log.warning("a storage commitment could not be reported: %s", error)
            why = str(error)
        await (self._commitments.not_reported(asked, why) if why else self._commitments.reported(asked))


def _report_anew(calling: str, title: str, where: Destination, event_type: int, information: Dataset) -> str:
    """Report over a new association, in which we are the provider of the class (PS3.4 J.3.3). Why it failed; empty where it did not."""
    roles = [build_role(CLASS, scu_role=False, scp_role=True)]
    try:
        peer = Peer(where.host, where.port, title, calling, where.tls, where.may_call)
        with associate(peer, [build_context(CLASS, list(NATIVE))], CONFIRM_WITHIN, roles) as association:
            answer, _ = association.send_n_event_report(information, event_type, CLASS, INSTANCE)
    except (SendingFailed, ValueError, RuntimeError) as error:
        return str(error)
    code = answer.get("Status")
    return "" if code == SUCCESS else f"{title} answers {code:04X}H" if code is not None else f"{title} does not confirm"
