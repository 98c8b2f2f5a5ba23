"""Lost second factors: one administrator asks that they be removed, another confirms it."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from telemed.domain.second_factor import RECOVERY_FOR, Recovery
from telemed.service import factor_recovery
from telemed.service.execution import execute, query
from telemed.web.api.credential_inputs import RecoveryRequest
from telemed.web.api.inputs import Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape


class RecoveryShape(Shape):
    """A request; it can be confirmed until `until`, while `open` is true."""

    id: str
    username: str
    asked_by: str
    asked_at: datetime
    until: datetime
    reason: str
    open: bool
    confirmed_by: str | None
    confirmed_at: datetime | None


class RecoveryListShape(Shape):
    items: list[RecoveryShape]
    next: str | None = None


def recovery_shape(recovery: Recovery, now: datetime) -> RecoveryShape:
    return RecoveryShape(
        id=recovery.id,
        username=recovery.username,
        asked_by=recovery.asked_by,
        asked_at=recovery.asked_at,
        until=recovery.asked_at + RECOVERY_FOR,
        reason=recovery.reason,
        open=recovery.open(now),
        confirmed_by=recovery.confirmed_by or None,
        confirmed_at=recovery.confirmed_at,
    )


@operation("GET", "/recoveries", returns=RecoveryListShape, errors=(403,))
async def recovery_list(call: Call[Nothing]) -> web.Response:
    """Requests of the last 30 days to remove lost second factors, the newest first."""
    found = await query(call.application, factor_recovery.recent, call.person)
    now = call.application.now()
    return answer(RecoveryListShape(items=[recovery_shape(recovery, now) for recovery in found]))


@operation("POST", "/recoveries", body=RecoveryRequest, returns=RecoveryShape, status=201, errors=(403, 404))
async def ask(call: Call[RecoveryRequest]) -> web.Response:
    """Ask that somebody's lost second factors be removed. The person is told; another administrator confirms it within 24 hours."""
    made = await execute(call.application, factor_recovery.ask, call.person, call.body.username, call.body.reason)
    return answer(recovery_shape(made, call.application.now()), status=201)


@operation("POST", "/recoveries/{recovery}/confirm", returns=RecoveryShape, errors=(403, 404, 409))
async def confirm(call: Call[Nothing]) -> web.Response:
    """Remove the factors that another administrator asked about: the person's sessions end, and the person is told."""
    done = await execute(call.application, factor_recovery.confirm, call.person, call.path("recovery"))
    return answer(recovery_shape(done, call.application.now()))
