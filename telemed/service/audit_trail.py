"""Reading the audit trail. The auditor sees who did what to which subject, and when; not the words that people wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from telemed.domain.audit import AuditLine
from telemed.domain.people import Person
from telemed.domain.policy import Action, require
from telemed.service.application import Application
from telemed.service.execution import record_look

OPEN_DETAIL = frozenset({
    "accounts", "active", "attributes", "cases", "cause", "centres", "changed", "code", "contradictions", "different", "digest",
    "evidence", "factor", "file", "first", "from", "hub", "instance", "institution", "item", "joined", "kind", "last", "member",
    "messages", "other", "patient", "pdf_sha256", "reader", "recovery", "restored", "results", "roles", "rule", "same_person", "sender",
    "sessions", "since", "split", "state", "status", "step", "study", "times", "tls", "to", "type", "until", "version", "was", "why",
})  # fmt: skip
"""Details that are codes and ids. Any other (a reason, a finding, a file's name) may hold clinical words and stays hidden:
the record keeps it, the chain covers it, and who may read the case reads it there."""


async def read_trail(
    application: Application, person: Person, wanted: Mapping[str, str], before: int | None, limit: int, purpose: str = "audit"
) -> list[AuditLine]:
    """Records newest first; `wanted` as in `Queries.audit`. Reading is recorded too. Raises Forbidden."""
    require(person, Action.AUDIT_READ)
    lines = await application.queries.audit(wanted, before, limit)
    await record_look(application, person, Action.AUDIT_READ, purpose)
    return [as_auditor_sees(line) for line in lines]


def as_auditor_sees(line: AuditLine) -> AuditLine:
    """Return the record without details that are not in `OPEN_DETAIL`; their names are said."""
    shown = {name: value for name, value in line.detail.items() if name in OPEN_DETAIL}
    return replace(line, detail=shown, hidden=tuple(sorted(line.detail.keys() - OPEN_DETAIL)))
