"""Studies on their way: sent to devices of the network, earlier ones fetched from the member's PACS."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from telemed.domain.permissions import CaseAction
from telemed.domain.policy import Action
from telemed.domain.transfer import Transfer
from telemed.service import transfers
from telemed.service.execution import execute, query, record_look
from telemed.web.api.cases import CASE
from telemed.web.api.inputs import Device, Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape


class TransferShape(Shape):
    """`kind` is send or priors; `status` is waiting, under-way, done, incomplete or failed. `total` is 0 while unknown."""

    id: str
    kind: str
    case_id: str
    device: str
    study_instance_uid: str
    asked_by: str
    asked_at: datetime
    changed_at: datetime
    status: str
    total: int
    completed: int
    failed: int
    attempts: int
    error: str


class TransferListShape(Shape):
    items: list[TransferShape]
    next: str | None = None


def transfer_shape(transfer: Transfer) -> TransferShape:
    plain = {name: getattr(transfer, name) for name in TransferShape.__struct_fields__ if name not in ("device", "kind", "status")}
    return TransferShape(**plain, device=transfer.title, kind=transfer.kind.value, status=transfer.status.value)


@operation("GET", CASE + "/transfers", returns=TransferListShape, errors=(403, 404))
async def listing(call: Call[Nothing]) -> web.Response:
    """Studies of the case that were sent to devices, and fetches of earlier ones; newest first."""
    found = await query(call.application, transfers.transfers_of, call.person, call.case_id)
    await record_look(call.application, call.person, Action.EVIDENCE_READ, f"case/{call.case_id}")
    return answer(TransferListShape(items=[transfer_shape(each) for each in found]))


@operation(
    "POST",
    CASE + "/evidence/{evidence_id}/send",
    body=Device,
    returns=TransferShape,
    status=202,
    errors=(403, 404, 422),
    right=CaseAction.SEND,
)
async def send(call: Call[Device]) -> web.Response:
    """Send a study to a device of the member or of the hub, by C-STORE. Asking again while it is under way changes nothing."""
    arguments = (call.case_id, call.path("evidence_id"), call.body.device)
    return answer(transfer_shape(await execute(call.application, transfers.send_study, call.person, *arguments)), 202)


@operation(
    "POST",
    CASE + "/priors/fetch",
    body=Nothing,
    returns=TransferShape,
    status=202,
    errors=(403, 404, 409, 422),
    right=CaseAction.FETCH_PRIORS,
)
async def fetch(call: Call[Nothing]) -> web.Response:
    """Fetch the patient's earlier studies from the PACS of member and hub, the newest first; gives the first request."""
    return answer(transfer_shape(await execute(call.application, transfers.fetch_priors, call.person, call.case_id)), 202)
