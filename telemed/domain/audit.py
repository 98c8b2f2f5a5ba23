"""Records of the audit trail: who did what to which subject, when, and with which outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One record as it is written. `action` is of the vocabulary `subject:action`, `subject` as `case/ID`."""

    at: datetime
    action: str
    actor: str
    institution: str
    subject: str
    outcome: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuditLine(AuditRecord):
    """One record as it is read: `position` in the chain, and `hidden`, names of details that are there and not shown."""

    position: int
    hidden: tuple[str, ...] = ()
