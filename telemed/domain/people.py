"""People and their roles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol


class Role(StrEnum):
    """The roles of people. The three administrators see no clinical data, and none does the others' work."""

    MEMBER_STAFF = "member-staff"
    SPECIALIST = "specialist"
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    SYSTEM_ADMINISTRATOR = "system-administrator"
    SECURITY_ADMINISTRATOR = "security-administrator"
    AUDITOR = "auditor"


class Agent(Protocol):
    """One who acts, as records name them (FHIR R4 `AuditEvent.agent`): a person, or a part of the platform."""

    @property
    def username(self) -> str: ...
    @property
    def institution(self) -> str: ...


SYSTEM: Final = "system"
"""The platform as one who acts."""


@dataclass(frozen=True, slots=True)
class SoftwareAgent:
    """A part of the platform that acts by itself, for an institution (empty: for none)."""

    username: str
    institution: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in person. `centres` bounds what a specialist or reviewer reads; empty means none. `phone` is where they are called back."""

    username: str
    name: str
    institution: str
    roles: frozenset[Role]
    centres: frozenset[str] = frozenset()
    title: str = ""
    language: str = ""
    active: bool = True
    phone: str = ""

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """A session ends after `idle` without a request, and after `longest` in any case (practice, settings)."""

    idle: timedelta = timedelta(minutes=30)
    longest: timedelta = timedelta(hours=12)

    def alive(self, created: datetime, seen: datetime, now: datetime) -> bool:
        """True if the session may be used. A clock that was set back prolongs nothing: the distance counts, whichever way."""
        return abs(now - seen) < self.idle and abs(now - created) < self.longest
