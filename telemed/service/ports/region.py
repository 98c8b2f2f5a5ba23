"""The region as use cases see it: the network, the centres, and the numbers that a region decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from telemed.domain.authentication_profile import PROFILES, AuthenticationProfile, ProfileName
from telemed.domain.centre import Centre
from telemed.domain.deadlines import DeadlineRule, WorkingHours
from telemed.domain.evidence import DOCUMENTS, PRIOR_STUDIES, STUDIES, EvidenceKind, EvidenceType
from telemed.domain.network import Network
from telemed.domain.people import SessionLimits


@dataclass(frozen=True, slots=True)
class PriorRules:
    """The number of earlier studies fetched for a case, the newest first, and their greatest age: a reader compares with few
    (practice)."""

    studies: int = 10
    years: int = 10


@dataclass(frozen=True, slots=True)
class Region:
    """The region's settings: the network, the centres, and the numbers that a region decides."""

    network: Network
    centres: Mapping[str, Centre]
    working_hours: WorkingHours = field(default_factory=WorkingHours)
    deadline_rules: Mapping[str, tuple[DeadlineRule, ...]] = field(default_factory=dict)
    tell_within: timedelta = timedelta(minutes=10)
    authentication: AuthenticationProfile = PROFILES[ProfileName.ASVS]
    priors: PriorRules = field(default_factory=PriorRules)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The region's settings by name, as kept: what a centre decides of its own it reads from here."""

    @property
    def sessions(self) -> SessionLimits:
        return self.authentication.sessions

    @property
    def evidence(self) -> dict[EvidenceType, EvidenceKind]:
        """Every kind of evidence: the platform's own, and what the centres read."""
        own = (STUDIES, DOCUMENTS, PRIOR_STUDIES)
        return {kind.type: kind for kind in (*own, *(c.expected for c in self.centres.values() if c.expected))}

    def study_type(self, modality: str) -> EvidenceType:
        """Return what a DICOM study of this modality is evidence of."""
        return next((kind.type for kind in self.evidence.values() if modality in kind.modalities), EvidenceType.DICOM_STUDY)

    def rules(self, centre: Centre) -> tuple[DeadlineRule, ...]:
        """The region's own deadlines for the centre, or the centre's defaults."""
        return self.deadline_rules.get(centre.code, centre.deadlines)
