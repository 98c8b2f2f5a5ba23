"""The patient's consent to a consultation, and overrides of it. The treating hospital asks and stays responsible."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ConsentGiver(StrEnum):
    PATIENT = "patient"
    GUARDIAN = "guardian"


@dataclass(frozen=True, slots=True)
class Consent:
    """Written consent: by whom it was given, the signer's name, the evidence that holds the paper, who recorded it when."""

    case_id: str
    giver: ConsentGiver
    signed_name: str
    evidence_id: str | None
    recorded_by: str
    recorded_at: datetime
