"""The outbox of a transaction: history, audit records, jobs and volumes that are written with the change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from telemed.domain.case import Case
from telemed.domain.events import EventKind
from telemed.domain.jobs import JobType
from telemed.domain.people import Agent


class Outbox(Protocol):
    """Writes beside the change, in its transaction: the case's history, the audit trail, the work to do next."""

    def event(
        self, case: Case, action: EventKind, actor: str, detail: Mapping[str, Any] | None = None, *, left_hub: str | None = None
    ) -> None:
        """One line of the case's history; it also goes to everyone who watches the case."""
        ...

    def audit(
        self, action: str, actor: str, institution: str, subject: str, outcome: str = "success", detail: Mapping[str, Any] | None = None
    ) -> None:
        """One record of the audit trail. `action` is of the vocabulary `subject:action`."""
        ...

    def step(
        self,
        case: Case,
        agent: Agent,
        event: EventKind,
        action: str,
        detail: Mapping[str, Any] | None = None,
        *,
        history: Mapping[str, Any] | None = None,
        record: Mapping[str, Any] | None = None,
        outcome: str = "success",
        left_hub: str | None = None,
    ) -> None:
        """One line of the case's history and its record in the audit trail: `event` and `audit` of the same step.

        Both say `detail`; the history alone says `history` besides, the audit trail alone `record`.
        """
        ...

    def job(self, kind: JobType, payload: Mapping[str, Any], *, key: str | None = None, after: datetime | None = None) -> None:
        """Work for the worker. While a job with the same `key` waits, another is not added."""
        ...

    def count(self, kind: str, institution: str, *, centre: str = "", hub: str = "", items: int = 1, parts: int = 0) -> None:
        """Add to the institution's volume of the day. `kind` is a `Volume` or an `EvidenceType`; `parts`: images of studies."""
        ...
