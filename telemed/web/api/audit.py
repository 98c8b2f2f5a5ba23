"""The audit trail for the auditor."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from telemed.domain.policy import Action
from telemed.service.audit_trail import read_trail
from telemed.web.api.inputs import AuditQuery, Nothing
from telemed.web.api.operation import Call, answer, operation
from telemed.web.api.shapes import Shape


class AuditLineShape(Shape):
    position: int
    at: Any
    action: str
    actor: str
    institution: str
    subject: str
    outcome: str
    detail: dict[str, Any]
    hidden: list[str]


class AuditListShape(Shape):
    items: list[AuditLineShape]
    next: int | None


@operation("GET", "/audit", query=AuditQuery, returns=AuditListShape, errors=(403, 422), right=Action.AUDIT_READ)
async def audit(call: Call[Nothing]) -> web.Response:
    """The audit trail, newest first. Reading it is recorded too."""
    q: AuditQuery = call.query
    lines = await read_trail(call.application, call.person, audit_filters(q), q.before, q.limit)
    items = [msgspec.convert(line, AuditLineShape, from_attributes=True) for line in lines]
    return answer(AuditListShape(items=items, next=lines[-1].position if len(lines) == q.limit else None))


def audit_filters(q: AuditQuery) -> dict[str, str]:
    """Return the filters by the names that the trail is asked with; empty ones do not filter."""
    wanted = {name: getattr(q, name) or "" for name in ("actor", "action", "subject", "outcome")}
    return wanted | {"from": q.since.isoformat() if q.since else "", "to": q.until.isoformat() if q.until else ""}
